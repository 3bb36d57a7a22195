//! A piece of XML that is inserted elsewhere unchanged: a verified or freshly signed element.

use std::fmt;

use crate::writer::escape_attribute;
use crate::{Document, Element, Limits, XmlError};

/// One well-formed element that brings all its namespaces along.
#[derive(Clone, PartialEq, Eq)]
pub struct Fragment {
    xml: String,
    /// Byte offset behind the name in the start tag, where declarations can be inserted.
    after_name: usize,
    /// Whether the start tag itself declares the default namespace.
    declares_default: bool,
}

impl Fragment {
    /// Parses `xml` (an element, or a document whose prolog is dropped).
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse(xml: &str, limits: &Limits) -> Result<Self, XmlError> {
        let document = Document::parse(xml.as_bytes(), limits)?;
        Ok(Self::of(&document.root()))
    }

    pub(crate) fn of(element: &Element<'_>) -> Self {
        let source = element.source();
        let after_name =
            source.find(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>').unwrap_or(source.len());
        let mut declares_default = element.declarations().any(|(p, _)| p.is_empty());
        let mut inherited = String::new();
        for (prefix, uri) in element.namespaces_in_scope() {
            if element.declarations().any(|(p, _)| p == prefix) {
                continue;
            }
            inherited.push_str(" xmlns");
            if prefix.is_empty() {
                declares_default = true;
            } else {
                inherited.push(':');
                inherited.push_str(prefix);
            }
            inherited.push_str("=\"");
            escape_attribute(uri, &mut inherited);
            inherited.push('"');
        }
        let (head, tail) = source.split_at_checked(after_name).unwrap_or((source, ""));
        let mut xml = String::with_capacity(source.len().saturating_add(inherited.len()));
        xml.push_str(head);
        xml.push_str(&inherited);
        xml.push_str(tail);
        Self { xml, after_name, declares_default }
    }

    /// A fragment that our own writer made and that needs no look.
    pub(crate) fn written(xml: String, declares_default: bool) -> Self {
        let after_name =
            xml.find(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>').unwrap_or(xml.len());
        Self { xml, after_name, declares_default }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.xml
    }

    /// The text, owned.
    #[must_use]
    pub fn into_string(self) -> String {
        self.xml
    }

    /// Writes the fragment under a parent whose default namespace is `default` (empty: none). A fragment
    /// that relies on there being none says so with `xmlns=""`, which canonicalisation does not see.
    pub(crate) fn write_under(&self, default: &str, out: &mut String) {
        match self.xml.split_at_checked(self.after_name) {
            Some((head, tail)) if !default.is_empty() && !self.declares_default => {
                out.push_str(head);
                out.push_str(" xmlns=\"\"");
                out.push_str(tail);
            }
            _ => out.push_str(&self.xml),
        }
    }
}

impl fmt::Debug for Fragment {
    /// Says the size, never content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fragment({} bytes)", self.xml.len())
    }
}
