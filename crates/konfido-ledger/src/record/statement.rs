//! The signed states of an exchange as COSE_Sign1 (RFC 9052), one inside the other.
//!
//! Protected header: algorithm, content type, key id, and the CWT claims of RFC 9943: issuer `konfido:CC`, subject
//! the exchange. Payload: a CBOR array whose first item says which statement it is.
//! - `[1, exchange, requester, provider, service, c_request, c_fields, t_request, policy]`, signed by the requester
//! - `[2, signed request, outcome, c_response, t_response]`, signed by the provider
//! - `[3, signed answer, t_received]`, signed by the requester
//!
//! A statement's meaning is a hash that leaves out the signatures below it: two spellings of one statement (an ECDSA
//! signature made twice) are no contradiction.

use std::fmt;

use coset::{CoseSign1, CoseSign1Builder, HeaderBuilder, TaggedCborSerializable};
use konfido_circle::CountryCode;
use konfido_keys::Signer;

use crate::cbor::{Reader, Writer};
use crate::keys::{EvidenceKeys, PartyKey, cose_algorithm};
use crate::{Digest, LedgerError};

/// The content type of a statement.
pub const CONTENT_TYPE: &str = "application/vnd.konfido.statement+cbor";
/// The label of CWT claims in a header (RFC 9597).
const CWT_CLAIMS: i64 = 15;
/// A statement with all it encloses is no longer than this.
pub const MAX_STATEMENT: usize = 16 * 1024;

/// Names one exchange between two countries: a random number, unlinkable to anything else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub [u8; 32]);

impl ExchangeId {
    /// Reads 64 hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        Digest::from_hex(text).map(|digest| Self(digest.0))
    }
}

impl fmt::Display for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ExchangeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Which service was used. Coarse on purpose: less to be learnt from the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Service {
    /// ITI-55: who is this patient?
    Identification,
    /// ITI-38: which documents are there?
    Query,
    /// ITI-39: the document.
    Retrieve,
    /// ITI-41: a dispensation or other document handed back.
    Submit,
    /// Anything newer than this code.
    Other(u64),
}

impl Service {
    fn code(self) -> u64 {
        match self {
            Self::Identification => 1,
            Self::Query => 2,
            Self::Retrieve => 3,
            Self::Submit => 4,
            Self::Other(code) => code,
        }
    }

    fn from_code(code: u64) -> Self {
        match code {
            1 => Self::Identification,
            2 => Self::Query,
            3 => Self::Retrieve,
            4 => Self::Submit,
            other => Self::Other(other),
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identification => f.write_str("identification"),
            Self::Query => f.write_str("query"),
            Self::Retrieve => f.write_str("retrieve"),
            Self::Submit => f.write_str("submit"),
            Self::Other(code) => write!(f, "service-{code}"),
        }
    }
}

/// What the provider says it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// `Provided`: data were delivered.
    Delivered,
    /// `Provided`: there was nothing.
    Empty,
    /// `Refused`: by policy or consent.
    Refused,
    /// `Refused`: by failure.
    Failed,
}

impl Outcome {
    pub(crate) fn code(self) -> u64 {
        match self {
            Self::Delivered => 0,
            Self::Empty => 1,
            Self::Refused => 2,
            Self::Failed => 3,
        }
    }

    pub(crate) fn from_code(code: u64) -> Result<Self, LedgerError> {
        Ok(match code {
            0 => Self::Delivered,
            1 => Self::Empty,
            2 => Self::Refused,
            3 => Self::Failed,
            other => return Err(LedgerError::malformed("statement", format!("outcome {other} is unknown"))),
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Delivered => "delivered",
            Self::Empty => "empty",
            Self::Refused => "refused",
            Self::Failed => "failed",
        })
    }
}

/// What B says when it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Which exchange.
    pub exchange: ExchangeId,
    /// Who asks (country B).
    pub requester: CountryCode,
    /// Who is asked (country A).
    pub provider: CountryCode,
    /// For what.
    pub service: Service,
    /// Commitment to the request message.
    pub c_request: Digest,
    /// Root over the commitments to the fields.
    pub c_fields: Digest,
    /// B's clock, milliseconds since 1970.
    pub t_request_ms: u64,
    /// The evidence policy in force.
    pub policy: String,
}

