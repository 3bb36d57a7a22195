//! The cross-border messages of IHE as typed values: XCPD (ITI-55) and XCA (ITI-38, ITI-39) with the codes of the
//! eHDSI profiles.
//!
//! - Reading takes what a peer may send (any prefix, both code generations, several notations) and gives back
//!   either a whole value or the place at which the message is not readable ([`Malformed`]).
//! - Writing emits what the reference implementation insists on and what stricter validators insist on.
//! - Nothing here opens a socket or decides: whether a request is served is the gateway's business, which says so
//!   with a [`Refusal`]; the two functions [`xcpd::error::wire`] and [`xca::error::wire`] alone know how a refusal
//!   looks on the wire.
//!
//! ITI-41 (XDR) will stand beside `xcpd` and `xca` and share `registry` with them.

mod document_class;
mod error;
mod hl7;
mod malformed;
mod refusal;
pub mod registry;
mod transaction;
pub mod xca;
pub mod xcpd;

pub use document_class::{ClassCode, DocumentClass, FormatCode, Group, LOINC, Level};
pub use error::{EhdsiError, TransformationCode, UnknownCode};
pub use hl7::{InstanceId, PartialDate};
pub use malformed::Malformed;
pub use refusal::Refusal;
pub use transaction::Transaction;
