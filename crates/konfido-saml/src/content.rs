//! The content of an assertion, read from the element that its signature covers (SAML 2.0 core, 2.3).
//!
//! The reader holds the assertion to the part of the SAML schema that the profile uses: known children only, in
//! the schema's order, each as often as the profile says. Nothing here decides whether the content is *true* or
//! *current*; that is `assertion.rs` and `accept.rs`.

use std::fmt;

use jiff::Timestamp;
use konfido_circle::Personal;
use konfido_xml::{Element, ns};

use crate::names::{self, attribute::Name};
use crate::refusal::{Reason, Refusal};
use crate::vocabulary::Kind;

/// Most attributes in one assertion, and most values of one attribute.
const MAX_ATTRIBUTES: usize = 64;

/// Identifier of an assertion, an NCName as the signature's reference needs it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AssertionId(String);

impl AssertionId {
    /// Reads an identifier; `None` unless it is an NCName of at most 128 bytes.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut chars = text.chars();
        let first = chars.next()?;
        let good = (first.is_alphabetic() || first == '_')
            && chars.all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
            && text.len() <= 128;
        good.then(|| Self(text.to_owned()))
    }

    pub(crate) fn from_uuid(uuid: &uuid::Uuid) -> Self {
        Self(format!("_{uuid}"))
    }

    /// The identifier as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AssertionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who the assertion speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameId {
    /// The identifier.
    pub value: Personal<String>,
    /// Its format URI; the profile demands one.
    pub format: String,
    /// Identifier that the service provider knows the subject by; it replaces the value in audit messages.
    pub sp_provided_id: Option<Personal<String>>,
}

/// One value of an attribute.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Plain text.
    Text(String),
    /// A coded HL7 element, `Role` or `PurposeOfUse`.
    Coded {
        /// Local name of the element.
        element: String,
        /// `@code`.
        code: String,
        /// `@codeSystem`.
        system: Option<String>,
        /// `@displayName`.
        display_name: Option<String>,
    },
}

/// A named attribute and its values.
#[derive(Clone)]
pub struct Attribute {
    /// `@Name`.
    pub name: String,
    /// The values, at least one unless the issuer sent none.
    pub values: Vec<Value>,
}

/// Everything an assertion says.
#[derive(Clone)]
pub struct Content {
    pub(crate) id: AssertionId,
    pub(crate) kind: Kind,
    pub(crate) issue_instant: Timestamp,
    pub(crate) issuer: String,
    pub(crate) name_id: NameId,
    pub(crate) confirmation_method: String,
    pub(crate) not_before: Timestamp,
    pub(crate) not_on_or_after: Timestamp,
    pub(crate) audiences: Vec<Vec<String>>,
    pub(crate) unknown_condition: Option<String>,
    pub(crate) references: Vec<String>,
    pub(crate) authn_instant: Timestamp,
    pub(crate) authn_context: String,
    pub(crate) attributes: Vec<Attribute>,
}

impl Content {
    /// Identifier of the assertion.
    #[must_use]
    pub const fn id(&self) -> &AssertionId {
        &self.id
    }

    /// HCP, TRC or NoK.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// Text of the issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// When the assertion was made.
    #[must_use]
    pub const fn issue_instant(&self) -> Timestamp {
        self.issue_instant
    }

    /// Who the assertion speaks of.
    #[must_use]
    pub const fn name_id(&self) -> &NameId {
        &self.name_id
    }

    /// First instant at which the assertion holds.
    #[must_use]
    pub const fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// First instant at which it holds no longer.
    #[must_use]
    pub const fn not_on_or_after(&self) -> Timestamp {
        self.not_on_or_after
    }

    /// When the subject signed in.
    #[must_use]
    pub const fn authn_instant(&self) -> Timestamp {
        self.authn_instant
    }

    /// How the subject signed in (`AuthnContextClassRef`).
    #[must_use]
    pub fn authn_context(&self) -> &str {
        &self.authn_context
    }

    /// All attributes in the order they came.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The one text value of an attribute. Several values are ambiguous and therefore refused.
    pub(crate) fn text(&self, name: Name) -> Result<Option<&str>, Refusal> {
        match self.values(name) {
            [] => Ok(None),
            [Value::Text(text)] => Ok(Some(text.trim())),
            [Value::Coded { .. }] => {
                Err(Refusal::of(self.kind, Reason::Schema(format!("`{}` is coded", name.urn))))
            }
            _ => Err(Refusal::of(self.kind, Reason::Ambiguous(name.friendly))),
        }
    }

    /// As [`Self::text`], but the attribute must be there and not be blank.
    pub(crate) fn required_text(&self, name: Name) -> Result<&str, Refusal> {
        match self.text(name)? {
            None => Err(Refusal::of(self.kind, Reason::Missing(name.friendly))),
            Some("") => Err(Refusal::of(self.kind, Reason::Empty(name.friendly))),
            Some(text) => Ok(text),
        }
    }

