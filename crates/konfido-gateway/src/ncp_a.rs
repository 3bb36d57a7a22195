//! NCP-A: the country of the patient answers.
//!
//! On receiving a request, in this order, and never a later step after an earlier one failed:
//! 1. the TLS peer is a member state whose certificate is good now (`server.rs`);
//! 2. the message is SOAP 1.2 and its action is one we serve (`wire.rs`); else a SOAP fault;
//! 3. its assertions: signature, country, conditions, profile, permissions (`konfido-saml`); the patient of the query is
//!    the patient of the treatment relationship; the message is no replay;
//! 4. the policy permits it, first without and then with the patient's will (`policy.rs`);
//! 5. the national connector is asked;
//! 6. the audit record is safe on disk; only then the answer goes out. If it can't be kept, the answer is an internal
//!    error without data.
//!
//! Errors of steps 3 to 5 are told in band, as the profile has them; OpenNCP repeats a request once after a SOAP fault
//! and shows nobody its text (openncp.md 7.1). What OpenNCP does wrong here and we do not: it goes on after a failed
//! check and hands out documents beside the error (Q7), answers without status (Q8), acts after a refusal (Q9), and asks
//! the connector before the assertions are checked.
//!
//! The peer learns a code and its standard sentence. The cause goes to the audit record and the trace, under an incident
//! id that both share.

mod budget;
mod call;
mod identify;
mod list;
mod retrieve;
mod rights;
mod stop;

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use http::StatusCode;
use konfido_circle::{CertificateError, Clock, CountryCode, HomeCommunityId, Oid, Personal, TrustStore};
use konfido_ihe::Transaction;
use konfido_keys::Rng;
use konfido_saml::{Admission, Profile, ReplayGuard};
use konfido_xml::wsa::Addressing;

use self::budget::Budget;
use self::call::{Call, Done};
use self::stop::Stop;
use crate::connector::{ConsentRegister, NationalConnector};
use crate::ids;
use crate::metrics::Metrics;
use crate::observer::{ExchangeEvent, ExchangeObserver, Happening, Side};
use crate::peer::Peer;
use crate::policy::Policy;
use crate::server::{Answer, BodyFault, Request, Service};
use crate::trail::{AuditTrail, Deed, Ending, MessageRef, Professional, Record};
use crate::wire::{Incoming, Outgoing, SoapProblem, header_of};

/// Everything an NCP-A works with; all of it is passed in.
#[derive(Debug)]
pub struct NcpASetup {
    /// Our country.
    pub country: CountryCode,
    /// Its name, for lists.
    pub country_name: String,
    /// Common name of our TLS server's certificate, for the audit.
    pub name: String,
    /// Our home community.
    pub home: HomeCommunityId,
    /// Our document repository.
    pub repository: Oid,
    /// Whom we trust.
    pub trust: Arc<TrustStore>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where identifiers come from.
    pub rng: Arc<dyn Rng>,
    /// Tolerances of the assertion profile.
    pub profile: Profile,
    /// National access policy.
    pub policy: Arc<Policy>,
    /// Patients and documents.
    pub connector: Arc<dyn NationalConnector>,
    /// The patients' will.
    pub consent: Arc<dyn ConsentRegister>,
    /// Where audit records go.
    pub trail: Arc<dyn AuditTrail>,
    /// Who else is told.
    pub observer: Arc<dyn ExchangeObserver>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// The service of the patient's country.
pub struct NcpA {
    setup: NcpASetup,
    replays: ReplayGuard,
    turned_away: Budget,
}

impl fmt::Debug for NcpA {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NcpA").field("country", &self.setup.country).finish_non_exhaustive()
    }
}

/// Requests remembered for each member state, to tell a re-send from a replay.
const REMEMBERED: usize = 65_536;

impl NcpA {
    /// Starts answering.
    #[must_use]
    pub fn new(setup: NcpASetup) -> Self {
        let replays = ReplayGuard::new(REMEMBERED, setup.profile.skew);
        Self { setup, replays, turned_away: Budget::new(50) }
    }

