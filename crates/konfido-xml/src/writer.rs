//! Writing XML: a typed builder. No template, no escaping by hand.
//!
//! Names are checked, text is escaped, namespaces are declared where they are first needed. Characters that
//! XML 1.0 cannot carry (most control characters) become U+FFFD, so what is written always parses.

use std::borrow::Cow;
use std::fmt;

use crate::{Element, Fragment, Node, ns};

type Name = Cow<'static, str>;

/// An element being built.
#[derive(Clone)]
pub struct El {
    namespace: Name,
    local: Name,
    prefix: Option<Name>,
    declarations: Vec<(Name, Name)>,
    attributes: Vec<Attribute>,
    children: Vec<Child>,
}

#[derive(Clone)]
struct Attribute {
    namespace: Name,
    prefix: Name,
    local: Name,
    value: Cow<'static, str>,
}

#[derive(Clone)]
enum Child {
    El(El),
    Text(Cow<'static, str>),
    Comment(String),
    Instruction(String, String),
    Raw(Fragment),
}

impl El {
    /// An empty element `local` in namespace `namespace` (empty: none).
    #[must_use]
    pub fn new(namespace: impl Into<Cow<'static, str>>, local: impl Into<Cow<'static, str>>) -> Self {
        Self {
            namespace: namespace.into(),
            local: local.into(),
            prefix: None,
            declarations: Vec::new(),
            attributes: Vec::new(),
            children: Vec::new(),
        }
    }

    /// A deep copy of a parsed element, with its prefixes, comments and instructions.
    #[must_use]
    pub fn copy_of(element: &Element<'_>) -> Self {
        let mut el = Self::new(element.namespace().to_owned(), element.local().to_owned());
        el.prefix = Some(element.prefix().to_owned().into());
        el.declarations =
            element.declarations().map(|(p, n)| (p.to_owned().into(), n.to_owned().into())).collect();
        el.attributes = element
            .attributes()
            .zip(element.attribute_prefixes())
            .map(|((namespace, local, value), prefix)| Attribute {
                namespace: namespace.to_owned().into(),
                prefix: prefix.to_owned().into(),
                local: local.to_owned().into(),
                value: value.to_owned().into(),
            })
            .collect();
        el.children = element
            .nodes()
            .map(|node| match node {
                Node::Element(child) => Child::El(Self::copy_of(&child)),
                Node::Text(text) => Child::Text(text.to_owned().into()),
                Node::Comment(text) => Child::Comment(text.to_owned()),
                Node::Instruction { target, data } => Child::Instruction(target.to_owned(), data.to_owned()),
            })
            .collect();
        el
    }

    /// Prefers this prefix (empty: the default namespace). Without preference an element takes the default
    /// namespace or a prefix that is already bound to its namespace, and else declares the default namespace.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<Cow<'static, str>>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Declares a prefix here although no name needs it (for qualified names in content).
    #[must_use]
    pub fn declare(
        mut self,
        prefix: impl Into<Cow<'static, str>>,
        namespace: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.declarations.push((prefix.into(), namespace.into()));
        self
    }

    /// Sets an attribute without namespace; a second one of the same name replaces the first.
    #[must_use]
    pub fn attr(self, local: impl Into<Cow<'static, str>>, value: impl Into<Cow<'static, str>>) -> Self {
        self.attr_ns("", "", local, value)
    }

    /// Sets an attribute without namespace when there is a value.
    #[must_use]
    pub fn opt_attr(
        self,
        local: impl Into<Cow<'static, str>>,
        value: Option<impl Into<Cow<'static, str>>>,
    ) -> Self {
        match value {
            Some(value) => self.attr(local, value),
            None => self,
        }
    }

    /// Sets an attribute in a namespace, preferring `prefix`.
    #[must_use]
    pub fn attr_ns(
        mut self,
        namespace: impl Into<Cow<'static, str>>,
        prefix: impl Into<Cow<'static, str>>,
        local: impl Into<Cow<'static, str>>,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        let new = Attribute {
            namespace: namespace.into(),
            prefix: prefix.into(),
            local: local.into(),
            value: value.into(),
        };
        self.attributes.retain(|a| a.local != new.local || a.namespace != new.namespace);
        self.attributes.push(new);
        self
    }

    /// Appends character data.
    #[must_use]
    pub fn text(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.children.push(Child::Text(text.into()));
        self
    }

    /// Appends a child element.
    #[must_use]
    pub fn child(mut self, child: Self) -> Self {
        self.children.push(Child::El(child));
        self
    }

