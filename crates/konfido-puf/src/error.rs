//! What can go wrong, sorted by whose fault it is.
//!
//! INVARIANT (one opaque refusal): whatever makes a regeneration fail (too many bit errors, a changed helper, another
//! token) comes out as [`PufError::NotRegenerated`] and nothing else; which of them it was would be an oracle
//! for helper-data manipulation.

use std::path::PathBuf;

/// The crate's one error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PufError {
    /// The key did not come back. No reason is given on purpose; `konfido puf doctor` looks at the frames instead.
    #[error("the token did not reproduce its key\nrun `konfido puf doctor` with the same device to see why")]
    NotRegenerated,
    /// Too many failed regenerations in a row: the next one is allowed at `until` (seconds of the Unix epoch).
    #[error("too many failed attempts: locked until Unix time {until}")]
    Locked {
        /// When the next attempt is allowed.
        until: i64,
    },
    /// The number of optical patterns that a token may show in its life is used up.
    #[error("the token's pattern budget is spent: {shown} of {budget}\nenrol a new token")]
    BudgetSpent {
        /// Patterns shown so far.
        shown: u64,
        /// Patterns allowed.
        budget: u64,
    },
    /// Enrolment refused: too little secret would remain after the helper data is public.
    #[error("enrolment refused: {bits:.0} bits of residual min-entropy, {needed} needed")]
    TooLittleEntropy {
        /// What would remain.
        bits: f64,
        /// What the profile demands.
        needed: u32,
    },
    /// Enrolment refused for another measured reason.
    #[error("enrolment refused: {0}")]
    EnrolmentRefused(String),
    /// This challenge set was enrolled before; enrolling it twice would leak.
    #[error("this challenge set is enrolled already\neach enrolment draws a fresh set")]
    ChallengeSetUsed,
    /// A provenance that the caller's policy does not accept.
    #[error("a {found} token is refused here: {rule}")]
    ProvenanceRefused {
        /// What the device is.
        found: crate::device::Provenance,
        /// The rule that refuses it.
        rule: &'static str,
    },
    /// The device does not know the challenge, or is of another model than the enrolment.
    #[error("the device cannot do this: {0}")]
    Device(String),
    /// Bytes that are not what they claim to be.
    #[error("malformed {what}: {reason}")]
    Malformed {
        /// Which format.
        what: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A health test of SP 800-90B failed; no output until restart.
    #[error("entropy health test failed: {0}")]
    Health(&'static str),
    /// The cryptographic library refused.
    #[error("cryptographic library refused: {0}")]
    Crypto(&'static str),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl PufError {
    /// Whether the environment (files, devices, budget) is at fault rather than the data.
    #[must_use]
    pub const fn is_environment(&self) -> bool {
        matches!(self, Self::Device(_) | Self::File { .. } | Self::Crypto(_) | Self::Health(_))
    }

    pub(crate) fn malformed(what: &'static str, reason: impl Into<String>) -> Self {
        Self::Malformed { what, reason: reason.into() }
    }

    pub(crate) fn file(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }
}

/// The crate's result.
pub type Result<T, E = PufError> = std::result::Result<T, E>;
