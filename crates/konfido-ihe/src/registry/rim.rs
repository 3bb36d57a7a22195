//! The ebRIM 3.0 pieces of document metadata.

use konfido_xml::{El, Element};

use super::RIM;

/// A new ebRIM element.
pub(crate) fn rim(local: &'static str) -> El {
    El::new(RIM, local)
}

/// A slot with these values.
pub(crate) fn slot(name: &'static str, values: impl IntoIterator<Item = String>) -> El {
    let list = rim("ValueList").children(values.into_iter().map(|value| rim("Value").text(value)));
    rim("Slot").attr("name", name).child(list)
}

/// The values of the slot of this name, empty if there is none. Names are compared exactly.
pub(crate) fn slot_values(parent: Element<'_>, name: &str) -> Vec<String> {
    parent
        .children_named(RIM, "Slot")
        .filter(|slot| slot.attribute("name") == Some(name))
        .flat_map(|slot| slot.children_named(RIM, "ValueList"))
        .flat_map(|list| list.children_named(RIM, "Value"))
        .map(|value| value.text().trim().to_owned())
        .collect()
}

/// The first value of a slot that is not blank.
pub(crate) fn slot_value(parent: Element<'_>, name: &str) -> Option<String> {
    slot_values(parent, name).into_iter().find(|value| !value.is_empty())
}

/// An international string (`Name`, `Description`).
pub(crate) fn localised(local: &'static str, value: String) -> El {
    rim(local).child(rim("LocalizedString").attr("value", value))
}

/// The first value of an international string.
pub(crate) fn localised_value(parent: Element<'_>, local: &'static str) -> Option<String> {
    let value = parent.child(RIM, local)?.child(RIM, "LocalizedString")?.attribute("value")?;
    Some(value.to_owned())
}

/// A value of a classification: code, coding scheme, display name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coded {
    /// The code.
    pub code: String,
    /// The coding scheme.
    pub scheme: String,
    /// The display name.
    pub name: String,
}

impl Coded {
    /// A code in a scheme with its display name.
    #[must_use]
    pub fn new(code: impl Into<String>, scheme: impl Into<String>, name: impl Into<String>) -> Self {
        Self { code: code.into(), scheme: scheme.into(), name: name.into() }
    }

    pub(crate) fn read(classification: Element<'_>) -> Self {
        Self {
            code: classification.attribute("nodeRepresentation").unwrap_or_default().trim().to_owned(),
            scheme: slot_value(classification, "codingScheme").unwrap_or_default(),
            name: localised_value(classification, "Name").unwrap_or_default(),
        }
    }
}

/// Gives the parts of one registry object their ids: derived from the object's own, so that writing is
/// repeatable and needs no randomness.
#[derive(Debug)]
pub(crate) struct PartIds<'a> {
    object: &'a str,
    used: u32,
}

impl<'a> PartIds<'a> {
    pub(crate) fn new(object: &'a str) -> Self {
        Self { object, used: 0 }
    }

    /// Ids beyond the first `used` ones.
    pub(crate) fn after(object: &'a str, used: u32) -> Self {
        Self { object, used }
    }

    /// The object's own id.
    pub(crate) fn object(&self) -> String {
        self.object.to_owned()
    }

    /// The next part's id. UUIDs stay UUIDs: the number is added to the last 32 bits.
    pub(crate) fn next_id(&mut self) -> String {
        self.used += 1;
        match self.object.strip_prefix("urn:uuid:").and_then(|text| uuid::Uuid::try_parse(text).ok()) {
            Some(object) => {
                let low = (object.as_u128() & 0xffff_ffff) as u32;
                let high = object.as_u128() & !0xffff_ffff;
                let part = uuid::Uuid::from_u128(high | u128::from(low.wrapping_add(self.used)));
                format!("urn:uuid:{part}")
            }
            None => format!("{}-{}", self.object, self.used),
        }
    }
}

/// A classification with its value.
pub(crate) fn classification(ids: &mut PartIds<'_>, scheme: &'static str, value: &Coded) -> El {
    bare_classification(ids, scheme, value.code.clone())
        .child(slot("codingScheme", [value.scheme.clone()]))
        .child(localised("Name", value.name.clone()))
}

/// A classification without any slot yet.
pub(crate) fn bare_classification(ids: &mut PartIds<'_>, scheme: &'static str, code: String) -> El {
    rim("Classification")
        .attr("id", ids.next_id())
        .attr("classificationScheme", scheme)
        .attr("classifiedObject", ids.object())
        .attr("nodeRepresentation", code)
}

/// An external identifier.
pub(crate) fn external_identifier(
    ids: &mut PartIds<'_>,
    scheme: &'static str,
    name: &'static str,
    value: String,
) -> El {
    rim("ExternalIdentifier")
        .attr("id", ids.next_id())
        .attr("registryObject", ids.object())
        .attr("identificationScheme", scheme)
        .attr("objectType", "urn:oasis:names:tc:ebxml-regrep:ObjectType:RegistryObject:ExternalIdentifier")
        .attr("value", value)
        .child(localised("Name", name.to_owned()))
}
