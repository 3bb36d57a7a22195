//! MTOM/XOP: a SOAP message and its binary parts as `multipart/related` (W3C XOP 1.0, RFC 2387, RFC 2392).
//!
//! On receiving: the boundary is where RFC 2046 says it is; the root part is the one `start` names, else the
//! first; every content id is unique; the closing delimiter is there (else the message was cut off); nothing
//! but blanks follows it. Parts, heads and bytes have limits. A document may come as a part or inline in
//! base64; a `cid:` may be percent-encoded or not. What is written has content ids without brackets inside
//! the `href`, as OpenNCP writes them.

mod content_type;
mod error;
mod package;
mod reader;

pub use content_type::ContentType;
pub use error::MtomError;
pub use package::{Attachment, Package, Written, include};
pub use reader::{Event, MtomLimits, PartHead, Reader};
