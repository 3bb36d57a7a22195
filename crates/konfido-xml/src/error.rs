//! Why a document was not read. All of these are faults of the peer's bytes.

/// A document that is not accepted. None of the variants carries content of the document except
/// [`XmlError::Malformed`], whose message is for the operator and never goes back to the peer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// More bytes than the limit.
    #[error("the document has {actual} bytes, more than {limit}")]
    TooLarge {
        /// Bytes of the document.
        actual: usize,
        /// The limit.
        limit: usize,
    },
    /// Elements nest deeper than the limit.
    #[error("elements nest deeper than {limit}")]
    TooDeep {
        /// The limit.
        limit: u32,
    },
    /// One element has more attributes than the limit.
    #[error("an element has more than {limit} attributes")]
    TooManyAttributes {
        /// The limit.
        limit: usize,
    },
    /// One text or attribute value is longer than the limit.
    #[error("a text is longer than {limit} bytes")]
    TextTooLong {
        /// The limit.
        limit: usize,
    },
    /// More nodes than the limit.
    #[error("the document has more than {limit} nodes")]
    TooManyNodes {
        /// The limit.
        limit: usize,
    },
    /// A document type declaration, which is never accepted (XXE, entity bombs, defaulted attributes).
    #[error("a document type declaration is not accepted")]
    DocumentType,
    /// The bytes are not UTF-8.
    #[error("the document is not UTF-8 (at byte {at})")]
    NotUtf8 {
        /// Offset of the first bad byte.
        at: usize,
    },
    /// The document declares, or by its first bytes is in, an encoding other than UTF-8.
    #[error("the encoding `{0}` is not accepted, only UTF-8")]
    Encoding(String),
    /// The XML declaration names a version other than 1.0.
    #[error("only XML 1.0 is accepted")]
    Version,
    /// Not well-formed, or not well-formed with regard to namespaces.
    #[error("not well-formed: {0}")]
    Malformed(String),
}
