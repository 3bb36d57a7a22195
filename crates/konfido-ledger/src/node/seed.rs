//! The secret of a node's consensus and peer key: the one key that lives in the node's process, for one epoch.

use secrecy::{ExposeSecret, SecretBox};

use crate::LedgerError;

/// 32 secret bytes; never printed, wiped when dropped.
#[derive(Debug)]
pub struct ConsensusSeed(SecretBox<[u8; 32]>);

impl ConsensusSeed {
    /// Takes the bytes in.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(SecretBox::new(Box::new(bytes)))
    }

    pub(crate) fn expose(&self) -> [u8; 32] {
        *self.0.expose_secret()
    }

    /// The public key.
    ///
    /// # Errors
    /// If the seed is no key.
    pub fn public_key(&self) -> Result<[u8; 32], LedgerError> {
        konfido_ledger_engine::public_key(&self.expose()).map_err(|e| LedgerError::Engine(e.to_string()))
    }
}

impl Clone for ConsensusSeed {
    fn clone(&self) -> Self {
        Self::new(self.expose())
    }
}
