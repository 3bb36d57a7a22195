//! The ledger: two countries agree that an exchange happened, and anybody can be shown that they did.
//!
//! - [`record`]: what the two parties sign, as a state machine of nested statements with salted commitments.
//! - [`log`]: the Merkle log over the records' hashes, its heads and its proofs.
//! - [`chain`]: the replicated state machine: transactions, rules, deadlines, governance.
//! - [`party`]: one country's side: what it signs, keeps sealed, and hands to the ledger through its outbox.
//! - [`trust`], [`verify`] and [`certificate`]: what an outsider needs to check a receipt offline.
//!
//! Nothing of this needs the consensus engine; the replicated node, `node`, stands behind the feature `engine`.

#[cfg(feature = "engine")]
pub mod archive;
pub mod cbor;
pub mod certificate;
pub mod chain;
mod error;
mod hash;
pub mod keys;
pub mod log;
#[cfg(feature = "engine")]
pub mod node;
pub mod party;
pub mod record;
pub mod trust;
pub mod verify;

pub use error::LedgerError;
pub use hash::{Digest, entry};
