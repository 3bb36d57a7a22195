//! CTR_DRBG with AES-256 and no derivation function (SP 800-90A revision 1, section 10.2.1), the block cipher being
//! aws-lc's. Held to NIST's CAVP vectors. Why it is written here: docs/adr, "CTR_DRBG on aws-lc's AES".

use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::{PufError, Result};

/// Seed length: key and counter block.
pub const SEED_BYTES: usize = 48;
/// Largest request (2^19 bits).
pub const MAX_REQUEST: usize = 1 << 16;
/// Requests between reseedings; far below the 2^48 that the standard allows.
pub const RESEED_INTERVAL: u64 = 1 << 20;

/// The generator. Its caller supplies full-entropy seeds.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct CtrDrbg {
    key: [u8; 32],
    counter: [u8; 16],
    requests: u64,
}

impl CtrDrbg {
    /// Section 10.2.1.3.1. `personalization` is at most 48 bytes.
    pub fn new(entropy: &[u8; SEED_BYTES], personalization: &[u8]) -> Result<Self> {
        let mut generator = Self { key: [0; 32], counter: [0; 16], requests: 1 };
        generator.absorb(entropy, personalization)?;
        Ok(generator)
    }

    /// Section 10.2.1.4.1.
    pub fn reseed(&mut self, entropy: &[u8; SEED_BYTES], additional: &[u8]) -> Result<()> {
        self.absorb(entropy, additional)?;
        self.requests = 1;
        Ok(())
    }

    /// Whether the next request needs a reseeding first.
    #[must_use]
    pub const fn wants_reseed(&self) -> bool {
        self.requests > RESEED_INTERVAL
    }

    /// Section 10.2.1.5.1, one request of at most [`MAX_REQUEST`] bytes.
    pub fn generate(&mut self, out: &mut [u8], additional: &[u8]) -> Result<()> {
        if out.len() > MAX_REQUEST || self.wants_reseed() {
            return Err(PufError::Crypto("CTR_DRBG: request too long, or reseeding due"));
        }
        let mut provided = padded(additional)?;
        if !additional.is_empty() {
            self.update(&provided)?;
        }
        let cipher = self.cipher()?;
        out.fill(0);
        self.keystream(&cipher, out)?;
        self.update_with(&cipher, &provided)?;
        provided.zeroize();
        self.requests += 1;
        Ok(())
    }

    fn absorb(&mut self, entropy: &[u8; SEED_BYTES], input: &[u8]) -> Result<()> {
        let mut seed = padded(input)?;
        for (s, e) in seed.iter_mut().zip(entropy) {
            *s ^= e;
        }
        self.update(&seed)?;
        seed.zeroize();
        Ok(())
    }

    fn update(&mut self, provided: &[u8; SEED_BYTES]) -> Result<()> {
        let cipher = self.cipher()?;
        self.update_with(&cipher, provided)
    }

    /// Section 10.2.1.2: three blocks, exclusive-or, new key and counter.
    fn update_with(&mut self, cipher: &EncryptingKey, provided: &[u8; SEED_BYTES]) -> Result<()> {
        let mut seed = *provided;
        self.keystream(cipher, &mut seed)?;
        if let (Some((key, rest)), true) = (seed.split_first_chunk::<32>(), true)
            && let Some((counter, _)) = rest.split_first_chunk::<16>()
        {
            self.key = *key;
            self.counter = *counter;
        }
        seed.zeroize();
        Ok(())
    }

    fn cipher(&self) -> Result<EncryptingKey> {
        UnboundCipherKey::new(&AES_256, &self.key)
            .and_then(EncryptingKey::ctr)
            .map_err(|_| PufError::Crypto("AES-256"))
    }

    /// Exclusive-or with E(V + 1), E(V + 2), ...; V moves along.
    fn keystream(&mut self, cipher: &EncryptingKey, in_out: &mut [u8]) -> Result<()> {
        let blocks = in_out.len().div_ceil(16) as u128;
        let counter = u128::from_be_bytes(self.counter);
        let start = EncryptionContext::Iv128(FixedLength::from(counter.wrapping_add(1).to_be_bytes()));
        cipher.less_safe_encrypt(in_out, start).map_err(|_| PufError::Crypto("AES-256-CTR"))?;
        self.counter = counter.wrapping_add(blocks).to_be_bytes();
        Ok(())
    }
}

fn padded(input: &[u8]) -> Result<[u8; SEED_BYTES]> {
    let mut out = [0; SEED_BYTES];
    let target = out.get_mut(..input.len()).ok_or(PufError::Crypto("CTR_DRBG: input beyond 48 bytes"))?;
    target.copy_from_slice(input);
    Ok(out)
}

impl std::fmt::Debug for CtrDrbg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CtrDrbg([secret])")
    }
}
