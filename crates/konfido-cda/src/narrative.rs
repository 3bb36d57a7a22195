//! The narrative block of a section: what its author signed, and the target of references from coded entries.

use std::collections::HashMap;

use konfido_xml::Element;

use crate::{tree::Walk, value::silent_debug};

/// The `text` of a section with an index of its `ID`s.
#[derive(Clone, Default)]
pub struct Narrative<'d> {
    element: Option<Element<'d>>,
    ids: HashMap<&'d str, Element<'d>>,
}

silent_debug!(Narrative);

impl<'d> Narrative<'d> {
    /// Of a section; empty when it has no `text`.
    pub fn of_section(section: Element<'d>) -> Self {
        let Some(text) = section.hl7("text") else {
            return Self::default();
        };
        let mut ids = HashMap::new();
        for element in core::iter::once(text).chain(text.descendants()) {
            if let Some(id) = element.attribute("ID") {
                // An id is unique by the standard; where it isn't, the first is taken, as browsers do.
                ids.entry(id).or_insert(element);
            }
        }
        Self { element: Some(text), ids }
    }

    /// The `text` element.
    pub fn element(&self) -> Option<Element<'d>> {
        self.element
    }

    /// Whether there is anything to read.
    pub fn is_empty(&self) -> bool {
        self.element.is_none_or(|text| text.label().is_empty())
    }

    /// The element with this `ID`.
    pub fn target(&self, id: &str) -> Option<Element<'d>> {
        self.ids.get(id).copied()
    }

    /// The text of an `originalText`, `text` or `value`: its own, else that of the element it refers to.
    pub fn text_of(&self, element: Element<'d>) -> Option<String> {
        let own = element.label();
        if !own.is_empty() {
            return Some(own);
        }
        let reference = element.children().find(|child| child.local() == "reference")?;
        let id = reference.attribute("value")?.trim().strip_prefix('#')?;
        self.target(id).map(Walk::label).filter(|text| !text.is_empty())
    }
}
