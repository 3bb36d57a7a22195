//! Why a multipart message was not read.

/// A message whose packaging is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MtomError {
    /// The content type cannot be parsed.
    #[error("the content type is malformed")]
    ContentType,
    /// A media type that is no SOAP 1.2 message.
    #[error("the media type `{0}` is not accepted")]
    MediaType(String),
    /// A charset other than UTF-8.
    #[error("the charset `{0}` is not accepted, only UTF-8")]
    Charset(String),
    /// `multipart/related` without a usable boundary.
    #[error("the boundary is missing or malformed")]
    Boundary,
    /// The body ends before the closing delimiter.
    #[error("the message is cut off")]
    Truncated,
    /// Something stands behind the closing delimiter or before the first.
    #[error("there are bytes outside of the parts")]
    StrayBytes,
    /// More bytes than the limit.
    #[error("the message is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: usize,
    },
    /// More parts than the limit.
    #[error("the message has more than {limit} parts")]
    TooManyParts {
        /// The limit.
        limit: usize,
    },
    /// The head of a part cannot be read, or is too long.
    #[error("the head of a part is malformed")]
    PartHead,
    /// A transfer encoding that we do not undo.
    #[error("the transfer encoding `{0}` is not accepted")]
    TransferEncoding(String),
    /// Two parts of one content id.
    #[error("a content id occurs twice")]
    DuplicateContentId,
    /// No root part.
    #[error("the root part is missing")]
    MissingRoot,
    /// An `xop:Include` that is put together wrongly.
    #[error("an xop:Include is malformed")]
    Include,
    /// An `xop:Include` to a part that is not there.
    #[error("a part that the message refers to is missing")]
    MissingPart,
    /// Inline content that is no base64.
    #[error("the inline content is not base64")]
    Base64,
}
