//! A root secret that was simply given.

use std::fmt;

use secrecy::{ExposeSecret, SecretBox};

use crate::{KeyError, RootSource};

/// Holds a given 32-byte root in memory. For tests and for roots that were read elsewhere.
pub struct FixedRoot {
    secret: SecretBox<[u8; 32]>,
    description: String,
}

impl FixedRoot {
    /// Takes the secret; `description` is what an operator reads.
    #[must_use]
    pub fn new(secret: SecretBox<[u8; 32]>, description: impl Into<String>) -> Self {
        Self { secret, description: description.into() }
    }
}

impl fmt::Debug for FixedRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FixedRoot").field("description", &self.description).finish_non_exhaustive()
    }
}

impl RootSource for FixedRoot {
    fn root(&self) -> Result<SecretBox<[u8; 32]>, KeyError> {
        Ok(SecretBox::init_with_mut(|copy: &mut [u8; 32]| copy.copy_from_slice(self.secret.expose_secret())))
    }

    fn describe(&self) -> &str {
        &self.description
    }
}
