//! What happened, as a typed value: one [`AuditEvent`] for each step on each side.
//!
//! The table of steps is that of the reference implementation (`EventType`, observed on a running system):
//!
//! | step | transaction | service | event at A | event at B |
//! | --- | --- | --- | --- | --- |
//! | patient discovery | ITI-55 | `IdentityService::FindIdentityByTraits` | Query, E | Query, E |
//! | list | ITI-38 | `PatientService::List` (Order, OrCD) | Query, E | Query, E |
//! | retrieve | ITI-39 | `PatientService::Retrieve` (Order, OrCD) | Export, R | Import, C |
//! | dispensation, discard | ITI-41 | `DispensationService::Initialize`, `::Discard` | Import, C | Export, R |
//! | TRC, NoK issued | EHDSI-92, EHDSI-96 | `ncp::TrcAssertion`, `ncp::NokAssertion` | | Query, E |
//! | translation | EHDSI-94 | `ncpTransformationMgr::Translate` | Query, E | Query, E |
//! | communication failure | EHDSI-CF | `CommunicationFailure` | Query, R | Query, R |

use std::fmt;

use jiff::Timestamp;
use konfido_circle::{HomeCommunityId, PatientId, Personal};

/// On which side of the border the event happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The country that holds the data.
    A,
    /// The country that treats.
    B,
}

/// Which documents a list or retrieve is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Documents {
    /// Patient summaries.
    PatientSummary,
    /// Prescriptions.
    Order,
    /// Original clinical documents.
    Original,
}

/// The step that is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// ITI-55.
    FindIdentity,
    /// ITI-38.
    List(Documents),
    /// ITI-39.
    Retrieve(Documents),
    /// ITI-41 with a dispensation.
    Dispense,
    /// ITI-41 that takes a dispensation back.
    Discard,
    /// A TRC assertion was issued, or refused.
    TrcAssertion,
    /// A next-of-kin assertion was issued, or refused.
    NokAssertion,
    /// A document was transcoded or translated.
    Translate,
    /// The other side could not be reached, or did not answer in kind.
    CommunicationFailure,
}

/// Coded words of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepCodes {
    /// `EventTypeCode/@csd-code`.
    pub transaction: &'static str,
    /// `EventTypeCode/@displayName`.
    pub service: &'static str,
    /// `EventID/@displayName`.
    pub name: &'static str,
}

impl Step {
    /// Transaction, service and name of the step.
    #[must_use]
    pub const fn codes(self) -> StepCodes {
        use Documents::{Order, Original, PatientSummary};
        const QUERY: &str = "XCA::CrossGatewayQuery";
        const RETRIEVE: &str = "XCA::CrossGatewayRetrieve";
        const SUBMIT: &str = "XDR::ProvideandRegisterDocumentSet-b";
        let (transaction, service, name) = match self {
            Self::FindIdentity => {
                ("ITI-55", "IdentityService::FindIdentityByTraits", "XCPD::CrossGatewayPatientDiscovery")
            }
            Self::List(PatientSummary) => ("ITI-38", "PatientService::List", QUERY),
            Self::List(Order) => ("ITI-38", "OrderService::List", QUERY),
            Self::List(Original) => ("ITI-38", "OrCDService::List", QUERY),
            Self::Retrieve(PatientSummary) => ("ITI-39", "PatientService::Retrieve", RETRIEVE),
            Self::Retrieve(Order) => ("ITI-39", "OrderService::Retrieve", RETRIEVE),
            Self::Retrieve(Original) => ("ITI-39", "OrCDService::Retrieve", RETRIEVE),
            Self::Dispense => ("ITI-41", "DispensationService::Initialize", SUBMIT),
            Self::Discard => ("ITI-41", "DispensationService::Discard", SUBMIT),
            Self::TrcAssertion => ("EHDSI-92", "ncp::TrcAssertion", "ncp::TrcAssertion"),
            Self::NokAssertion => ("EHDSI-96", "ncp::NokAssertion", "ncp::NokAssertion"),
            Self::Translate => {
                ("EHDSI-94", "ncpTransformationMgr::Translate", "ncpTransformationMgr::Translate")
            }
            Self::CommunicationFailure => ("EHDSI-CF", "CommunicationFailure", "epsosCommunicationFailure"),
        };
        StepCodes { transaction, service, name }
    }

    /// DICOM event id, its name, and the action code, seen from `side`.
    #[must_use]
    pub const fn event(self, side: Side) -> (&'static str, &'static str, &'static str) {
        const QUERY: (&str, &str, &str) = ("110112", "Query", "E");
        const EXPORT: (&str, &str, &str) = ("110106", "Export", "R");
        const IMPORT: (&str, &str, &str) = ("110107", "Import", "C");
        match (self, side) {
            (Self::Retrieve(_), Side::A) | (Self::Dispense | Self::Discard, Side::B) => EXPORT,
            (Self::Retrieve(_), Side::B) | (Self::Dispense | Self::Discard, Side::A) => IMPORT,
            (Self::CommunicationFailure, _) => ("110112", "Query", "R"),
            _ => QUERY,
        }
    }

