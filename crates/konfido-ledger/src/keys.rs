//! The public keys of a member state and what each may sign.

use std::fmt;

use coset::iana;
use konfido_circle::CountryCode;
use konfido_keys::{KeyError, SignatureAlgorithm, Signer, VerifyingKey};

use crate::cbor::{Reader, Writer};
use crate::{Digest, LedgerError};

const ED25519_SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// A public key with the one algorithm it is used with.
#[derive(Clone)]
pub struct PartyKey {
    spki: Vec<u8>,
    key: VerifyingKey,
}

impl PartyKey {
    /// Reads a DER `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    /// If it is no key for `algorithm`, or a weak one.
    pub fn new(algorithm: SignatureAlgorithm, spki: &[u8]) -> Result<Self, KeyError> {
        Ok(Self { spki: spki.to_vec(), key: VerifyingKey::from_spki(algorithm, spki)? })
    }

    /// The public half of a signer.
    ///
    /// # Errors
    /// If the signer's public key cannot be read.
    pub fn of(signer: &dyn Signer) -> Result<Self, KeyError> {
        Self::new(signer.algorithm(), signer.public_key_der())
    }

    /// An ed25519 key from its 32 bytes.
    ///
    /// # Errors
    /// If they are no key.
    pub fn ed25519(raw: &[u8; 32]) -> Result<Self, KeyError> {
        Self::new(SignatureAlgorithm::Ed25519, &[ED25519_SPKI.as_slice(), raw].concat())
    }

    /// The 32 bytes of an ed25519 key.
    #[must_use]
    pub fn raw_ed25519(&self) -> Option<[u8; 32]> {
        self.spki.strip_prefix(&ED25519_SPKI)?.try_into().ok()
    }

    /// Its algorithm.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.key.algorithm()
    }

    /// Its DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// First eight bytes of the SHA-256 of the `SubjectPublicKeyInfo`: a hint, never a proof.
    #[must_use]
    pub fn id(&self) -> [u8; 8] {
        let digest = Digest::of(&[&self.spki]);
        let mut out = [0; 8];
        out.iter_mut().zip(digest.0).for_each(|(to, from)| *to = from);
        out
    }

    /// Checks a signature.
    ///
    /// # Errors
    /// If it does not hold.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), KeyError> {
        self.key.verify(message, signature)
    }

    pub(crate) fn write(&self, out: Writer) -> Writer {
        out.uint(algorithm_code(self.algorithm())).bytes(&self.spki)
    }

    pub(crate) fn read(input: &mut Reader<'_>) -> Result<Self, LedgerError> {
        let algorithm = algorithm_from(input.uint()?)?;
        Ok(Self::new(algorithm, input.bytes(1024)?)?)
    }
}

impl PartialEq for PartyKey {
    fn eq(&self, other: &Self) -> bool {
        self.algorithm() == other.algorithm() && self.spki == other.spki
    }
}

impl Eq for PartyKey {}

impl fmt::Debug for PartyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), hex::encode(self.id()))
    }
}

fn algorithm_code(algorithm: SignatureAlgorithm) -> u64 {
    match algorithm {
        SignatureAlgorithm::EcdsaP256Sha256 => 1,
        SignatureAlgorithm::EcdsaP384Sha384 => 2,
        SignatureAlgorithm::Ed25519 => 3,
        SignatureAlgorithm::RsaPssSha256 => 4,
        SignatureAlgorithm::RsaPkcs1Sha256 => 5,
        SignatureAlgorithm::RsaPkcs1Sha512 => 6,
        _ => 0,
    }
}

fn algorithm_from(code: u64) -> Result<SignatureAlgorithm, LedgerError> {
    Ok(match code {
        1 => SignatureAlgorithm::EcdsaP256Sha256,
        2 => SignatureAlgorithm::EcdsaP384Sha384,
        3 => SignatureAlgorithm::Ed25519,
        4 => SignatureAlgorithm::RsaPssSha256,
        5 => SignatureAlgorithm::RsaPkcs1Sha256,
        6 => SignatureAlgorithm::RsaPkcs1Sha512,
        other => return Err(LedgerError::malformed("key", format!("algorithm {other} is unknown"))),
    })
}

/// The COSE name of an algorithm (RFC 9053, RFC 9864 leaves `EdDSA` valid).
pub(crate) fn cose_algorithm(algorithm: SignatureAlgorithm) -> Result<iana::Algorithm, LedgerError> {
    Ok(match algorithm {
        SignatureAlgorithm::EcdsaP256Sha256 => iana::Algorithm::ES256,
        SignatureAlgorithm::EcdsaP384Sha384 => iana::Algorithm::ES384,
        SignatureAlgorithm::Ed25519 => iana::Algorithm::EdDSA,
        SignatureAlgorithm::RsaPssSha256 => iana::Algorithm::PS256,
        SignatureAlgorithm::RsaPkcs1Sha256 => iana::Algorithm::RS256,
        SignatureAlgorithm::RsaPkcs1Sha512 => iana::Algorithm::RS512,
        _ => return Err(LedgerError::malformed("key", "its algorithm has no COSE name")),
    })
}

/// Who a country's evidence key is: the members of the circle as a verifier knows them.
pub trait EvidenceKeys {
    /// The keys with which `country` signs statements, newest first; old ones stay for old statements.
    fn evidence_keys(&self, country: CountryCode) -> &[PartyKey];
}

impl EvidenceKeys for std::collections::BTreeMap<CountryCode, Vec<PartyKey>> {
    fn evidence_keys(&self, country: CountryCode) -> &[PartyKey] {
        self.get(&country).map_or(&[], Vec::as_slice)
    }
}
