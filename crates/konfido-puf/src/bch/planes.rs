//! Vectors over GF(2^11) as bit planes: plane `k` holds bit `k` of each lane.
//!
//! All operations are AND, XOR and shift over whole planes, so neither time nor memory access depends on values.
//! That is what lets the decoder run on secrets.
#![expect(
    clippy::indexing_slicing,
    reason = "fixed arrays, loop bounds are their lengths; a check would branch"
)]

use super::field::{M, times_alpha};

/// A vector of `64 * W` field elements.
#[derive(Clone)]
pub(super) struct Planes<const W: usize>(pub(super) [[u64; W]; M]);

impl<const W: usize> Planes<W> {
    pub(super) const fn zero() -> Self {
        Self([[0; W]; M])
    }

    /// Adds `value` into lane `lane`.
    pub(super) fn add(&mut self, lane: usize, value: u16) {
        for (k, plane) in self.0.iter_mut().enumerate() {
            plane[lane / 64] ^= (u64::from(value) >> k & 1) << (lane % 64);
        }
    }

    /// The value of lane `lane`.
    pub(super) fn lane(&self, lane: usize) -> u16 {
        let mut value = 0;
        for (k, plane) in self.0.iter().enumerate() {
            value |= ((plane[lane / 64] >> (lane % 64) & 1) as u16) << k;
        }
        value
    }

    /// Moves each lane down by one; lane 0 falls out, zero comes in at the top.
    pub(super) fn shift_down(&self) -> Self {
        let mut out = Self::zero();
        for (from, to) in self.0.iter().zip(&mut out.0) {
            for w in 0..W {
                let above = if w + 1 < W { from[w + 1] << 63 } else { 0 };
                to[w] = from[w] >> 1 | above;
            }
        }
        out
    }

    /// Adds `scalar * vector` to each lane: the product is linear in the bits of the lane, so each plane is spread
    /// by the bits of `scalar * alpha^b`.
    pub(super) fn add_scaled(&mut self, scalar: u16, vector: &Self) {
        let mut spread = scalar;
        for plane in &vector.0 {
            for (k, out) in self.0.iter_mut().enumerate() {
                let mask = u64::from(spread >> k & 1).wrapping_neg();
                for w in 0..W {
                    out[w] ^= plane[w] & mask;
                }
            }
            spread = times_alpha(spread);
        }
    }

    /// Takes `other` where `mask` is all ones.
    pub(super) fn select(&mut self, other: &Self, mask: u64) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            for w in 0..W {
                mine[w] ^= (mine[w] ^ theirs[w]) & mask;
            }
        }
    }

    /// Overwrites the content with zeros.
    pub(super) fn wipe(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.0);
    }
}

/// `accumulator * points + constant` in each lane, where `constant` is the same secret in all lanes: one step of
/// Horner's rule for 256 points at once.
#[inline]
pub(super) fn horner_step(accumulator: &mut [[u64; 4]; M], points: &[[u64; 4]; M], constant: u16) {
    let mut wide = [[0u64; 4]; 2 * M - 1];
    for (i, a) in accumulator.iter().enumerate() {
        for (j, b) in points.iter().enumerate() {
            let sum = &mut wide[i + j];
            for w in 0..4 {
                sum[w] ^= a[w] & b[w];
            }
        }
    }
    // x^(11+d) = x^(2+d) + x^d; from the top, so that what lands above bit 10 is reduced in its turn.
    for high in (M..2 * M - 1).rev() {
        for (w, carry) in wide[high].into_iter().enumerate() {
            wide[high - M][w] ^= carry;
            wide[high - M + 2][w] ^= carry;
        }
    }
    for (k, plane) in accumulator.iter_mut().enumerate() {
        let mask = u64::from(constant >> k & 1).wrapping_neg();
        for w in 0..4 {
            plane[w] = wide[k][w] ^ mask;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::Field;
    use super::*;

    #[test]
    fn planes_multiply_like_the_tables() {
        let field = Field::new();
        let mut vector = Planes::<8>::zero();
        for lane in 0..512 {
            vector.add(lane, (lane * 37 % 2048) as u16);
        }
        for scalar in [0u16, 1, 2, 0x7ff, 0x2a5] {
            let mut product = Planes::<8>::zero();
            product.add_scaled(scalar, &vector);
            for lane in 0..512 {
                assert_eq!(product.lane(lane), field.product(scalar, vector.lane(lane)));
            }
        }
        let down = vector.shift_down();
        assert!((0..511).all(|lane| down.lane(lane) == vector.lane(lane + 1)));
        assert_eq!(down.lane(511), 0);
    }

    #[test]
    fn horner_agrees_with_the_tables() {
        let field = Field::new();
        let pack = |f: &dyn Fn(usize) -> u16| {
            let mut planes = [[0u64; 4]; M];
            for lane in 0..256 {
                for (k, plane) in planes.iter_mut().enumerate() {
                    plane[lane / 64] |= u64::from(f(lane) >> k & 1) << (lane % 64);
                }
            }
            planes
        };
        let (value, point) =
            (|lane: usize| (lane * 7 % 2048) as u16, |lane: usize| (lane * 29 % 2048) as u16);
        let mut accumulator = pack(&value);
        horner_step(&mut accumulator, &pack(&point), 0x155);
        assert_eq!(accumulator, pack(&|lane| field.product(value(lane), point(lane)) ^ 0x155));
    }
}
