//! Who signs, seals, draws randomness and holds the root secret: as traits.
//!
//! Every crate that needs a signature or a sealed byte takes one of these traits and never sees the key behind
//! it. Today the [`software`] implementation holds keys in the process; the vault implements the same traits and
//! nobody above notices. What must stay true:
//!
//! * no function here hands out a private key;
//! * a [`Signer`] hashes the message itself, so that its owner can decide on the whole message;
//! * ECDSA signatures are the fixed-length `r || s` of IEEE P1363 (what XML-DSig and JOSE carry), never the DER
//!   sequence of X.509;
//! * [`verify`] accepts exactly the algorithms of [`SignatureAlgorithm`]; SHA-1 and RSA below 2048 bits have no
//!   spelling here.

mod algorithm;
mod error;
pub mod software;
mod verify;

use std::fmt;

use rustls_pki_types::CertificateDer;
use secrecy::{SecretBox, SecretSlice};

pub use self::algorithm::SignatureAlgorithm;
pub use self::error::KeyError;
pub use self::verify::{VerifyingKey, verify};

/// Signs with a key that its owner never hands out.
///
/// Synchronous, and cheap to share behind an `Arc`.
pub trait Signer: Send + Sync + fmt::Debug {
    /// The one algorithm this key signs with.
    fn algorithm(&self) -> SignatureAlgorithm;

    /// The public half as DER `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7).
    fn public_key_der(&self) -> &[u8];

    /// The leaf certificate of this key, where it has one.
    fn certificate(&self) -> Option<&CertificateDer<'static>>;

    /// Hashes and signs `message`. ECDSA yields `r || s`, each half as long as the curve's order.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError>;
}

/// Encrypts and authenticates bytes under a key that its owner never hands out.
///
/// `context` names what the bytes are and where they belong; bytes sealed in one context do not open in another.
pub trait Sealer: Send + Sync + fmt::Debug {
    /// Seals `plaintext` for `context`.
    fn seal(&self, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyError>;

    /// Opens what [`Sealer::seal`] made for the same `context`.
    fn open(&self, context: &[u8], sealed: &[u8]) -> Result<SecretSlice<u8>, KeyError>;
}

/// A source of randomness fit for keys.
pub trait Rng: Send + Sync + fmt::Debug {
    /// Fills `out` entirely, or fails.
    fn fill(&self, out: &mut [u8]) -> Result<(), KeyError>;
}

/// Where the 32-byte root secret of a node comes from: a file, a TPM, a TEE, a PUF.
pub trait RootSource: Send + Sync + fmt::Debug {
    /// Produces the root secret. The same node gets the same secret each time.
    fn root(&self) -> Result<SecretBox<[u8; 32]>, KeyError>;

    /// What an operator reads about this source; holds no secret.
    fn describe(&self) -> &str;
}
