//! Verification with a bare public key. Trust in the key is somebody else's question (`konfido-circle`).

use std::fmt;

use aws_lc_rs::rsa;
use aws_lc_rs::signature::{self, ParsedPublicKey, UnparsedPublicKey, VerificationAlgorithm};

use crate::{KeyError, SignatureAlgorithm};

/// Smallest RSA modulus that is believed (NIST SP 800-131A).
const MIN_RSA_BITS: usize = 2048;

/// A public key parsed once for one algorithm, to verify many signatures.
#[derive(Clone)]
pub struct VerifyingKey {
    algorithm: SignatureAlgorithm,
    key: ParsedPublicKey,
}

impl VerifyingKey {
    /// Reads a DER `SubjectPublicKeyInfo`; the key must fit `algorithm` and be strong enough.
    pub fn from_spki(algorithm: SignatureAlgorithm, spki_der: &[u8]) -> Result<Self, KeyError> {
        if algorithm.is_rsa() {
            let key = rsa::PublicKey::from_der(spki_der).map_err(|_| KeyError::WrongKeyKind(algorithm))?;
            let bits = modulus_bits(&key);
            if bits < MIN_RSA_BITS {
                return Err(KeyError::WeakKey { bits });
            }
        }
        let key = UnparsedPublicKey::new(backend(algorithm), spki_der)
            .parse()
            .map_err(|_| KeyError::WrongKeyKind(algorithm))?;
        Ok(Self { algorithm, key })
    }

    /// The algorithm this key was read for.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// Hashes `message` and checks `signature` over it. ECDSA signatures are `r || s`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), KeyError> {
        self.key.verify_sig(message, signature).map_err(|_| KeyError::BadSignature(self.algorithm))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// Checks one signature with one public key given as DER `SubjectPublicKeyInfo`.
pub fn verify(
    algorithm: SignatureAlgorithm,
    spki_der: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), KeyError> {
    VerifyingKey::from_spki(algorithm, spki_der)?.verify(message, signature)
}

fn modulus_bits(key: &rsa::PublicKey) -> usize {
    let modulus = key.modulus();
    let bytes = modulus.big_endian_without_leading_zero();
    let unused = bytes.first().map_or(0, |first| first.leading_zeros() as usize);
    (bytes.len() * 8).saturating_sub(unused)
}

fn backend(algorithm: SignatureAlgorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        SignatureAlgorithm::RsaPkcs1Sha256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        SignatureAlgorithm::RsaPkcs1Sha512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        SignatureAlgorithm::RsaPssSha256 => &signature::RSA_PSS_2048_8192_SHA256,
        SignatureAlgorithm::EcdsaP256Sha256 => &signature::ECDSA_P256_SHA256_FIXED,
        SignatureAlgorithm::EcdsaP384Sha384 => &signature::ECDSA_P384_SHA384_FIXED,
        SignatureAlgorithm::Ed25519 => &signature::ED25519,
    }
}
