//! Walking a CDA tree: the namespaces of the field and the few steps that every view takes.
//!
//! Children of medicinal products stand in one of three namespaces, by the age of the document: the HL7
//! pharmacy extension (wave 3 on), epSOS's own (waves 1 and 2), or plain HL7 v3. [`Walk::medicine`] asks all.

use konfido_xml::{Element, Node};

use crate::value::NullFlavor;

/// Namespace of CDA R2.
pub const HL7: &str = "urn:hl7-org:v3";
/// Namespace of the HL7 pharmacy extension, used by eHDSI from wave 3 on.
pub const PHARM: &str = "urn:hl7-org:pharm";
/// Namespace of epSOS's medication extension, used by waves 1 and 2.
pub const EPSOS_MEDICATION: &str = "urn:epsos-org:ep:medication";
/// Namespace of `xsi:type`.
pub(crate) const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Longest text taken from one element for a label; what is longer is cut with an ellipsis.
///
/// Without it, many references to one large element would make a small document very large.
pub(crate) const LABEL_LIMIT: usize = 1_000;

/// Most nodes looked at for one label: many references to one large and empty element cost no time either.
const LABEL_NODES: usize = 2_000;

/// Steps over elements that skip comments, unknown extensions and namespaces that don't matter.
pub(crate) trait Walk<'d>: Copy {
    /// The first child of that name in the HL7 v3 namespace.
    fn hl7(self, local: &'static str) -> Option<Element<'d>>;
    /// Every child of that name in the HL7 v3 namespace.
    fn every(self, local: &'static str) -> impl Iterator<Item = Element<'d>>;
    /// The element at the end of a path of first children.
    fn at(self, path: &[&'static str]) -> Option<Element<'d>>;
    /// The first child of that name in a medication namespace.
    fn medicine(self, local: &'static str) -> Option<Element<'d>>;
    /// Every child of that name in a medication namespace.
    fn every_medicine(self, local: &'static str) -> impl Iterator<Item = Element<'d>>;
    /// Whether a direct `templateId` has this root.
    fn has_template(self, root: &str) -> bool;
    /// `@nullFlavor`.
    fn null_flavor(self) -> Option<NullFlavor<'d>>;
    /// Local part of `xsi:type`.
    fn xsi_type(self) -> Option<&'d str>;
    /// The element's text with white space folded, at most [`LABEL_LIMIT`] characters.
    fn label(self) -> String;
    /// Statements nested by `entryRelationship`, with the type code of the relationship.
    fn related(self) -> impl Iterator<Item = (&'d str, Element<'d>)>;
}

impl<'d> Walk<'d> for Element<'d> {
    fn hl7(self, local: &'static str) -> Option<Self> {
        self.child(HL7, local)
    }

    fn every(self, local: &'static str) -> impl Iterator<Item = Self> {
        self.children_named(HL7, local)
    }

    fn at(self, path: &[&'static str]) -> Option<Self> {
        path.iter().try_fold(self, |element, local| element.hl7(local))
    }

    fn medicine(self, local: &'static str) -> Option<Self> {
        self.every_medicine(local).next()
    }

    fn every_medicine(self, local: &'static str) -> impl Iterator<Item = Self> {
        self.children().filter(move |child| child.local() == local && is_medicine(child.namespace()))
    }

    fn has_template(self, root: &str) -> bool {
        self.every("templateId").any(|template| template.attribute("root") == Some(root))
    }

    fn null_flavor(self) -> Option<NullFlavor<'d>> {
        self.attribute("nullFlavor").map(NullFlavor::from_code)
    }

    fn xsi_type(self) -> Option<&'d str> {
        let name = self.attribute_ns(XSI, "type")?.trim();
        Some(name.rsplit_once(':').map_or(name, |(_, local)| local))
    }

    fn label(self) -> String {
        let mut label = Label::default();
        label.take(self);
        label.text
    }

    fn related(self) -> impl Iterator<Item = (&'d str, Self)> {
        self.every("entryRelationship").filter_map(|relationship| {
            let statement = statement_of(relationship)?;
            Some((relationship.attribute("typeCode").unwrap_or_default(), statement))
        })
    }
}

/// Names of clinical statements (CDA R2, 4.3.6).
const STATEMENTS: [&str; 9] = [
    "act",
    "encounter",
    "observation",
    "observationMedia",
    "organizer",
    "procedure",
    "regionOfInterest",
    "substanceAdministration",
    "supply",
];

/// The clinical statement within an `entry`, `entryRelationship` or `component`.
pub(crate) fn statement_of(holder: Element<'_>) -> Option<Element<'_>> {
    holder.children().find(|child| child.namespace() == HL7 && STATEMENTS.contains(&child.local()))
}

fn is_medicine(namespace: &str) -> bool {
    [PHARM, HL7, EPSOS_MEDICATION].contains(&namespace)
}

/// Collects text, folds white space and stops at the limit.
#[derive(Default)]
struct Label {
    text: String,
    length: usize,
    nodes: usize,
    gap: bool,
    full: bool,
}

impl Label {
    fn take(&mut self, element: Element<'_>) {
        for node in element.nodes() {
            self.nodes += 1;
            self.full |= self.nodes > LABEL_NODES;
            if self.full {
                return;
            }
            match node {
                Node::Text(text) => self.push(text),
                Node::Element(child) => {
                    // A cell, an item or a paragraph ends a word although no space stands there.
                    let breaks = !matches!(child.local(), "content" | "sub" | "sup" | "linkHtml");
                    self.gap |= breaks;
                    self.take(child);
                    self.gap |= breaks;
                }
                _ => {}
            }
        }
    }

    fn push(&mut self, text: &str) {
        for character in text.chars() {
            if character.is_whitespace() {
                self.gap = true;
                continue;
            }
            if self.length >= LABEL_LIMIT {
                self.text.push('…');
                self.full = true;
                return;
            }
            if self.gap && !self.text.is_empty() {
                self.text.push(' ');
                self.length += 1;
            }
            self.gap = false;
            self.text.push(character);
            self.length += 1;
        }
    }
}
