//! AES-256-GCM under a key derived from a root secret.
//!
//! Sealed form, version 1: `0x01 || nonce (12) || ciphertext || tag (16)`. The additional data is
//! `"konfido-seal-1" || 0x00 || context`. Nonces are random, so one key may seal at most 2^32 messages
//! (NIST SP 800-38D section 8.3); callers that seal more use one purpose each.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use secrecy::{ExposeSecret, SecretBox, SecretSlice};
use zeroize::Zeroizing;

use crate::{KeyError, Rng, RootSource, Sealer};

const VERSION: u8 = 1;
const AAD_LABEL: &[u8] = b"konfido-seal-1\0";
const KEY_SALT: &[u8] = b"konfido-seal-key-1";

/// Seals with AES-256-GCM in this process.
pub struct SoftwareSealer {
    key: LessSafeKey,
    rng: Arc<dyn Rng>,
}

impl SoftwareSealer {
    /// Takes a 256-bit key as it is.
    pub fn new(key: &SecretBox<[u8; 32]>, rng: Arc<dyn Rng>) -> Result<Self, KeyError> {
        let key = UnboundKey::new(&AES_256_GCM, key.expose_secret())
            .map_err(|_| KeyError::malformed("sealing key", "not accepted by AES-256-GCM"))?;
        Ok(Self { key: LessSafeKey::new(key), rng })
    }

    /// Derives the key for one `purpose` from a root secret (HKDF-SHA256, RFC 5869).
    pub fn from_root(root: &dyn RootSource, purpose: &[u8], rng: Arc<dyn Rng>) -> Result<Self, KeyError> {
        let secret = root.root()?;
        let failed = |_| KeyError::Unavailable("key derivation failed".into());
        let prk = Salt::new(HKDF_SHA256, KEY_SALT).extract(secret.expose_secret());
        let mut key = Zeroizing::new([0u8; 32]);
        prk.expand(&[purpose], HKDF_SHA256).map_err(failed)?.fill(key.as_mut()).map_err(failed)?;
        Self::new(&SecretBox::init_with_mut(|k: &mut [u8; 32]| k.copy_from_slice(key.as_ref())), rng)
    }

    fn aad(context: &[u8]) -> Aad<Vec<u8>> {
        Aad::from([AAD_LABEL, context].concat())
    }
}

impl fmt::Debug for SoftwareSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SoftwareSealer").finish_non_exhaustive()
    }
}

impl Sealer for SoftwareSealer {
    fn seal(&self, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut nonce = [0u8; NONCE_LEN];
        self.rng.fill(&mut nonce)?;
        let mut body = plaintext.to_vec();
        let tag = self
            .key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Self::aad(context), &mut body)
            .map_err(|_| KeyError::Unavailable("sealing failed".into()))?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LEN + body.len() + tag.as_ref().len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.append(&mut body);
        sealed.extend_from_slice(tag.as_ref());
        Ok(sealed)
    }

    fn open(&self, context: &[u8], sealed: &[u8]) -> Result<SecretSlice<u8>, KeyError> {
        let (version, rest) = sealed.split_first().ok_or(KeyError::SealBroken)?;
        if *version != VERSION {
            return Err(KeyError::malformed("sealed bytes", format!("unknown version {version}")));
        }
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(KeyError::SealBroken)?;
        let mut body = Zeroizing::new(body.to_vec());
        let plain = self
            .key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Self::aad(context), &mut body)
            .map_err(|_| KeyError::SealBroken)?;
        Ok(SecretSlice::from(plain.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::software::{FixedRoot, SystemRng};

    /// Always the same nonce: makes the sealed form reproducible.
    #[derive(Debug)]
    struct StuckRng;

    impl Rng for StuckRng {
        fn fill(&self, out: &mut [u8]) -> Result<(), KeyError> {
            out.fill(7);
            Ok(())
        }
    }

    fn root() -> FixedRoot {
        FixedRoot::new(SecretBox::new(Box::new([3u8; 32])), "test root")
    }

    #[test]
    fn opens_only_in_its_context_and_unaltered() {
        let sealer = SoftwareSealer::from_root(&root(), b"test", Arc::new(SystemRng)).unwrap();
        let sealed = sealer.seal(b"here", b"a secret").unwrap();
        assert_eq!(sealer.open(b"here", &sealed).unwrap().expose_secret(), b"a secret");
        assert_eq!(sealer.open(b"there", &sealed).unwrap_err(), KeyError::SealBroken);
        for at in 1..sealed.len() {
            let mut bad = sealed.clone();
            bad[at] ^= 1;
            assert_eq!(sealer.open(b"here", &bad).unwrap_err(), KeyError::SealBroken, "byte {at}");
        }
        for end in 0..sealed.len() {
            assert!(sealer.open(b"here", &sealed[..end]).is_err());
        }
        let other = SoftwareSealer::from_root(&root(), b"other", Arc::new(SystemRng)).unwrap();
        assert_eq!(other.open(b"here", &sealed).unwrap_err(), KeyError::SealBroken);
    }

    #[test]
    fn sealed_form_is_frozen() {
        let sealer = SoftwareSealer::from_root(&root(), b"test", Arc::new(StuckRng)).unwrap();
        let sealed = sealer.seal(b"here", b"a secret").unwrap();
        let shown: String = sealed.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(shown, FROZEN);
    }

    const FROZEN: &str = "010707070707070707070707079019293470f4e5d45f2768207732c56ffa930f111bc18955";
}
