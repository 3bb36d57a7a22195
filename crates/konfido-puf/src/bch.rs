//! Narrow-sense binary BCH codes of length 2047 over GF(2^11), primitive polynomial 0x805.
//!
//! The encoder is systematic: message in the high coefficients, parity in the low ones (the convention of Python's
//! `galois`, which is the oracle in `interop/puf`). The decoder runs in constant time: the number and place of the
//! errors, and whether decoding succeeds at all, are secrets of the token (a timing oracle on the error count is
//! what helper-data manipulation lives on, arXiv 2008.08409). It therefore
//! * computes the 2t syndromes from a public check matrix, each received bit as a mask;
//! * runs exactly t steps of the inversion-free Berlekamp-Massey recursion of Sarwate and Shanbhag (RiBM, IEEE
//!   Trans. VLSI 9:5, 2001), two of their steps at a time, because every second discrepancy of a binary code is
//!   zero;
//! * evaluates the locator at all 2047 points by Horner's rule on bit planes;
//! * judges success by weighing the correction and computing the syndromes anew.

mod decode;
mod field;
mod planes;

use std::sync::LazyLock;

use self::field::{Field, M, ORDER};
use self::planes::Planes;
use crate::bits::Word;

/// The largest t that the decoder's registers hold (3t + 1 lanes in eight 64-bit words).
pub const MAX_T: usize = 170;

/// A code: its generator and the public tables of encoder and decoder.
pub struct Bch {
    t: usize,
    k: usize,
    /// Generator without its leading term.
    generator: [u64; 32],
    /// Row i holds alpha^(i j) for j = 1, 3, ..., 2t - 1.
    checks: Vec<u16>,
    /// Lane p holds alpha^-p; lane 2047 holds 1 and is never looked at.
    points: Planes<32>,
}

/// BCH(2047, 650, t = 170), the default.
pub static P1: LazyLock<Bch> = LazyLock::new(|| Bch::build(170));
/// BCH(2047, 804, t = 147): more residual entropy, less noise.
pub static P1S: LazyLock<Bch> = LazyLock::new(|| Bch::build(147));

impl Bch {
    /// The code that corrects `t` errors; `None` unless `1 <= t <= MAX_T`.
    #[must_use]
    pub fn new(t: usize) -> Option<Self> {
        (1..=MAX_T).contains(&t).then(|| Self::build(t))
    }

    fn build(t: usize) -> Self {
        let field = Field::new();
        let product = generator(&field, t);
        let parity = product.len() - 1;
        let mut low = Word::zero();
        for (i, &coefficient) in product.iter().take(parity).enumerate() {
            low.put(i, coefficient == 1);
        }
        let checks =
            (0..ORDER).flat_map(|i| (0..t).map(move |j| i * (2 * j + 1))).map(|e| field.power(e)).collect();
        let mut points = Planes::zero();
        for p in 0..=ORDER {
            points.add(p, field.power(ORDER - p));
        }
        Self { t, k: ORDER - parity, generator: low.0, checks, points }
    }

    /// Errors it corrects.
    #[must_use]
    pub const fn t(&self) -> usize {
        self.t
    }

    /// Message bits.
    #[must_use]
    pub const fn k(&self) -> usize {
        self.k
    }

    /// Parity bits: what a published sketch gives away.
    #[must_use]
    pub const fn parity_bits(&self) -> usize {
        ORDER - self.k
    }

    /// The code word of the low `k` bits of `message`, in constant time.
    #[must_use]
    pub fn encode(&self, message: &Word) -> Word {
        let parity = self.parity_bits();
        let mut register = Word::zero();
        let mut word = Word::zero();
        for i in (0..self.k).rev() {
            let bit = message.bit(i);
            word.put(parity + i, bit);
            let feedback = u64::from(bit ^ register.bit(parity - 1)).wrapping_neg();
            register.put(parity - 1, false);
            let mut carry = 0;
            for (limb, generator) in register.0.iter_mut().zip(&self.generator) {
                let next = *limb >> 63;
                *limb = (*limb << 1 | carry) ^ (generator & feedback);
                carry = next;
            }
        }
        word.xor(&register)
    }
}

/// Product of the minimal polynomials of alpha, alpha^3, ..., alpha^(2t-1); coefficients are 0 or 1, lowest first.
fn generator(field: &Field, t: usize) -> Vec<u16> {
    let mut done = vec![false; ORDER];
    let mut product = vec![1u16];
    for first in (1..2 * t).step_by(2) {
        let mut e = first;
        for _ in 0..M {
            match done.get_mut(e) {
                Some(seen) if !*seen => *seen = true,
                _ => break,
            }
            let root = field.power(e);
            let scaled = product.iter().map(|&c| field.product(c, root)).chain([0]);
            let shifted = [0].into_iter().chain(product.iter().copied());
            product = shifted.zip(scaled).map(|(a, b)| a ^ b).collect();
            e = e * 2 % ORDER;
        }
    }
    product
}

impl std::fmt::Debug for Bch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BCH({ORDER}, {}, t = {})", self.k, self.t)
    }
}

#[cfg(test)]
mod tests;