    /// Whether the professional counts as the requestor, as the reference implementation has it.
    #[must_use]
    pub const fn professional_requests(self, side: Side) -> bool {
        match (self, side) {
            (Self::FindIdentity | Self::List(_), side) => matches!(side, Side::B),
            (Self::Dispense | Self::Discard, side) => matches!(side, Side::A),
            (Self::Retrieve(_), _) => false,
            _ => true,
        }
    }

    /// Whether the two systems are given with their network addresses.
    pub(crate) const fn systems_have_addresses(self) -> bool {
        matches!(self, Self::TrcAssertion | Self::NokAssertion | Self::Translate | Self::CommunicationFailure)
    }
}

/// How it ended (DICOM PS3.15 A.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// 0.
    Success,
    /// 4: in part.
    MinorFailure,
    /// 8: for now; nobody found, refused.
    SeriousFailure,
    /// 12: for good.
    MajorFailure,
}

impl Outcome {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Success => "0",
            Self::MinorFailure => "4",
            Self::SeriousFailure => "8",
            Self::MajorFailure => "12",
        }
    }
}

/// Where a participant sits in the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkAddress {
    /// A machine name, type code 1.
    Name(String),
    /// An IP address, type code 2.
    Ip(std::net::IpAddr),
}

/// The professional for whom it happened.
#[derive(Clone, Debug)]
pub struct Professional {
    /// Subject of the HCP assertion.
    pub name_id: Personal<String>,
    /// Issuer of the HCP assertion.
    pub issuer: String,
    /// Identifier that replaces the two, where the issuer gave one.
    pub sp_provided_id: Option<Personal<String>>,
    /// Full name.
    pub name: Personal<String>,
    /// Where the care is given.
    pub point_of_care: String,
}

impl Professional {
    /// `UserID` of the human requestor.
    pub(crate) fn user_id(&self) -> String {
        match &self.sp_provided_id {
            Some(id) => id.reveal().clone(),
            None => format!("<{}@{}>", self.name_id.reveal(), self.issuer),
        }
    }
}

/// The two systems, each by the common name of its TLS certificate, and where they sit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Systems {
    /// Who asks.
    pub consumer: String,
    /// Who answers.
    pub provider: String,
    /// Address of this side: at A the machine's own name, at B the address of the caller.
    pub address: NetworkAddress,
}

/// One message of the exchange: its id, and its SOAP header.
///
/// The header holds the assertions and with them personal data; it is the proof of who asked, and travels in the
/// audit message as the profile wants it.
#[derive(Clone)]
pub struct MessageRef {
    /// WS-Addressing MessageID as it was on the wire.
    pub id: Option<String>,
    /// The SOAP header element, serialised.
    pub header: Option<String>,
}

impl fmt::Debug for MessageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageRef").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What went wrong, in the words that went to the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Wire code.
    pub code: String,
    /// Text.
    pub text: String,
}

/// What the step was about besides the patient.
#[derive(Clone)]
pub enum Subject {
    /// ITI-55, ITI-38: the query as XML, and what was found (for a list that failed: the class code asked for).
    Query {
        /// The query element, serialised; it names the patient.
        query: String,
        /// Unique ids of the documents found.
        documents: Vec<String>,
    },
    /// ITI-39: unique ids of the documents asked for.
    Retrieve {
        /// The documents.
        documents: Vec<String>,
    },
    /// ITI-41: unique ids of the documents submitted; for a discard its own id and that of the dispensation.
    Submission {
        /// The documents.
        documents: Vec<String>,
    },
    /// An assertion was issued.
    Assertion {
        /// Its id; absent when it was refused.
        id: Option<String>,
        /// NoK: identifier of the relative.
        relative: Option<Personal<String>>,
    },
    /// A document went in and one came out.
    Translation {
        /// Unique id of the source.
        source: String,
        /// Unique id of the result.
        result: String,
    },
    /// Nothing besides.
    None,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Query { .. } => "Query",
            Self::Retrieve { .. } => "Retrieve",
            Self::Submission { .. } => "Submission",
            Self::Assertion { .. } => "Assertion",
            Self::Translation { .. } => "Translation",
            Self::None => "None",
        })
    }
}

/// An audit event, complete.
#[derive(Clone, Debug)]
pub struct AuditEvent {
    /// Which step.
    pub step: Step,
    /// On which side.
    pub side: Side,
    /// When.
    pub at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// For whom; absent where no professional is known (no assertion, translation).
    pub professional: Option<Professional>,
    /// Between whom.
    pub systems: Systems,
    /// Who records, e.g. `DK-1`.
    pub source: String,
    /// The patient, where one is known.
    pub patient: Option<PatientId>,
    /// What went wrong.
    pub failure: Option<Failure>,
    /// What it was about.
    pub subject: Subject,
    /// B: home community that was asked.
    pub asked: Option<HomeCommunityId>,
    /// The request.
    pub request: MessageRef,
    /// The response.
    pub response: MessageRef,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retrieve_exports_at_a_and_imports_at_b() {
        let step = Step::Retrieve(Documents::Order);
        assert_eq!(step.event(Side::A).1, "Export");
        assert_eq!(step.event(Side::B).1, "Import");
        assert_eq!(Step::Dispense.event(Side::A).1, "Import");
        assert_eq!(Step::Discard.event(Side::B).2, "R");
    }
}
