//! The entropy account: how much of the response stays secret once the helper data is public, and how likely a
//! stranger's token passes.

use crate::bits::{WORD_BITS, Word};
use crate::error::{PufError, Result};
use crate::helper::Profile;

/// What a 256-bit key needs.
pub const NEEDED_BITS: u32 = 256;
/// Attempts that one regeneration makes at most (registrations and detunings).
pub const MAX_TRIES: usize = 64;

/// The account of one enrolment; all of it may be published.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct EntropyAccount {
    /// Bits in the response.
    pub response_bits: usize,
    /// Min-entropy per bit: the least of the device model's assessment and the estimates on this response.
    pub per_bit: f64,
    /// What the code offset gives away.
    pub leaked_bits: usize,
    /// What remains.
    pub residual_bits: f64,
    /// Base-2 logarithm of the bound on the false-acceptance rate.
    pub log2_false_acceptance: f64,
}

impl EntropyAccount {
    /// Accounts for `word`; refuses a visibly biased one and one that leaves less than 256 bits.
    pub fn of(word: &Word, profile: Profile, assessed: f64) -> Result<Self> {
        let n = WORD_BITS as f64;
        let ones = f64::from(word.weight());
        if (ones - n / 2.0).abs() > 4.0 * (n / 4.0).sqrt() {
            return Err(PufError::EnrolmentRefused(
                "the response is biased beyond four standard deviations".into(),
            ));
        }
        let code = profile.code();
        let per_bit = assessed.min(most_common_value(ones, n)).min(markov(word)).max(0.0);
        let leaked_bits = code.parity_bits();
        let residual_bits = n * per_bit - leaked_bits as f64;
        // The stranger's word lands in the Hamming ball of radius t around ours with probability at most
        // (volume of the ball) * 2^(-n h), once for each try.
        let log2_false_acceptance = (MAX_TRIES as f64).log2() + log2_ball(WORD_BITS, code.t()) - n * per_bit;
        if residual_bits < f64::from(NEEDED_BITS) {
            return Err(PufError::TooLittleEntropy { bits: residual_bits, needed: NEEDED_BITS });
        }
        Ok(Self { response_bits: WORD_BITS, per_bit, leaked_bits, residual_bits, log2_false_acceptance })
    }
}

/// SP 800-90B section 6.3.1 with its 99 % upper bound.
fn most_common_value(ones: f64, n: f64) -> f64 {
    let p = ones.max(n - ones) / n;
    -(p + 2.576 * (p * (1.0 - p) / (n - 1.0)).sqrt()).min(1.0).log2()
}

/// SP 800-90B section 6.3.3 on the word.
fn markov(word: &Word) -> f64 {
    let bits: Vec<u8> = word.iter().map(u8::from).collect();
    let estimate = crate::entropy::estimators::markov(&bits);
    let mut bits = bits;
    zeroize::Zeroize::zeroize(&mut bits);
    estimate
}

/// Base-2 logarithm of the number of words within distance `radius`.
fn log2_ball(n: usize, radius: usize) -> f64 {
    let mut log_term = 0.0f64;
    let mut logs = vec![0.0f64];
    for i in 0..radius {
        log_term += ((n - i) as f64 / (i + 1) as f64).log2();
        logs.push(log_term);
    }
    let top = logs.iter().copied().fold(0.0, f64::max);
    top + logs.iter().map(|l| (l - top).exp2()).sum::<f64>().log2()
}

#[cfg(test)]
mod tests {
    use rand_core::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn the_ball_is_right() {
        assert!((log2_ball(10, 2) - 56f64.log2()).abs() < 1e-12);
        assert!((log2_ball(2047, 170) - 840.0).abs() < 10.0);
    }

    #[test]
    fn a_fair_word_passes_and_poor_ones_do_not() {
        let mut rng = chacha20::ChaCha8Rng::seed_from_u64(3);
        let word = Word::from_bits((0..2047).map(|_| rng.next_u32() & 1 == 1));
        let account = EntropyAccount::of(&word, Profile::P1, 0.827).unwrap();
        assert!((account.residual_bits - 295.9).abs() < 0.1, "{account:?}");
        assert!(account.log2_false_acceptance < -800.0, "1e-9 is 2^-30: {account:?}");
        assert!(matches!(
            EntropyAccount::of(&word, Profile::P1, 0.80),
            Err(PufError::TooLittleEntropy { needed: 256, .. })
        ));
        let biased = Word::from_bits((0..2047).map(|_| rng.next_u32() % 100 < 60));
        assert!(matches!(EntropyAccount::of(&biased, Profile::P1, 1.0), Err(PufError::EnrolmentRefused(_))));
        let alternating = Word::from_bits((0..2047).map(|i| i % 2 == 0));
        assert!(matches!(
            EntropyAccount::of(&alternating, Profile::P1, 1.0),
            Err(PufError::TooLittleEntropy { .. })
        ));
    }
}