    /// Appends child elements.
    #[must_use]
    pub fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children.into_iter().map(Child::El));
        self
    }

    /// Appends a child element when there is one.
    #[must_use]
    pub fn opt_child(self, child: Option<Self>) -> Self {
        match child {
            Some(child) => self.child(child),
            None => self,
        }
    }

    /// Appends a fragment unchanged.
    #[must_use]
    pub fn raw(mut self, fragment: Fragment) -> Self {
        self.children.push(Child::Raw(fragment));
        self
    }

    /// Appends a comment.
    #[must_use]
    pub fn comment(mut self, text: impl Into<String>) -> Self {
        self.children.push(Child::Comment(text.into()));
        self
    }

    /// A whole document: XML declaration and this element.
    #[must_use]
    pub fn to_document_string(&self) -> String {
        let mut out = String::with_capacity(4096);
        out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        self.write(&mut out, &mut Scope::default());
        out
    }

    /// This element without XML declaration.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut out = String::with_capacity(4096);
        self.write(&mut out, &mut Scope::default());
        out
    }

    /// This element as a fragment that can be signed or inserted.
    #[must_use]
    pub fn to_fragment(&self) -> Fragment {
        let mut out = String::with_capacity(4096);
        let declares_default = self.write(&mut out, &mut Scope::default());
        Fragment::written(out, declares_default)
    }

    /// Writes the element; says whether its start tag declares the default namespace.
    fn write(&self, out: &mut String, scope: &mut Scope) -> bool {
        let outer = scope.bindings.len();
        for (prefix, uri) in &self.declarations {
            scope.bind(outer, prefix, uri);
        }
        let prefix = self.element_prefix(scope, outer);
        let attribute_prefixes: Vec<String> =
            self.attributes.iter().map(|a| attribute_prefix(a, scope, outer)).collect();
        out.push('<');
        let name_at = out.len();
        push_qname(&prefix, &self.local, out);
        let name_end = out.len();
        let mut declares_default = false;
        for (prefix, uri) in scope.bindings.get(outer..).unwrap_or_default() {
            declares_default |= prefix.is_empty();
            out.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
            out.push_str(prefix);
            push_value(uri, out);
        }
        for (attribute, prefix) in self.attributes.iter().zip(&attribute_prefixes) {
            out.push(' ');
            push_qname(prefix, &attribute.local, out);
            push_value(&attribute.value, out);
        }
        if self.children.is_empty() {
            out.push_str("/>");
        } else {
            let name = out.get(name_at..name_end).unwrap_or_default().to_owned();
            out.push('>');
            for child in &self.children {
                child.write(out, scope);
            }
            out.push_str("</");
            out.push_str(&name);
            out.push('>');
        }
        scope.bindings.truncate(outer);
        declares_default
    }

    fn element_prefix(&self, scope: &mut Scope, outer: usize) -> String {
        if self.namespace.is_empty() {
            if !scope.default_namespace().is_empty() {
                scope.bind(outer, "", "");
            }
            return String::new();
        }
        if self.namespace == ns::XML {
            return "xml".to_owned();
        }
        let preferred = match &self.prefix {
            Some(prefix) => prefix,
            None if scope.default_namespace() == self.namespace => "",
            None => match scope.prefix_of(&self.namespace, true) {
                Some(prefix) => return prefix.to_owned(),
                None => "",
            },
        };
        scope.ensure(outer, preferred, &self.namespace)
    }
}

fn attribute_prefix(attribute: &Attribute, scope: &mut Scope, outer: usize) -> String {
    if attribute.namespace.is_empty() {
        return String::new();
    }
    if attribute.namespace == ns::XML {
        return "xml".to_owned();
    }
    let as_preferred =
        !attribute.prefix.is_empty() && scope.lookup(&attribute.prefix) == Some(&attribute.namespace);
    if let Some(bound) = scope.prefix_of(&attribute.namespace, false).filter(|_| !as_preferred) {
        return bound.to_owned();
    }
    let preferred = if attribute.prefix.is_empty() { "ns" } else { &*attribute.prefix };
    scope.ensure(outer, preferred, &attribute.namespace)
}

impl Child {
    fn write(&self, out: &mut String, scope: &mut Scope) {
        match self {
            Self::El(el) => {
                el.write(out, scope);
            }
            Self::Text(text) => escape_text(text, out),
            Self::Comment(text) => {
                out.push_str("<!--");
                let mut safe = legal(text).replace("--", "- -");
                if safe.ends_with('-') {
                    safe.push(' ');
                }
                out.push_str(&safe);
                out.push_str("-->");
            }
            Self::Instruction(target, data) => {
                out.push_str("<?");
                push_name(target, out);
                if !data.is_empty() {
                    out.push(' ');
                    out.push_str(&legal(data).replace("?>", "? >"));
                }
                out.push_str("?>");
            }
            Self::Raw(fragment) => fragment.write_under(scope.default_namespace(), out),
        }
    }
}

