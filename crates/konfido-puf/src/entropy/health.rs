//! The continuous health tests of SP 800-90B section 4.4 on bits, and what a camera adds to them.

use crate::error::{PufError, Result};

/// Window of the adaptive proportion test for binary sources.
pub const WINDOW: u32 = 1024;
/// Probability of a false alarm per test, as a power of two.
pub const FALSE_ALARM_LOG2: i32 = -30;

/// Cut-off of the repetition count test: `1 + ceil(30 / H)`.
#[must_use]
pub fn repetition_cutoff(credit: f64) -> u32 {
    1 + (f64::from(-FALSE_ALARM_LOG2) / credit).ceil() as u32
}

/// Cut-off of the adaptive proportion test: `1 + critbinom(W, 2^-H, 1 - 2^alpha)`.
#[must_use]
pub fn proportion_cutoff(credit: f64, alpha_log2: i32) -> u32 {
    let p = (-credit).exp2();
    let (log_p, log_q) = (p.ln(), (1.0 - p).ln());
    let n = f64::from(WINDOW);
    let alpha = f64::from(alpha_log2).exp2();
    // Tail sums from the top: P(X > k) is summed exactly where it is small.
    let mut log_term = n * log_p;
    let mut tail = 0.0;
    let mut k = WINDOW;
    while k > 0 {
        let next = tail + log_term.exp();
        if next > alpha {
            // P(X > k) <= alpha < P(X > k - 1), hence critbinom is k.
            return 1 + k;
        }
        tail = next;
        // C(n, k - 1) / C(n, k) = k / (n - k + 1)
        log_term += (f64::from(k) / (n - f64::from(k) + 1.0)).ln() - log_p + log_q;
        k -= 1;
    }
    1
}

/// Both tests over one stream of bits; a failure stays.
#[derive(Clone, Debug)]
pub struct HealthTests {
    repetition_cutoff: u32,
    proportion_cutoff: u32,
    last: Option<bool>,
    run: u32,
    reference: bool,
    position: u32,
    matches: u32,
    longest_run: u32,
    highest_matches: u32,
    samples: u64,
    alarm: Option<&'static str>,
}

impl HealthTests {
    /// Tests for a source credited with `credit` bits of min-entropy a bit.
    #[must_use]
    pub fn new(credit: f64) -> Self {
        Self {
            repetition_cutoff: repetition_cutoff(credit),
            proportion_cutoff: proportion_cutoff(credit, FALSE_ALARM_LOG2),
            last: None,
            run: 0,
            reference: false,
            position: 0,
            matches: 0,
            longest_run: 0,
            highest_matches: 0,
            samples: 0,
            alarm: None,
        }
    }

    /// Takes one bit.
    pub fn feed(&mut self, bit: bool) -> Result<()> {
        self.samples += 1;
        if self.last == Some(bit) {
            self.run += 1;
        } else {
            self.last = Some(bit);
            self.run = 1;
        }
        self.longest_run = self.longest_run.max(self.run);
        if self.run >= self.repetition_cutoff {
            self.alarm = Some("repetition count");
        }
        if self.position == 0 {
            self.reference = bit;
            self.matches = 0;
        }
        self.matches += u32::from(bit == self.reference);
        self.highest_matches = self.highest_matches.max(self.matches);
        if self.matches >= self.proportion_cutoff {
            self.alarm = Some("adaptive proportion");
        }
        self.position = (self.position + 1) % WINDOW;
        self.verdict()
    }

    /// Raises the alarm for a reason that the bits do not show.
    pub fn raise(&mut self, reason: &'static str) -> PufError {
        self.alarm = Some(reason);
        PufError::Health(reason)
    }

    /// Good, or why not.
    pub const fn verdict(&self) -> Result<()> {
        match self.alarm {
            None => Ok(()),
            Some(reason) => Err(PufError::Health(reason)),
        }
    }

    /// What the tests have seen.
    #[must_use]
    pub const fn summary(&self) -> HealthSummary {
        HealthSummary {
            samples: self.samples,
            repetition_cutoff: self.repetition_cutoff,
            longest_run: self.longest_run,
            proportion_cutoff: self.proportion_cutoff,
            highest_proportion: self.highest_matches,
            alarm: self.alarm,
        }
    }
}

/// Figures of the health tests.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct HealthSummary {
    /// Bits tested.
    pub samples: u64,
    /// Cut-off of the repetition count test.
    pub repetition_cutoff: u32,
    /// Longest run seen.
    pub longest_run: u32,
    /// Cut-off of the adaptive proportion test.
    pub proportion_cutoff: u32,
    /// Highest count seen in a window.
    pub highest_proportion: u32,
    /// The alarm, where one was raised.
    pub alarm: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use rand_core::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn cutoffs_are_the_published_ones() {
        assert_eq!([0.5, 0.8, 0.9].map(repetition_cutoff), [61, 39, 35]);
        assert_eq!([0.5, 0.8, 0.9].map(|h| proportion_cutoff(h, -30)), [810, 683, 645]);
        assert_eq!([0.5, 0.8, 0.9].map(|h| proportion_cutoff(h, -20)), [793, 664, 625]);
    }

    #[test]
    fn good_noise_passes_and_each_fault_rings() {
        let mut rng = chacha20::ChaCha8Rng::seed_from_u64(4);
        let mut good = HealthTests::new(0.5);
        for _ in 0..200_000 {
            good.feed(rng.next_u32() & 1 == 1).unwrap();
        }
        let mut stuck = HealthTests::new(0.5);
        assert_eq!((0..200).position(|_| stuck.feed(true).is_err()), Some(60));
        assert!(stuck.feed(false).is_err(), "an alarm stays");
        let mut biased = HealthTests::new(0.5);
        let rung = (0..10_000).find_map(|_| biased.feed(rng.next_u32() % 100 < 90).err());
        assert!(matches!(rung, Some(PufError::Health("adaptive proportion"))), "{rung:?}");
    }
}
