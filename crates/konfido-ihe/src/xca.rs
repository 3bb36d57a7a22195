//! ITI-38 and ITI-39, Cross Gateway Query and Retrieve (ebRS/ebRIM 3.0, XDS.b).
//!
//! On reading a query: class codes in both notations (several quoted items, or one quoted text with commas inside)
//! and in several values; slots in any order; status and unknown slots ignored; the patient id in quotes, `\F\`
//! escaped or not. On reading a retrieve request: any number of document requests.
//!
//! On reading answers ([`QueryResponse::outcome`], [`RetrieveResponse::outcome`]): the status alone is never
//! trusted. One entry of severity Error refuses everything beside it, because peers hand out documents beside a
//! refusal. An answer without status, or with neither documents nor a reason, is a refusal that the peer did
//! not explain. A document that was not asked for is never taken.

mod entry;
pub mod error;
mod list;
mod pairing;
mod query;
mod retrieve;
mod retrieved;

pub use crate::registry::Coded;
pub use entry::{Author, DocumentEntry, EntryFacts, EventCode};
pub use list::{Association, QueryOutcome, QueryResponse, Refused};
pub use pairing::DocumentPair;
pub use query::{DocumentQuery, ReturnType};
pub use retrieve::{DocumentRequest, RetrieveRequest};
pub use retrieved::{
    Attachments, NoAttachments, OutgoingPart, RetrieveOutcome, RetrieveResponse, RetrievedDocument,
};
