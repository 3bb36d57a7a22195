//! The constant-time decoder.
#![expect(
    clippy::indexing_slicing,
    reason = "fixed arrays, loop bounds are their lengths; a check would branch"
)]

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeLess};
use zeroize::Zeroize;

use super::field::{M, ORDER, square};
use super::planes::{Planes, horner_step};
use super::{Bch, MAX_T};
use crate::bits::Word;

/// Registers of the key-equation solver: 3t + 1 lanes.
type Registers = Planes<8>;

impl Bch {
    /// Corrects up to `t` errors. The word comes back corrected where the choice is set and is meaningless
    /// otherwise; both cases take the same time.
    #[must_use]
    pub fn decode(&self, received: &Word) -> (Word, Choice) {
        let mut syndromes = self.syndromes(received);
        let mut locator = self.locator(&syndromes);
        let correction = self.roots(&locator);
        let word = received.xor(&correction);
        let mut left = self.syndromes(&word);
        let clean = left.iter().fold(0, |all, s| all | s).ct_eq(&0);
        let few = correction.weight().ct_lt(&(self.t as u32 + 1));
        syndromes.zeroize();
        locator.zeroize();
        left.zeroize();
        (word, clean & few)
    }

    /// S_1, S_3, ..., S_(2t-1): each received bit masks its row of the check matrix.
    fn syndromes(&self, word: &Word) -> [u16; MAX_T] {
        let mut sums = [0u16; MAX_T];
        for (i, row) in self.checks.chunks_exact(self.t).enumerate() {
            let mask = (word.0[i / 64] >> (i % 64) & 1).wrapping_neg() as u16;
            for (sum, check) in sums.iter_mut().zip(row) {
                *sum ^= check & mask;
            }
        }
        sums
    }

    /// The error locator by RiBM. Lane i of `delta` starts as S_(i+1), lane 3t as 1; after 2t steps lanes t..=2t
    /// hold the locator. Scaling between steps is left out where it only multiplies all lanes by one factor.
    fn locator(&self, odd: &[u16; MAX_T]) -> [u16; MAX_T + 1] {
        let t = self.t;
        let mut power_sums = [0u16; 2 * MAX_T + 1];
        for i in 1..=2 * t {
            power_sums[i] = if i % 2 == 1 { odd[i / 2] } else { square(power_sums[i / 2]) };
        }
        let mut delta = Registers::zero();
        for i in 0..2 * t {
            delta.add(i, power_sums[i + 1]);
        }
        delta.add(3 * t, 1);
        let mut theta = delta.clone();
        let mut gamma = 1u16;
        let mut k = 0i32;
        for _ in 0..t {
            let discrepancy = delta.lane(0);
            let shifted = delta.shift_down();
            let mut next = Registers::zero();
            next.add_scaled(gamma, &shifted);
            next.add_scaled(discrepancy, &theta);
            let swap = !discrepancy.ct_eq(&0) & !Choice::from((k as u32 >> 31) as u8);
            theta.select(&shifted, u64::from(swap.unwrap_u8()).wrapping_neg());
            gamma.conditional_assign(&discrepancy, swap);
            // The odd step: its discrepancy is zero for a binary word, so it only shifts and counts.
            k = i32::conditional_select(&(k + 1), &(-k - 1), swap) + 1;
            delta = next.shift_down();
        }
        let mut locator = [0u16; MAX_T + 1];
        for (i, coefficient) in locator.iter_mut().enumerate().take(t + 1) {
            *coefficient = delta.lane(t + i);
        }
        power_sums.zeroize();
        delta.wipe();
        theta.wipe();
        gamma.zeroize();
        locator
    }

    /// Ones where the locator vanishes at alpha^-p.
    fn roots(&self, locator: &[u16; MAX_T + 1]) -> Word {
        let mut roots = Word::zero();
        for (block, limbs) in roots.0.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let mut points = [[0u64; 4]; M];
            for (to, from) in points.iter_mut().zip(&self.points.0) {
                to.copy_from_slice(&from[4 * block..4 * block + 4]);
            }
            let mut value = [[0u64; 4]; M];
            for &coefficient in locator[..=self.t].iter().rev() {
                horner_step(&mut value, &points, coefficient);
            }
            for (w, limb) in limbs.iter_mut().enumerate() {
                *limb = !value.iter().fold(0, |any, plane| any | plane[w]);
            }
            value.zeroize();
        }
        roots.0[ORDER / 64] &= !(1 << (ORDER % 64));
        roots
    }
}
