//! Why a certificate is not believed.

use jiff::Timestamp;

use super::certificate::Facts;
use crate::CountryCode;

/// The verdict on a certificate that is refused. Always the peer's bytes are at fault, except for
/// [`CertificateError::RevocationUnknown`], which our own stale or missing CRL causes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// Not a certificate.
    #[error("certificate cannot be read: {0}")]
    Malformed(String),
    /// Past its `notAfter`.
    #[error("certificate expired at {not_after}")]
    Expired {
        /// The end of its validity.
        not_after: Timestamp,
    },
    /// Before its `notBefore`.
    #[error("certificate is not valid before {not_before}")]
    NotYetValid {
        /// The start of its validity.
        not_before: Timestamp,
    },
    /// On the CRL of its issuer.
    #[error("certificate is revoked")]
    Revoked,
    /// No current CRL of an issuer in the chain.
    #[error("revocation status is unknown: {0}")]
    RevocationUnknown(&'static str),
    /// No root of the circle has issued it.
    #[error("certificate is of an unknown issuer")]
    UnknownIssuer,
    /// It names an issuer of the circle, but that issuer did not sign it.
    #[error("certificate does not carry its issuer's signature")]
    BadSignature,
    /// Not made for this usage.
    #[error("certificate is not for this usage: {0}")]
    WrongUsage(&'static str),
    /// Its key is too weak or of a kind that the circle does not use.
    #[error("key of the certificate is too weak or of an unknown kind: {0}")]
    WeakKey(String),
    /// It or an issuer is signed with an algorithm that the circle does not use, such as SHA-1.
    #[error("certificate is signed with a weak or unknown algorithm")]
    WeakAlgorithm,
    /// Its subject names no country, several, or one that its root does not speak for.
    #[error("subject's country {} is not its root's", .found.as_deref().map_or("(none)".to_owned(), |c| format!("`{c}`")))]
    WrongCountry {
        /// What the subject says.
        found: Option<String>,
    },
    /// A sound certificate of the country, but not among those it lists in the circle file.
    #[error("certificate is not among those that {country} lists")]
    NotListed {
        /// The country.
        country: CountryCode,
    },
    /// A TLS server's certificate for another name.
    #[error("certificate is not for the name `{wanted}`")]
    WrongName {
        /// The name that was called.
        wanted: String,
    },
    /// Any other rule of RFC 5280 is broken.
    #[error("certificate breaks a rule of RFC 5280: {0}")]
    Other(String),
}

impl CertificateError {
    /// The verdict in one word, for scripts and audit. Never changes once released.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Expired { .. } => "expired",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::Revoked => "revoked",
            Self::RevocationUnknown(_) => "revocation-unknown",
            Self::UnknownIssuer => "unknown-issuer",
            Self::BadSignature => "bad-signature",
            Self::WrongUsage(_) => "wrong-usage",
            Self::WeakKey(_) => "weak-key",
            Self::WeakAlgorithm => "weak-algorithm",
            Self::WrongCountry { .. } => "wrong-country",
            Self::NotListed { .. } => "not-listed",
            Self::WrongName { .. } => "wrong-name",
            Self::Other(_) => "other",
        }
    }
}

/// Sorts webpki's errors into ours.
pub(super) fn of_webpki(error: webpki::Error, leaf: &Facts) -> CertificateError {
    use webpki::Error;
    match error {
        // The time in webpki's error may be an intermediate's; what the reader wants to see is the leaf's.
        Error::CertExpired { not_after, .. } => CertificateError::Expired {
            not_after: timestamp(not_after.as_secs()).unwrap_or(leaf.not_after()),
        },
        Error::CertNotValidYet { not_before, .. } => CertificateError::NotYetValid {
            not_before: timestamp(not_before.as_secs()).unwrap_or(leaf.not_before()),
        },
        Error::CertRevoked => CertificateError::Revoked,
        Error::CrlExpired { .. } => {
            CertificateError::RevocationUnknown("the issuer's CRL is past its next update")
        }
        Error::UnknownRevocationStatus => CertificateError::RevocationUnknown("no CRL of the issuer"),
        Error::InvalidCrlSignatureForPublicKey
        | Error::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_)
        | Error::IssuerNotCrlSigner => {
            CertificateError::RevocationUnknown("the issuer's CRL is not signed by it")
        }
        Error::UnknownIssuer => CertificateError::UnknownIssuer,
        Error::InvalidSignatureForPublicKey
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_)
        | Error::SignatureAlgorithmMismatch => CertificateError::BadSignature,
        Error::UnsupportedSignatureAlgorithmContext(_) => CertificateError::WeakAlgorithm,
        Error::CaUsedAsEndEntity => CertificateError::WrongUsage("a CA certificate is no leaf"),
        Error::EndEntityUsedAsCa | Error::PathLenConstraintViolated => {
            CertificateError::WrongUsage("its issuer may not issue certificates")
        }
        Error::BadDer | Error::BadDerTime | Error::TrailingData(_) => {
            CertificateError::Malformed(error.to_string())
        }
        other => CertificateError::Other(other.to_string()),
    }
}

fn timestamp(seconds: u64) -> Option<Timestamp> {
    i64::try_from(seconds).ok().and_then(|s| Timestamp::from_second(s).ok())
}
