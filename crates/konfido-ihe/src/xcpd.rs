//! ITI-55, Cross Gateway Patient Discovery: `PRPA_IN201305UV02` and `PRPA_IN201306UV02` (HL7 v3).
//!
//! On reading a request:
//! - receiver, sender, query id and parameter list must be there, because no answer can be written without them;
//!   whether they are *right* is for the gateway;
//! - one identifier of the patient per `livingSubjectId`, several of these or several `value`s in one; demographics are
//!   read where present; parameters that the profile does not know are ignored.
//!
//! On reading an answer ([`XcpdResponse::outcome`]):
//! - only acknowledgement `AA` together with a subject, and no error beside it, is a match: peers write `AE` into
//!   `queryAck` of a match and leave `AA` where nobody was found;
//! - an error is told by acknowledgementDetail, by reasonOf, or by both.
//!
//! On writing: reasonOf beside every error (the reference implementation ignores the code otherwise), one
//! location in every detail, queryAck with queryId, statusCode and queryResponseCode in this order.

mod acknowledgement;
mod demographics;
pub mod error;
mod outcome;
mod reason;
mod request;
mod response;
mod subject;

pub use acknowledgement::{AckCode, AckDetail, AckDetailType};
pub use demographics::{Address, Demographics, Gender, PersonName};
pub use outcome::{XcpdFailure, XcpdOutcome};
pub use reason::ReasonCode;
pub use request::{Device, PatientCriteria, SubjectId, XcpdRequest};
pub use response::{QueryAck, QueryEcho, XcpdResponse};
pub use subject::PatientMatch;
