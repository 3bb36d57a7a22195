//! NCP-B: the treating country asks.
//!
//! For each request: one connection to the peer's endpoint (kept alive and used again, but never without judging the
//! peer's certificate anew), the assertions in the order OpenNCP needs (next of kin, professional, treatment
//! relationship), an audit record whatever comes of it, and an answer read by these rules:
//! * a SOAP fault, an HTTP error or silence: `ERROR_GENERIC_CONNECTION_NOT_POSSIBLE`;
//! * an answer that relates to another message is no answer;
//! * the status is never believed alone; an entry of severity Error voids everything beside it; a document that was not
//!   asked for is never taken (`konfido-ihe`);
//! * of an identification, only acknowledgement AA with a subject is a match (openncp.md 10).
//!
//! A request is sent a second time in one case only: a kept-alive connection broke before any byte of the answer came.
//! All requests here only read, so that is safe. OpenNCP's re-send after a fault is not copied.

mod ask;
mod credentials;
mod error;
mod pool;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use konfido_circle::{Clock, CountryCode, HomeCommunityId, PatientId, TrustStore};
use konfido_ihe::xca::{
    DocumentEntry, DocumentQuery, DocumentRequest, QueryOutcome, QueryResponse, RetrieveOutcome,
    RetrieveRequest, RetrieveResponse,
};
use konfido_ihe::xcpd::{Device, PatientCriteria, PatientMatch, XcpdOutcome, XcpdRequest, XcpdResponse};
use konfido_ihe::{ClassCode, DocumentClass, Group, Transaction};
use konfido_keys::{Rng, Signer};

pub use ask::Facts;
pub use credentials::{Credentials, SignIn, SignInError};
pub use error::AskError;

use self::ask::{Asked, Asking};
use self::pool::Pool;
use crate::connector::DocumentId;
use crate::directory::Directory;
use crate::ids;
use crate::metrics::Metrics;
use crate::observer::{ExchangeObserver, Fingerprint};
use crate::tls::SecureConnector;
use crate::trail::AuditTrail;

/// Everything an NCP-B works with; all of it is passed in.
#[derive(Debug)]
pub struct NcpBSetup {
    /// Our country.
    pub country: CountryCode,
    /// Common name of our TLS client's certificate, for the audit.
    pub name: String,
    /// Our home community.
    pub home: HomeCommunityId,
    /// Where the others answer.
    pub directory: Arc<dyn Directory>,
    /// Whom we trust.
    pub trust: Arc<TrustStore>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where identifiers come from.
    pub rng: Arc<dyn Rng>,
    /// Signs our assertions.
    pub signer: Arc<dyn Signer>,
    /// How connections are made.
    pub connector: Arc<dyn SecureConnector>,
    /// Where audit records go.
    pub trail: Arc<dyn AuditTrail>,
    /// Who else is told.
    pub observer: Arc<dyn ExchangeObserver>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Time for one exchange.
    pub timeout: Duration,
    /// Bytes of one answer.
    pub answer_bytes: usize,
}

/// The client of the treating country.
pub struct NcpB {
    setup: NcpBSetup,
    pool: Pool,
}

impl fmt::Debug for NcpB {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NcpB").field("country", &self.setup.country).finish_non_exhaustive()
    }
}

/// An answer, and how it came.
#[derive(Clone, Debug)]
pub struct Reply<T> {
    /// What was asked for.
    pub answer: T,
    /// How it came.
    pub facts: Facts,
}

/// A list of documents.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Every entry; the scanned and the structured form of a document are two.
    pub entries: Vec<DocumentEntry>,
    /// For each document the best entry to ask for: the structured one where there is one.
    pub best: Vec<DocumentRequest>,
}

/// A document that came.
#[derive(Clone, Debug)]
pub struct Received {
    /// The bytes as they were taken off the wire.
    pub bytes: Bytes,
    /// Their SHA-256.
    pub sha256: Fingerprint,
    /// What the peer calls it.
    pub mime_type: String,
}

impl NcpB {
    /// Gets ready to ask.
    #[must_use]
    pub fn new(setup: NcpBSetup) -> Self {
        Self { setup, pool: Pool::default() }
    }

