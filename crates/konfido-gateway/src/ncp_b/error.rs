//! Why NCP-B has no answer, sorted by whose fault it is; [`AskError::code`] is what a portal is shown.

use konfido_circle::CertificateError;
use konfido_ihe::registry::RegistryError;
use konfido_ihe::xca::Refused;
use konfido_ihe::xcpd::XcpdFailure;
use konfido_ihe::{EhdsiError, Malformed};
use konfido_keys::KeyError;

use crate::directory::DirectoryError;
use crate::tls::TlsError;
use crate::trail::TrailError;

/// No answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The peer refused, or found nothing, and said so.
    #[error("the peer answered {}: {text}", code.wire())]
    Told {
        /// The peer's code.
        code: EhdsiError,
        /// The peer's words. They may name a person: for the professional, never for a log.
        text: String,
    },
    /// The peer refused without a reason.
    #[error("the peer refused without giving a reason")]
    Unexplained,
    /// The identifiers belong to several persons.
    #[error("several persons match, and taking the wrong one could do harm")]
    SeveralMatches,
    /// There is nothing of this class.
    #[error("the patient has no such document")]
    Nothing,
    /// The peer answered with a SOAP fault.
    #[error("the peer could not take the message")]
    Fault,
    /// The peer's answer is not one of the profile's.
    #[error("the answer can't be read: {0}")]
    Unreadable(String),
    /// The answer relates to another message.
    #[error("the answer relates to another message")]
    Unrelated,
    /// The peer has no endpoint.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// There is no connection.
    #[error("could not reach `{endpoint}`")]
    Unreachable {
        /// Where to.
        endpoint: String,
        /// Why.
        source: std::io::Error,
    },
    /// There is no trusted connection.
    #[error("no trusted connection to `{endpoint}`")]
    Untrusted {
        /// Where to.
        endpoint: String,
        /// Why.
        source: TlsError,
    },
    /// The server's certificate went bad under an open connection.
    #[error("the certificate of the peer is no longer good: {0}")]
    Certificate(CertificateError),
    /// The connection broke, or the answer was too long.
    #[error("the connection to the peer failed: {0}")]
    Broken(String),
    /// The answer did not come in time.
    #[error("the peer did not answer in time")]
    Timeout,
    /// Our own keys or randomness.
    #[error("own keys: {0}")]
    Keys(#[from] KeyError),
    /// Our own audit trail.
    #[error(transparent)]
    Trail(#[from] TrailError),
}

impl AskError {
    /// The code of the profile that a portal is shown.
    #[must_use]
    pub fn code(&self) -> EhdsiError {
        match self {
            Self::Told { code, .. } => code.clone(),
            Self::SeveralMatches => EhdsiError::PiMultipleMatches,
            Self::Nothing => EhdsiError::GenericDocumentMissing,
            Self::Unexplained => EhdsiError::Generic,
            _ => EhdsiError::GenericConnectionNotPossible,
        }
    }

    /// Whether the peer answered at all, even if with a no.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Told { .. } | Self::Unexplained | Self::SeveralMatches | Self::Nothing)
    }

    pub(super) fn told_by(failure: &XcpdFailure) -> Self {
        Self::Told { code: failure.code.clone(), text: failure.text.clone() }
    }

    pub(super) fn nothing(told: Option<&RegistryError>) -> Self {
        told.map_or(Self::Nothing, |e| Self::Told { code: e.code.clone(), text: e.context.clone() })
    }

    pub(super) fn refused(refused: &Refused<'_>) -> Self {
        match refused {
            Refused::Told(e) => Self::Told { code: e.code.clone(), text: e.context.clone() },
            Refused::Unexplained => Self::Unexplained,
        }
    }
}

impl From<Malformed> for AskError {
    fn from(malformed: Malformed) -> Self {
        Self::Unreadable(malformed.to_string())
    }
}
