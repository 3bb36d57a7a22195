//! How many strangers may leave an audit record in a while: who has no identity must not be able to fill the disk.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const WHILE: Duration = Duration::from_secs(10);

/// So many in [`WHILE`]; what is beyond is only counted by the metrics.
#[derive(Debug)]
pub(super) struct Budget {
    most: u32,
    spent: Mutex<Option<(Instant, u32)>>,
}

impl Budget {
    pub(super) fn new(most: u32) -> Self {
        Self { most, spent: Mutex::new(None) }
    }

    /// Whether one more may.
    pub(super) fn may(&self, now: Instant) -> bool {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        match spent.as_mut() {
            Some((since, count)) if now.duration_since(*since) < WHILE => {
                *count = count.saturating_add(1);
                *count <= self.most
            }
            _ => {
                *spent = Some((now, 1));
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_comes_back_after_a_while() {
        let budget = Budget::new(2);
        let start = Instant::now();
        assert!(budget.may(start) && budget.may(start));
        assert!(!budget.may(start));
        assert!(budget.may(start + WHILE));
    }
}
