//! What each exchange leaves behind: the seam to the audit messages of `konfido-audit`.
//!
//! Every request that reached NCP-A past the TLS handshake, and every request that NCP-B sent, is told here exactly
//! once, whether it was answered or refused. Implementations turn it into the audit message of the profile and keep it
//! durably; they see personal data, because the profile's audit messages name the patient and the professional.

mod atna;

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use konfido_circle::{CountryCode, HomeCommunityId, PatientId, Personal};
use konfido_ihe::{Group, Transaction};
use konfido_saml::vocabulary::Role;
use konfido_saml::{Admission, Hcp, NameId};

pub use atna::AtnaTrail;

use crate::connector::DocumentId;
use crate::observer::Side;

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A message that did not say what it wanted.
    Unknown,
    /// A cross-border transaction.
    Transaction(Transaction),
    /// A treatment relationship was confirmed: an assertion was issued.
    TrcIssued,
    /// A next of kin was named: an assertion was issued.
    NokIssued,
}

/// The professional of an exchange as the assertions describe them.
#[derive(Clone, Debug)]
pub struct Professional {
    /// Name id of the HCP assertion.
    pub name_id: Personal<String>,
    /// Another id under which the issuer knows the professional.
    pub sp_provided_id: Option<Personal<String>>,
    /// Full name.
    pub name: Personal<String>,
    /// Role.
    pub role: Role,
    /// Kind of house.
    pub facility: &'static str,
    /// Organisation, else locality.
    pub point_of_care: String,
    /// Identifier of the organisation.
    pub organization_id: Option<String>,
    /// Issuer of the HCP assertion.
    pub issuer: String,
    /// ID of the HCP assertion.
    pub hcp_assertion: String,
    /// ID of the TRC assertion.
    pub trc_assertion: Option<String>,
}

impl Professional {
    /// As the assertions of a request describe them.
    #[must_use]
    pub fn of(admission: &Admission) -> Self {
        let hcp = admission.hcp();
        let trc_assertion = admission.trc().map(|trc| trc.id().as_str().to_owned());
        Self {
            trc_assertion,
            ..Self::new(hcp.content().name_id(), hcp.claims(), hcp.content().issuer(), hcp.id().as_str())
        }
    }

    /// As our own sign-in describes them.
    #[must_use]
    pub fn new(name_id: &NameId, claims: &Hcp, issuer: &str, hcp_assertion: &str) -> Self {
        Self {
            name_id: name_id.value.clone(),
            sp_provided_id: name_id.sp_provided_id.clone(),
            name: claims.name.clone(),
            role: claims.role,
            facility: claims.facility.text(),
            point_of_care: claims.point_of_care().to_owned(),
            organization_id: claims.organization_id.clone(),
            issuer: issuer.to_owned(),
            hcp_assertion: hcp_assertion.to_owned(),
            trc_assertion: None,
        }
    }
}

/// How an exchange ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With what was asked for.
    Served,
    /// With a refusal that the profile has a code for, for example nobody found.
    Refused {
        /// The code on the wire.
        code: String,
        /// Its sentence on the wire.
        text: String,
        /// What exactly was wrong, for our own operators.
        cause: String,
    },
    /// With a SOAP fault, or with nothing.
    Failed {
        /// What exactly was wrong, for our own operators.
        cause: String,
    },
}

/// One exchange.
#[derive(Clone, Debug)]
pub struct Record {
    /// When it ended.
    pub at: Timestamp,
    /// Who we are in it.
    pub side: Side,
    /// What it was.
    pub deed: Deed,
    /// Which group of documents, once it is known.
    pub group: Option<Group>,
    /// The other member state; nobody if it proved no identity.
    pub peer: Option<CountryCode>,
    /// Who asked, by the common name of the TLS certificate.
    pub consumer: String,
    /// Who answered, by the common name of the TLS certificate.
    pub provider: String,
    /// The home community that was asked, where we asked.
    pub asked: Option<HomeCommunityId>,
    /// The request.
    pub request: MessageRef,
    /// The answer.
    pub response: MessageRef,
    /// The query, as it came.
    pub query: Option<Personal<String>>,
    /// The professional, once the assertions were accepted.
    pub professional: Option<Professional>,
    /// The patient asked for or found.
    pub patient: Option<PatientId>,
    /// The documents that were asked for, travelled or were listed.
    pub documents: Vec<DocumentId>,
    /// ID of an assertion that was issued.
    pub issued: Option<String>,
    /// Whether it was a repeat of an earlier request.
    pub repeated: bool,
    /// Whether it was made in an emergency.
    pub break_glass: bool,
    /// Shared with the trace of the same exchange, so that an operator finds one by the other.
    pub incident: String,
    /// How it ended.
    pub ending: Ending,
}

/// One message of an exchange.
#[derive(Clone, Debug, Default)]
pub struct MessageRef {
    /// MessageID.
    pub id: Option<String>,
    /// The SOAP header as it travelled; it carries the assertions.
    pub header: Option<Personal<String>>,
}

impl Record {
    /// What is known of any record from the start.
    pub(crate) fn new(at: Timestamp, side: Side, deed: Deed, incident: String) -> Self {
        Self {
            at,
            side,
            deed,
            group: None,
            peer: None,
            consumer: String::new(),
            provider: String::new(),
            asked: None,
            request: MessageRef::default(),
            response: MessageRef::default(),
            query: None,
            professional: None,
            patient: None,
            documents: Vec::new(),
            issued: None,
            repeated: false,
            break_glass: false,
            incident,
            ending: Ending::Served,
        }
    }
}

/// Keeps records.
#[async_trait]
pub trait AuditTrail: Send + Sync + fmt::Debug {
    /// Keeps one. An error means that it is not safe on disk; the exchange must then not be answered with data.
    async fn record(&self, record: &Record) -> Result<(), TrailError>;
}

/// The trail could not be kept.
#[derive(Clone, Debug, thiserror::Error)]
#[error("audit trail: {0}")]
pub struct TrailError(pub String);
