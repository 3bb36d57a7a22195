//! Records as the audit messages of the profile: signed, and on the disk before the exchange goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use konfido_audit::{
    AuditEvent, Documents, Failure, MessageRef, NetworkAddress, Outcome, Professional, Side, Spool, Step,
    Subject, Systems,
};
use konfido_ihe::{Group, Transaction};
use konfido_keys::Signer;

use super::{AuditTrail, Deed, Ending, Record, TrailError};
use crate::observer;

/// Signs each record as an audit message and appends it to a spool, from where a shipper takes it to the collector.
#[derive(Debug)]
pub struct AtnaTrail {
    spool: Spool,
    signer: Arc<dyn Signer>,
    source: String,
    address: NetworkAddress,
    kept: AtomicUsize,
}

impl AtnaTrail {
    /// A trail of the audit source `source` (`DK-1`), on the machine called `host`.
    #[must_use]
    pub fn new(spool: Spool, signer: Arc<dyn Signer>, source: String, host: String) -> Self {
        Self { spool, signer, source, address: NetworkAddress::Name(host), kept: AtomicUsize::new(0) }
    }

    /// How many records were kept since the start.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept.load(Ordering::Relaxed)
    }

    /// The spool behind it.
    #[must_use]
    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    fn event(&self, record: &Record) -> AuditEvent {
        let step = step(record);
        let documents = || record.documents.iter().map(|id| id.as_str().to_owned()).collect();
        let message = |message: &super::MessageRef| MessageRef {
            id: message.id.clone(),
            header: message.header.as_ref().map(|header| header.reveal().clone()),
        };
        AuditEvent {
            step,
            side: match record.side {
                observer::Side::A => Side::A,
                observer::Side::B => Side::B,
            },
            at: record.at,
            outcome: match &record.ending {
                Ending::Served => Outcome::Success,
                Ending::Refused { .. } => Outcome::SeriousFailure,
                Ending::Failed { .. } => Outcome::MajorFailure,
            },
            professional: record.professional.as_ref().map(|professional| Professional {
                name_id: professional.name_id.clone(),
                issuer: professional.issuer.clone(),
                sp_provided_id: professional.sp_provided_id.clone(),
                name: professional.name.clone(),
                point_of_care: professional.point_of_care.clone(),
            }),
            systems: Systems {
                consumer: record.consumer.clone(),
                provider: record.provider.clone(),
                address: self.address.clone(),
            },
            source: self.source.clone(),
            patient: record.patient.clone(),
            failure: failure(record),
            subject: match step {
                Step::FindIdentity | Step::List(_) => Subject::Query {
                    query: record.query.as_ref().map(|query| query.reveal().clone()).unwrap_or_default(),
                    documents: documents(),
                },
                Step::Retrieve(_) => Subject::Retrieve { documents: documents() },
                Step::TrcAssertion | Step::NokAssertion => {
                    Subject::Assertion { id: record.issued.clone(), relative: None }
                }
                _ => Subject::None,
            },
            asked: record.asked.clone(),
            request: message(&record.request),
            response: message(&record.response),
        }
    }
}

#[async_trait]
impl AuditTrail for AtnaTrail {
    async fn record(&self, record: &Record) -> Result<(), TrailError> {
        let signed = self.event(record).sign(self.signer.as_ref()).map_err(|e| TrailError(e.to_string()))?;
        self.spool.append(signed.into_bytes()).await.map_err(|e| TrailError(e.to_string()))?;
        self.kept.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// The words of the profile for a deed. A message that said nothing understandable is a failure of communication; a
/// refused retrieve whose class nobody knows counts as one for a patient summary.
fn step(record: &Record) -> Step {
    let documents = match record.group {
        Some(Group::Prescription) => Documents::Order,
        Some(Group::Original) => Documents::Original,
        _ => Documents::PatientSummary,
    };
    match record.deed {
        Deed::Transaction(Transaction::PatientDiscovery) => Step::FindIdentity,
        Deed::Transaction(Transaction::Query) => Step::List(documents),
        Deed::Transaction(Transaction::Retrieve) => Step::Retrieve(documents),
        Deed::TrcIssued => Step::TrcAssertion,
        Deed::NokIssued => Step::NokAssertion,
        _ => Step::CommunicationFailure,
    }
}

/// What the peer was told, and behind it what we know: the incident, the cause, and that it was a repeat.
fn failure(record: &Record) -> Option<Failure> {
    let beside = |cause: &str| {
        let repeat = if record.repeated { "; repeat" } else { "" };
        format!("{cause}; incident {}{repeat}", record.incident)
    };
    match &record.ending {
        Ending::Refused { code, text, cause } => {
            Some(Failure { code: code.clone(), text: format!("{text} ({})", beside(cause)) })
        }
        Ending::Failed { cause } => {
            Some(Failure { code: "ERROR_GENERIC".into(), text: format!("({})", beside(cause)) })
        }
        Ending::Served if record.repeated => Some(Failure {
            code: "WARNING_SEC_GENERIC".into(),
            text: format!("({})", beside("served again")),
        }),
        Ending::Served => None,
    }
}
