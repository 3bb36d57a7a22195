//! What XCPD says of a person: names, gender, birth date, address.

use std::fmt;

use konfido_xml::{El, Element};

use crate::hl7::{self, PartialDate, hl7};
use crate::malformed::Malformed;

/// A person's name, each part in the order of the message.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PersonName {
    /// Titles before the name.
    pub prefix: Vec<String>,
    /// Family names.
    pub family: Vec<String>,
    /// Given names.
    pub given: Vec<String>,
}

/// A postal address.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// Street and number, one entry a line.
    pub street: Vec<String>,
    /// City.
    pub city: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Country as the peer writes it.
    pub country: Option<String>,
}

/// Administrative gender.
#[derive(Clone, PartialEq, Eq)]
pub enum Gender {
    /// `F`.
    Female,
    /// `M`.
    Male,
    /// `UN`.
    Undifferentiated,
    /// Any other code.
    Other(String),
}

/// A person as told by XCPD. Never printed: `Debug` says nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Demographics {
    /// The names.
    pub names: Vec<PersonName>,
    /// The gender.
    pub gender: Option<Gender>,
    /// The date of birth.
    pub birth: Option<PartialDate>,
    /// The addresses.
    pub addresses: Vec<Address>,
}

macro_rules! debug_says_nothing {
    ($($type:ty),*) => {
        $(impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("[personal]")
            }
        })*
    };
}

debug_says_nothing!(PersonName, Address, Gender, Demographics);

impl Gender {
    /// The gender of this code.
    #[must_use]
    pub fn of_code(code: &str) -> Self {
        match code.trim() {
            "F" => Self::Female,
            "M" => Self::Male,
            "UN" => Self::Undifferentiated,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The code.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Female => "F",
            Self::Male => "M",
            Self::Undifferentiated => "UN",
            Self::Other(code) => code,
        }
    }
}

impl Demographics {
    /// True if nothing at all is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The texts of all children of this name that are not blank.
fn texts(parent: Element<'_>, local: &str) -> Vec<String> {
    parent
        .children_named(hl7::NS, local)
        .map(|part| part.text().trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}

fn first(parent: Element<'_>, local: &str) -> Option<String> {
    texts(parent, local).into_iter().next()
}

fn parts<'a>(local: &'static str, texts: impl IntoIterator<Item = &'a String>) -> impl Iterator<Item = El> {
    texts.into_iter().map(move |text| hl7(local).text(text.clone())).collect::<Vec<_>>().into_iter()
}

impl PersonName {
    pub(super) fn read(name: Element<'_>) -> Self {
        Self { prefix: texts(name, "prefix"), family: texts(name, "family"), given: texts(name, "given") }
    }

    pub(super) fn write(&self, local: &'static str) -> El {
        hl7(local)
            .children(parts("prefix", &self.prefix))
            .children(parts("family", &self.family))
            .children(parts("given", &self.given))
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// One element for each part.
    pub(super) fn join(&mut self) {
        join(&mut self.prefix, " ");
        join(&mut self.family, " ");
        join(&mut self.given, " ");
    }
}

impl Address {
    pub(super) fn read(addr: Element<'_>) -> Self {
        let mut street = texts(addr, "streetAddressLine");
        street.extend(texts(addr, "streetName"));
        Self {
            street,
            city: first(addr, "city"),
            postal_code: first(addr, "postalCode"),
            country: first(addr, "country"),
        }
    }

    /// `street` is the element for the street: `streetName` in a query, `streetAddressLine` in an answer.
    pub(super) fn write(&self, local: &'static str, street: &'static str) -> El {
        hl7(local)
            .children(parts("city", &self.city))
            .children(parts("postalCode", &self.postal_code))
            .children(parts(street, &self.street))
            .children(parts("country", &self.country))
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// One element for the street.
    pub(super) fn join(&mut self) {
        join(&mut self.street, ", ");
    }
}

fn join(texts: &mut Vec<String>, between: &str) {
    if texts.len() > 1 {
        *texts = vec![texts.join(between)];
    }
}

/// Reads a birth time; a value that is there must be a date.
pub(super) fn read_birth(time: Element<'_>) -> Result<Option<PartialDate>, Malformed> {
    match time.attribute("value") {
        None => Ok(None),
        Some(value) => PartialDate::parse(value)
            .map(Some)
            .ok_or_else(|| Malformed::at(time, "a birth date needs the form `yyyyMMdd`")),
    }
}

/// Reads `administrativeGenderCode` or a gender parameter's value.
pub(super) fn read_gender(code: Element<'_>) -> Option<Gender> {
    code.attribute("code").filter(|c| !c.trim().is_empty()).map(Gender::of_code)
}
