//! Why a request goes no further, and in which words of the profile: the one place that sorts our refusals.

use konfido_ihe::{EhdsiError, Malformed, Refusal};
use konfido_keys::KeyError;
use konfido_saml::Class;

use crate::connector::NationalError;
use crate::policy::Decision;

/// A refusal: what the peer may learn, and what we know.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    pub(super) refusal: Refusal,
    /// Code and sentence on the wire, once the answer was made.
    pub(super) code: String,
    pub(super) text: String,
    pub(super) cause: String,
}

impl Stop {
    pub(super) fn new(refusal: Refusal, cause: impl ToString) -> Self {
        Self { refusal, code: String::new(), text: String::new(), cause: cause.to_string() }
    }
}

impl Stop {
    /// Notes what the peer is told.
    pub(super) fn told(&mut self, code: &EhdsiError) {
        self.code = code.wire().into_owned();
        self.text = code.sentence();
    }
}

impl From<konfido_saml::Refusal> for Stop {
    fn from(refused: konfido_saml::Refusal) -> Self {
        let refusal = match refused.reason() {
            konfido_saml::Reason::OtherPatient => Refusal::PatientMismatch,
            _ => match refused.class() {
                Class::MissingField => Refusal::MissingAssertion,
                Class::InvalidField => Refusal::InvalidAssertion,
                Class::InsufficientRights => Refusal::InsufficientRights,
                Class::Signature => Refusal::BadSignature,
                Class::Schema => Refusal::BrokenAssertion,
            },
        };
        Self::new(refusal, refused)
    }
}

impl From<konfido_saml::Replay> for Stop {
    fn from(replay: konfido_saml::Replay) -> Self {
        Self::new(Refusal::BrokenAssertion, replay)
    }
}

impl From<NationalError> for Stop {
    fn from(error: NationalError) -> Self {
        let refusal = match &error {
            NationalError::Unavailable(_) => Refusal::RegistryUnavailable,
            NationalError::Refused(code) => Refusal::National { code: code.clone(), reason: None },
            NationalError::Broken(_) => Refusal::Internal,
        };
        Self::new(refusal, error)
    }
}

impl From<Malformed> for Stop {
    fn from(malformed: Malformed) -> Self {
        Self::new(Refusal::Malformed, malformed)
    }
}

impl From<KeyError> for Stop {
    fn from(error: KeyError) -> Self {
        Self::new(Refusal::Internal, error)
    }
}

/// Turns a policy's answer into a way on or a stop.
pub(super) fn permitted(decision: Decision) -> Result<(), Stop> {
    let policies =
        |names: Vec<String>| if names.is_empty() { "no policy permits it".into() } else { names.join(", ") };
    match decision {
        Decision::Permit(_) => Ok(()),
        Decision::NoConsent(names) => {
            Err(Stop::new(Refusal::NoConsent, format!("policy: {}", policies(names))))
        }
        Decision::Deny(names) => {
            Err(Stop::new(Refusal::InsufficientRights, format!("policy: {}", policies(names))))
        }
    }
}
