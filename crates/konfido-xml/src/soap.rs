//! SOAP 1.2 messages (W3C Recommendation, part 1, section 5) and their faults.
//!
//! Reading is strict where a second meaning could hide: one Header at most, exactly one Body behind it,
//! nothing else in the Envelope, one payload in the Body. SOAP 1.1 is recognised in order to be refused by
//! name. `mustUnderstand` takes both spellings (`1`, `true`).

mod fault;

use crate::{Document, El, Element, ns};

pub use fault::{Fault, FaultCode};

/// Media type of a SOAP 1.2 message.
pub const MEDIA_TYPE: &str = "application/soap+xml";

/// A document that is no SOAP 1.2 message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SoapError {
    /// Another SOAP version.
    #[error("the envelope is not SOAP 1.2")]
    Version,
    /// The document element is no Envelope.
    #[error("the document is no SOAP envelope")]
    NotAnEnvelope,
    /// The Envelope is put together wrongly.
    #[error("the envelope is malformed: {0}")]
    Structure(&'static str),
}

impl SoapError {
    /// The fault that answers such a message.
    #[must_use]
    pub fn to_fault(&self) -> Fault {
        let code = match self {
            Self::Version => FaultCode::VersionMismatch,
            Self::NotAnEnvelope | Self::Structure(_) => FaultCode::Sender,
        };
        Fault::new(code, self.to_string())
    }
}

/// A received message, as a view of its document.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'d> {
    root: Element<'d>,
    header: Option<Element<'d>>,
    body: Element<'d>,
}

impl<'d> Envelope<'d> {
    /// Reads `document` as a SOAP 1.2 envelope.
    ///
    /// # Errors
    /// When it is none, or another version.
    pub fn parse(document: &'d Document) -> Result<Self, SoapError> {
        let root = document.root();
        if root.local() != "Envelope" {
            return Err(SoapError::NotAnEnvelope);
        }
        if root.namespace() != ns::SOAP12 {
            return Err(SoapError::Version);
        }
        let mut parts = root.children();
        let mut first = parts.next();
        let header = first.filter(|e| e.is(ns::SOAP12, "Header"));
        if header.is_some() {
            first = parts.next();
        }
        let body = first
            .filter(|e| e.is(ns::SOAP12, "Body"))
            .ok_or(SoapError::Structure("the Body is missing or stands in the wrong place"))?;
        if parts.next().is_some() {
            return Err(SoapError::Structure("something stands behind the Body"));
        }
        Ok(Self { root, header, body })
    }

    /// The Envelope element.
    #[must_use]
    pub fn element(&self) -> Element<'d> {
        self.root
    }

    /// The header blocks.
    pub fn headers(&self) -> impl Iterator<Item = Element<'d>> + use<'d> {
        self.header.into_iter().flat_map(|h| h.children())
    }

    /// The Body element.
    #[must_use]
    pub fn body(&self) -> Element<'d> {
        self.body
    }

    /// The one element in the Body.
    ///
    /// # Errors
    /// When there is none or more than one.
    pub fn payload(&self) -> Result<Element<'d>, SoapError> {
        let mut children = self.body.children();
        let payload = children.next().ok_or(SoapError::Structure("the Body is empty"))?;
        if children.next().is_some() {
            return Err(SoapError::Structure("the Body holds more than one element"));
        }
        Ok(payload)
    }

    /// The fault, when the Body holds one.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        let payload = self.payload().ok()?;
        payload.is(ns::SOAP12, "Fault").then(|| Fault::parse(&payload))
    }

    /// Header blocks addressed to us that must be understood and that `understood` does not know.
    pub fn not_understood<F>(&self, understood: F) -> impl Iterator<Item = Element<'d>> + use<'d, F>
    where
        F: Fn(&Element<'d>) -> bool,
    {
        self.headers().filter(move |block| {
            let must = block.attribute_ns(ns::SOAP12, "mustUnderstand").map(str::trim);
            matches!(must, Some("1" | "true")) && is_for_us(block) && !understood(block)
        })
    }
}

fn is_for_us(block: &Element<'_>) -> bool {
    match block.attribute_ns(ns::SOAP12, "role") {
        None | Some("") => true,
        Some(role) => {
            role == "http://www.w3.org/2003/05/soap-envelope/role/next"
                || role == "http://www.w3.org/2003/05/soap-envelope/role/ultimateReceiver"
        }
    }
}

/// A message being built.
#[derive(Debug, Clone, Default)]
pub struct Message {
    headers: Vec<El>,
    body: Vec<El>,
}

impl Message {
    /// A message whose Body holds `payload`.
    #[must_use]
    pub fn new(payload: El) -> Self {
        Self { headers: Vec::new(), body: vec![payload] }
    }

    /// A message that carries a fault.
    #[must_use]
    pub fn fault(fault: &Fault) -> Self {
        Self::new(fault.to_el())
    }

    /// Appends a header block.
    #[must_use]
    pub fn header(mut self, block: El) -> Self {
        self.headers.push(block);
        self
    }

    /// Appends header blocks.
    #[must_use]
    pub fn headers(mut self, blocks: impl IntoIterator<Item = El>) -> Self {
        self.headers.extend(blocks);
        self
    }

    /// The Envelope.
    #[must_use]
    pub fn into_el(self) -> El {
        El::new(ns::SOAP12, "Envelope")
            .prefix("soapenv")
            .child(El::new(ns::SOAP12, "Header").children(self.headers))
            .child(El::new(ns::SOAP12, "Body").children(self.body))
    }

    /// The whole document.
    #[must_use]
    pub fn into_document_string(self) -> String {
        self.into_el().to_document_string()
    }
}
