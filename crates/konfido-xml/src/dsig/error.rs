//! Why a signature is not accepted, or could not be made.

use konfido_keys::{KeyError, SignatureAlgorithm};

use crate::XmlError;

/// A signature that is not accepted, sorted by what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The element is not signed.
    #[error("the element is not signed")]
    Missing,
    /// The element was changed after signing.
    #[error("the digest does not match: the element was changed after signing")]
    WrongDigest,
    /// The signature value is not that of this key over this SignedInfo.
    #[error("the signature value does not match")]
    WrongValue,
    /// An algorithm that is not accepted.
    #[error("the algorithm `{0}` is not accepted")]
    WeakAlgorithm(String),
    /// A key that is too short.
    #[error("the RSA key has {bits} bits, {least} are needed")]
    WeakKey {
        /// Its length.
        bits: usize,
        /// What the policy asks for.
        least: usize,
    },
    /// The key is none that we trust for this.
    #[error("the signer is not trusted: {0}")]
    Untrusted(String),
    /// The signer's certificate has expired.
    #[error("the signer's certificate has expired")]
    Expired,
    /// The signer's certificate is not valid yet.
    #[error("the signer's certificate is not valid yet")]
    NotYetValid,
    /// The signer's certificate is revoked.
    #[error("the signer's certificate is revoked")]
    Revoked,
    /// The signature covers something else than the element it stands in, or an ambiguous one.
    #[error("the signature does not cover the element: {0}")]
    Wrapped(&'static str),
    /// The signature is put together in a way that is not accepted.
    #[error("the signature is malformed: {0}")]
    Malformed(&'static str),
}

impl SignatureError {
    /// A short stable name, for reports and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::WrongDigest => "wrong-digest",
            Self::WrongValue => "wrong-value",
            Self::WeakAlgorithm(_) => "weak-algorithm",
            Self::WeakKey { .. } => "weak-key",
            Self::Untrusted(_) => "untrusted",
            Self::Expired => "expired",
            Self::NotYetValid => "not-yet-valid",
            Self::Revoked => "revoked",
            Self::Wrapped(_) => "wrapped",
            Self::Malformed(_) => "malformed",
        }
    }
}

/// A signature that could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The caller's XML cannot be parsed.
    #[error("the XML to be signed is not accepted: {0}")]
    Xml(#[from] XmlError),
    /// The element to be signed is not there, or there are several.
    #[error("the element to be signed cannot be told: {0}")]
    Target(&'static str),
    /// The key's certificate is wanted in KeyInfo and it has none.
    #[error("the signing key has no certificate")]
    NoCertificate,
    /// The public key cannot be written as KeyValue.
    #[error("a key of {0} cannot be written as KeyValue")]
    NoKeyValue(SignatureAlgorithm),
    /// An algorithm without identifier in XML signatures.
    #[error("{0} has no identifier in XML signatures")]
    NoIdentifier(SignatureAlgorithm),
    /// The key refused or failed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The tree could not be canonicalised.
    #[error(transparent)]
    C14n(#[from] crate::c14n::C14nError),
}
