//! What a verifier must know beforehand: the members of the ledger and their keys, as the circle file's `[ledger]`
//! table gives them.
//!
//! ```toml
//! [ledger]
//! origin = "konfido.example/ledger/demo"
//! circle = "<64 hexadecimal digits>"
//!
//! [[ledger.members]]
//! country = "IT"
//! consensus = "<64 hexadecimal digits>"
//! cosigner = "<64 hexadecimal digits>"
//! evidence = [{ algorithm = "ecdsa-p256-sha256", spki = "<base64>" }]
//! governance = { algorithm = "ed25519", spki = "<base64>" }
//! ```

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use konfido_circle::CountryCode;
use konfido_keys::SignatureAlgorithm;
use serde::{Deserialize, Serialize};

use crate::keys::{EvidenceKeys, PartyKey};
use crate::log::checkpoint::cosigner_name;
use crate::{Digest, LedgerError};

/// The smallest number of members of whom, even if a third of all lies, a majority of honest ones is part: n − f.
#[must_use]
pub fn quorum(members: usize) -> usize {
    members.saturating_sub(members.saturating_sub(1) / 3)
}

/// A member state as a verifier knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedMember {
    /// Which country.
    pub country: CountryCode,
    /// Its consensus key in the ledger's first epoch.
    pub consensus: [u8; 32],
    /// Its checkpoint cosigner key.
    pub cosigner: [u8; 32],
    /// Its evidence keys, newest first.
    pub evidence: Vec<PartyKey>,
    /// Its governance key.
    pub governance: PartyKey,
}

/// All that is needed to check a receipt offline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Name of the log.
    pub origin: String,
    /// Hash of the genesis document: the domain of everything signed in this circle.
    pub circle: Digest,
    members: Vec<TrustedMember>,
    evidence: BTreeMap<CountryCode, Vec<PartyKey>>,
}

#[derive(Serialize, Deserialize)]
struct KeyText {
    algorithm: String,
    spki: String,
}

#[derive(Serialize, Deserialize)]
struct MemberText {
    country: CountryCode,
    consensus: String,
    cosigner: String,
    evidence: Vec<KeyText>,
    governance: KeyText,
}

#[derive(Serialize, Deserialize)]
struct LedgerText {
    origin: String,
    circle: String,
    members: Vec<MemberText>,
}

#[derive(Serialize, Deserialize)]
struct FileText {
    ledger: LedgerText,
}

const ALGORITHMS: [(&str, SignatureAlgorithm); 6] = [
    ("ecdsa-p256-sha256", SignatureAlgorithm::EcdsaP256Sha256),
    ("ecdsa-p384-sha384", SignatureAlgorithm::EcdsaP384Sha384),
    ("ed25519", SignatureAlgorithm::Ed25519),
    ("rsa-pss-sha256", SignatureAlgorithm::RsaPssSha256),
    ("rsa-pkcs1-sha256", SignatureAlgorithm::RsaPkcs1Sha256),
    ("rsa-pkcs1-sha512", SignatureAlgorithm::RsaPkcs1Sha512),
];

fn malformed(reason: impl ToString) -> LedgerError {
    LedgerError::malformed("ledger table of the circle file", reason)
}

impl KeyText {
    fn read(&self) -> Result<PartyKey, LedgerError> {
        let found = ALGORITHMS.iter().find(|(name, _)| *name == self.algorithm);
        let (_, algorithm) = found.ok_or_else(|| malformed(format!("algorithm `{}`", self.algorithm)))?;
        let spki = BASE64_STANDARD.decode(&self.spki).map_err(malformed)?;
        Ok(PartyKey::new(*algorithm, &spki)?)
    }

    fn write(key: &PartyKey) -> Self {
        let name = ALGORITHMS
            .iter()
            .find(|(_, algorithm)| *algorithm == key.algorithm())
            .map_or("", |(name, _)| name);
        Self { algorithm: name.to_owned(), spki: BASE64_STANDARD.encode(key.spki()) }
    }
}

impl Trust {
    /// Names log, circle and members.
    ///
    /// # Errors
    /// If there is no member, or one twice.
    pub fn new(origin: String, circle: Digest, mut members: Vec<TrustedMember>) -> Result<Self, LedgerError> {
        members.sort_by_key(|member| member.country);
        let evidence: BTreeMap<_, _> = members.iter().map(|m| (m.country, m.evidence.clone())).collect();
        if members.is_empty() || evidence.len() != members.len() {
            return Err(malformed("no member, or a country twice"));
        }
        Ok(Self { origin, circle, members, evidence })
    }

    /// Reads the `[ledger]` table of a circle file; other tables are not its business.
    ///
    /// # Errors
    /// If there is none or it is malformed.
    pub fn from_toml(text: &str) -> Result<Self, LedgerError> {
        let FileText { ledger } = toml::from_str(text).map_err(malformed)?;
        let key = |text: &str| {
            Digest::from_hex(text).map(|d| d.0).ok_or_else(|| malformed(format!("key `{text}`")))
        };
        let mut members = Vec::with_capacity(ledger.members.len());
        for member in &ledger.members {
            members.push(TrustedMember {
                country: member.country,
                consensus: key(&member.consensus)?,
                cosigner: key(&member.cosigner)?,
                evidence: member.evidence.iter().map(KeyText::read).collect::<Result<_, _>>()?,
                governance: member.governance.read()?,
            });
        }
        Self::new(ledger.origin, Digest(key(&ledger.circle)?), members)
    }

    /// Writes the `[ledger]` table.
    ///
    /// # Errors
    /// If it cannot be written as TOML.
    pub fn to_toml(&self) -> Result<String, LedgerError> {
        let members = self
            .members
            .iter()
            .map(|m| MemberText {
                country: m.country,
                consensus: hex::encode(m.consensus),
                cosigner: hex::encode(m.cosigner),
                evidence: m.evidence.iter().map(KeyText::write).collect(),
                governance: KeyText::write(&m.governance),
            })
            .collect();
        let ledger = LedgerText { origin: self.origin.clone(), circle: self.circle.to_string(), members };
        toml::to_string(&FileText { ledger }).map_err(malformed)
    }

    /// The members, by country.
    #[must_use]
    pub fn members(&self) -> &[TrustedMember] {
        &self.members
    }

    /// How many members must stand behind a head.
    #[must_use]
    pub fn quorum(&self) -> usize {
        quorum(self.members.len())
    }

    /// The evidence keys by country.
    #[must_use]
    pub fn evidence(&self) -> &BTreeMap<CountryCode, Vec<PartyKey>> {
        &self.evidence
    }

    /// Names and keys of the cosigners.
    #[must_use]
    pub fn cosigners(&self) -> Vec<(String, [u8; 32])> {
        self.members.iter().map(|m| (cosigner_name(&self.origin, m.country), m.cosigner)).collect()
    }

    /// The consensus keys in the order in which certificates count them.
    #[must_use]
    pub fn validators(&self) -> Vec<[u8; 32]> {
        let mut keys: Vec<_> = self.members.iter().map(|m| m.consensus).collect();
        keys.sort_unstable();
        keys
    }

    /// The domain of consensus votes in this circle.
    #[must_use]
    pub fn namespace(&self) -> Vec<u8> {
        namespace(&self.circle)
    }
}

/// The domain of consensus votes in a circle.
#[must_use]
pub fn namespace(circle: &Digest) -> Vec<u8> {
    format!("KONFIDO-LEDGER-{circle}").into_bytes()
}

impl EvidenceKeys for Trust {
    fn evidence_keys(&self, country: CountryCode) -> &[PartyKey] {
        self.evidence.evidence_keys(country)
    }
}
