//! The reason of a failed identification, told in `controlActProcess/reasonOf`.

use konfido_xml::{El, Element};

use crate::hl7::{self, child, descend, hl7};

const IHE: &str = "1.3.6.1.4.1.19376.1.2.27.3";
const EHDSI: &str = "1.3.6.1.4.1.12559.11.10.1.3.2.2.1";
const HL7_ACT_CODE: &str = "2.16.840.1.113883.5.4";

/// Why no patient is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReasonCode {
    /// The answer is not available; a human may help.
    AnswerNotAvailable,
    /// Too much to do at the moment.
    ResponderBusy,
    /// An error inside.
    InternalError,
    /// The given data do not name one patient; more are needed.
    AdditionalDemographicsRequested,
    /// Only identifiers are taken.
    DemographicsQueryNotAllowed,
    /// Data of the European health insurance card are needed.
    EhicDataRequested,
    /// Answering might disclose private data.
    PrivacyViolation,
    /// The one who asks may not.
    InsufficientRights,
    /// A means by which the patient authenticates is needed.
    PatientAuthenticationRequired,
    /// Against the policy of the country of affiliation.
    PolicyViolation,
    /// A reason that is in no table.
    Other {
        /// The code.
        code: String,
        /// Its code system.
        system: String,
    },
}

impl ReasonCode {
    /// Every reason of the profile.
    pub const KNOWN: [Self; 10] = [
        Self::AnswerNotAvailable,
        Self::ResponderBusy,
        Self::InternalError,
        Self::AdditionalDemographicsRequested,
        Self::DemographicsQueryNotAllowed,
        Self::EhicDataRequested,
        Self::PrivacyViolation,
        Self::InsufficientRights,
        Self::PatientAuthenticationRequired,
        Self::PolicyViolation,
    ];

    /// The code on the wire.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::AnswerNotAvailable => "AnswerNotAvailable",
            Self::ResponderBusy => "ResponderBusy",
            Self::InternalError => "InternalError",
            Self::AdditionalDemographicsRequested => "AdditionalDemographicsRequested",
            Self::DemographicsQueryNotAllowed => "DemographicsQueryNotAllowed",
            Self::EhicDataRequested => "EHICDataRequested",
            Self::PrivacyViolation => "PrivacyViolation",
            Self::InsufficientRights => "InsufficientRights",
            Self::PatientAuthenticationRequired => "PatientAuthenticationRequired",
            Self::PolicyViolation => "PolicyViolation",
            Self::Other { code, .. } => code,
        }
    }

    /// The code system.
    #[must_use]
    pub fn system(&self) -> &str {
        match self {
            Self::AnswerNotAvailable | Self::ResponderBusy | Self::InternalError => IHE,
            Self::Other { system, .. } => system,
            _ => EHDSI,
        }
    }

    /// True if the peer is asked for more: such a reason stands in `triggerFor`, the others in `mitigatedBy`.
    #[must_use]
    pub fn asks_for_more(&self) -> bool {
        matches!(
            self,
            Self::AdditionalDemographicsRequested
                | Self::DemographicsQueryNotAllowed
                | Self::EhicDataRequested
                | Self::PatientAuthenticationRequired
        )
    }

    /// The reason of this code; the code system of a known code is not compared.
    pub(super) fn of(code: &str, system: &str) -> Self {
        Self::KNOWN
            .into_iter()
            .find(|known| known.code() == code)
            .unwrap_or_else(|| Self::Other { code: code.to_owned(), system: system.to_owned() })
    }

    /// Reads a `reasonOf`, whichever of the two places the code is in. `None`: a reason without a code.
    pub(super) fn read(reason_of: Element<'_>) -> Option<Self> {
        let event = child(reason_of, "detectedIssueEvent")?;
        let code = descend(event, &["mitigatedBy", "detectedIssueManagement", "code"])
            .or_else(|| descend(event, &["triggerFor", "actOrderRequired", "code"]))?;
        let value = code.attribute("code").map(str::trim).filter(|value| !value.is_empty())?;
        Some(Self::of(value, code.attribute("codeSystem").unwrap_or_default()))
    }

    pub(super) fn write(reason: Option<&Self>) -> El {
        let event = hl7("detectedIssueEvent")
            .attr("classCode", "ALRT")
            .attr("moodCode", "EVN")
            .child(hl7::coded("code", "ActAdministrativeDetectedIssueCode").attr("codeSystem", HL7_ACT_CODE))
            .opt_child(reason.map(Self::write_code));
        hl7("reasonOf").attr("typeCode", "RSON").child(event)
    }

    fn write_code(&self) -> El {
        let code = hl7::coded("code", self.code().to_owned()).attr("codeSystem", self.system().to_owned());
        if self.asks_for_more() {
            hl7("triggerFor")
                .attr("typeCode", "TRIG")
                .child(hl7("actOrderRequired").attr("classCode", "ACT").attr("moodCode", "RQO").child(code))
        } else {
            hl7("mitigatedBy").attr("typeCode", "MITGT").child(
                hl7("detectedIssueManagement").attr("classCode", "ACT").attr("moodCode", "EVN").child(code),
            )
        }
    }
}
