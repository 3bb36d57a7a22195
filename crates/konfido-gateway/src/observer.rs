//! What the gateway tells others of an exchange while it happens: identifiers and digests, nothing of a person.
//!
//! The ledger makes its records from these events, a test counts them. Both sides of one exchange can be matched by
//! [`ExchangeEvent::message_id`] and by the digests, which are taken over bytes that both sides hold: the SOAP body of
//! the request and the document as it travelled.

use std::fmt;

use aws_lc_rs::digest;
use jiff::Timestamp;
use konfido_circle::CountryCode;
use konfido_ihe::Transaction;

/// A SHA-256 digest of bytes on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// Of one piece.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self::of_parts([bytes])
    }

    /// Of several pieces in a row.
    #[must_use]
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(part);
        }
        let mut out = [0; 32];
        for (to, from) in out.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        Self(out)
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Which of the two NCPs speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The patient's country.
    A,
    /// The treating country.
    B,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Happening {
    /// B sent the request, or A took it in.
    Requested,
    /// A gave an answer that holds what was asked for.
    Provided {
        /// The documents that travelled; empty for an identification or a list.
        documents: Vec<Fingerprint>,
    },
    /// A refused.
    Refused {
        /// The code the peer was told.
        code: String,
    },
    /// B took the answer in.
    Received {
        /// The documents that travelled.
        documents: Vec<Fingerprint>,
    },
    /// B took a refusal in, or got no answer.
    Failed {
        /// The code that B makes of it.
        code: String,
    },
}

/// One thing that happened in one exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExchangeEvent {
    /// When, by our clock.
    pub at: Timestamp,
    /// Who we are in it.
    pub side: Side,
    /// The other member state.
    pub peer: CountryCode,
    /// Which transaction.
    pub transaction: Transaction,
    /// MessageID of the request, where it has one.
    pub message_id: Option<String>,
    /// SHA-256 of the request's SOAP body as it travelled.
    pub request: Fingerprint,
    /// Whether the request came a second time.
    pub repeated: bool,
    /// Whether it was made in an emergency, past the patient's refusal or not.
    pub break_glass: bool,
    /// What happened.
    pub happening: Happening,
}

/// Is told. Must return at once: what takes time goes to a queue of the observer's own.
pub trait ExchangeObserver: Send + Sync + fmt::Debug {
    /// Something happened.
    fn observe(&self, event: &ExchangeEvent);
}

/// Listens to nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl ExchangeObserver for Unobserved {
    fn observe(&self, _event: &ExchangeEvent) {}
}
