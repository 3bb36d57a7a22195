//! One request and its answer, the same way for every transaction.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full, Limited};
use konfido_circle::{PatientId, Personal};
use konfido_ihe::{Group, Transaction};
use konfido_saml::vocabulary::PurposeOfUse;
use konfido_xml::wsa::Addressing;
use konfido_xml::{El, wss};

use super::{AskError, Credentials, NcpB, Reply};
use crate::connector::DocumentId;
use crate::directory::Destination;
use crate::ids;
use crate::observer::{ExchangeEvent, Fingerprint, Happening, Side};
use crate::tls::Agreed;
use crate::trail::{Deed, Ending, MessageRef, Record};
use crate::wire::{Incoming, Outgoing};

/// How an answer came.
#[derive(Clone, Debug)]
pub struct Facts {
    /// MessageID of the request.
    pub message_id: String,
    /// What the TLS handshake agreed on.
    pub agreed: Agreed,
    /// Whether the connection had been used before.
    pub reused: bool,
    /// Bytes of the request.
    pub sent: usize,
    /// Bytes of the answer.
    pub received: usize,
    /// From the first step to the checked answer.
    pub took: Duration,
}

/// What to ask.
pub(super) struct Asking<'a> {
    pub(super) transaction: Transaction,
    pub(super) group: Option<Group>,
    pub(super) destination: Destination,
    pub(super) body: El,
    pub(super) credentials: &'a Credentials,
    pub(super) patient: Option<PatientId>,
    pub(super) documents: Vec<DocumentId>,
}

/// What was made of the answer.
pub(super) struct Asked<T> {
    pub(super) answer: T,
    /// The patient, where the answer tells.
    pub(super) patient: Option<PatientId>,
    /// The documents that were listed or came.
    pub(super) documents: Vec<(DocumentId, Option<Fingerprint>)>,
}

/// What is known of an exchange while it happens, for the records.
#[derive(Default)]
struct Known {
    fingerprint: Option<Fingerprint>,
    request_header: Option<String>,
    response: MessageRef,
    peer_name: Option<String>,
}

impl NcpB {
    /// Sends, reads, records.
    pub(super) async fn ask<T>(
        &self,
        asking: Asking<'_>,
        read: impl FnOnce(&Incoming) -> Result<Asked<T>, AskError>,
    ) -> Result<Reply<T>, AskError> {
        let begun = Instant::now();
        let setup = &self.setup;
        let message_id = ids::urn(setup.rng.as_ref())?;
        let incident = ids::uuid(setup.rng.as_ref())?.to_string();
        let mut known = Known::default();
        let limited = tokio::time::timeout(setup.timeout, self.exchange(&asking, &message_id, &mut known));
        let result = match limited.await {
            Ok(Ok((incoming, facts))) => {
                known.response =
                    MessageRef { id: incoming.addressed_id(), header: incoming.header().map(Personal::new) };
                read(&incoming).map(|asked| (asked, facts))
            }
            Ok(Err(error)) => Err(error),
            Err(_elapsed) => Err(AskError::Timeout),
        };
        let kept =
            self.keep(&asking, &message_id, &incident, &known, result.as_ref().map(|(asked, _)| asked)).await;
        self.tell(&asking, &message_id, &known, result.as_ref().map(|(asked, _)| asked));
        let outcome = match &result {
            Ok(_) => "answered",
            Err(error) if error.is_answer() => "refused",
            Err(_) => "failed",
        };
        let peer = asking.destination.country;
        setup.metrics.request("ncp-b", asking.transaction.name(), peer.as_str(), outcome, begun.elapsed());
        tracing::info!(transaction = asking.transaction.name(), %peer, %incident, outcome, "asked");
        // What was received stays unused until its record is safe.
        kept?;
        let (asked, mut facts) = result?;
        facts.took = begun.elapsed();
        Ok(Reply { answer: asked.answer, facts })
    }

