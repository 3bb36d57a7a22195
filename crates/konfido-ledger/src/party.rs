//! One country's side of its exchanges: signs what it did, takes in what the other signed, keeps what opens the
//! commitments, and hands complete records to the ledger's outbox.
//!
//! Everything is on disk before the call returns ([`PartyStore`], redb): a record survives `kill -9` at any instant,
//! and an exchange never waits for the ledger. Openings are sealed; statements hold no personal data and are not.
//!
//! Rules:
//! - On asking: draw id and salts, commit, sign `Requested`, keep the openings, hand statement and openings over.
//! - On a request handed over: its openings must open its commitments to what this side saw. Then sign the answer.
//! - On an answer handed over: its opening must open it to what this side received. Then sign the receipt: complete.
//! - On the receipt handed over: complete here too.
//! - On a contradiction: keep both statements as evidence; nothing is taken.

mod store;

use std::path::Path;
use std::sync::Arc;

use konfido_circle::{Clock, CountryCode};
use konfido_keys::{Rng, Sealer, Signer};

pub use self::store::{PartyStore, Pending};
use crate::cbor::{Reader, Writer};
use crate::keys::EvidenceKeys;
use crate::record::commitment::{Salt, Subject, commit, opens};
use crate::record::exchange::{Equivocation, Exchange, Step};
use crate::record::fields::{Disclosure, Field, FieldOpenings};
use crate::record::statement::{
    Answer, ExchangeId, MAX_STATEMENT, Outcome, Receipt, Request, Service, Signed, Statement,
};
use crate::{Digest, LedgerError};

const MAX_BYTES: usize = 64 * 1024;

/// What opens an exchange's commitments. Stays with the two parties.
#[derive(Clone, Debug, Default)]
pub struct Openings {
    /// Salt and committed bytes of the request.
    pub request: Option<(Salt, Vec<u8>)>,
    /// Salt and committed bytes of the response.
    pub response: Option<(Salt, Vec<u8>)>,
    /// The fields.
    pub fields: Option<FieldOpenings>,
}

impl Openings {
    /// Encoded, to be sealed or handed over.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new().array(3);
        for part in [&self.request, &self.response] {
            out = match part {
                Some((salt, bytes)) => out.array(2).bytes(salt.expose()).bytes(bytes),
                None => out.array(0),
            };
        }
        match &self.fields {
            Some(fields) => out.bytes(&fields.encode()),
            None => out.bytes(&[]),
        }
        .done()
    }

    /// Reads what [`Openings::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        fn part(input: &mut Reader<'_>) -> Result<Option<(Salt, Vec<u8>)>, LedgerError> {
            match input.array(2)? {
                0 => Ok(None),
                2 => Ok(Some((Salt::from_bytes(input.fixed()?), input.bytes(MAX_BYTES)?.to_vec()))),
                _ => Err(LedgerError::malformed("openings", "wrong number of items")),
            }
        }
        let mut input = Reader::new(bytes);
        input.tuple(3)?;
        let (request, response) = (part(&mut input)?, part(&mut input)?);
        let fields = input.bytes(MAX_BYTES)?;
        let fields = if fields.is_empty() { None } else { Some(FieldOpenings::decode(fields)?) };
        input.end()?;
        Ok(Self { request, response, fields })
    }

    fn merge(self, other: Self) -> Self {
        Self {
            request: self.request.or(other.request),
            response: self.response.or(other.response),
            fields: self.fields.or(other.fields),
        }
    }
}

/// What one side hands the other, over a channel that is encrypted and authenticated.
#[derive(Clone, Debug)]
pub struct Handover {
    /// By what both sides know the exchange apart from the record: the message's id, not kept on any ledger.
    pub reference: String,
    /// The statement.
    pub statement: Vec<u8>,
    /// What opens its commitments.
    pub openings: Openings,
}

impl Handover {
    /// Encoded for the channel.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        Writer::new()
            .array(3)
            .text(&self.reference)
            .bytes(&self.statement)
            .bytes(&self.openings.encode())
            .done()
    }

    /// Reads it.
    ///
    /// # Errors
    /// If the bytes are something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let mut input = Reader::new(bytes);
        input.tuple(3)?;
        let read = Self {
            reference: input.text(512)?.to_owned(),
            statement: input.bytes(MAX_STATEMENT)?.to_vec(),
            openings: Openings::decode(input.bytes(4 * MAX_BYTES)?)?,
        };
        input.end()?;
        Ok(read)
    }
}