    /// ITI-55: who is the person with these identifiers.
    pub async fn find_patient(
        &self,
        country: CountryCode,
        credentials: &Credentials,
        criteria: PatientCriteria,
    ) -> Result<Reply<PatientMatch>, AskError> {
        let destination = self.setup.directory.destination(country, Transaction::PatientDiscovery, None)?;
        let request = XcpdRequest {
            id: ids::hl7(self.setup.rng.as_ref())?,
            created: Some(self.setup.clock.now()),
            receiver: Device::of(&destination.home),
            sender: Device::of(&self.setup.home),
            query_id: ids::hl7(self.setup.rng.as_ref())?,
            criteria,
        };
        let asking = Asking {
            transaction: Transaction::PatientDiscovery,
            group: None,
            destination,
            body: request.to_element(),
            credentials,
            patient: request.criteria.patient_ids().next(),
            documents: Vec::new(),
        };
        self.ask(asking, |answer| {
            let response = XcpdResponse::parse(answer.body())?;
            match response.outcome() {
                XcpdOutcome::Match(patient) => {
                    let id = Some(patient.id.clone());
                    Ok(Asked { answer: patient.clone(), patient: id, documents: Vec::new() })
                }
                XcpdOutcome::Several(_) => Err(AskError::SeveralMatches),
                XcpdOutcome::NoMatch(failure) => Err(AskError::told_by(&failure)),
                XcpdOutcome::Refused(failure) => Err(AskError::told_by(&failure)),
            }
        })
        .await
    }

    /// ITI-38: which documents of a class the patient has.
    pub async fn list(
        &self,
        country: CountryCode,
        credentials: &Credentials,
        patient: &PatientId,
        class: DocumentClass,
    ) -> Result<Reply<Listing>, AskError> {
        let group = Some(class.group());
        let destination = self.setup.directory.destination(country, Transaction::Query, group)?;
        let query = DocumentQuery::new(patient.clone(), vec![ClassCode::Known(class)]);
        let asking = Asking {
            transaction: Transaction::Query,
            group,
            destination,
            body: query.to_element(),
            credentials,
            patient: Some(patient.clone()),
            documents: Vec::new(),
        };
        self.ask(asking, |answer| {
            let response = QueryResponse::parse(answer.body())?;
            match response.outcome() {
                QueryOutcome::Documents { documents, .. } => {
                    let best =
                        documents.iter().filter_map(|pair| pair.best()).map(DocumentEntry::request).collect();
                    let listed =
                        response.entries().iter().map(|e| (DocumentId::new(e.document.clone()), None));
                    let documents = listed.collect();
                    let listing = Listing { entries: response.entries().to_vec(), best };
                    Ok(Asked { answer: listing, patient: None, documents })
                }
                QueryOutcome::NothingFound(told) => Err(AskError::nothing(told)),
                QueryOutcome::Refused(refused) => Err(AskError::refused(&refused)),
            }
        })
        .await
    }

    /// ITI-39: one document.
    pub async fn retrieve(
        &self,
        country: CountryCode,
        credentials: &Credentials,
        patient: &PatientId,
        group: Group,
        wanted: &DocumentRequest,
    ) -> Result<Reply<Received>, AskError> {
        let destination = self.setup.directory.destination(country, Transaction::Retrieve, Some(group))?;
        let asking = Asking {
            transaction: Transaction::Retrieve,
            group: Some(group),
            destination,
            body: RetrieveRequest::one(wanted.clone()).to_element(),
            credentials,
            patient: Some(patient.clone()),
            documents: vec![DocumentId::new(wanted.document.clone())],
        };
        self.ask(asking, |answer| {
            let parts = |href: &str| answer.attachment(href);
            let response = RetrieveResponse::parse(answer.body(), &parts)?;
            match response.outcome(wanted) {
                RetrieveOutcome::Document { document, .. } => {
                    let bytes = document.content.reveal().clone();
                    let sha256 = Fingerprint::of(&bytes);
                    let mime_type = document.mime_type.clone();
                    let documents = vec![(DocumentId::new(wanted.document.clone()), Some(sha256))];
                    Ok(Asked { answer: Received { bytes, sha256, mime_type }, patient: None, documents })
                }
                RetrieveOutcome::Refused(refused) => Err(AskError::refused(&refused)),
            }
        })
        .await
    }
}
