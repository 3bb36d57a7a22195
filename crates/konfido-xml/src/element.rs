//! Reading a [`Document`]: a cheap copyable view of one element.

use std::borrow::Cow;
use std::fmt;

use bergshamra::xml::uppsala::{self, NodeId, NodeKind};

use crate::document::{Tree, next_in_document_order};
use crate::{Fragment, ns};

/// One element of a [`crate::Document`].
#[derive(Clone, Copy)]
pub struct Element<'d> {
    tree: &'d Tree<'d>,
    node: NodeId,
}

/// A child of an element, for mixed content.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Node<'d> {
    /// A child element.
    Element(Element<'d>),
    /// Character data (a CDATA section too).
    Text(&'d str),
    /// A comment.
    Comment(&'d str),
    /// A processing instruction.
    Instruction {
        /// Its target.
        target: &'d str,
        /// Its data.
        data: &'d str,
    },
}

impl<'d> Element<'d> {
    pub(crate) fn at(tree: &'d Tree<'d>, node: NodeId) -> Self {
        Self { tree, node }
    }

    pub(crate) fn tree(&self) -> &'d Tree<'d> {
        self.tree
    }

    pub(crate) fn node(&self) -> NodeId {
        self.node
    }

    fn data(&self) -> Option<&'d uppsala::Element<'d>> {
        self.tree.element(self.node)
    }

    /// The local part of the name.
    #[must_use]
    pub fn local(&self) -> &'d str {
        self.data().map_or("", |e| &*e.name.local_name)
    }

    /// The namespace name, empty when there is none.
    #[must_use]
    pub fn namespace(&self) -> &'d str {
        self.data().and_then(|e| e.name.namespace_uri.as_deref()).unwrap_or("")
    }

    /// The prefix as written, empty when there is none.
    #[must_use]
    pub fn prefix(&self) -> &'d str {
        self.data().and_then(|e| e.name.prefix.as_deref()).unwrap_or("")
    }

    /// Whether this is `local` in namespace `ns` (empty: no namespace).
    #[must_use]
    pub fn is(&self, ns: &str, local: &str) -> bool {
        self.local() == local && self.namespace() == ns
    }

    /// The attribute `local` without namespace.
    #[must_use]
    pub fn attribute(&self, local: &str) -> Option<&'d str> {
        self.attribute_ns("", local)
    }

    /// The attribute `local` in namespace `ns`.
    #[must_use]
    pub fn attribute_ns(&self, ns: &str, local: &str) -> Option<&'d str> {
        self.attributes().find(|(n, l, _)| *n == ns && *l == local).map(|(_, _, value)| value)
    }

    /// All attributes as (namespace, local name, value), without namespace declarations.
    pub fn attributes(&self) -> impl Iterator<Item = (&'d str, &'d str, &'d str)> + use<'d> {
        self.data()
            .into_iter()
            .flat_map(|e| e.attributes.iter())
            .map(|a| (a.name.namespace_uri.as_deref().unwrap_or(""), &*a.name.local_name, &*a.value))
    }

    /// Prefixes of the attributes, in the order of [`Element::attributes`].
    pub(crate) fn attribute_prefixes(&self) -> impl Iterator<Item = &'d str> + use<'d> {
        self.data()
            .into_iter()
            .flat_map(|e| e.attributes.iter())
            .map(|a| a.name.prefix.as_deref().unwrap_or(""))
    }

    /// The namespace declarations written at this element, as (prefix, namespace).
    pub fn declarations(&self) -> impl Iterator<Item = (&'d str, &'d str)> + use<'d> {
        self.data().into_iter().flat_map(|e| e.namespace_declarations.iter()).map(|(p, n)| (&**p, &**n))
    }

    /// All children that are not skipped by the reader: elements, text, comments, instructions.
    pub fn nodes(&self) -> impl Iterator<Item = Node<'d>> + use<'d> {
        let tree = self.tree;
        self.child_ids().filter_map(move |id| match tree.node_kind(id)? {
            NodeKind::Element(_) => Some(Node::Element(Self::at(tree, id))),
            NodeKind::Text(t) | NodeKind::CData(t) => Some(Node::Text(t)),
            NodeKind::Comment(t) => Some(Node::Comment(t)),
            NodeKind::ProcessingInstruction(pi) => {
                Some(Node::Instruction { target: &pi.target, data: pi.data.as_deref().unwrap_or("") })
            }
            NodeKind::Document | NodeKind::Attribute(..) => None,
        })
    }

    fn child_ids(&self) -> impl Iterator<Item = NodeId> + use<'d> {
        let tree = self.tree;
        std::iter::successors(tree.first_child(self.node), move |id| tree.next_sibling(*id))
    }

    /// The child elements.
    pub fn children(&self) -> impl Iterator<Item = Self> + use<'d> {
        let tree = self.tree;
        self.child_ids().filter(move |id| tree.element(*id).is_some()).map(move |id| Self::at(tree, id))
    }

    /// The first child element of that name.
    #[must_use]
    pub fn child(&self, ns: &str, local: &str) -> Option<Self> {
        self.children().find(|c| c.is(ns, local))
    }

    /// The child elements of that name.
    pub fn children_named<'n>(
        &self,
        ns: &'n str,
        local: &'n str,
    ) -> impl Iterator<Item = Self> + use<'d, 'n> {
        self.children().filter(move |c| c.is(ns, local))
    }

    /// The parent element; `None` for the document element.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let parent = self.tree.parent(self.node)?;
        self.tree.element(parent).map(|_| Self::at(self.tree, parent))
    }

    /// All elements below this one, in document order.
    pub fn descendants(&self) -> impl Iterator<Item = Self> + use<'d> {
        let (tree, top) = (self.tree, self.node);
        std::iter::successors(tree.first_child(top), move |id| next_in_document_order(tree, *id, top))
            .filter(move |id| tree.element(*id).is_some())
            .map(move |id| Self::at(tree, id))
    }

    /// Whether `self` is `other` or stands below it.
    #[must_use]
    pub fn is_within(&self, other: &Self) -> bool {
        std::iter::successors(Some(*self), Self::parent).any(|e| e == *other)
    }

    /// All character data of the element and of everything below it, joined. Comments and instructions do
    /// not split it: a name with a comment inside is read whole, as the signature covers it.
    #[must_use]
    pub fn text(&self) -> String {
        let (tree, top) = (self.tree, self.node);
        let ids =
            std::iter::successors(tree.first_child(top), move |id| next_in_document_order(tree, *id, top));
        join_text(tree, ids).into_owned()
    }

    /// The character data directly in this element, joined; borrowed when it is one piece.
    #[must_use]
    pub fn own_text(&self) -> Cow<'d, str> {
        join_text(self.tree, self.child_ids())
    }

    /// Where the element stands, as `/a/b[2]/c`, for reports. The index is left out where there is only one
    /// sibling of that name.
    #[must_use]
    pub fn path(&self) -> String {
        let mut steps: Vec<String> =
            std::iter::successors(Some(*self), Self::parent).map(|e| e.step()).collect();
        steps.push(String::new());
        steps.reverse();
        steps.join("/")
    }

    fn step(&self) -> String {
        let Some(parent) = self.parent() else { return self.local().to_owned() };
        let same = |c: &Self| c.is(self.namespace(), self.local());
        let before = parent.children().take_while(|c| c != self).filter(same).count();
        let several = before > 0 || parent.children().filter(same).nth(1).is_some();
        if several {
            format!("{}[{}]", self.local(), before.saturating_add(1))
        } else {
            self.local().to_owned()
        }
    }

    /// The namespace bound to `prefix` here (`""`: the default namespace); `None` when unbound.
    #[must_use]
    pub fn namespace_of(&self, prefix: &str) -> Option<&'d str> {
        if prefix == "xml" {
            return Some(ns::XML);
        }
        let bound = std::iter::successors(Some(*self), Self::parent)
            .find_map(|e| e.declarations().find(|(p, _)| *p == prefix).map(|(_, uri)| uri));
        match bound {
            None if prefix.is_empty() => Some(""),
            other => other,
        }
    }

    /// Resolves a qualified name in content (`xsd:string` in `xsi:type`) to (namespace, local name). A name
    /// without prefix is in the default namespace.
    #[must_use]
    pub fn resolve_qname<'q>(&self, qname: &'q str) -> Option<(&'d str, &'q str)> {
        let qname = qname.trim();
        let (prefix, local) = qname.split_once(':').unwrap_or(("", qname));
        if local.is_empty() || local.contains(':') {
            return None;
        }
        Some((self.namespace_of(prefix)?, local))
    }

    /// All namespace bindings in scope, nearest first; an undeclared default namespace is left out.
    pub(crate) fn namespaces_in_scope(&self) -> Vec<(&'d str, &'d str)> {
        let mut bindings: Vec<(&str, &str)> = Vec::new();
        for element in std::iter::successors(Some(*self), Self::parent) {
            for (prefix, uri) in element.declarations() {
                if !bindings.iter().any(|(p, _)| *p == prefix) {
                    bindings.push((prefix, uri));
                }
            }
        }
        bindings.retain(|(_, uri)| !uri.is_empty());
        bindings
    }

    /// The source text of the element exactly as it was parsed, without the namespaces of its ancestors.
    #[must_use]
    pub fn source(&self) -> &'d str {
        self.tree.node_source(self.node).unwrap_or("")
    }

    /// The element as a document of its own: its source text, unchanged except that namespaces declared at
    /// its ancestors are declared at it.
    #[must_use]
    pub fn to_xml(&self) -> String {
        self.to_fragment().into_string()
    }

    /// As [`Element::to_xml`], ready to be inserted into another message.
    #[must_use]
    pub fn to_fragment(&self) -> Fragment {
        Fragment::of(self)
    }
}

fn join_text<'d>(tree: &'d Tree<'d>, ids: impl Iterator<Item = NodeId>) -> Cow<'d, str> {
    let mut joined: Cow<'d, str> = Cow::Borrowed("");
    for id in ids {
        if let Some(NodeKind::Text(t) | NodeKind::CData(t)) = tree.node_kind(id) {
            if joined.is_empty() {
                joined = Cow::Borrowed(t);
            } else {
                joined.to_mut().push_str(t);
            }
        }
    }
    joined
}

impl PartialEq for Element<'_> {
    /// The same node of the same document.
    fn eq(&self, other: &Self) -> bool {
        self.node == other.node && std::ptr::eq(self.tree.input_text(), other.tree.input_text())
    }
}

impl Eq for Element<'_> {}

impl fmt::Debug for Element<'_> {
    /// Says where it stands, never its content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Element({})", self.path())
    }
}
