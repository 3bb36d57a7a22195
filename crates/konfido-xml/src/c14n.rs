//! Canonical XML 1.0 and Exclusive Canonical XML 1.0, of one element or of a whole document.

use bergshamra::c14n::{C14nMode, C14nSink, canonicalize_doc_to};
use bergshamra::xml::NodeSet;
use bergshamra::xml::uppsala::NodeId;

use crate::document::{Tree, next_in_document_order};
use crate::{Document, Element};

/// A canonicalisation algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Method {
    /// Canonical XML 1.0.
    Inclusive,
    /// Canonical XML 1.0 with comments.
    InclusiveWithComments,
    /// Exclusive Canonical XML 1.0.
    Exclusive,
    /// Exclusive Canonical XML 1.0 with comments.
    ExclusiveWithComments,
}

impl Method {
    /// The algorithm's identifier.
    #[must_use]
    pub const fn uri(self) -> &'static str {
        match self {
            Self::Inclusive => "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
            Self::InclusiveWithComments => "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
            Self::Exclusive => "http://www.w3.org/2001/10/xml-exc-c14n#",
            Self::ExclusiveWithComments => "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        }
    }

    /// The algorithm of an identifier; Canonical XML 1.1 and everything else is unknown.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        [Self::Inclusive, Self::InclusiveWithComments, Self::Exclusive, Self::ExclusiveWithComments]
            .into_iter()
            .find(|m| m.uri() == uri)
    }

    /// Whether this is Exclusive Canonical XML.
    #[must_use]
    pub const fn is_exclusive(self) -> bool {
        matches!(self, Self::Exclusive | Self::ExclusiveWithComments)
    }

    const fn mode(self) -> C14nMode {
        match self {
            Self::Inclusive => C14nMode::Inclusive,
            Self::InclusiveWithComments => C14nMode::InclusiveWithComments,
            Self::Exclusive => C14nMode::Exclusive,
            Self::ExclusiveWithComments => C14nMode::ExclusiveWithComments,
        }
    }
}

/// The tree could not be canonicalised; never the case for a document that was parsed here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("canonicalisation failed: {0}")]
pub struct C14nError(String);

/// The canonical form of `element` and everything below it.
///
/// `inclusive_prefixes` is the `PrefixList` of exclusive canonicalisation (`#default` for the default
/// namespace); the inclusive methods ignore it.
///
/// # Errors
/// When the tree cannot be canonicalised.
pub fn element(
    element: &Element<'_>,
    method: Method,
    inclusive_prefixes: &[String],
) -> Result<Vec<u8>, C14nError> {
    let mut out = Vec::new();
    let with_comments = matches!(method, Method::InclusiveWithComments | Method::ExclusiveWithComments);
    let set = if with_comments {
        NodeSet::tree_with_comments(element.node(), element.tree())
    } else {
        NodeSet::tree_without_comments(element.node(), element.tree())
    };
    run(element.tree(), method, Some(&set), inclusive_prefixes, &mut out)?;
    Ok(out)
}

/// The canonical form of a whole document.
///
/// # Errors
/// When the tree cannot be canonicalised.
pub fn document(document: &Document, method: Method) -> Result<Vec<u8>, C14nError> {
    let mut out = Vec::with_capacity(document.as_str().len());
    run(document.tree(), method, None, &[], &mut out)?;
    Ok(out)
}

/// Writes what a same-document reference selects, without comments and without the subtree of `except` (the
/// enveloped signature): the subtree of `element`, or the whole document when `whole`.
pub(crate) fn reference<S: C14nSink>(
    element: &Element<'_>,
    whole: bool,
    except: Option<&Element<'_>>,
    method: Method,
    inclusive_prefixes: &[String],
    sink: &mut S,
) -> Result<(), C14nError> {
    let tree = element.tree();
    let top = if whole { tree.root() } else { element.node() };
    let mut set = NodeSet::tree_without_comments(top, tree);
    if let Some(except) = except {
        remove_subtree(tree, except.node(), &mut set);
    }
    run(tree, method, Some(&set), inclusive_prefixes, sink)
}

fn remove_subtree(tree: &Tree<'_>, top: NodeId, set: &mut NodeSet) {
    set.remove_id(top);
    let below = std::iter::successors(tree.first_child(top), |id| next_in_document_order(tree, *id, top));
    below.for_each(|id| set.remove_id(id));
}

fn run<S: C14nSink>(
    tree: &Tree<'_>,
    method: Method,
    set: Option<&NodeSet>,
    inclusive_prefixes: &[String],
    sink: &mut S,
) -> Result<(), C14nError> {
    let prefixes = if method.is_exclusive() { inclusive_prefixes } else { &[] };
    canonicalize_doc_to(tree, method.mode(), set, prefixes, sink).map_err(|e| C14nError(e.to_string()))
}
