//! Remembers which signatures were found to hold, so that a batch is checked once, not at each of pool, proposal and
//! vote. Only what holds is remembered; the oldest is forgotten first.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use crate::Digest;
use crate::chain::state::Check;
use crate::keys::PartyKey;

const MOST: usize = 8192;

#[derive(Debug, Default)]
pub(super) struct Memo(Mutex<(HashSet<Digest>, VecDeque<Digest>)>);

impl Check for Memo {
    fn holds(&self, key: &PartyKey, message: &[u8], signature: &[u8]) -> bool {
        let length = (message.len() as u64).to_be_bytes();
        let name = Digest::of(&[b"memo", &key.id(), key.spki(), &length, message, signature]);
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).0.contains(&name) {
            return true;
        }
        if key.verify(message, signature).is_err() {
            return false;
        }
        let mut memo = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (set, order) = &mut *memo;
        if set.insert(name) {
            order.push_back(name);
        }
        if order.len() > MOST
            && let Some(oldest) = order.pop_front()
        {
            set.remove(&oldest);
        }
        true
    }
}

/// For blocks that a quorum has made final: their signatures were checked by it.
#[derive(Debug)]
pub(super) struct Final;

impl Check for Final {
    fn holds(&self, _: &PartyKey, _: &[u8], _: &[u8]) -> bool {
        true
    }
}