    /// The one coded value of an attribute: code and display name.
    pub(crate) fn coded(&self, name: Name, element: &str) -> Result<Option<(&str, Option<&str>)>, Refusal> {
        match self.values(name) {
            [] => Ok(None),
            [Value::Coded { element: found, code, display_name, .. }] if found == element => {
                Ok(Some((code.trim(), display_name.as_deref())))
            }
            [_] => Err(Refusal::of(self.kind, Reason::Missing(name.friendly))),
            _ => Err(Refusal::of(self.kind, Reason::Ambiguous(name.friendly))),
        }
    }

    /// All values of an attribute.
    pub(crate) fn values(&self, name: Name) -> &[Value] {
        self.attributes.iter().find(|a| a.name == name.urn).map_or(&[], |a| a.values.as_slice())
    }

    /// Reads the content of `element`, which must be the one that the signature covers.
    pub(crate) fn read(element: Element<'_>, kind: Kind) -> Result<Self, Refusal> {
        Reader { kind }.assertion(element)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("id", &self.id.0).field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[value]")
    }
}

impl fmt::Debug for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Attribute").field(&self.name).finish()
    }
}

struct Reader {
    kind: Kind,
}

impl Reader {
    fn refuse<T>(&self, reason: Reason) -> Result<T, Refusal> {
        Err(Refusal::of(self.kind, reason))
    }

    fn schema<T>(&self, what: impl Into<String>) -> Result<T, Refusal> {
        self.refuse(Reason::Schema(what.into()))
    }

    fn assertion(&self, element: Element<'_>) -> Result<Content, Refusal> {
        match self.attribute(element, "Version", "Version")? {
            "2.0" => {}
            other => return self.schema(format!("version `{other}`")),
        }
        let id = AssertionId::new(self.attribute(element, "ID", "ID")?);
        let Some(id) = id else { return self.schema("`ID` is no NCName") };
        let issue_instant = self.instant(element, "IssueInstant")?;
        let parts = self.parts(element)?;
        let issuer = parts.issuer.text().trim().to_owned();
        if issuer.is_empty() {
            return self.refuse(Reason::Empty("Issuer"));
        }
        let (name_id, confirmation_method) = self.subject(parts.subject)?;
        let not_before = self.instant(parts.conditions, "NotBefore")?;
        let not_on_or_after = self.instant(parts.conditions, "NotOnOrAfter")?;
        let (audiences, unknown_condition) = self.conditions(parts.conditions)?;
        let authn_instant = self.instant(parts.authn, "AuthnInstant")?;
        let context = self.one(parts.authn, "AuthnContext")?;
        let authn_context = self.one(context, "AuthnContextClassRef")?.text().trim().to_owned();
        if authn_context.is_empty() {
            return self.refuse(Reason::Empty("AuthnContextClassRef"));
        }
        Ok(Content {
            id,
            kind: self.kind,
            issue_instant,
            issuer,
            name_id,
            confirmation_method,
            not_before,
            not_on_or_after,
            audiences,
            unknown_condition,
            references: parts.advice.map(references).unwrap_or_default(),
            authn_instant,
            authn_context,
            attributes: self.attributes(parts.attributes)?,
        })
    }

