//! What NCP-A may say instead of the answer, before any protocol has put it into its own words.

use crate::error::EhdsiError;
use crate::xcpd::ReasonCode;

/// Why a request is not answered with what was asked for.
///
/// The gateway decides on one of these; [`crate::xcpd::error::wire`] and [`crate::xca::error::wire`] turn it into the
/// codes of their protocol and say no more than the profile demands. What exactly failed goes to the audit trail.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The request is not a message of the profile.
    Malformed,
    /// An assertion is missing, or lacks a field that the profile requires.
    MissingAssertion,
    /// An assertion is expired, not yet valid, valid for too long, or holds a value that the profile does not allow.
    InvalidAssertion,
    /// An assertion is not valid against its schema, or has been presented in a way that it does not allow.
    BrokenAssertion,
    /// A signature is missing, wrong, or by nobody we trust.
    BadSignature,
    /// Role, permission, purpose, or the link between the assertions does not allow it.
    InsufficientRights,
    /// The query names another patient than the treatment relationship.
    PatientMismatch,
    /// The message is meant for another home community.
    WrongReceiver,
    /// The query holds no patient identifier.
    NoPatientIdentifier,
    /// Nobody, or no document, matches. A document of another patient is told with the same words.
    NotFound,
    /// Several patients match where one is needed.
    SeveralMatches,
    /// The patient has not consented.
    NoConsent,
    /// This class of documents is unknown or not served here.
    ClassNotServed,
    /// A national registry or index does not answer.
    RegistryUnavailable,
    /// The document could not be brought into the form of the exchange.
    Untranscodable,
    /// Too much is asked for at this moment.
    Busy,
    /// Anything else on our side.
    Internal,
    /// The national infrastructure refused with a code of its own.
    National {
        /// Its code.
        code: EhdsiError,
        /// Its reason, for an identification.
        reason: Option<ReasonCode>,
    },
}
