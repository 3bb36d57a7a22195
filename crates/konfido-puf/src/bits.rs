//! The 2047-bit word: what a response is, what a code word is.
//!
//! Bit `i` is the coefficient of `x^i`. Bit 2047 does not exist and is always zero.

use subtle::{Choice, ConstantTimeEq};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Bits in a word.
pub const WORD_BITS: usize = 2047;
/// Bytes of a serialised word.
pub(crate) const WORD_BYTES: usize = 256;
const LIMBS: usize = 32;

/// 2047 bits, wiped when dropped and silent in `Debug`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Word(pub(crate) [u64; LIMBS]);

impl Word {
    /// All zero.
    #[must_use]
    pub const fn zero() -> Self {
        Self([0; LIMBS])
    }

    /// Takes the first 2047 items; missing ones are zero.
    #[must_use]
    pub fn from_bits(bits: impl IntoIterator<Item = bool>) -> Self {
        let mut word = Self::zero();
        for (i, bit) in bits.into_iter().take(WORD_BITS).enumerate() {
            word.put(i, bit);
        }
        word
    }

    /// Reads 256 little-endian bytes; `None` where the bit that does not exist is set.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; WORD_BYTES]) -> Option<Self> {
        let mut word = Self::zero();
        for (limb, chunk) in word.0.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *limb = u64::from_le_bytes(*chunk);
        }
        (word.0[LIMBS - 1] >> 63 == 0).then_some(word)
    }

    /// The 256 little-endian bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; WORD_BYTES] {
        let mut bytes = [0; WORD_BYTES];
        for (limb, chunk) in self.0.iter().zip(bytes.as_chunks_mut::<8>().0) {
            *chunk = limb.to_le_bytes();
        }
        bytes
    }

    /// Bit `i`; false beyond the end.
    #[must_use]
    pub fn bit(&self, i: usize) -> bool {
        self.0.get(i / 64).is_some_and(|limb| limb >> (i % 64) & 1 == 1)
    }

    /// Sets bit `i`; ignored beyond the end.
    pub fn put(&mut self, i: usize, bit: bool) {
        if i < WORD_BITS
            && let Some(limb) = self.0.get_mut(i / 64)
        {
            *limb = *limb & !(1 << (i % 64)) | u64::from(bit) << (i % 64);
        }
    }

    /// Exclusive or.
    #[must_use]
    pub fn xor(&self, other: &Self) -> Self {
        let mut out = self.clone();
        for (a, b) in out.0.iter_mut().zip(&other.0) {
            *a ^= b;
        }
        out
    }

    /// Number of ones, in constant time.
    #[must_use]
    pub fn weight(&self) -> u32 {
        self.0.iter().map(|limb| limb.count_ones()).sum()
    }

    /// All bits, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = bool> + '_ {
        (0..WORD_BITS).map(|i| self.bit(i))
    }
}

impl ConstantTimeEq for Word {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl std::fmt::Debug for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Word([secret])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_bits_agree() {
        let word = Word::from_bits((0..3000).map(|i| i % 3 == 0));
        assert_eq!(word.weight(), 683);
        let bytes = word.to_bytes();
        assert_eq!(Word::from_bytes(&bytes).unwrap().to_bytes(), bytes);
        let mut high = bytes;
        high[255] |= 0x80;
        assert!(Word::from_bytes(&high).is_none());
        assert_eq!(format!("{word:?}"), "Word([secret])");
    }
}
