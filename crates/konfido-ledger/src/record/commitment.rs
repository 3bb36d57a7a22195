//! Salted commitments: what the ledger may carry in place of personal data.
//!
//! `SHA-256("KONFIDO/v1/" ‖ what ‖ 0x00 ‖ salt ‖ bytes)` with 32 random bytes of salt. Who holds salt and bytes can
//! prove what was committed to; who destroys the salt leaves 32 bytes that nobody can tell from noise. That is the
//! erasure: an unsalted hash, or one salted with anything guessable, could be tried out and would be personal data.

use konfido_keys::{KeyError, Rng};
use secrecy::{ExposeSecret, SecretBox};

use crate::Digest;

/// What a commitment is to. It is part of the hash, so that one commitment cannot be opened as another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The request message as B sent it.
    Request,
    /// The response message as A sent it.
    Response,
}

impl Subject {
    fn domain(self) -> &'static [u8] {
        match self {
            Self::Request => b"KONFIDO/v1/request\0",
            Self::Response => b"KONFIDO/v1/response\0",
        }
    }
}

/// 32 random bytes that make a commitment unguessable. Never printed, wiped when dropped.
#[derive(Debug)]
pub struct Salt(SecretBox<[u8; 32]>);

impl Salt {
    /// Draws a salt.
    ///
    /// # Errors
    /// If the random source fails.
    pub fn draw(rng: &dyn Rng) -> Result<Self, KeyError> {
        let mut bytes = Box::new([0; 32]);
        rng.fill(bytes.as_mut_slice())?;
        Ok(Self(SecretBox::new(bytes)))
    }

    /// A salt that was stored.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(SecretBox::new(Box::new(bytes)))
    }

    /// The bytes, to store them sealed or to open a commitment.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }
}

impl Clone for Salt {
    fn clone(&self) -> Self {
        Self::from_bytes(*self.expose())
    }
}

/// Commits to `bytes`.
#[must_use]
pub fn commit(subject: Subject, salt: &Salt, bytes: &[u8]) -> Digest {
    Digest::of(&[subject.domain(), salt.expose(), bytes])
}

/// Whether `commitment` is to these bytes under this salt.
#[must_use]
pub fn opens(commitment: &Digest, subject: Subject, salt: &Salt, bytes: &[u8]) -> bool {
    commit(subject, salt, bytes) == *commitment
}

#[cfg(test)]
mod tests {
    use konfido_keys::software::SystemRng;

    use super::*;

    #[test]
    fn a_commitment_opens_only_with_its_salt_bytes_and_subject() {
        let salt = Salt::draw(&SystemRng).unwrap();
        let other = Salt::draw(&SystemRng).unwrap();
        let c = commit(Subject::Request, &salt, b"message");
        assert!(opens(&c, Subject::Request, &salt, b"message"));
        assert!(!opens(&c, Subject::Response, &salt, b"message"));
        assert!(!opens(&c, Subject::Request, &other, b"message"));
        assert!(!opens(&c, Subject::Request, &salt, b"massage"));
        assert_eq!(format!("{salt:?}").find(&hex::encode(salt.expose())), None);
    }
}