/// A request as the gateway made it.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// By what both sides know it.
    pub reference: &'a str,
    /// Who is asked.
    pub provider: CountryCode,
    /// For what.
    pub service: Service,
    /// The request, or its digest: bytes that both sides hold.
    pub request: &'a [u8],
    /// The fields.
    pub fields: &'a [(Field, &'a [u8])],
}

/// What this side saw of an exchange and will sign when the other's statement is here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The request, or its digest.
    pub request: Vec<u8>,
    /// What was done, by the provider's own word; the requester leaves it as delivered.
    pub outcome: Outcome,
    /// The response, or its digest.
    pub response: Vec<u8>,
}

/// What taking a statement in did.
#[derive(Clone, Debug)]
pub enum Taken {
    /// The exchange is further; this is how it stands.
    Advanced(Box<Exchange>),
    /// Nothing new.
    Repeated,
    /// Its author contradicted itself; kept as evidence.
    Equivocation(Box<Equivocation>),
}

/// One country's side.
#[derive(Debug)]
pub struct Party {
    country: CountryCode,
    policy: String,
    signer: Arc<dyn Signer>,
    sealer: Arc<dyn Sealer>,
    rng: Arc<dyn Rng>,
    clock: Arc<dyn Clock>,
    store: PartyStore,
}

impl Party {
    /// Opens the country's store.
    ///
    /// # Errors
    /// If it cannot be used.
    pub fn open(
        path: &Path,
        country: CountryCode,
        signer: Arc<dyn Signer>,
        sealer: Arc<dyn Sealer>,
        rng: Arc<dyn Rng>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LedgerError> {
        let policy = "urn:konfido:evidence-policy:1".to_owned();
        Ok(Self { country, policy, signer, sealer, rng, clock, store: PartyStore::open(path)? })
    }

    /// Which country.
    #[must_use]
    pub fn country(&self) -> CountryCode {
        self.country
    }

    /// The key it signs with.
    #[must_use]
    pub fn signer(&self) -> &Arc<dyn Signer> {
        &self.signer
    }

    /// What is kept.
    #[must_use]
    pub fn store(&self) -> &PartyStore {
        &self.store
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.clock.now().as_millisecond()).unwrap_or(0)
    }

    /// B: signs that it asks.
    ///
    /// # Errors
    /// If randomness, key or store fail.
    pub fn ask(&self, draft: &Draft<'_>) -> Result<Handover, LedgerError> {
        let mut exchange = [0; 32];
        self.rng.fill(&mut exchange)?;
        let salt = Salt::draw(self.rng.as_ref())?;
        let fields = FieldOpenings::commit(draft.fields, self.rng.as_ref())?;
        let request = Request {
            exchange: ExchangeId(exchange),
            requester: self.country,
            provider: draft.provider,
            service: draft.service,
            c_request: commit(Subject::Request, &salt, draft.request),
            c_fields: fields.root(),
            t_request_ms: self.now_ms(),
            policy: self.policy.clone(),
        };
        let signed = Signed::sign(request, self.signer.as_ref())?;
        let openings =
            Openings { request: Some((salt, draft.request.to_vec())), response: None, fields: Some(fields) };
        let statement = Statement::Requested(signed);
        self.keep(draft.reference, &Exchange::open(statement.clone()), &openings)?;
        Ok(Handover {
            reference: draft.reference.to_owned(),
            statement: statement.bytes().to_vec(),
            openings,
        })
    }

    /// Notes what this side saw under a reference. On disk when it returns.
    ///
    /// # Errors
    /// If seal or store fail.
    pub fn observe(&self, reference: &str, seen: &Observation) -> Result<(), LedgerError> {
        let bytes = Writer::new()
            .array(3)
            .bytes(&seen.request)
            .uint(seen.outcome.code())
            .bytes(&seen.response)
            .done();
        self.store.observe(reference, &self.sealer.seal(reference.as_bytes(), &bytes)?)
    }

    fn observed(&self, reference: &str) -> Result<Option<Observation>, LedgerError> {
        use secrecy::ExposeSecret as _;
        let Some(sealed) = self.store.observed(reference)? else { return Ok(None) };
        let opened = self.sealer.open(reference.as_bytes(), &sealed)?;
        let mut input = Reader::new(opened.expose_secret());
        input.tuple(3)?;
        let seen = Observation {
            request: input.bytes(MAX_BYTES)?.to_vec(),
            outcome: Outcome::from_code(input.uint()?)?,
            response: input.bytes(MAX_BYTES)?.to_vec(),
        };
        input.end()?;
        Ok(Some(seen))
    }

