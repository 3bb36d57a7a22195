//! SAML 2.0 assertions of the eHDSI profile: the identity of the health care professional (HCP), the confirmation of
//! the treatment relationship (TRC) and the next of kin (NoK).
//!
//! * [`issue`]: makes and signs them as the reference implementation does;
//! * [`Assertion`]: takes one from bytes to trust, one type a step; [`Presented`] does so for a message's whole set;
//! * [`ReplayGuard`]: tells the one re-send of OpenNCP from a replay;
//! * [`sts`]: the WS-Trust service that issues TRC and NoK to portals that already exist.
//!
//! Rules that hold throughout:
//!
//! 1. what is read is read from the element that the signature covers, after it was verified;
//! 2. an assertion is bound to the country that presents it: the signing certificate's country is the TLS peer's;
//! 3. a check that fails ends the request; nothing goes on beside an error (the reference implementation hands out
//!    documents with an expired assertion, and we do not copy that);
//! 4. what is there twice is refused, never chosen from;
//! 5. time comes from the clock that is passed in.

pub mod issue;
pub mod names;
pub mod sts;
pub mod vocabulary;

mod accept;
mod assertion;
mod content;
mod presented;
mod refusal;
mod replay;
mod trust;

pub use accept::{Hcp, Nok, Trc};
pub use assertion::{Accepted, Assertion, ConditionsMet, Profile, Received, SignatureVerified};
pub use content::{AssertionId, Attribute, Content, NameId, Value};
pub use issue::{HcpReference, IssueError, Issued, Issuer};
pub use presented::{Admission, Presented};
pub use refusal::{Class, Reason, Refusal};
pub use replay::{Digest, Presentation, Replay, ReplayGuard, Seen};
pub use trust::{Signatory, TrustedSigners};
