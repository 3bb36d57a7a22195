//! A device identity: a P-256 key that is computed from the token each time and never stored.
//!
//! FIPS 186-5 appendix A.2.1: 320 bits from the key derivation, reduced modulo n - 1, plus one. The same token gives
//! the same key, so a certificate can be renewed over it and a verifier stores only the public key.
#![expect(clippy::indexing_slicing, reason = "five limbs, indices below five")]

use aws_lc_rs::digest;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use konfido_keys::software::SoftwareSigner;
use konfido_keys::{SignatureAlgorithm, Signer};
use rustls_pki_types::PrivatePkcs8KeyDer;
use secrecy::ExposeSecret;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{PufError, Result};
use crate::extractor::RootKey;

const LABEL_IDENTITY: &str = "konfido/puf/v1/tls-id";
/// The order of P-256, minus one, least significant limb first.
const ORDER_MINUS_ONE: [u64; 5] =
    [0xf3b9_cac2_fc63_2550, 0xbce6_faad_a717_9e84, 0xffff_ffff_ffff_ffff, 0xffff_ffff_0000_0000, 0];

/// The identity of the token's holder, while it is here.
#[derive(Debug)]
pub struct Identity {
    signer: SoftwareSigner,
    pkcs8: secrecy::SecretSlice<u8>,
}

impl Identity {
    /// Computes the identity of a root key.
    pub fn of(key: &RootKey) -> Result<Self> {
        let wide = key.derive_wide::<40>(LABEL_IDENTITY)?;
        let mut scalar = scalar_of(wide.expose_secret());
        // RFC 5915 ECPrivateKey with named curve and without public key.
        let mut der = Zeroizing::new(Vec::with_capacity(64));
        der.extend_from_slice(&[0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20]);
        der.extend_from_slice(&scalar);
        der.extend_from_slice(&[0xa0, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07]);
        scalar.zeroize();
        let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der)
            .map_err(|_| PufError::Crypto("P-256 key"))?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| PufError::Crypto("P-256 key"))?;
        let signer =
            SoftwareSigner::from_pkcs8_der(pkcs8.as_ref(), SignatureAlgorithm::EcdsaP256Sha256, None)
                .map_err(|_| PufError::Crypto("P-256 key"))?;
        Ok(Self { signer, pkcs8: pkcs8.as_ref().to_vec().into() })
    }

    /// Signs with the identity.
    #[must_use]
    pub const fn signer(&self) -> &SoftwareSigner {
        &self.signer
    }

    /// The public key, DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn public_key_der(&self) -> &[u8] {
        self.signer.public_key_der()
    }

    /// The first 16 bytes of SHA-256 over the public key, hexadecimal.
    #[must_use]
    pub fn key_id(&self) -> String {
        key_id(self.public_key_der())
    }

    /// A certificate request (PKCS #10, PEM) for `common_name`.
    pub fn certificate_request(&self, common_name: &str, names: &[String]) -> Result<String> {
        let fault = |error: rcgen::Error| PufError::malformed("certificate request", error.to_string());
        let der = PrivatePkcs8KeyDer::from(self.pkcs8.expose_secret());
        let pair = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&der, &rcgen::PKCS_ECDSA_P256_SHA256)
            .map_err(fault)?;
        let mut parameters = rcgen::CertificateParams::new(names.to_vec()).map_err(fault)?;
        let mut subject = rcgen::DistinguishedName::new();
        subject.push(rcgen::DnType::CommonName, common_name);
        parameters.distinguished_name = subject;
        parameters.serialize_request(&pair).and_then(|request| request.pem()).map_err(fault)
    }
}

/// Name of a public key.
#[must_use]
pub fn key_id(public_key_der: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, public_key_der);
    hex::encode(digest.as_ref().get(..16).unwrap_or_default())
}

/// (wide mod (n - 1)) + 1, big-endian, without a branch on the value: shift in a bit, subtract where it fits.
fn scalar_of(wide: &[u8; 40]) -> [u8; 32] {
    let mut rest = [0u64; 5];
    for byte in wide {
        for bit in (0..8).rev() {
            let mut carry = u64::from(byte >> bit & 1);
            for limb in &mut rest {
                (*limb, carry) = (*limb << 1 | carry, *limb >> 63);
            }
            let mut reduced = [0u64; 5];
            let mut borrow = false;
            for i in 0..5 {
                let (difference, first) = rest[i].overflowing_sub(ORDER_MINUS_ONE[i]);
                let (difference, second) = difference.overflowing_sub(u64::from(borrow));
                reduced[i] = difference;
                borrow = first | second;
            }
            let keep = u64::from(borrow).wrapping_neg();
            for i in 0..5 {
                rest[i] = rest[i] & keep | reduced[i] & !keep;
            }
            reduced.zeroize();
        }
    }
    let mut carry = true;
    for limb in &mut rest {
        let (sum, overflow) = limb.overflowing_add(u64::from(carry));
        *limb = sum;
        carry = overflow;
    }
    let mut out = [0; 32];
    for (chunk, limb) in out.as_chunks_mut::<8>().0.iter_mut().rev().zip(rest) {
        *chunk = limb.to_be_bytes();
    }
    rest.zeroize();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reduction_agrees_with_small_and_edge_cases() {
        let mut wide = [0; 40];
        assert_eq!(scalar_of(&wide)[31], 1);
        wide[39] = 41;
        assert_eq!(scalar_of(&wide)[31], 42);
        // n - 1 reduces to 0, so the scalar is 1; n - 2 is the largest remainder, so the scalar is n - 1.
        for (chunk, limb) in wide[8..].as_chunks_mut::<8>().0.iter_mut().rev().zip(ORDER_MINUS_ONE) {
            *chunk = limb.to_be_bytes();
        }
        assert_eq!(scalar_of(&wide), {
            let mut one = [0; 32];
            one[31] = 1;
            one
        });
        let top = wide;
        wide[39] -= 1;
        assert_eq!(scalar_of(&wide), top[8..]);
        // 2^64 * (n - 1) + 5 leaves 5.
        let mut high = [0; 40];
        high[..32].copy_from_slice(&top[8..]);
        high[39] = 5;
        assert_eq!(scalar_of(&high)[31], 6);
    }
}
