//! Signing with a key held in memory.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use secrecy::SecretSlice;
use webpki::EndEntityCert;

use crate::{KeyError, SignatureAlgorithm, Signer};

/// What kind of key to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyKind {
    /// RSA with a 3072-bit modulus: what an OpenNCP verifies.
    Rsa3072,
    /// NIST P-256.
    EcdsaP256,
    /// NIST P-384.
    EcdsaP384,
    /// Edwards curve 25519.
    Ed25519,
}

/// Generates a key pair and returns it as PKCS#8 DER (version 1).
pub fn generate_pkcs8(kind: KeyKind) -> Result<SecretSlice<u8>, KeyError> {
    fn failed(_: aws_lc_rs::error::Unspecified) -> KeyError {
        KeyError::Unavailable("key generation failed".into())
    }
    let bytes = match kind {
        KeyKind::Rsa3072 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa3072).map_err(failed)?;
            AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).map_err(failed)?.as_ref().to_vec()
        }
        KeyKind::EcdsaP256 | KeyKind::EcdsaP384 => {
            let curve = if kind == KeyKind::EcdsaP256 {
                &signature::ECDSA_P256_SHA256_FIXED_SIGNING
            } else {
                &signature::ECDSA_P384_SHA384_FIXED_SIGNING
            };
            let pair = EcdsaKeyPair::generate(curve).map_err(failed)?;
            pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()
        }
        KeyKind::Ed25519 => {
            let pair = Ed25519KeyPair::generate().map_err(failed)?;
            pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec()
        }
    };
    Ok(SecretSlice::from(bytes))
}

enum PrivateKey {
    Rsa(RsaKeyPair),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Signs in this process.
pub struct SoftwareSigner {
    key: PrivateKey,
    algorithm: SignatureAlgorithm,
    spki: Vec<u8>,
    certificate: Option<CertificateDer<'static>>,
}

impl SoftwareSigner {
    /// Reads an unencrypted PKCS#8 private key; where a certificate is given, it must be of this key.
    pub fn from_pkcs8_der(
        pkcs8: &[u8],
        algorithm: SignatureAlgorithm,
        certificate: Option<CertificateDer<'static>>,
    ) -> Result<Self, KeyError> {
        let wrong = |_| KeyError::WrongKeyKind(algorithm);
        let key = match algorithm {
            SignatureAlgorithm::RsaPkcs1Sha256
            | SignatureAlgorithm::RsaPkcs1Sha512
            | SignatureAlgorithm::RsaPssSha256 => {
                PrivateKey::Rsa(RsaKeyPair::from_pkcs8(pkcs8).map_err(wrong)?)
            }
            SignatureAlgorithm::EcdsaP256Sha256 => PrivateKey::Ecdsa(
                EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
                    .map_err(wrong)?,
            ),
            SignatureAlgorithm::EcdsaP384Sha384 => PrivateKey::Ecdsa(
                EcdsaKeyPair::from_pkcs8(&signature::ECDSA_P384_SHA384_FIXED_SIGNING, pkcs8)
                    .map_err(wrong)?,
            ),
            SignatureAlgorithm::Ed25519 => {
                PrivateKey::Ed25519(Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map_err(wrong)?)
            }
        };
        let spki = match &key {
            PrivateKey::Rsa(pair) => spki_of(pair.public_key()),
            PrivateKey::Ecdsa(pair) => spki_of(pair.public_key()),
            PrivateKey::Ed25519(pair) => spki_of(pair.public_key()),
        }?;
        if let Some(certificate) = &certificate {
            let leaf =
                EndEntityCert::try_from(certificate).map_err(|e| KeyError::malformed("certificate", e))?;
            if leaf.subject_public_key_info().as_ref() != spki {
                return Err(KeyError::CertificateMismatch);
            }
        }
        Ok(Self { key, algorithm, spki, certificate })
    }

    /// Reads a PEM private key (`BEGIN PRIVATE KEY`) and, where given, its PEM certificate (the first in the
    /// text).
    pub fn from_pem(
        key_pem: &[u8],
        algorithm: SignatureAlgorithm,
        certificate_pem: Option<&[u8]>,
    ) -> Result<Self, KeyError> {
        let key = PrivatePkcs8KeyDer::from_pem_slice(key_pem).map_err(|e| {
            KeyError::malformed("private key", format!("{e}\na PEM block `PRIVATE KEY` (PKCS#8) is needed"))
        })?;
        let certificate = certificate_pem
            .map(CertificateDer::from_pem_slice)
            .transpose()
            .map_err(|e| KeyError::malformed("certificate", e))?;
        Self::from_pkcs8_der(key.secret_pkcs8_der(), algorithm, certificate)
    }
}

fn spki_of<'a>(key: &impl AsDer<PublicKeyX509Der<'a>>) -> Result<Vec<u8>, KeyError> {
    let der =
        key.as_der().map_err(|_| KeyError::malformed("private key", "public half cannot be written"))?;
    Ok(der.as_ref().to_vec())
}

impl fmt::Debug for SoftwareSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftwareSigner").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl Signer for SoftwareSigner {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    fn public_key_der(&self) -> &[u8] {
        &self.spki
    }

    fn certificate(&self) -> Option<&CertificateDer<'static>> {
        self.certificate.as_ref()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let failed = |_| KeyError::Unavailable("signing failed".into());
        // aws-lc draws the nonces of ECDSA and the salts of PSS itself; the random source given is not used.
        let rng = SystemRandom::new();
        match &self.key {
            PrivateKey::Rsa(pair) => {
                let padding: &'static dyn signature::RsaEncoding = match self.algorithm {
                    SignatureAlgorithm::RsaPkcs1Sha512 => &signature::RSA_PKCS1_SHA512,
                    SignatureAlgorithm::RsaPssSha256 => &signature::RSA_PSS_SHA256,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &rng, message, &mut out).map_err(failed)?;
                Ok(out)
            }
            PrivateKey::Ecdsa(pair) => Ok(pair.sign(&rng, message).map_err(failed)?.as_ref().to_vec()),
            PrivateKey::Ed25519(pair) => Ok(pair.try_sign(message).map_err(failed)?.as_ref().to_vec()),
        }
    }
}
