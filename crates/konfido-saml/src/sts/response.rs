//! `RequestSecurityTokenResponseCollection` and faults: writing (service) and reading (client).

use konfido_xml::{Document, El, Fragment, Limits, ns};

use super::{TOKEN_TYPE, WST};
use crate::issue::{IssueError, Issued, Issuer, STS_LIFETIME, to_milliseconds, wire_instant};
use crate::refusal::Class;

/// `wsa:Action` of the answer.
const ACTION: &str = "urn:IssueTokenResponse";

pub(super) struct Answer {
    pub(super) envelope: String,
    pub(super) header: String,
    pub(super) message_id: String,
}

/// Writes the answer that carries `issued`.
pub(super) fn answer(issuer: &Issuer<'_>, issued: &Issued, relates_to: &str) -> Result<Answer, IssueError> {
    let mut random = [0; 16];
    issuer.rng.fill(&mut random).map_err(IssueError::Randomness)?;
    let message_id = format!("uuid:{}", uuid::Builder::from_random_bytes(random).into_uuid());
    let now = to_milliseconds(issuer.clock.now());
    let end = now.saturating_add(STS_LIFETIME).unwrap_or(now);
    let span = || {
        let instant = |local: &'static str, at| El::new(ns::WSU, local).prefix("wsu").text(wire_instant(at));
        [instant("Created", now), instant("Expires", end)]
    };
    let wst = |local: &'static str| El::new(WST, local);
    let header = El::new(ns::SOAP12, "Header")
        .prefix("env")
        .child(El::new(ns::WSA, "MessageID").prefix("wsa").text(message_id.clone()))
        .child(
            El::new(ns::WSSE, "Security")
                .prefix("wsse")
                .child(El::new(ns::WSU, "Timestamp").prefix("wsu").children(span())),
        )
        .child(El::new(ns::WSA, "Action").prefix("wsa").text(ACTION))
        .child(El::new(ns::WSA, "RelatesTo").prefix("wsa").text(relates_to.to_owned()));
    let response = wst("RequestSecurityTokenResponse")
        .child(wst("RequestedSecurityToken").raw(issued.xml.clone()))
        .child(wst("TokenType").text(TOKEN_TYPE))
        .child(wst("LifeTime").children(span()));
    let envelope = El::new(ns::SOAP12, "Envelope")
        .prefix("env")
        .child(header.clone())
        .child(
            El::new(ns::SOAP12, "Body")
                .child(wst("RequestSecurityTokenResponseCollection").prefix("wst").child(response)),
        )
        .to_document_string();
    Ok(Answer { envelope, header: header.to_xml(), message_id })
}

/// A SOAP 1.2 fault.
pub(super) fn fault(ours: bool, text: &'static str) -> String {
    let soap = |local: &'static str| El::new(ns::SOAP12, local);
    let code = if ours { "soap:Receiver" } else { "soap:Sender" };
    let reason = soap("Text").attr_ns(ns::XML, "xml", "lang", "en").text(text);
    soap("Envelope")
        .prefix("soap")
        .child(
            soap("Body").child(
                soap("Fault")
                    .child(soap("Code").child(soap("Value").text(code)))
                    .child(soap("Reason").child(reason)),
            ),
        )
        .to_document_string()
}

/// What the caller may learn about a refusal.
pub(super) const fn refusal_text(class: Class) -> &'static str {
    match class {
        Class::MissingField => "A required part of the HCP assertion is absent",
        Class::InvalidField => "The HCP assertion is not valid",
        Class::InsufficientRights => "The HCP assertion does not allow this",
        Class::Signature => "Error validating SAML Assertion signature",
        Class::Schema => "The HCP assertion is not schema-valid",
    }
}

/// An answer as a client reads it.
#[derive(Clone, Debug)]
pub struct TokenResponse {
    /// The assertion, to be inserted unchanged.
    pub assertion: Fragment,
    /// MessageID of the answer.
    pub message_id: Option<String>,
}

/// Why an answer gave no token.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResponseError {
    /// Not readable.
    #[error("the answer is not readable")]
    Xml(#[from] konfido_xml::XmlError),
    /// The service answered with a fault.
    #[error("the service refused: {0}")]
    Fault(String),
    /// No token, or several.
    #[error("not an answer with one token")]
    NoToken,
    /// The answer is to another request.
    #[error("the answer is to another request")]
    OtherRequest,
}

impl TokenResponse {
    /// Reads the answer to the request `message_id`.
    pub fn read(body: &[u8], message_id: &str) -> Result<Self, ResponseError> {
        let document = Document::parse(body, &Limits::ASSERTION)?;
        let envelope = document.root();
        let body = envelope.child(ns::SOAP12, "Body").ok_or(ResponseError::NoToken)?;
        if let Some(fault) = body.child(ns::SOAP12, "Fault") {
            let text = fault.child(ns::SOAP12, "Reason").map(|r| r.text()).unwrap_or_default();
            return Err(ResponseError::Fault(text.trim().chars().take(512).collect()));
        }
        let header = envelope.child(ns::SOAP12, "Header");
        let addressing =
            |local| header.and_then(|h| h.child(ns::WSA, local)).map(|e| e.text().trim().to_owned());
        if addressing("RelatesTo").is_some_and(|id| id != message_id) {
            return Err(ResponseError::OtherRequest);
        }
        let responses: Vec<_> = body
            .child(WST, "RequestSecurityTokenResponseCollection")
            .map(|c| c.children_named(WST, "RequestSecurityTokenResponse").collect())
            .unwrap_or_default();
        let [response] = responses.as_slice() else { return Err(ResponseError::NoToken) };
        let token = response.child(WST, "RequestedSecurityToken").ok_or(ResponseError::NoToken)?;
        let tokens: Vec<_> = token.children().collect();
        let [assertion] = tokens.as_slice() else { return Err(ResponseError::NoToken) };
        if !assertion.is(ns::SAML2, "Assertion") {
            return Err(ResponseError::NoToken);
        }
        Ok(Self { assertion: assertion.to_fragment(), message_id: addressing("MessageID") })
    }
}
