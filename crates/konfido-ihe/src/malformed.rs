//! A message that cannot be read: where, and which rule it broke.

use std::borrow::Cow;

use konfido_xml::Element;

/// The peer's message is not one of the profile's.
///
/// Says a path and a rule, never a value of the message: values may be personal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule} at `{path}`")]
pub struct Malformed {
    path: String,
    rule: Cow<'static, str>,
}

impl Malformed {
    pub(crate) fn at(element: Element<'_>, rule: impl Into<Cow<'static, str>>) -> Self {
        Self { path: element.path(), rule: rule.into() }
    }

    /// Where in the message.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Which rule is broken.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }
}