    async fn serve(&self, call: &Call, incoming: Incoming) -> Result<Done, SoapProblem> {
        match call.transaction {
            Transaction::PatientDiscovery => {
                let asked = self.take_identify(call, &incoming)?;
                drop(incoming);
                Ok(self.identify(call, asked).await)
            }
            Transaction::Query => {
                let asked = self.take_list(call, &incoming);
                drop(incoming);
                Ok(self.list(call, asked).await)
            }
            Transaction::Retrieve => {
                let asked = self.take_retrieve(call, &incoming);
                drop(incoming);
                Ok(self.retrieve(call, asked).await)
            }
            _ => Err(SoapProblem::unserved(call.transaction)),
        }
    }

    /// Audit first, then the answer.
    async fn conclude(&self, call: &Call, begun: Instant, done: Done) -> Answer {
        let response_id = match ids::urn(self.setup.rng.as_ref()) {
            Ok(id) => id,
            Err(error) => return self.broken(call, begun, &error.to_string()),
        };
        let admission = done.admission.as_ref();
        // A request without addressing (OpenNCP's ITI-39) gets an answer without, as OpenNCP gives it.
        let addressing = if call.addressed.is_some() {
            Addressing {
                action: Some(call.transaction.response_action().to_owned()),
                message_id: Some(response_id.clone()),
                relates_to: call.addressed.clone(),
                ..Addressing::default()
            }
        } else {
            Addressing::default()
        };
        let record = Record {
            response: MessageRef {
                id: Some(response_id.clone()),
                header: Some(Personal::new(header_of(&addressing))),
            },
            group: done.group,
            professional: admission.map(Professional::of),
            patient: done.patient.clone(),
            documents: done.documents.iter().map(|(id, _)| id.clone()).collect(),
            repeated: done.repeated,
            break_glass: admission.is_some_and(call::is_break_glass),
            ending: match &done.stop {
                None => Ending::Served,
                Some(stop) => Ending::Refused {
                    code: stop.code.clone(),
                    text: stop.text.clone(),
                    cause: stop.cause.clone(),
                },
            },
            ..self.record(call)
        };
        if let Err(error) = self.setup.trail.record(&record).await {
            return self.broken(call, begun, &error.to_string());
        }
        let happening = match &done.stop {
            None => Happening::Provided {
                documents: done.documents.iter().filter_map(|(_, print)| *print).collect(),
            },
            Some(stop) => Happening::Refused { code: stop.code.clone() },
        };
        self.tell(call, done.repeated, record.break_glass, happening);
        let outcome = if done.stop.is_none() { "answered" } else { "refused" };
        self.count(call.peer.country(), Some(call.transaction), outcome, begun);
        match &done.stop {
            None => tracing::info!(
                transaction = call.transaction.name(), peer = %call.peer.country(), incident = %call.incident,
                repeated = done.repeated, "answered"
            ),
            Some(stop) => tracing::info!(
                transaction = call.transaction.name(), peer = %call.peer.country(), incident = %call.incident,
                code = %stop.code, cause = %stop.cause, "refused"
            ),
        }
        let outgoing = Outgoing {
            addressing,
            security: None,
            body: done.body,
            parts: done.parts,
            multipart: call.transaction == Transaction::Retrieve,
            unique: response_id,
            action: call.transaction.response_action(),
        };
        let (content_type, body) = outgoing.write();
        Answer { status: StatusCode::OK, content_type, body }
    }

    /// Our own environment failed: no data, no detail.
    fn broken(&self, call: &Call, begun: Instant, cause: &str) -> Answer {
        tracing::error!(incident = %call.incident, cause, "could not answer");
        self.count(call.peer.country(), Some(call.transaction), "failed", begun);
        SoapProblem::internal(call.addressed.clone()).answer()
    }

    /// The message could not be taken at all: a fault, and a record of it.
    async fn fault(
        &self,
        peer: &Peer,
        transaction: Option<Transaction>,
        begun: Instant,
        problem: &SoapProblem,
    ) -> Answer {
        let incident = self.incident();
        tracing::info!(peer = %peer.country(), %incident, cause = problem.cause(), "no message of the profile");
        let record = Record {
            request: MessageRef { id: problem.message_id().map(str::to_owned), header: None },
            ending: Ending::Failed { cause: problem.cause().to_owned() },
            ..self.blank(peer, transaction, incident)
        };
        if let Err(error) = self.setup.trail.record(&record).await {
            tracing::error!(%error, "a refusal left no audit record");
        }
        self.count(peer.country(), transaction, "fault", begun);
        problem.answer()
    }

