//! `RetrieveDocumentSetResponse`: the answer of ITI-39, with its documents beside it (MTOM/XOP) or inside (base64).

use bytes::Bytes;
use konfido_circle::{HomeCommunityId, Personal};
use konfido_xml::{El, Element, base64, mtom, ns};

use super::error;
use super::list::Refused;
use super::retrieve::DocumentRequest;
use crate::document_class::Group;
use crate::malformed::Malformed;
use crate::refusal::Refusal;
use crate::registry::{self, RS, RegistryError, ResponseStatus, XDS_B};

/// The media type of every document of the profile: a CDA, also around a PDF.
const TEXT_XML: &str = "text/xml";

/// Where the bytes behind an `xop:Include` are.
pub trait Attachments {
    /// The bytes of the part that this `href` (`cid:…`) names; decoding the percent signs is the implementor's duty.
    fn attachment(&self, href: &str) -> Option<Bytes>;
}

/// A message without attachments.
#[derive(Clone, Copy, Debug)]
pub struct NoAttachments;

impl Attachments for NoAttachments {
    fn attachment(&self, _href: &str) -> Option<Bytes> {
        None
    }
}

impl Attachments for mtom::Package {
    fn attachment(&self, href: &str) -> Option<Bytes> {
        let part = href.trim().strip_prefix("cid:")?;
        let decoded = percent_encoding::percent_decode_str(part).decode_utf8().ok()?;
        Self::attachment(self, &decoded).or_else(|| Self::attachment(self, part)).map(|a| a.body.clone())
    }
}

impl<F: Fn(&str) -> Option<Bytes>> Attachments for F {
    fn attachment(&self, href: &str) -> Option<Bytes> {
        self(href)
    }
}

/// A document as it was handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrievedDocument {
    /// Which one it is.
    pub id: DocumentRequest,
    /// What the peer says it is.
    pub mime_type: String,
    /// The document, byte for byte.
    pub content: Personal<Bytes>,
}

/// A binary part to be sent with the answer.
#[derive(Clone, Debug)]
pub struct OutgoingPart {
    /// Its `Content-ID`, without angle brackets.
    pub content_id: String,
    /// Its `Content-Type`.
    pub content_type: &'static str,
    /// Its bytes.
    pub content: Personal<Bytes>,
}

/// The answer of ITI-39. What it says is told by [`RetrieveResponse::outcome`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrieveResponse {
    pub(super) status: Option<ResponseStatus>,
    pub(super) errors: Vec<RegistryError>,
    pub(super) documents: Vec<RetrievedDocument>,
}

/// What an answer means for one document that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetrieveOutcome<'r> {
    /// The document, with warnings if there are any.
    Document {
        /// The document.
        document: &'r RetrievedDocument,
        /// What the peer warns of.
        warnings: &'r [RegistryError],
    },
    /// No document, whatever else the answer holds.
    Refused(Refused<'r>),
}

impl RetrieveResponse {
    /// The answer with these documents, and warnings if there are any.
    #[must_use]
    pub fn delivered(documents: Vec<RetrievedDocument>, warnings: Vec<RegistryError>) -> Self {
        Self { status: Some(ResponseStatus::Success), errors: warnings, documents }
    }

    /// The answer without a document, and why.
    #[must_use]
    pub fn refused(home: &HomeCommunityId, group: Option<Group>, refusal: &Refusal) -> Self {
        let (code, severity) = error::wire(error::Step::Retrieve, group, refusal).entry();
        Self {
            status: Some(ResponseStatus::Failure),
            errors: vec![RegistryError::of(code, severity, home)],
            documents: Vec::new(),
        }
    }

    /// The entries of the error list.
    #[must_use]
    pub fn errors(&self) -> &[RegistryError] {
        &self.errors
    }

    /// The documents, as they came and whatever the answer means.
    #[must_use]
    pub fn documents(&self) -> &[RetrievedDocument] {
        &self.documents
    }

    /// The status that the peer gave.
    #[must_use]
    pub fn status(&self) -> Option<&ResponseStatus> {
        self.status.as_ref()
    }

