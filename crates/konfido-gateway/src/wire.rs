//! From HTTP body to SOAP message and back; the only place of the gateway that knows SOAP faults.
//!
//! The action (openncp.md 1.2, 10): header and content type must agree where both speak; where one is silent the other
//! counts; where both are silent the root of the body does. The root of the body must fit the action in any case.
//!
//! Every fault is HTTP 500, as with OpenNCP, also those with code Sender; a body over the limit is 413. What a fault says
//! to the peer is a standard sentence; the cause stays here.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use konfido_ihe::xca::OutgoingPart;
use konfido_ihe::{Malformed, Transaction};
use konfido_xml::mtom::{Attachment, MtomError, MtomLimits, Package};
use konfido_xml::soap::{Envelope, Fault, FaultCode, Message, SoapError};
use konfido_xml::wsa::{self, Addressing};
use konfido_xml::{Document, El, Element, Limits, XmlError, ns, wss};

use crate::observer::Fingerprint;
use crate::server::Answer;

/// The namespace into which OpenNCP's ITI-39 puts its headers (openncp.md Q1).
const MISPLACED: &str = wsa::ANONYMOUS;

/// A message that was read and has the form of a SOAP 1.2 request or answer.
pub(crate) struct Incoming {
    package: Package,
    document: Document,
    addressing: Addressing,
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("action", &self.addressing.action).finish_non_exhaustive()
    }
}

impl Incoming {
    /// Reads a message with its headers.
    pub(crate) fn read(headers: &HeaderMap, body: Bytes) -> Result<Self, SoapProblem> {
        let content_type = headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .ok_or_else(|| SoapProblem::sender("the message has no content type", "no content type"))?;
        let package = Package::read(content_type, body, MtomLimits::MESSAGE)?;
        let document = Document::parse(package.root(), &Limits::MESSAGE)?;
        let envelope = Envelope::parse(&document)?;
        envelope.payload()?;
        let addressing = Addressing::parse(&envelope)
            .map_err(|error| SoapProblem::new(error.to_fault(), error.to_string(), None))?;
        let known = |block: &Element<'_>| block.namespace() == ns::WSA || block.is(ns::WSSE, "Security");
        if envelope.not_understood(known).next().is_some() {
            let fault = Fault::new(FaultCode::MustUnderstand, "A mandatory header block is not understood");
            let id = addressing.message_id;
            return Err(SoapProblem::new(fault, "a mandatory header block is unknown", id));
        }
        wss::Security::parse(&envelope).map_err(|error| {
            SoapProblem::new(error.to_fault(), error.to_string(), addressing.message_id.clone())
        })?;
        Ok(Self { package, document, addressing })
    }

    /// Which transaction the request is.
    pub(crate) fn transaction(&self) -> Result<Transaction, SoapProblem> {
        let problem = |fault: Fault, cause: &str| SoapProblem::new(fault, cause, self.addressed_id());
        let body = self.body();
        let by_root = Transaction::of_root(body.namespace(), body.local());
        let action = match (self.addressing.action.as_deref(), self.package.action()) {
            (Some(header), Some(parameter)) if header != parameter => {
                return Err(problem(wsa::action_mismatch(), "two different actions"));
            }
            (Some(action), _) | (None, Some(action)) => action,
            (None, None) => {
                return by_root.ok_or_else(|| problem(unfit_body(), "no action and an unknown body"));
            }
        };
        let by_action = Transaction::of_action(action)
            .ok_or_else(|| problem(wsa::action_not_supported(action), "an action that is not served"))?;
        if by_root != Some(by_action) {
            return Err(problem(unfit_body(), "the body does not fit the action"));
        }
        Ok(by_action)
    }

    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    fn envelope(&self) -> Option<Envelope<'_>> {
        // INVARIANT (sound envelope): `read` parsed it before.
        Envelope::parse(&self.document).ok()
    }

    /// The one element in the Body.
    pub(crate) fn body(&self) -> Element<'_> {
        self.envelope().and_then(|e| e.payload().ok()).unwrap_or_else(|| self.document.root())
    }

    /// The fault, if the message is one.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.envelope().and_then(|e| e.fault())
    }

    /// The `wsse:Security` header.
    pub(crate) fn security(&self) -> Option<Element<'_>> {
        let envelope = self.envelope()?;
        wss::Security::parse(&envelope).ok().flatten().map(|security| security.element())
    }

    /// The SOAP header as it came.
    pub(crate) fn header(&self) -> Option<String> {
        let envelope = self.envelope()?;
        envelope.element().child(ns::SOAP12, "Header").map(|header| header.to_xml())
    }

    /// The MessageID in the right namespace.
    pub(crate) fn addressed_id(&self) -> Option<String> {
        self.addressing.message_id.clone()
    }

    /// The RelatesTo of an answer.
    pub(crate) fn relates_to(&self) -> Option<&str> {
        self.addressing.relates_to.as_deref()
    }

    /// The MessageID in the right namespace, or else where OpenNCP puts it.
    pub(crate) fn message_id(&self) -> Option<String> {
        self.addressed_id().or_else(|| {
            let mut misplaced =
                self.envelope()?.headers().filter(|block| block.is(MISPLACED, "MessageID")).map(|b| b.text());
            misplaced.next().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        })
    }

    /// SHA-256 over the body's element as it travelled, and the parts beside it.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        let parts = self.package.attachments().iter().map(|part| part.body.as_ref());
        Fingerprint::of_parts(std::iter::once(self.body().source().as_bytes()).chain(parts))
    }

    /// The part that an `href` names; a peer may have percent-encoded it.
    pub(crate) fn attachment(&self, href: &str) -> Option<Bytes> {
        let id = href.trim().strip_prefix("cid:")?;
        let decoded = percent_encoding::percent_decode_str(id).decode_utf8().ok()?;
        let part = self.package.attachment(&decoded).or_else(|| self.package.attachment(id))?;
        Some(part.body.clone())
    }
}