    /// Sorts the children and holds them to the schema's order: Issuer, Signature, Subject, Conditions, Advice,
    /// then the statements.
    fn parts<'d>(&self, element: Element<'d>) -> Result<Parts<'d>, Refusal> {
        const ORDER: [&str; 7] = [
            "Issuer",
            "Signature",
            "Subject",
            "Conditions",
            "Advice",
            "AuthnStatement",
            "AttributeStatement",
        ];
        let mut found: [Option<Element<'d>>; 7] = [None; 7];
        let mut last = 0;
        for child in element.children() {
            let namespace = if child.local() == "Signature" { ns::DSIG } else { ns::SAML2 };
            let place = ORDER.iter().position(|name| child.is(namespace, name));
            let (Some(place), true) = (place, child.namespace() == namespace) else {
                return self.schema(format!("unexpected `{}`", child.local()));
            };
            // The two statements may come in either order.
            let rank = place.min(5);
            if rank < last {
                return self.schema(format!("`{}` is out of order", child.local()));
            }
            last = rank;
            if let Some(slot) = found.get_mut(place)
                && slot.replace(child).is_some()
            {
                return self.schema(format!("`{}` is there twice", child.local()));
            }
        }
        let [issuer, _signature, subject, conditions, advice, authn, attributes] = found;
        let missing = |part: Option<Element<'d>>, name: &'static str| {
            part.ok_or_else(|| Refusal::of(self.kind, Reason::Missing(name)))
        };
        Ok(Parts {
            issuer: missing(issuer, "Issuer")?,
            subject: missing(subject, "Subject")?,
            conditions: missing(conditions, "Conditions")?,
            advice,
            authn: missing(authn, "AuthnStatement")?,
            attributes: missing(attributes, "AttributeStatement")?,
        })
    }

    fn subject(&self, subject: Element<'_>) -> Result<(NameId, String), Refusal> {
        let name = self.one(subject, "NameID")?;
        let value = name.text().trim().to_owned();
        if value.is_empty() {
            return self.refuse(Reason::Empty("NameID"));
        }
        let format = self.attribute(name, "Format", "NameID/@Format")?.to_owned();
        let sp_provided_id = name.attribute("SPProvidedID").map(|v| Personal::new(v.to_owned()));
        let confirmation = self.one(subject, "SubjectConfirmation")?;
        let method = self.attribute(confirmation, "Method", "SubjectConfirmation/@Method")?.to_owned();
        Ok((NameId { value: Personal::new(value), format, sp_provided_id }, method))
    }

    fn conditions(&self, conditions: Element<'_>) -> Result<(Vec<Vec<String>>, Option<String>), Refusal> {
        let mut audiences = Vec::new();
        let mut unknown = None;
        for child in conditions.children() {
            if child.is(ns::SAML2, "AudienceRestriction") {
                let list: Vec<String> =
                    child.children_named(ns::SAML2, "Audience").map(|a| a.text().trim().to_owned()).collect();
                if list.is_empty() {
                    return self.schema("`AudienceRestriction` without `Audience`");
                }
                audiences.push(list);
            } else if !child.is(ns::SAML2, "ProxyRestriction") {
                unknown.get_or_insert_with(|| child.local().to_owned());
            }
        }
        Ok((audiences, unknown))
    }

    fn attributes(&self, statement: Element<'_>) -> Result<Vec<Attribute>, Refusal> {
        let mut list: Vec<Attribute> = Vec::new();
        for child in statement.children() {
            if !child.is(ns::SAML2, "Attribute") {
                return self.schema(format!("unexpected `{}` among the attributes", child.local()));
            }
            let name = self.attribute(child, "Name", "Attribute/@Name")?;
            let mut values = Vec::new();
            for value in child.children() {
                if !value.is(ns::SAML2, "AttributeValue") {
                    return self.schema(format!("unexpected `{}` in an attribute", value.local()));
                }
                values.push(self.value(value)?);
            }
            if list.iter().any(|a| a.name == name) {
                return self.refuse(Reason::Ambiguous("Attribute"));
            }
            if list.len() >= MAX_ATTRIBUTES || values.len() > MAX_ATTRIBUTES {
                return self.schema("too many attributes");
            }
            list.push(Attribute { name: name.to_owned(), values });
        }
        Ok(list)
    }

    fn value(&self, value: Element<'_>) -> Result<Value, Refusal> {
        let mut children = value.children();
        let Some(coded) = children.next() else { return Ok(Value::Text(value.text())) };
        if children.next().is_some() || coded.namespace() != names::HL7 {
            return self.schema("an attribute value that is neither text nor one HL7 element");
        }
        Ok(Value::Coded {
            element: coded.local().to_owned(),
            code: self.attribute(coded, "code", "AttributeValue/@code")?.to_owned(),
            system: coded.attribute("codeSystem").map(str::to_owned),
            display_name: coded.attribute("displayName").map(str::to_owned),
        })
    }

    /// The child that must be there exactly once.
    fn one<'d>(&self, parent: Element<'d>, local: &'static str) -> Result<Element<'d>, Refusal> {
        let mut children = parent.children_named(ns::SAML2, local);
        match (children.next(), children.next()) {
            (Some(child), None) => Ok(child),
            (None, _) => self.refuse(Reason::Missing(local)),
            _ => self.refuse(Reason::Ambiguous(local)),
        }
    }

    fn attribute<'d>(&self, of: Element<'d>, local: &str, name: &'static str) -> Result<&'d str, Refusal> {
        match of.attribute(local) {
            None => self.refuse(Reason::Missing(name)),
            Some("") => self.refuse(Reason::Empty(name)),
            Some(value) => Ok(value),
        }
    }

    fn instant(&self, of: Element<'_>, name: &'static str) -> Result<Timestamp, Refusal> {
        let text = self.attribute(of, name, name)?;
        match text.trim().parse() {
            Ok(instant) => Ok(instant),
            Err(_) => self.schema(format!("`{name}` is no UTC instant")),
        }
    }
}

struct Parts<'d> {
    issuer: Element<'d>,
    subject: Element<'d>,
    conditions: Element<'d>,
    advice: Option<Element<'d>>,
    authn: Element<'d>,
    attributes: Element<'d>,
}

fn references(advice: Element<'_>) -> Vec<String> {
    advice
        .children_named(ns::SAML2, "AssertionIDRef")
        .take(MAX_ATTRIBUTES)
        .map(|r| r.text().trim().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_an_ncname() {
        assert!(AssertionId::new("_2f782005-09af-4421-94f4-790109caa119").is_some());
        for bad in ["", "2f", "urn:uuid:x", "a b", "-x"] {
            assert!(AssertionId::new(bad).is_none(), "{bad}");
        }
    }
}
