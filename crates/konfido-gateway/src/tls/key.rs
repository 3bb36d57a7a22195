//! Our own TLS identity: a certificate chain and a [`Signer`] that keeps its key.
//!
//! rustls asks for signatures through its own traits; the adapter below passes the question on, so that the key may
//! live anywhere, also outside this process.

use std::sync::Arc;

use konfido_keys::{SignatureAlgorithm, Signer};
use rustls::sign::CertifiedKey;
use rustls::{SignatureScheme, sign};
use rustls_pki_types::{CertificateDer, SubjectPublicKeyInfoDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

/// A certificate chain, leaf first, and the key that belongs to it.
#[derive(Clone, Debug)]
pub struct Identity {
    common_name: String,
    chain: Vec<CertificateDer<'static>>,
    signer: Arc<dyn Signer>,
}

/// Why a chain and a signer make no identity.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The leaf is no certificate.
    #[error("the certificate can't be read")]
    Unreadable,
    /// There is no leaf certificate.
    #[error("the certificate chain is empty")]
    Empty,
    /// The signer's algorithm has no place in TLS.
    #[error("`{0:?}` can't sign a tls handshake")]
    Algorithm(SignatureAlgorithm),
}

impl Identity {
    /// Joins a chain and a signer.
    pub fn new(chain: Vec<CertificateDer<'static>>, signer: Arc<dyn Signer>) -> Result<Self, IdentityError> {
        let leaf = chain.first().ok_or(IdentityError::Empty)?;
        let (_, parsed) = X509Certificate::from_der(leaf).map_err(|_| IdentityError::Unreadable)?;
        let common_name = parsed.subject().iter_common_name().find_map(|name| name.as_str().ok());
        let common_name = common_name.unwrap_or("unnamed").to_owned();
        if schemes(signer.algorithm()).is_empty() {
            return Err(IdentityError::Algorithm(signer.algorithm()));
        }
        Ok(Self { common_name, chain, signer })
    }

    /// The common name of the leaf, by which audit messages call us.
    #[must_use]
    pub fn common_name(&self) -> &str {
        &self.common_name
    }

    pub(crate) fn certified(&self) -> Arc<CertifiedKey> {
        Arc::new(CertifiedKey::new(self.chain.clone(), Arc::new(Key(Arc::clone(&self.signer)))))
    }
}

/// The handshake signatures that a key of this algorithm makes.
fn schemes(algorithm: SignatureAlgorithm) -> &'static [SignatureScheme] {
    match algorithm {
        SignatureAlgorithm::EcdsaP256Sha256 => &[SignatureScheme::ECDSA_NISTP256_SHA256],
        SignatureAlgorithm::EcdsaP384Sha384 => &[SignatureScheme::ECDSA_NISTP384_SHA384],
        SignatureAlgorithm::Ed25519 => &[SignatureScheme::ED25519],
        SignatureAlgorithm::RsaPssSha256 => &[SignatureScheme::RSA_PSS_SHA256],
        _ => &[],
    }
}

#[derive(Debug)]
struct Key(Arc<dyn Signer>);

impl sign::SigningKey for Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn sign::Signer>> {
        let scheme = *schemes(self.0.algorithm()).iter().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(Signing { signer: Arc::clone(&self.0), scheme }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(SubjectPublicKeyInfoDer::from(self.0.public_key_der()))
    }

    fn algorithm(&self) -> rustls::SignatureAlgorithm {
        match self.0.algorithm() {
            SignatureAlgorithm::EcdsaP256Sha256 | SignatureAlgorithm::EcdsaP384Sha384 => {
                rustls::SignatureAlgorithm::ECDSA
            }
            SignatureAlgorithm::Ed25519 => rustls::SignatureAlgorithm::ED25519,
            _ => rustls::SignatureAlgorithm::RSA,
        }
    }
}

#[derive(Debug)]
struct Signing {
    signer: Arc<dyn Signer>,
    scheme: SignatureScheme,
}

impl sign::Signer for Signing {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let signature = self.signer.sign(message).map_err(|e| rustls::Error::General(e.to_string()))?;
        match self.signer.algorithm() {
            SignatureAlgorithm::EcdsaP256Sha256 | SignatureAlgorithm::EcdsaP384Sha384 => {
                der_signature(&signature)
                    .ok_or_else(|| rustls::Error::General("the signer returned no ECDSA signature".into()))
            }
            _ => Ok(signature),
        }
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

/// `r || s` of IEEE P1363 as the `ECDSA-Sig-Value` of RFC 3279 that TLS wants.
fn der_signature(fixed: &[u8]) -> Option<Vec<u8>> {
    if fixed.is_empty() || fixed.len() % 2 != 0 || fixed.len() > 132 {
        return None;
    }
    let (r, s) = fixed.split_at(fixed.len() / 2);
    let mut body = der_integer(r);
    body.extend(der_integer(s));
    let mut out = vec![0x30];
    push_length(&mut out, body.len());
    out.extend(body);
    Some(out)
}

/// An unsigned big-endian number as a DER INTEGER: shortest form, a zero in front of a high bit.
fn der_integer(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|b| *b != 0).unwrap_or(number.len().saturating_sub(1));
    let digits = number.get(start..).unwrap_or_default();
    let pad = digits.first().is_some_and(|b| *b >= 0x80);
    let mut out = vec![0x02];
    push_length(&mut out, digits.len() + usize::from(pad));
    if pad {
        out.push(0);
    }
    out.extend_from_slice(digits);
    out
}

fn push_length(out: &mut Vec<u8>, length: usize) {
    // Both halves of a P-521 signature together stay under 256 bytes.
    let short = u8::try_from(length).unwrap_or(u8::MAX);
    if short >= 0x80 {
        out.push(0x81);
    }
    out.push(short);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_shortest_and_positive() {
        assert_eq!(der_integer(&[0, 0, 1]), [2, 1, 1]);
        assert_eq!(der_integer(&[0x80, 0]), [2, 3, 0, 0x80, 0]);
        assert_eq!(der_integer(&[0, 0]), [2, 1, 0]);
    }

    #[test]
    fn an_odd_signature_is_refused() {
        assert_eq!(der_signature(&[1, 2, 3]), None);
        assert_eq!(der_signature(&[1, 2]), Some(vec![0x30, 6, 2, 1, 1, 2, 1, 2]));
    }
}