/// Namespace bindings from the outermost element to the one being written.
#[derive(Default)]
struct Scope {
    bindings: Vec<(String, String)>,
}

impl Scope {
    fn lookup(&self, prefix: &str) -> Option<&str> {
        self.bindings.iter().rev().find(|(p, _)| p == prefix).map(|(_, uri)| uri.as_str())
    }

    fn default_namespace(&self) -> &str {
        self.lookup("").unwrap_or("")
    }

    /// The nearest prefix still bound to `uri`.
    fn prefix_of(&self, uri: &str, with_default: bool) -> Option<&str> {
        self.bindings
            .iter()
            .rev()
            .filter(|(p, u)| u == uri && (with_default || !p.is_empty()))
            .map(|(p, _)| p.as_str())
            .find(|p| self.lookup(p) == Some(uri))
    }

    /// Binds at the element whose own bindings start at `outer`, unless bound so already. False when the
    /// prefix is taken at this very element or may not be bound so.
    fn bind(&mut self, outer: usize, prefix: &str, uri: &str) -> bool {
        let bound = self.lookup(prefix).or(if prefix.is_empty() { Some("") } else { None });
        if bound == Some(uri) {
            return true;
        }
        let taken = self.bindings.get(outer..).unwrap_or_default().iter().any(|(p, _)| p == prefix);
        let reserved = prefix == "xml" || prefix == "xmlns" || (uri.is_empty() && !prefix.is_empty());
        if taken || reserved || !(prefix.is_empty() || is_ncname(prefix)) {
            return false;
        }
        self.bindings.push((prefix.to_owned(), uri.to_owned()));
        true
    }

    /// Binds `preferred`, or the first free `ns1`, `ns2`, … and returns the prefix.
    fn ensure(&mut self, outer: usize, preferred: &str, uri: &str) -> String {
        if self.bind(outer, preferred, uri) {
            return preferred.to_owned();
        }
        let mut number: u32 = 1;
        loop {
            let prefix = format!("ns{number}");
            if self.bind(outer, &prefix, uri) {
                return prefix;
            }
            number = number.saturating_add(1);
        }
    }
}

fn push_qname(prefix: &str, local: &str, out: &mut String) {
    if !prefix.is_empty() {
        out.push_str(prefix);
        out.push(':');
    }
    push_name(local, out);
}

/// Writes a name; characters that a name cannot have become `_`.
fn push_name(name: &str, out: &mut String) {
    if is_ncname(name) {
        out.push_str(name);
        return;
    }
    if !name.chars().next().is_some_and(is_name_start) {
        out.push('_');
    }
    out.extend(name.chars().map(|c| if is_name_char(c) { c } else { '_' }));
}

/// Whether `name` is an NCName (Namespaces in XML 1.0, production 4).
#[must_use]
pub(crate) fn is_ncname(name: &str) -> bool {
    name.chars().next().is_some_and(is_name_start) && name.chars().all(is_name_char)
}

fn is_name_start(c: char) -> bool {
    matches!(c, 'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}'
        | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}'..='\u{200D}'
        | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}'
        | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}' | '\u{10000}'..='\u{EFFFF}')
}

fn is_name_char(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}'..='\u{2040}')
}

fn is_legal(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

fn legal(text: &str) -> String {
    text.chars().map(|c| if is_legal(c) { c } else { '\u{FFFD}' }).collect()
}

fn push_value(value: &str, out: &mut String) {
    out.push_str("=\"");
    escape_attribute(value, out);
    out.push('"');
}

pub(crate) fn escape_text(text: &str, out: &mut String) {
    escape(text, out, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\r' => Some("&#xD;"),
        _ => None,
    });
}

pub(crate) fn escape_attribute(value: &str, out: &mut String) {
    escape(value, out, |c| match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '"' => Some("&quot;"),
        '\t' => Some("&#x9;"),
        '\n' => Some("&#xA;"),
        '\r' => Some("&#xD;"),
        _ => None,
    });
}

/// Copies runs that need nothing in one piece.
fn escape(text: &str, out: &mut String, replace: impl Fn(char) -> Option<&'static str>) {
    let mut rest = text;
    while !rest.is_empty() {
        let special = |c: char| !is_legal(c) || replace(c).is_some();
        let at = rest.find(special).unwrap_or(rest.len());
        let (plain, tail) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut chars = tail.chars();
        if let Some(c) = chars.next() {
            out.push_str(replace(c).unwrap_or("\u{FFFD}"));
        }
        rest = chars.as_str();
    }
}

impl fmt::Debug for El {
    /// Says the name, never content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "El({{{}}}{})", self.namespace, self.local)
    }
}
