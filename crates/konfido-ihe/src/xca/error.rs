//! The one place that knows how XCA tells a refusal.

use crate::document_class::Group;
use crate::error::EhdsiError;
use crate::refusal::Refusal;
use crate::registry::{ResponseStatus, Severity};

/// Which of the two transactions answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// ITI-38.
    Query,
    /// ITI-39.
    Retrieve,
}

/// A refusal in the words of XCA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XcaRefusal {
    /// The status of the answer.
    pub status: ResponseStatus,
    /// The code of its one entry.
    pub code: EhdsiError,
    /// The severity of that entry.
    pub severity: Severity,
}

impl XcaRefusal {
    pub(super) fn entry(self) -> (EhdsiError, Severity) {
        (self.code, self.severity)
    }
}

/// The table of ITI-38 and ITI-39: what each refusal looks like. `group` is that of the documents asked for; where it
/// is not known (a retrieve names no class) the codes are those of the patient summary, as the profile's are.
///
/// Differs from the reference implementation in this: every refusal but "nothing there" is Failure with one Error and
/// nothing beside it, where that implementation goes on and hands out documents, or answers without status, or
/// with a fault. A document that does not exist and one of another patient have the same words.
#[must_use]
pub fn wire(step: Step, group: Option<Group>, refusal: &Refusal) -> XcaRefusal {
    use EhdsiError as E;
    let group = group.unwrap_or(Group::PatientSummary);
    let by_group = |summary: E, prescription: E, original: E| match group {
        Group::PatientSummary => summary,
        Group::Prescription => prescription,
        Group::Original => original,
    };
    let code = match refusal {
        Refusal::Malformed | Refusal::InvalidAssertion => {
            by_group(E::PsIncorrectFormatting, E::EpIncorrectFormatting, E::PsIncorrectFormatting)
        }
        Refusal::MissingAssertion | Refusal::NoPatientIdentifier => {
            by_group(E::PsMissingRequiredFields, E::EpMissingRequiredFields, E::PsMissingRequiredFields)
        }
        Refusal::BrokenAssertion => E::SecDataIntegrityNotEnsured,
        Refusal::BadSignature => E::SecGeneric,
        Refusal::InsufficientRights => E::InsufficientRights,
        Refusal::PatientMismatch => match step {
            Step::Query => E::UnknownPatientIdentifier,
            Step::Retrieve => E::GenericDocumentMissing,
        },
        Refusal::NotFound => match step {
            Step::Query => by_group(E::PsNotFound, E::EpNotFound, E::OrcdNotFound),
            Step::Retrieve => E::GenericDocumentMissing,
        },
        Refusal::NoConsent => by_group(E::PsNoConsent, E::EpNoConsent, E::NoConsent),
        Refusal::ClassNotServed => E::GenericServiceSignifierUnknown,
        Refusal::RegistryUnavailable => {
            by_group(E::PsRegistryNotAvailable, E::EpRegistryNotAccessible, E::OrcdGeneric)
        }
        Refusal::Untranscodable => {
            by_group(E::PsMissingExpectedMapping, E::EpMissingExpectedMapping, E::TranscodingError)
        }
        Refusal::WrongReceiver | Refusal::SeveralMatches | Refusal::Busy | Refusal::Internal => {
            by_group(E::PsGeneric, E::EpGeneric, E::OrcdGeneric)
        }
        Refusal::National { code, .. } => code.clone(),
    };
    let nothing_there = step == Step::Query && *refusal == Refusal::NotFound;
    XcaRefusal {
        // A prescription list that is empty is a Failure in the profile, another one a Success; both with a Warning.
        status: match (nothing_there, group) {
            (true, Group::PatientSummary | Group::Original) => ResponseStatus::Success,
            _ => ResponseStatus::Failure,
        },
        severity: if nothing_there { Severity::Warning } else { Severity::Error },
        code,
    }
}
