//! A parsed document that owns its text.

use std::fmt;

use bergshamra::xml::uppsala::{self, NodeId, NodeKind};

use crate::{Element, Limits, XmlError, prescan};

pub(crate) type Tree<'a> = uppsala::Document<'a>;

self_cell::self_cell!(
    struct Owned {
        owner: String,
        #[covariant]
        dependent: Tree,
    }
);

/// A well-formed XML 1.0 document in UTF-8 without document type declaration, within [`Limits`].
///
/// Immutable. The tree borrows from the text, so parsing copies the bytes once and little else.
pub struct Document {
    owned: Owned,
    root: NodeId,
}

impl Document {
    /// Parses `bytes`.
    ///
    /// # Errors
    /// Any violation of well-formedness, namespaces, encoding or limits.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, XmlError> {
        if bytes.len() > limits.max_bytes {
            return Err(XmlError::TooLarge { actual: bytes.len(), limit: limits.max_bytes });
        }
        refuse_utf16(bytes)?;
        let text = std::str::from_utf8(bytes).map_err(|e| XmlError::NotUtf8 { at: e.valid_up_to() })?;
        Self::parse_text(text.to_owned(), limits)
    }

    /// Parses text that the caller already owns; spares the copy.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_text(text: String, limits: &Limits) -> Result<Self, XmlError> {
        if text.len() > limits.max_bytes {
            return Err(XmlError::TooLarge { actual: text.len(), limit: limits.max_bytes });
        }
        prescan::check(&text, limits)?;
        let owned = Owned::try_new(text, |text| {
            uppsala::Parser::new()
                .with_forbid_dtd(true)
                .with_forbid_entities(true)
                .with_max_entity_expansion(0)
                .with_max_depth(limits.max_depth)
                .parse(text)
                .map_err(|e| XmlError::Malformed(e.to_string()))
        })?;
        let root = check_tree(owned.borrow_dependent())?;
        Ok(Self { owned, root })
    }

    /// The document element.
    #[must_use]
    pub fn root(&self) -> Element<'_> {
        Element::at(self.tree(), self.root)
    }

    /// The bytes that were parsed, unchanged (byte order mark, declaration, comments and blanks included).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.as_str().as_bytes().to_vec()
    }

    /// The text that was parsed, unchanged.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.owned.borrow_owner()
    }

    pub(crate) fn tree(&self) -> &Tree<'_> {
        self.owned.borrow_dependent()
    }
}

impl fmt::Debug for Document {
    /// Says the name of the root and the size, never content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("root", &self.root().local())
            .field("bytes", &self.as_str().len())
            .finish_non_exhaustive()
    }
}

/// UTF-16 and UTF-32 are named rather than reported as "bad UTF-8".
fn refuse_utf16(bytes: &[u8]) -> Result<(), XmlError> {
    let name = match bytes {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => "UTF-32",
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] | [b'<', 0, ..] | [0, b'<', ..] => "UTF-16",
        _ => return Ok(()),
    };
    Err(XmlError::Encoding(name.to_owned()))
}

/// What the parser lets through and we do not: other encodings and versions, names with two colons.
fn check_tree(tree: &Tree<'_>) -> Result<NodeId, XmlError> {
    if let Some(declaration) = &tree.xml_declaration {
        if declaration.version != "1.0" {
            return Err(XmlError::Version);
        }
        if let Some(encoding) = &declaration.encoding {
            let accepted = ["utf-8", "us-ascii", "ascii"].iter().any(|e| encoding.eq_ignore_ascii_case(e));
            if !accepted {
                return Err(XmlError::Encoding(encoding.chars().take(40).collect()));
            }
        }
    }
    if tree.doctype.is_some() {
        return Err(XmlError::DocumentType);
    }
    // In the order of the arena, which is faster than along the links; the parser leaves no hole in it.
    for kind in (0..).map_while(|index| tree.node_kind(NodeId::new(index))) {
        let NodeKind::Element(element) = kind else { continue };
        let names = element.attributes.iter().map(|a| &a.name).chain(Some(&element.name));
        for name in names {
            if name.local_name.contains(':') {
                return Err(XmlError::Malformed(format!("`{}` is not a qualified name", name.local_name)));
            }
        }
        if element.namespace_declarations.iter().any(|(p, uri)| !p.is_empty() && uri.is_empty()) {
            return Err(XmlError::Malformed("a prefix is bound to no namespace".to_owned()));
        }
    }
    tree.document_element().ok_or_else(|| XmlError::Malformed("no document element".to_owned()))
}

/// The node behind `node` in document order within the subtree of `top` (excluded).
pub(crate) fn next_in_document_order(tree: &Tree<'_>, node: NodeId, top: NodeId) -> Option<NodeId> {
    if let Some(child) = tree.first_child(node) {
        return Some(child);
    }
    next_after_subtree(tree, node, top)
}

/// The node behind the whole subtree of `node`, within the subtree of `top`.
pub(crate) fn next_after_subtree(tree: &Tree<'_>, node: NodeId, top: NodeId) -> Option<NodeId> {
    let mut at = node;
    while at != top {
        if let Some(sibling) = tree.next_sibling(at) {
            return Some(sibling);
        }
        at = tree.parent(at)?;
    }
    None
}
