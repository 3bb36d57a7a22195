//! Transactions that wait for a block, in the order in which they can take effect: those of one author first, then
//! batches by pair and number.

use std::collections::BTreeMap;

use crate::Digest;
use crate::chain::transaction::{Pair, Transaction};

/// Transactions that wait at most; beyond it new ones are dropped and said again by their authors.
const MOST: usize = 4096;
/// A transaction that no block could take for so many blocks is let go.
const PATIENCE: u64 = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Authored(Digest),
    Batch(Pair, u64, Digest),
}

#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) transaction: Transaction,
    pub(super) encoded: Vec<u8>,
    since: u64,
}

#[derive(Debug, Default)]
pub(super) struct Pool(BTreeMap<Place, Waiting>);

fn place(transaction: &Transaction, encoded: &[u8]) -> Place {
    let digest = Digest::of(&[encoded]);
    match transaction {
        Transaction::Authored(_) => Place::Authored(digest),
        Transaction::Batch(batch) => Place::Batch(batch.pair, batch.first_seq, digest),
    }
}

impl Pool {
    /// Whether it is new here.
    pub(super) fn add(&mut self, transaction: Transaction, height: u64) -> bool {
        let encoded = transaction.encode();
        let place = place(&transaction, &encoded);
        if self.0.len() >= MOST || self.0.contains_key(&place) {
            return false;
        }
        self.0.insert(place, Waiting { transaction, encoded, since: height });
        true
    }

    pub(super) fn all(&self) -> Vec<Waiting> {
        self.0.values().cloned().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes out what became final, batches that can never follow any more, and what nobody could use for long.
    pub(super) fn settle(&mut self, done: &[Transaction], height: u64, next_seq: impl Fn(Pair) -> u64) {
        for transaction in done {
            self.0.remove(&place(transaction, &transaction.encode()));
        }
        self.0.retain(|place, waiting| {
            let stale = matches!(place, Place::Batch(pair, seq, _) if *seq < next_seq(*pair));
            !stale && height.saturating_sub(waiting.since) < PATIENCE
        });
    }
}
