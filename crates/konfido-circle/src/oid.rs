//! Object identifiers (ITU-T X.660) and the home community ids made of them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::IdentifierError;

/// Longest object identifier that is read, in characters.
const MAX_LEN: usize = 128;
/// Longest input that an error repeats.
const MAX_SHOWN: usize = 60;

/// An object identifier in dotted form, such as `2.16.17.710.813.1000.990.1`.
///
/// At least two arcs, the first 0, 1 or 2, no leading zeros.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Oid(String);

impl Oid {
    /// Reads the dotted form.
    pub fn new(text: impl Into<String>) -> Result<Self, IdentifierError> {
        let text = text.into();
        if is_oid(&text) { Ok(Self(text)) } else { Err(IdentifierError::Oid(shown(&text))) }
    }

    /// The dotted form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form of IHE's home community ids and UDDI keys: `urn:oid:` and the dotted form.
    #[must_use]
    pub fn urn(&self) -> String {
        format!("urn:oid:{}", self.0)
    }
}

fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

fn is_oid(text: &str) -> bool {
    let arc_ok = |arc: &str| {
        !arc.is_empty() && arc.bytes().all(|b| b.is_ascii_digit()) && (arc == "0" || !arc.starts_with('0'))
    };
    if text.len() > MAX_LEN || !text.split('.').all(arc_ok) {
        return false;
    }
    let mut arcs = text.split('.');
    match (arcs.next(), arcs.next()) {
        (Some("0" | "1"), Some(second)) => second.parse::<u8>().is_ok_and(|n| n < 40),
        (Some("2"), Some(_)) => true,
        _ => false,
    }
}

impl FromStr for Oid {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl TryFrom<String> for Oid {
    type Error = IdentifierError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl From<Oid> for String {
    fn from(oid: Oid) -> Self {
        oid.0
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of a member state's community in IHE's cross-community profiles: an object identifier that travels as
/// `urn:oid:…` in XCA and as the bare identifier in HL7 v3.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HomeCommunityId(Oid);

impl HomeCommunityId {
    /// The community of this object identifier.
    #[must_use]
    pub fn new(oid: Oid) -> Self {
        Self(oid)
    }

    /// Reads `urn:oid:…`.
    pub fn from_urn(text: &str) -> Result<Self, IdentifierError> {
        text.strip_prefix("urn:oid:")
            .and_then(|oid| Oid::new(oid).ok())
            .map(Self)
            .ok_or_else(|| IdentifierError::HomeCommunity(shown(text)))
    }

    /// The form of XCA: `urn:oid:…`.
    #[must_use]
    pub fn urn(&self) -> String {
        self.0.urn()
    }

    /// The form of HL7 v3: the bare object identifier.
    #[must_use]
    pub fn oid(&self) -> &Oid {
        &self.0
    }
}

impl FromStr for HomeCommunityId {
    type Err = IdentifierError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_urn(text)
    }
}

impl TryFrom<String> for HomeCommunityId {
    type Error = IdentifierError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_urn(&text)
    }
}

impl From<HomeCommunityId> for String {
    fn from(id: HomeCommunityId) -> Self {
        id.urn()
    }
}

impl fmt::Display for HomeCommunityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.urn())
    }
}

impl fmt::Debug for HomeCommunityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.urn())
    }
}
