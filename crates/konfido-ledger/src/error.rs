//! What can go wrong, sorted by whose fault it is.

use konfido_circle::CountryCode;
use konfido_keys::KeyError;

use crate::cbor::CborError;

/// A failure of the ledger.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The peer's bytes: not a statement, record, transaction, proof or receipt.
    #[error("malformed {what}: {reason}")]
    Malformed {
        /// What should have been there.
        what: &'static str,
        /// Why it is not.
        reason: String,
    },
    /// The peer's bytes: a signature does not hold.
    #[error("signature of {0} does not hold")]
    Signature(String),
    /// The peer's behaviour: signed by or speaking for somebody who is not a member or not the right party.
    #[error("{0} may not say this: {1}")]
    Standing(CountryCode, &'static str),
    /// The peer's behaviour: a valid statement that does not fit the state it meets.
    #[error("refused: {0}")]
    Refused(&'static str),
    /// The proof leads to another root than the one that was signed.
    #[error("the proof does not lead to the signed root: {0}")]
    Proof(String),
    /// Too few member states stand behind a checkpoint or certificate.
    #[error("signed by {found} member states, {needed} are needed")]
    Quorum {
        /// Distinct members with a valid signature.
        found: usize,
        /// Members needed.
        needed: usize,
    },
    /// What was asked for is not here.
    #[error("not found: {0}")]
    Unknown(String),
    /// A key cannot be used.
    #[error("key: {0}")]
    Key(#[from] KeyError),
    /// The environment: the node's store.
    #[error("ledger store: {0}")]
    Store(String),
    /// The environment: the engine.
    #[error("ledger engine: {0}")]
    Engine(String),
}

impl LedgerError {
    pub(crate) fn malformed(what: &'static str, reason: impl ToString) -> Self {
        Self::Malformed { what, reason: reason.to_string() }
    }

    pub(crate) fn store(cause: impl ToString) -> Self {
        Self::Store(cause.to_string())
    }
}

impl From<CborError> for LedgerError {
    fn from(cause: CborError) -> Self {
        Self::malformed("encoding", cause)
    }
}