    fn record(&self, call: &Call) -> Record {
        Record {
            request: MessageRef { id: call.message_id.clone(), header: call.header.clone() },
            query: Some(call.query.clone()),
            ..self.blank(&call.peer, Some(call.transaction), call.incident.clone())
        }
    }

    fn blank(&self, peer: &Peer, transaction: Option<Transaction>, incident: String) -> Record {
        let deed = transaction.map_or(Deed::Unknown, Deed::Transaction);
        Record {
            peer: Some(peer.country()),
            consumer: peer.common_name().to_owned(),
            provider: self.setup.name.clone(),
            ..Record::new(self.setup.clock.now(), Side::A, deed, incident)
        }
    }

    fn incident(&self) -> String {
        ids::uuid(self.setup.rng.as_ref()).map_or_else(|_| "unknown".to_owned(), |id| id.to_string())
    }

    fn tell(&self, call: &Call, repeated: bool, break_glass: bool, happening: Happening) {
        self.setup.observer.observe(&ExchangeEvent {
            at: self.setup.clock.now(),
            side: Side::A,
            peer: call.peer.country(),
            transaction: call.transaction,
            message_id: call.message_id.clone(),
            request: call.fingerprint,
            repeated,
            break_glass,
            happening,
        });
    }

    fn count(
        &self,
        peer: CountryCode,
        transaction: Option<Transaction>,
        outcome: &'static str,
        begun: Instant,
    ) {
        let name = transaction.map_or("unknown", Transaction::name);
        self.setup.metrics.request("ncp-a", name, peer.as_str(), outcome, begun.elapsed());
    }
}

#[async_trait]
impl Service for NcpA {
    async fn answer(&self, peer: Peer, request: Request) -> Answer {
        let begun = Instant::now();
        let incoming = match Incoming::read(&request.headers, request.body) {
            Ok(incoming) => incoming,
            Err(problem) => return self.fault(&peer, None, begun, &problem).await,
        };
        let transaction = match incoming.transaction() {
            Ok(transaction) => transaction,
            Err(problem) => return self.fault(&peer, None, begun, &problem).await,
        };
        let call = Call::new(peer, transaction, &incoming, self.incident());
        self.tell(&call, false, false, Happening::Requested);
        match self.serve(&call, incoming).await {
            Ok(done) => self.conclude(&call, begun, done).await,
            Err(problem) => self.fault(&call.peer, Some(transaction), begun, &problem).await,
        }
    }

    async fn turned_away(&self, address: SocketAddr, cause: &str) {
        if !self.turned_away.may(Instant::now()) {
            return;
        }
        let incident = self.incident();
        let record = Record {
            consumer: address.ip().to_string(),
            provider: self.setup.name.clone(),
            ending: Ending::Failed { cause: cause.to_owned() },
            ..Record::new(self.setup.clock.now(), Side::A, Deed::Unknown, incident)
        };
        if let Err(error) = self.setup.trail.record(&record).await {
            tracing::error!(%error, "a refusal left no audit record");
        }
    }

    async fn stale(&self, error: CertificateError) -> Answer {
        tracing::warn!(%error, "a connection outlived its certificate");
        self.setup.metrics.connection_refused("certificate");
        SoapProblem::untrusted().answer()
    }

    async fn oversized(&self, peer: Peer, fault: BodyFault) -> Answer {
        let problem = match fault {
            BodyFault::TooLong => SoapProblem::too_long(),
            BodyFault::TooSlow | BodyFault::Broken => SoapProblem::incomplete(),
        };
        self.fault(&peer, None, Instant::now(), &problem).await
    }
}

/// What an accepted request may go on with.
#[derive(Debug)]
struct Admitted {
    admission: Admission,
    repeated: bool,
}

type Verdict<T> = Result<T, Stop>;
