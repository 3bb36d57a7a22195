//! WS-Addressing 1.0 headers.
//!
//! On receiving: each of our headers stands at most once, else the message is refused; headers in another
//! namespace are somebody else's and ignored (OpenNCP's ITI-39 puts its headers into the namespace of the
//! anonymous address: that request has no addressing at all, and is served by the action of its content
//! type). A header is optional until the profile says otherwise.

use crate::soap::{Envelope, Fault, FaultCode};
use crate::{El, ns};

/// The address "answer on the same connection".
pub const ANONYMOUS: &str = "http://www.w3.org/2005/08/addressing/anonymous";

/// The addressing headers of one message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addressing {
    /// What the message asks for.
    pub action: Option<String>,
    /// Name of the message.
    pub message_id: Option<String>,
    /// Where the message goes.
    pub to: Option<String>,
    /// Where the answer goes.
    pub reply_to: Option<String>,
    /// Name of the message that this one answers.
    pub relates_to: Option<String>,
}

/// Addressing headers that contradict themselves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the header `{header}` stands more than once")]
pub struct AddressingError {
    header: &'static str,
}

impl AddressingError {
    /// The fault that answers such a message.
    #[must_use]
    pub fn to_fault(&self) -> Fault {
        Fault::new(FaultCode::Sender, "A header representing a Message Addressing Property is not valid")
            .subcode(ns::WSA, "InvalidAddressingHeader")
            .subcode(ns::WSA, "InvalidCardinality")
            .detail(
                &El::new(ns::WSA, "ProblemHeaderQName").prefix("wsa").text(format!("wsa:{}", self.header)),
            )
    }
}

impl Addressing {
    /// Headers of a request that awaits its answer on the same connection.
    #[must_use]
    pub fn request(action: impl Into<String>, message_id: impl Into<String>, to: impl Into<String>) -> Self {
        Self {
            action: Some(action.into()),
            message_id: Some(message_id.into()),
            to: Some(to.into()),
            reply_to: Some(ANONYMOUS.to_owned()),
            relates_to: None,
        }
    }

    /// Headers of the answer to a message with these headers.
    #[must_use]
    pub fn response(&self, action: impl Into<String>, message_id: impl Into<String>) -> Self {
        Self {
            action: Some(action.into()),
            message_id: Some(message_id.into()),
            to: None,
            reply_to: None,
            relates_to: self.message_id.clone(),
        }
    }

    /// Reads the headers of `envelope`.
    ///
    /// # Errors
    /// When a header stands twice.
    pub fn parse(envelope: &Envelope<'_>) -> Result<Self, AddressingError> {
        Ok(Self {
            action: single(envelope, "Action")?,
            message_id: single(envelope, "MessageID")?,
            to: single(envelope, "To")?,
            reply_to: single(envelope, "ReplyTo")?,
            relates_to: single(envelope, "RelatesTo")?,
        })
    }

    /// The header blocks, Action with `mustUnderstand`.
    #[must_use]
    pub fn headers(&self) -> Vec<El> {
        let block = |local: &'static str, text: &Option<String>| {
            text.as_ref().map(|t| El::new(ns::WSA, local).prefix("wsa").text(t.clone()))
        };
        let action =
            block("Action", &self.action).map(|el| el.attr_ns(ns::SOAP12, "soapenv", "mustUnderstand", "1"));
        let reply_to = self.reply_to.as_ref().map(|address| {
            El::new(ns::WSA, "ReplyTo").prefix("wsa").child(El::new(ns::WSA, "Address").text(address.clone()))
        });
        [
            block("To", &self.to),
            action,
            block("MessageID", &self.message_id),
            reply_to,
            block("RelatesTo", &self.relates_to),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

fn single(envelope: &Envelope<'_>, header: &'static str) -> Result<Option<String>, AddressingError> {
    let mut found = envelope.headers().filter(|e| e.is(ns::WSA, header));
    let Some(first) = found.next() else { return Ok(None) };
    if found.next().is_some() {
        return Err(AddressingError { header });
    }
    let source = if header == "ReplyTo" { first.child(ns::WSA, "Address") } else { Some(first) };
    Ok(source.map(|e| e.text().trim().to_owned()).filter(|t| !t.is_empty()))
}

/// The fault for an action that nobody serves here.
#[must_use]
pub fn action_not_supported(action: &str) -> Fault {
    Fault::new(FaultCode::Sender, "The action cannot be processed at the receiver")
        .subcode(ns::WSA, "ActionNotSupported")
        .detail(
            &El::new(ns::WSA, "ProblemAction")
                .prefix("wsa")
                .child(El::new(ns::WSA, "Action").text(action.to_owned())),
        )
}

/// The fault for an Action header that differs from the `action` parameter of the content type.
#[must_use]
pub fn action_mismatch() -> Fault {
    Fault::new(FaultCode::Sender, "The action in the header differs from the action of the content type")
        .subcode(ns::WSA, "InvalidAddressingHeader")
        .subcode(ns::WSA, "ActionMismatch")
}
