//! Why a document is not read at all. Everything less is a finding of [`crate::rules`].

use konfido_xml::XmlError;
use thiserror::Error;

/// A refusal. All of them are the sender's fault.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Not well-formed, beyond the limits, or with a document type definition.
    #[error("not acceptable as XML: {0}")]
    Xml(#[from] XmlError),
    /// Another root element or namespace.
    #[error("the root element is not `ClinicalDocument` in `urn:hl7-org:v3`")]
    NotClinicalDocument,
    /// OpenNCP's error 4509.
    #[error("the document has no type code")]
    NoDocumentCode,
    /// OpenNCP's error 4509 too.
    #[error("the document has more than one type code")]
    SeveralDocumentCodes,
}