/// What A says when it has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// B's request as A got it.
    pub request: Signed<Request>,
    /// What A did.
    pub outcome: Outcome,
    /// Commitment to the response message.
    pub c_response: Digest,
    /// A's clock, milliseconds since 1970.
    pub t_response_ms: u64,
}

/// What B says when it has the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// A's answer as B got it.
    pub answer: Signed<Answer>,
    /// B's clock, milliseconds since 1970.
    pub t_received_ms: u64,
}

mod sealed {
    pub trait Sealed {}
}

/// Why a signature need be believed.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "borrows keys for the length of one call")]
pub enum Trust<'a> {
    /// It is checked against these keys.
    Keys(&'a dyn EvidenceKeys),
    /// It was checked before these bytes were stored here.
    Kept,
}

/// One of the three statements.
pub trait Content: sealed::Sealed + Clone + fmt::Debug + PartialEq {
    /// Its payload.
    fn payload(&self) -> Vec<u8>;
    /// Reads its payload; enclosed statements are verified.
    ///
    /// # Errors
    /// If the bytes are something else, or an enclosed signature does not hold.
    fn read(payload: &[u8], trust: Trust<'_>) -> Result<Self, LedgerError>;
    /// Who must have signed it.
    fn author(&self) -> CountryCode;
    /// The request at its core.
    fn request(&self) -> &Request;
    /// Hash of what it says, without the signatures it encloses.
    fn meaning(&self) -> Digest;
}

/// A statement whose signature was made or checked here.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed<T> {
    content: T,
    bytes: Vec<u8>,
}

impl<T: fmt::Debug> fmt::Debug for Signed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signed").field(&self.content).finish()
    }
}

impl<T: Content> Signed<T> {
    /// Signs `content` with the key of its author.
    ///
    /// # Errors
    /// If the key's owner refuses.
    pub fn sign(content: T, signer: &dyn Signer) -> Result<Self, LedgerError> {
        let claims = coset::cbor::value::Value::Map(vec![
            (1.into(), format!("konfido:{}", content.author()).into()),
            (2.into(), content.request().exchange.to_string().into()),
        ]);
        let header = HeaderBuilder::new()
            .algorithm(cose_algorithm(signer.algorithm())?)
            .content_type(CONTENT_TYPE.to_owned())
            .key_id(PartyKey::of(signer)?.id().to_vec())
            .value(CWT_CLAIMS, claims)
            .build();
        let sign1 = CoseSign1Builder::new()
            .protected(header)
            .payload(content.payload())
            .try_create_signature(b"", |message| signer.sign(message))?
            .build();
        let bytes = sign1.to_tagged_vec().map_err(|e| LedgerError::malformed("statement", e))?;
        Ok(Self { content, bytes })
    }

    /// Reads a statement and checks its signature and those it encloses.
    ///
    /// # Errors
    /// If it is none, or a signature does not hold with any key of its author.
    pub fn verify(bytes: &[u8], keys: &dyn EvidenceKeys) -> Result<Self, LedgerError> {
        Self::read(bytes, Trust::Keys(keys))
    }

    fn read(bytes: &[u8], trust: Trust<'_>) -> Result<Self, LedgerError> {
        if bytes.len() > MAX_STATEMENT {
            return Err(LedgerError::malformed("statement", "too long"));
        }
        let sign1 =
            CoseSign1::from_tagged_slice(bytes).map_err(|e| LedgerError::malformed("statement", e))?;
        // One spelling only: what is hashed into the log is what was read.
        let again = sign1.clone().to_tagged_vec().map_err(|e| LedgerError::malformed("statement", e))?;
        if again != bytes || !sign1.unprotected.is_empty() {
            return Err(LedgerError::malformed("statement", "not the one encoding of its content"));
        }
        let payload =
            sign1.payload.as_deref().ok_or_else(|| LedgerError::malformed("statement", "no payload"))?;
        let content = T::read(payload, trust)?;
        let Trust::Keys(keys) = trust else { return Ok(Self { content, bytes: bytes.to_vec() }) };
        let author = content.author();
        let key_id = &sign1.protected.header.key_id;
        let algorithm = sign1.protected.header.alg.clone();
        let holds =
            keys.evidence_keys(author).iter().filter(|key| key.id().as_slice() == key_id).any(|key| {
                let named =
                    cose_algorithm(key.algorithm()).ok().map(coset::RegisteredLabelWithPrivate::Assigned);
                named == algorithm
                    && sign1.verify_signature(b"", |sig, message| key.verify(message, sig)).is_ok()
            });
        if holds {
            Ok(Self { content, bytes: bytes.to_vec() })
        } else {
            Err(LedgerError::Signature(author.to_string()))
        }
    }

