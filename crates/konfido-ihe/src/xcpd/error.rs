//! The one place that knows how XCPD tells a refusal.

use super::acknowledgement::AckCode;
use super::reason::ReasonCode;
use crate::error::EhdsiError;
use crate::refusal::Refusal;

/// A refusal in the words of XCPD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XcpdRefusal {
    /// `acknowledgement/typeCode`.
    pub ack: AckCode,
    /// `queryAck/queryResponseCode`.
    pub response: &'static str,
    /// The reason in `reasonOf`.
    pub reason: ReasonCode,
    /// The code in `acknowledgementDetail`.
    pub code: EhdsiError,
}

/// The table of ITI-55: what each refusal looks like.
///
/// Differs from the reference implementation in this: nobody found is `NF` with `AA` (IHE ITI-55, case 4), not `AE`;
/// every reason has its code in one of the two places, so that no reason is lost.
#[must_use]
pub fn wire(refusal: &Refusal) -> XcpdRefusal {
    use EhdsiError as E;
    use ReasonCode as R;
    let (reason, code) = match refusal {
        Refusal::Malformed => (R::InternalError, E::PiIncorrectFormatting),
        Refusal::MissingAssertion => (R::InternalError, E::PiMissingRequiredFields),
        Refusal::InvalidAssertion => (R::InternalError, E::PiIncorrectFormatting),
        Refusal::BrokenAssertion => (R::InsufficientRights, E::SecDataIntegrityNotEnsured),
        Refusal::BadSignature => (R::InternalError, E::PiGeneric),
        Refusal::InsufficientRights | Refusal::PatientMismatch => {
            (R::InsufficientRights, E::InsufficientRights)
        }
        Refusal::WrongReceiver => (R::AnswerNotAvailable, E::PiGeneric),
        Refusal::NoPatientIdentifier => (R::DemographicsQueryNotAllowed, E::PiGeneric),
        Refusal::NotFound => (R::AnswerNotAvailable, E::PiNoMatch),
        Refusal::SeveralMatches => (R::AdditionalDemographicsRequested, E::PiMultipleMatches),
        Refusal::NoConsent => (R::InsufficientRights, E::WarningPiNoConsent),
        Refusal::RegistryUnavailable => (R::AnswerNotAvailable, E::PiRegistryNotAvailable),
        Refusal::Busy => (R::ResponderBusy, E::PiGeneric),
        Refusal::ClassNotServed | Refusal::Untranscodable | Refusal::Internal => {
            (R::InternalError, E::PiInternalError)
        }
        Refusal::National { code, reason } => (reason.clone().unwrap_or(R::AnswerNotAvailable), code.clone()),
    };
    let (ack, response) = match refusal {
        Refusal::NotFound => (AckCode::Accept, "NF"),
        _ => (AckCode::Error, "AE"),
    };
    XcpdRefusal { ack, response, reason, code }
}
