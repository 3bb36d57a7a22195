//! What can go wrong with a key, sorted by whose fault it is.

use crate::SignatureAlgorithm;

/// A failure of a key, a seal or a random source. Never holds key material.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The peer's bytes: the signature does not belong to message and key.
    #[error("signature does not verify with {0}")]
    BadSignature(SignatureAlgorithm),
    /// The peer's bytes: the key is too weak to be believed, whatever the signature says.
    #[error("RSA key of {bits} bits is too weak\nat least 2048 bits are needed")]
    WeakKey {
        /// Length of the modulus.
        bits: usize,
    },
    /// The peer's bytes: sealed bytes were altered, cut, or belong to another context or key.
    #[error("sealed bytes do not open: altered, or sealed by another key or for another context")]
    SealBroken,
    /// The peer's bytes or the caller's: a key, certificate or PEM text cannot be read as what it should be.
    #[error("malformed {what}: {reason}")]
    Malformed {
        /// What should have been there.
        what: &'static str,
        /// Why it is not.
        reason: String,
    },
    /// The caller: the key is of another kind than the algorithm needs.
    #[error("key does not fit {0}")]
    WrongKeyKind(SignatureAlgorithm),
    /// The caller: the certificate speaks of another key.
    #[error("certificate is not of this key")]
    CertificateMismatch,
    /// The caller: the key's owner knows the request and refuses it (no live session, wrong purpose).
    #[error("refused by the key's owner: {0}")]
    Refused(String),
    /// The environment: key store, random source or device cannot be used now.
    #[error("key store unavailable: {0}")]
    Unavailable(String),
}

impl KeyError {
    /// Shorthand for [`KeyError::Malformed`].
    pub(crate) fn malformed(what: &'static str, reason: impl ToString) -> Self {
        Self::Malformed { what, reason: reason.to_string() }
    }
}