    /// What it says.
    pub fn content(&self) -> &T {
        &self.content
    }

    /// The COSE_Sign1.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its 32-byte entry in the log.
    pub fn entry(&self) -> Digest {
        crate::hash::entry(&self.bytes)
    }
}

fn country(input: &mut Reader<'_>) -> Result<CountryCode, LedgerError> {
    CountryCode::new(input.text(2)?).map_err(|e| LedgerError::malformed("country", e))
}

impl sealed::Sealed for Request {}
impl sealed::Sealed for Answer {}
impl sealed::Sealed for Receipt {}

impl Content for Request {
    fn payload(&self) -> Vec<u8> {
        Writer::new()
            .array(9)
            .uint(1)
            .bytes(&self.exchange.0)
            .text(self.requester.as_str())
            .text(self.provider.as_str())
            .uint(self.service.code())
            .bytes(&self.c_request.0)
            .bytes(&self.c_fields.0)
            .uint(self.t_request_ms)
            .text(&self.policy)
            .done()
    }

    fn read(payload: &[u8], _: Trust<'_>) -> Result<Self, LedgerError> {
        let mut input = Reader::new(payload);
        input.tuple(9)?;
        if input.uint()? != 1 {
            return Err(LedgerError::malformed("statement", "not a request"));
        }
        let read = Self {
            exchange: ExchangeId(input.fixed()?),
            requester: country(&mut input)?,
            provider: country(&mut input)?,
            service: Service::from_code(input.uint()?),
            c_request: Digest(input.fixed()?),
            c_fields: Digest(input.fixed()?),
            t_request_ms: input.uint()?,
            policy: input.text(256)?.to_owned(),
        };
        input.end()?;
        if read.requester == read.provider {
            return Err(LedgerError::malformed("statement", "a country that asks itself"));
        }
        Ok(read)
    }

    fn author(&self) -> CountryCode {
        self.requester
    }

    fn request(&self) -> &Request {
        self
    }

    fn meaning(&self) -> Digest {
        Digest::of(&[b"KONFIDO/v1/requested", &self.payload()])
    }
}

impl Content for Answer {
    fn payload(&self) -> Vec<u8> {
        Writer::new()
            .array(5)
            .uint(2)
            .bytes(self.request.bytes())
            .uint(self.outcome.code())
            .bytes(&self.c_response.0)
            .uint(self.t_response_ms)
            .done()
    }

    fn read(payload: &[u8], trust: Trust<'_>) -> Result<Self, LedgerError> {
        let mut input = Reader::new(payload);
        input.tuple(5)?;
        if input.uint()? != 2 {
            return Err(LedgerError::malformed("statement", "not an answer"));
        }
        let read = Self {
            request: Signed::read(input.bytes(MAX_STATEMENT)?, trust)?,
            outcome: Outcome::from_code(input.uint()?)?,
            c_response: Digest(input.fixed()?),
            t_response_ms: input.uint()?,
        };
        input.end()?;
        Ok(read)
    }

    fn author(&self) -> CountryCode {
        self.request.content.provider
    }

    fn request(&self) -> &Request {
        &self.request.content
    }

    fn meaning(&self) -> Digest {
        let rest = Writer::new()
            .array(3)
            .uint(self.outcome.code())
            .bytes(&self.c_response.0)
            .uint(self.t_response_ms)
            .done();
        Digest::of(&[b"KONFIDO/v1/answered", &self.request.content.meaning().0, &rest])
    }
}

impl Content for Receipt {
    fn payload(&self) -> Vec<u8> {
        Writer::new().array(3).uint(3).bytes(self.answer.bytes()).uint(self.t_received_ms).done()
    }