    async fn exchange(
        &self,
        asking: &Asking<'_>,
        message_id: &str,
        known: &mut Known,
    ) -> Result<(Incoming, Facts), AskError> {
        let setup = &self.setup;
        let to = &asking.destination;
        let action = asking.transaction.request_action();
        let (content_type, body) = Outgoing {
            addressing: Addressing::request(action, message_id, to.endpoint.to_string()),
            security: Some(wss::security(asking.credentials.in_order(), None)),
            body: asking.body.clone(),
            parts: Vec::new(),
            multipart: asking.transaction == Transaction::Retrieve,
            unique: message_id.to_owned(),
            action,
        }
        .write();
        self.note_request(&content_type, &body, known);
        let request = || {
            Request::builder()
                .method(Method::POST)
                .uri(to.endpoint.path())
                .header(header::HOST, to.endpoint.authority().map_or("", |a| a.as_str()))
                .header(header::CONTENT_TYPE, &content_type)
                .body(Full::new(body.clone()))
                .map_err(|e| AskError::Broken(e.to_string()))
        };
        let (mut connection, mut peer) = self.pool.take(setup, to, false).await?;
        let response = match connection.send(request()?).await {
            Ok(response) => response,
            // The peer closed a kept-alive connection under us; nothing of an answer came.
            Err(error)
                if connection.reused
                    && (error.is_canceled() || error.is_incomplete_message() || error.is_closed()) =>
            {
                (connection, peer) = self.pool.take(setup, to, true).await?;
                connection.send(request()?).await.map_err(|e| AskError::Broken(e.to_string()))?
            }
            Err(error) => return Err(AskError::Broken(error.to_string())),
        };
        known.peer_name = Some(peer.common_name().to_owned());
        let (agreed, reused) = (connection.agreed(), connection.reused);
        let (head, incoming) = response.into_parts();
        let answer = Limited::new(incoming, setup.answer_bytes)
            .collect()
            .await
            .map_err(|e| AskError::Broken(e.to_string()))?
            .to_bytes();
        self.pool.give_back(connection);
        let facts = Facts {
            message_id: message_id.to_owned(),
            agreed,
            reused,
            sent: body.len(),
            received: answer.len(),
            took: Duration::ZERO,
        };
        let read = Incoming::read(&head.headers, answer);
        if !head.status.is_success() {
            return Err(AskError::Fault);
        }
        let read = read.map_err(|problem| AskError::Unreadable(problem.cause().to_owned()))?;
        if read.fault().is_some() {
            return Err(AskError::Fault);
        }
        if read.relates_to().is_some_and(|relates_to| relates_to != message_id) {
            return Err(AskError::Unrelated);
        }
        Ok((read, facts))
    }

    /// Our own request, as the peer will read it, for the record and the digest that both sides hold.
    fn note_request(&self, content_type: &str, body: &Bytes, known: &mut Known) {
        let mut headers = http::HeaderMap::new();
        if let Ok(value) = header::HeaderValue::from_str(content_type) {
            headers.insert(header::CONTENT_TYPE, value);
        }
        if let Ok(own) = Incoming::read(&headers, body.clone()) {
            known.fingerprint = Some(own.fingerprint());
            known.request_header = own.header();
        }
    }

    async fn keep<T>(
        &self,
        asking: &Asking<'_>,
        message_id: &str,
        incident: &str,
        known: &Known,
        result: Result<&Asked<T>, &AskError>,
    ) -> Result<(), crate::trail::TrailError> {
        let (patient, documents, ending) = match result {
            Ok(asked) => {
                let documents = asked.documents.iter().map(|(id, _)| id.clone()).collect();
                (asked.patient.clone().or_else(|| asking.patient.clone()), documents, Ending::Served)
            }
            Err(error) => {
                let ending = if error.is_answer() {
                    let code = error.code();
                    let (text, cause) = (code.sentence(), "told by the peer".to_owned());
                    Ending::Refused { code: code.wire().into_owned(), text, cause }
                } else {
                    Ending::Failed { cause: error.to_string() }
                };
                (asking.patient.clone(), asking.documents.clone(), ending)
            }
        };
        let to = &asking.destination;
        let record = Record {
            group: asking.group,
            peer: Some(to.country),
            consumer: self.setup.name.clone(),
            provider: known.peer_name.clone().unwrap_or_else(|| to.country.to_string()),
            asked: Some(to.home.clone()),
            request: MessageRef {
                id: Some(message_id.to_owned()),
                header: known.request_header.clone().map(Personal::new),
            },
            response: known.response.clone(),
            query: Some(Personal::new(asking.body.to_xml())),
            professional: Some(asking.credentials.professional.clone()),
            patient,
            documents,
            break_glass: asking.credentials.purpose == PurposeOfUse::Emergency,
            ending,
            ..Record::new(
                self.setup.clock.now(),
                Side::B,
                Deed::Transaction(asking.transaction),
                incident.to_owned(),
            )
        };
        self.setup.trail.record(&record).await
    }

    fn tell<T>(
        &self,
        asking: &Asking<'_>,
        message_id: &str,
        known: &Known,
        result: Result<&Asked<T>, &AskError>,
    ) {
        let Some(request) = known.fingerprint else { return };
        let happening = match result {
            Ok(asked) => {
                Happening::Received { documents: asked.documents.iter().filter_map(|(_, p)| *p).collect() }
            }
            Err(error) => Happening::Failed { code: error.code().wire().into_owned() },
        };
        for happening in [Happening::Requested, happening] {
            self.setup.observer.observe(&ExchangeEvent {
                at: self.setup.clock.now(),
                side: Side::B,
                peer: asking.destination.country,
                transaction: asking.transaction,
                message_id: Some(message_id.to_owned()),
                request,
                repeated: false,
                break_glass: asking.credentials.purpose == PurposeOfUse::Emergency,
                happening,
            });
        }
    }
}