/// The SOAP header with these addressing blocks alone, as text.
pub(crate) fn header_of(addressing: &Addressing) -> String {
    El::new(ns::SOAP12, "Header").prefix("soapenv").children(addressing.headers()).to_xml()
}

/// A message to be sent.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) addressing: Addressing,
    /// The `wsse:Security` header of a request.
    pub(crate) security: Option<El>,
    pub(crate) body: El,
    pub(crate) parts: Vec<OutgoingPart>,
    pub(crate) multipart: bool,
    /// Seed of boundary and content ids: a fresh UUID.
    pub(crate) unique: String,
    /// The `action` parameter of the content type.
    pub(crate) action: &'static str,
}

impl Outgoing {
    /// Content type and body.
    pub(crate) fn write(self) -> (String, Bytes) {
        let message = Message::new(self.body).headers(self.addressing.headers()).headers(self.security);
        let mut package = Package::new(message.into_document_string()).with_action(self.action);
        if self.multipart {
            package = package.as_multipart();
        }
        for part in self.parts {
            package = package.attach(Attachment {
                content_id: part.content_id,
                content_type: part.content_type.to_owned(),
                body: part.content.into_revealed(),
            });
        }
        let written = package.write(&self.unique);
        (written.content_type.clone(), written.to_bytes())
    }
}

/// A message that can't be taken, or that we could not answer: a SOAP fault and its cause.
#[derive(Clone, Debug)]
pub(crate) struct SoapProblem {
    fault: Fault,
    cause: String,
    relates_to: Option<String>,
    status: StatusCode,
}

impl SoapProblem {
    fn new(fault: Fault, cause: impl Into<String>, relates_to: Option<String>) -> Self {
        Self { fault, cause: cause.into(), relates_to, status: StatusCode::INTERNAL_SERVER_ERROR }
    }

    fn sender(told: &str, cause: impl Into<String>) -> Self {
        Self::new(Fault::sender(told), cause, None)
    }

    /// Not a message of the profile.
    pub(crate) fn malformed(malformed: &Malformed, relates_to: Option<String>) -> Self {
        Self::new(unfit_body(), malformed.to_string(), relates_to)
    }

    /// Our environment failed.
    pub(crate) fn internal(relates_to: Option<String>) -> Self {
        Self::new(Fault::receiver("The request could not be processed"), "environment", relates_to)
    }

    /// The certificate went bad under an open connection.
    pub(crate) fn untrusted() -> Self {
        Self::sender("The request could not be processed", "certificate no longer good")
    }

    /// The body is over the limit.
    pub(crate) fn too_long() -> Self {
        let problem = Self::sender("The message is too long", "body over the limit");
        Self { status: StatusCode::PAYLOAD_TOO_LARGE, ..problem }
    }

    /// The body stopped coming.
    pub(crate) fn incomplete() -> Self {
        let problem = Self::sender("The message is not complete", "body slow or cut off");
        Self { status: StatusCode::REQUEST_TIMEOUT, ..problem }
    }

    /// A transaction that no handler serves.
    pub(crate) fn unserved(transaction: Transaction) -> Self {
        let action = transaction.request_action();
        Self::new(wsa::action_not_supported(action), "a transaction that is not served", None)
    }

    /// What we know and the peer is not told.
    pub(crate) fn cause(&self) -> &str {
        &self.cause
    }

    /// MessageID of the message, where it could be read.
    pub(crate) fn message_id(&self) -> Option<&str> {
        self.relates_to.as_deref()
    }

    /// The fault as an HTTP answer.
    pub(crate) fn answer(&self) -> Answer {
        let action = self.fault.action();
        let addressing = Addressing {
            action: Some(action.to_owned()),
            relates_to: self.relates_to.clone(),
            ..Addressing::default()
        };
        let text = Message::fault(&self.fault).headers(addressing.headers()).into_document_string();
        let written = Package::new(text).with_action(action).write("");
        Answer { status: self.status, content_type: written.content_type.clone(), body: written.to_bytes() }
    }
}

fn unfit_body() -> Fault {
    Fault::sender("The body is not a message of the requested transaction")
}

impl From<MtomError> for SoapProblem {
    fn from(error: MtomError) -> Self {
        Self::sender("The message could not be read", error.to_string())
    }
}

impl From<XmlError> for SoapProblem {
    fn from(error: XmlError) -> Self {
        Self::sender("The message could not be read", error.to_string())
    }
}

impl From<SoapError> for SoapProblem {
    fn from(error: SoapError) -> Self {
        Self::new(error.to_fault(), error.to_string(), None)
    }
}
