//! What a careful NCP-B makes of an answer.

use super::acknowledgement::{AckCode, AckDetail};
use super::reason::ReasonCode;
use super::response::XcpdResponse;
use super::subject::PatientMatch;
use crate::error::EhdsiError;

/// Why nobody was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct XcpdFailure {
    /// The code; where the peer gave none, the one that fits.
    pub code: EhdsiError,
    /// The reason, if the peer gave one.
    pub reason: Option<ReasonCode>,
    /// What the peer says about it.
    pub text: String,
    /// Where the peer says it happened; some peers put the explanation here.
    pub location: String,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum XcpdOutcome<'r> {
    /// One patient matches.
    Match(&'r PatientMatch),
    /// Several patients match; one must be chosen before anything is asked for.
    Several(&'r [PatientMatch]),
    /// Nobody matches.
    NoMatch(XcpdFailure),
    /// The peer does not tell, or contradicts itself.
    Refused(XcpdFailure),
}

impl XcpdResponse {
    /// What the answer means: a match is acknowledgement `AA` with a subject and no error beside it, nothing else.
    #[must_use]
    pub fn outcome(&self) -> XcpdOutcome<'_> {
        let accepted = self.ack == Some(AckCode::Accept);
        let sound = accepted && self.reasons.is_empty() && !self.details.iter().any(AckDetail::is_error);
        match self.matches.as_slice() {
            [patient] if sound => XcpdOutcome::Match(patient),
            patients @ [_, _, ..] if sound => XcpdOutcome::Several(patients),
            patients => self.failure(accepted, patients),
        }
    }

    fn failure(&self, accepted: bool, patients: &[PatientMatch]) -> XcpdOutcome<'_> {
        let detail = self.details.iter().find(|d| d.is_error()).or_else(|| self.details.first());
        let reason = self.reasons.iter().flatten().next().cloned();
        let not_found = patients.is_empty()
            && (accepted || self.query_ack.response.as_deref() == Some("NF"))
            && matches!(reason, None | Some(ReasonCode::AnswerNotAvailable));
        let code = match detail.and_then(|d| d.code.clone()) {
            Some(code) => code,
            None if not_found => EhdsiError::PiNoMatch,
            None => EhdsiError::PiGeneric,
        };
        let nobody = code == EhdsiError::PiNoMatch && patients.is_empty();
        let failure = XcpdFailure {
            code,
            reason,
            text: detail.map(|d| d.text.clone()).unwrap_or_default(),
            location: detail.map(|d| d.location.clone()).unwrap_or_default(),
        };
        if nobody { XcpdOutcome::NoMatch(failure) } else { XcpdOutcome::Refused(failure) }
    }
}