    /// What the answer means for the document `wanted`.
    #[must_use]
    pub fn outcome(&self, wanted: &DocumentRequest) -> RetrieveOutcome<'_> {
        if let Some(error) = registry::first_error(&self.errors) {
            return RetrieveOutcome::Refused(Refused::Told(error));
        }
        let good = matches!(self.status, Some(ResponseStatus::Success | ResponseStatus::PartialSuccess));
        let mut ours = self.documents.iter().filter(|d| d.id.names_same(wanted));
        match (ours.next(), ours.next()) {
            (Some(document), None) if good => RetrieveOutcome::Document { document, warnings: &self.errors },
            _ => match self.errors.first() {
                Some(warning) if self.documents.is_empty() => {
                    RetrieveOutcome::Refused(Refused::Told(warning))
                }
                _ => RetrieveOutcome::Refused(Refused::Unexplained),
            },
        }
    }

    /// Reads the element `RetrieveDocumentSetResponse`, its documents from `attachments` or from inside.
    pub fn parse(message: Element<'_>, attachments: &dyn Attachments) -> Result<Self, Malformed> {
        if !message.is(XDS_B, "RetrieveDocumentSetResponse") {
            return Err(Malformed::at(message, "not an answer to a request for documents"));
        }
        let response = message
            .child(RS, "RegistryResponse")
            .ok_or_else(|| Malformed::at(message, "`RegistryResponse` is missing"))?;
        let documents = message
            .children_named(XDS_B, "DocumentResponse")
            .map(|document| RetrievedDocument::read(document, attachments))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            status: response.attribute("status").map(ResponseStatus::of_urn),
            errors: registry::read_errors(response)?,
            documents,
        })
    }

    /// Writes the element with its documents inside, as base64.
    #[must_use]
    pub fn to_element(&self) -> El {
        self.write(
            self.documents
                .iter()
                .map(|document| base64::encode(document.content.reveal()))
                .map(|base64| El::new(XDS_B, "Document").text(base64)),
        )
    }

    /// Writes the element and the parts that go beside it. `content_id` gives each part an id that is unique in the world.
    #[must_use]
    pub fn to_xop(&self, mut content_id: impl FnMut() -> String) -> (El, Vec<OutgoingPart>) {
        let parts: Vec<_> = self
            .documents
            .iter()
            .map(|document| OutgoingPart {
                content_id: content_id(),
                content_type: "text/xml;charset=UTF-8",
                content: document.content.clone(),
            })
            .collect();
        let element = self.write(parts.iter().map(|part| {
            let include =
                El::new(ns::XOP, "Include").prefix("xop").attr("href", format!("cid:{}", part.content_id));
            El::new(XDS_B, "Document").child(include)
        }));
        (element, parts)
    }

    fn write(&self, contents: impl Iterator<Item = El>) -> El {
        let response = El::new(RS, "RegistryResponse")
            .opt_attr("status", self.status.as_ref().map(ResponseStatus::urn))
            .opt_child(registry::write_errors(&self.errors));
        let documents = self.documents.iter().zip(contents).map(|(document, content)| {
            document
                .id
                .write_into(El::new(XDS_B, "DocumentResponse"))
                .child(El::new(XDS_B, "mimeType").text(document.mime_type.clone()))
                .child(content)
        });
        El::new(XDS_B, "RetrieveDocumentSetResponse").child(response).children(documents)
    }
}

impl RetrievedDocument {
    /// A CDA that answers this request.
    #[must_use]
    pub fn cda(id: DocumentRequest, content: Bytes) -> Self {
        Self { id, mime_type: TEXT_XML.to_owned(), content: Personal::new(content) }
    }

    fn read(element: Element<'_>, attachments: &dyn Attachments) -> Result<Self, Malformed> {
        let document = element
            .child(XDS_B, "Document")
            .ok_or_else(|| Malformed::at(element, "`Document` is missing"))?;
        let mime_type = element.child(XDS_B, "mimeType").map(|e| e.text().trim().to_owned());
        Ok(Self {
            id: DocumentRequest::read(element)?,
            mime_type: mime_type.unwrap_or_default(),
            content: Personal::new(read_content(document, attachments)?),
        })
    }
}

fn read_content(document: Element<'_>, attachments: &dyn Attachments) -> Result<Bytes, Malformed> {
    let mut children = document.children();
    let bytes = match children.next() {
        Some(include) => {
            let alone = children.next().is_none() && document.own_text().trim().is_empty();
            if !include.is(ns::XOP, "Include") || !alone {
                return Err(Malformed::at(
                    document,
                    "a document is base64, or one `xop:Include` and nothing else",
                ));
            }
            include
                .attribute("href")
                .and_then(|href| attachments.attachment(href))
                .ok_or_else(|| Malformed::at(include, "the part that is included is missing"))?
        }
        None => base64::decode(&document.own_text())
            .map(Bytes::from)
            .ok_or_else(|| Malformed::at(document, "the document is not base64"))?,
    };
    if bytes.is_empty() { Err(Malformed::at(document, "the document is empty")) } else { Ok(bytes) }
}
