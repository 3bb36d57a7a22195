//! The keys of a running vault: each under its name, for its one use.

use std::collections::BTreeMap;

use konfido_keys::software::SoftwareSigner;
use konfido_keys::{KeyError, SignatureAlgorithm, Signer};
use rustls_pki_types::CertificateDer;

use crate::protocol::{KeyName, Refusal};
use crate::store::{KeyUse, StoredKey};

/// The algorithms of stored keys, by their number on disk and on the wire: frozen, new ones at the end.
pub const ALGORITHMS: [SignatureAlgorithm; 6] = [
    SignatureAlgorithm::RsaPkcs1Sha256,
    SignatureAlgorithm::RsaPkcs1Sha512,
    SignatureAlgorithm::RsaPssSha256,
    SignatureAlgorithm::EcdsaP256Sha256,
    SignatureAlgorithm::EcdsaP384Sha384,
    SignatureAlgorithm::Ed25519,
];

/// The number of an algorithm, for the disk and the wire.
pub fn algorithm_number(algorithm: SignatureAlgorithm) -> Option<u8> {
    ALGORITHMS.iter().position(|known| *known == algorithm).and_then(|index| u8::try_from(index).ok())
}

/// A key ready for use.
#[derive(Debug)]
pub struct Key {
    /// Its only use.
    pub usage: KeyUse,
    /// The key itself.
    pub signer: SoftwareSigner,
}

/// All keys of a vault.
#[derive(Debug, Default)]
pub struct Keys {
    by_name: BTreeMap<KeyName, Key>,
}

impl Keys {
    /// Takes stored keys into use.
    ///
    /// # Errors
    /// [`KeyError`] for the first that is no key.
    pub fn load(stored: &[StoredKey]) -> Result<Self, KeyError> {
        let mut by_name = BTreeMap::new();
        for key in stored {
            let algorithm = ALGORITHMS.get(usize::from(key.algorithm)).copied().ok_or_else(|| {
                KeyError::Unavailable(format!("key `{}` has an unknown algorithm", key.name))
            })?;
            let certificate = key.certificate.clone().map(CertificateDer::from);
            let signer = SoftwareSigner::from_pkcs8_der(&key.pkcs8, algorithm, certificate)?;
            by_name.insert(key.name.clone(), Key { usage: key.usage.clone(), signer });
        }
        Ok(Self { by_name })
    }

    /// The names, in order.
    pub fn names(&self) -> Vec<KeyName> {
        self.by_name.keys().cloned().collect()
    }

    /// A key by its name.
    ///
    /// # Errors
    /// [`Refusal::WrongKey`] when there is none.
    pub fn get(&self, name: &KeyName) -> Result<&Key, Refusal> {
        self.by_name.get(name).ok_or(Refusal::WrongKey)
    }

    /// The key that signs assertions and audit messages.
    ///
    /// # Errors
    /// [`Refusal::WrongKey`] when there is none.
    pub fn node(&self) -> Result<&Key, Refusal> {
        self.by_name.values().find(|key| key.usage == KeyUse::Node).ok_or(Refusal::WrongKey)
    }

    /// Signs a statement with a key that is for statements of that beginning.
    ///
    /// # Errors
    /// [`Refusal::WrongKey`] for a key of another use, [`Refusal::NotThat`] for another beginning.
    pub fn sign_statement(&self, name: &KeyName, statement: &[u8]) -> Result<Vec<u8>, Refusal> {
        let key = self.get(name)?;
        match &key.usage {
            KeyUse::Statement(prefix) if statement.starts_with(prefix) => {
                key.signer.sign(statement).map_err(|_| Refusal::Failed)
            }
            KeyUse::Statement(_) => Err(Refusal::NotThat),
            KeyUse::Node => Err(Refusal::WrongKey),
        }
    }
}