    fn read(payload: &[u8], trust: Trust<'_>) -> Result<Self, LedgerError> {
        let mut input = Reader::new(payload);
        input.tuple(3)?;
        if input.uint()? != 3 {
            return Err(LedgerError::malformed("statement", "not a receipt"));
        }
        let read =
            Self { answer: Signed::read(input.bytes(MAX_STATEMENT)?, trust)?, t_received_ms: input.uint()? };
        input.end()?;
        Ok(read)
    }

    fn author(&self) -> CountryCode {
        self.request().requester
    }

    fn request(&self) -> &Request {
        self.answer.content.request()
    }

    fn meaning(&self) -> Digest {
        let time = Writer::new().uint(self.t_received_ms).done();
        Digest::of(&[b"KONFIDO/v1/received", &self.answer.content.meaning().0, &time])
    }
}

/// A statement of any of the three kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// B asks.
    Requested(Signed<Request>),
    /// A answered.
    Answered(Signed<Answer>),
    /// B has the answer.
    Received(Signed<Receipt>),
}

impl Statement {
    /// Reads a statement of any kind and checks all its signatures.
    ///
    /// # Errors
    /// If it is none, or a signature does not hold.
    pub fn verify(bytes: &[u8], keys: &dyn EvidenceKeys) -> Result<Self, LedgerError> {
        Self::read(bytes, Trust::Keys(keys))
    }

    fn read(bytes: &[u8], trust: Trust<'_>) -> Result<Self, LedgerError> {
        let sign1 =
            CoseSign1::from_tagged_slice(bytes).map_err(|e| LedgerError::malformed("statement", e))?;
        let payload = sign1.payload.unwrap_or_default();
        let mut input = Reader::new(&payload);
        let _items = input.array(9)?;
        match input.uint()? {
            1 => Signed::read(bytes, trust).map(Self::Requested),
            2 => Signed::read(bytes, trust).map(Self::Answered),
            3 => Signed::read(bytes, trust).map(Self::Received),
            other => Err(LedgerError::malformed("statement", format!("kind {other} is unknown"))),
        }
    }

    /// Reads a statement that was verified before it was stored on this node's own disk.
    pub(crate) fn kept(bytes: &[u8]) -> Result<Self, LedgerError> {
        Self::read(bytes, Trust::Kept)
    }

    /// The COSE_Sign1.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Requested(s) => s.bytes(),
            Self::Answered(s) => s.bytes(),
            Self::Received(s) => s.bytes(),
        }
    }

    /// The request at its core.
    #[must_use]
    pub fn request(&self) -> &Request {
        match self {
            Self::Requested(s) => s.content().request(),
            Self::Answered(s) => s.content().request(),
            Self::Received(s) => s.content().request(),
        }
    }

    /// The request with its signature.
    #[must_use]
    pub fn signed_request(&self) -> &Signed<Request> {
        match self {
            Self::Requested(s) => s,
            Self::Answered(s) => &s.content.request,
            Self::Received(s) => &s.content.answer.content.request,
        }
    }

    /// The answer with its signature, once there is one.
    #[must_use]
    pub fn signed_answer(&self) -> Option<&Signed<Answer>> {
        match self {
            Self::Requested(_) => None,
            Self::Answered(s) => Some(s),
            Self::Received(s) => Some(&s.content.answer),
        }
    }

    /// Its 32-byte entry in the log.
    #[must_use]
    pub fn entry(&self) -> Digest {
        crate::hash::entry(self.bytes())
    }

    pub(crate) fn kind(&self) -> u8 {
        match self {
            Self::Requested(_) => 1,
            Self::Answered(_) => 2,
            Self::Received(_) => 3,
        }
    }

    pub(crate) fn author(&self) -> CountryCode {
        match self {
            Self::Requested(s) => s.content.author(),
            Self::Answered(s) => s.content.author(),
            Self::Received(s) => s.content.author(),
        }
    }

    pub(crate) fn meaning(&self) -> Digest {
        match self {
            Self::Requested(s) => s.content.meaning(),
            Self::Answered(s) => s.content.meaning(),
            Self::Received(s) => s.content.meaning(),
        }
    }
}