    /// Signs the next statement of the exchange under a reference, if it is this side's turn and what it saw is
    /// noted; `None` if something is still missing.
    ///
    /// # Errors
    /// If the statement held does not fit what was seen, or key or store fail.
    pub fn advance(&self, reference: &str) -> Result<Option<Handover>, LedgerError> {
        let Some(exchange) = self.store.by_reference(reference)? else { return Ok(None) };
        let Some(seen) = self.observed(reference)? else { return Ok(None) };
        let (_, held) = self.held(&exchange)?;
        match held.statement() {
            Statement::Requested(_) if held.request().provider == self.country => {
                self.answer(&exchange, &seen.request, seen.outcome, &seen.response).map(Some)
            }
            Statement::Answered(_) if held.request().requester == self.country => {
                self.confirm(&exchange, &seen.response).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// What this side last had to hand over of an exchange, to say it again.
    ///
    /// # Errors
    /// If the exchange is unknown.
    pub fn handover(&self, exchange: &ExchangeId) -> Result<Handover, LedgerError> {
        let (reference, held) = self.held(exchange)?;
        let openings = self.openings(exchange)?;
        Ok(Handover { reference, statement: held.statement().bytes().to_vec(), openings })
    }

    /// A: signs what it answered to a request that was handed over and taken.
    ///
    /// # Errors
    /// If the request is unknown, does not open to `request` as this side saw it, or key or store fail.
    pub fn answer(
        &self,
        exchange: &ExchangeId,
        request: &[u8],
        outcome: Outcome,
        response: &[u8],
    ) -> Result<Handover, LedgerError> {
        let (reference, held) = self.held(exchange)?;
        let asked = held.statement().signed_request().clone();
        let known = self.openings(exchange)?;
        let opened = known.request.as_ref().is_some_and(|(salt, bytes)| {
            bytes == request && opens(&asked.content().c_request, Subject::Request, salt, request)
        });
        if !opened {
            return Err(LedgerError::Refused("the request handed over is not the one that was received"));
        }
        if let Some(answer) = held.statement().signed_answer() {
            let statement = answer.bytes().to_vec();
            return Ok(Handover { reference, statement, openings: known });
        }
        let salt = Salt::draw(self.rng.as_ref())?;
        let answer = Answer {
            request: asked,
            outcome,
            c_response: commit(Subject::Response, &salt, response),
            t_response_ms: self.now_ms(),
        };
        let statement = Statement::Answered(Signed::sign(answer, self.signer.as_ref())?);
        let openings = Openings { response: Some((salt, response.to_vec())), ..known };
        self.keep(&reference, &Exchange::open(statement.clone()), &openings)?;
        Ok(Handover { reference, statement: statement.bytes().to_vec(), openings })
    }

    /// B: confirms an answer that was handed over and taken. The record is complete and in the outbox.
    ///
    /// # Errors
    /// If the answer is missing, does not open to `response` as this side received it, or key or store fail.
    pub fn confirm(&self, exchange: &ExchangeId, response: &[u8]) -> Result<Handover, LedgerError> {
        let (reference, held) = self.held(exchange)?;
        let known = self.openings(exchange)?;
        let answer =
            held.statement().signed_answer().ok_or(LedgerError::Refused("there is no answer yet"))?;
        let opened = known.response.as_ref().is_some_and(|(salt, bytes)| {
            bytes == response && opens(&answer.content().c_response, Subject::Response, salt, response)
        });
        if !opened {
            return Err(LedgerError::Refused("the answer handed over is not the one that was received"));
        }
        if let Some(record) = held.record() {
            return Ok(Handover { reference, statement: record.bytes().to_vec(), openings: known });
        }
        let receipt = Receipt { answer: answer.clone(), t_received_ms: self.now_ms() };
        let statement = Statement::Received(Signed::sign(receipt, self.signer.as_ref())?);
        self.keep(&reference, &Exchange::open(statement.clone()), &known)?;
        Ok(Handover { reference, statement: statement.bytes().to_vec(), openings: Openings::default() })
    }

    /// Takes in what the other side handed over.
    ///
    /// # Errors
    /// If a signature does not hold, it is not between the two, or the store fails.
    pub fn take(&self, handover: &Handover, keys: &dyn EvidenceKeys) -> Result<Taken, LedgerError> {
        let statement = Statement::verify(&handover.statement, keys)?;
        let request = statement.request();
        if request.requester != self.country && request.provider != self.country {
            return Err(LedgerError::Refused("an exchange between others"));
        }
        let exchange = request.exchange;
        let checked = Self::check_openings(&statement, &handover.openings)?;
        let held = self.store.exchange(&exchange)?;
        let Some((reference, held)) = held else {
            let opened = Exchange::open(statement);
            self.keep(&handover.reference, &opened, &checked)?;
            return Ok(Taken::Advanced(Box::new(opened)));
        };
        // Kept statements were verified when they were taken; reading them again needs no keys that may be gone.
        let held = Exchange::open(Statement::verify(&held, keys)?);
        match held.on(statement) {
            Step::Advanced(next) => {
                let openings = self.openings(&exchange)?.merge(checked);
                self.keep(&reference, &next, &openings)?;
                Ok(Taken::Advanced(Box::new(next)))
            }
            Step::Repeated(_) => Ok(Taken::Repeated),
            Step::Equivocation(_, proof) => {
                self.store.accuse(&proof)?;
                Ok(Taken::Equivocation(proof))
            }
            Step::Foreign(_) => Err(LedgerError::Refused("another exchange under this number")),
        }
    }

    /// Openings that do not open their commitments are not kept: they would be worthless in court.
    fn check_openings(statement: &Statement, openings: &Openings) -> Result<Openings, LedgerError> {
        let wrong = || LedgerError::Refused("openings that do not open the commitments");
        if let Some((salt, bytes)) = &openings.request
            && !opens(&statement.request().c_request, Subject::Request, salt, bytes)
        {
            return Err(wrong());
        }
        if let (Some((salt, bytes)), Some(answer)) = (&openings.response, statement.signed_answer())
            && !opens(&answer.content().c_response, Subject::Response, salt, bytes)
        {
            return Err(wrong());
        }
        if let Some(fields) = &openings.fields
            && (fields.root() != statement.request().c_fields || !fields.consistent())
        {
            return Err(wrong());
        }
        Ok(openings.clone())
    }

    fn keep(&self, reference: &str, exchange: &Exchange, openings: &Openings) -> Result<(), LedgerError> {
        let sealed = self.sealer.seal(&exchange.id().0, &openings.encode())?;
        self.store.keep(reference, exchange, &sealed)
    }

    fn held(&self, exchange: &ExchangeId) -> Result<(String, Exchange), LedgerError> {
        let unknown = || LedgerError::Unknown(format!("exchange {exchange}"));
        let (reference, bytes) = self.store.exchange(exchange)?.ok_or_else(unknown)?;
        Ok((reference, Exchange::open(store::trusted(&bytes)?)))
    }

    /// What opens an exchange's commitments, as far as it was not erased.
    ///
    /// # Errors
    /// If it is unknown or its seal is broken.
    pub fn openings(&self, exchange: &ExchangeId) -> Result<Openings, LedgerError> {
        use secrecy::ExposeSecret as _;
        let sealed = self.store.sealed(exchange)?;
        let Some(sealed) = sealed else { return Ok(Openings::default()) };
        Openings::decode(self.sealer.open(&exchange.0, &sealed)?.expose_secret())
    }

    /// Opens one field for an auditor.
    ///
    /// # Errors
    /// If it was never committed to, or erased.
    pub fn disclose(&self, exchange: &ExchangeId, field: Field) -> Result<Disclosure, LedgerError> {
        let fields = self.openings(exchange)?.fields;
        fields.ok_or_else(|| LedgerError::Unknown(format!("openings of {exchange}")))?.open(field)
    }

    /// Destroys all that opens the exchange's commitments. Statement, leaf and receipt stay. Gives the entry to be
    /// named in an erasure note.
    ///
    /// # Errors
    /// If it is unknown or the store fails.
    pub fn erase(&self, exchange: &ExchangeId) -> Result<Digest, LedgerError> {
        let (_, held) = self.held(exchange)?;
        self.store.erase(exchange)?;
        Ok(held.statement().entry())
    }

    /// The outermost statement held of an exchange.
    ///
    /// # Errors
    /// If it is unknown.
    pub fn statement(&self, exchange: &ExchangeId) -> Result<Exchange, LedgerError> {
        self.held(exchange).map(|(_, exchange)| exchange)
    }
}

#[cfg(test)]
mod tests;
