//! Telling a re-send from a replay.
//!
//! OpenNCP sends a request a second time, byte for byte, when the first answer was a fault or did not come: same
//! MessageID, same assertions, same body, from the same country. That must go on working. Anything that differs
//! from it in one of these is an attack or a defect and is refused:
//!
//! * on receiving a MessageID for the first time: remember peer, digest of body and of assertion ids, until the
//!   assertions expire;
//! * on receiving it again from the same peer with the same digests: [`Seen::Again`], with the count, so that the
//!   gateway serves reads anew, answers writes from its record, and marks the audit;
//! * on receiving it again with another body, other assertions, or from another peer: a [`Replay`];
//! * on receiving an assertion id from another peer than the first: a [`Replay`]. (An assertion is also bound to the
//!   country that signed it, `assertion.rs`; this is the second lock on that door.)
//!
//! A message without MessageID (the reference implementation's ITI-39 has none in the right namespace) is known by
//! its digests: the same request twice is a re-send by definition.
//!
//! Memory is bounded: each peer has a quota, entries expire by the clock, and a peer that fills its quota pushes
//! out its own oldest entries only. That gains an attacker nothing: within one country's TLS key it could send a new
//! MessageID just as well.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use konfido_circle::{Clock, CountryCode};

use crate::content::AssertionId;

/// A SHA-256 digest.
pub type Digest = [u8; 32];

/// What was presented, and by whom.
#[derive(Clone, Debug)]
pub struct Presentation<'a> {
    /// Country of the TLS peer.
    pub peer: CountryCode,
    /// WS-Addressing MessageID, with or without `urn:uuid:`.
    pub message_id: Option<&'a str>,
    /// SHA-256 of the SOAP body (with its attachments).
    pub body: Digest,
    /// The assertions it came with.
    pub assertions: &'a [&'a AssertionId],
    /// When the first of the assertions expires.
    pub until: Timestamp,
}

/// A message that may be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// For the first time.
    First,
    /// Re-sent; `times` counts the presentations, this one included.
    Again {
        /// How often it has come by now.
        times: u32,
    },
}

/// A message that must not be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Replay {
    /// The MessageID came from another peer before.
    #[error("another peer has used this message id")]
    MessageOfOtherPeer,
    /// The MessageID came with another body before.
    #[error("this message id came with another body")]
    OtherBody,
    /// The MessageID came with other assertions before.
    #[error("this message id came with other assertions")]
    OtherAssertions,
    /// An assertion came from another peer before.
    #[error("another peer has presented this assertion")]
    AssertionOfOtherPeer,
}

/// Remembers what was presented.
#[derive(Debug)]
pub struct ReplayGuard {
    quota: usize,
    skew: SignedDuration,
    memory: Mutex<Memory>,
}

/// First half of a SHA-256: enough against chance and, at 128 bits, against a forged second preimage.
type Key = [u8; 16];

#[derive(Debug, Default)]
struct Memory {
    entries: HashMap<Key, Entry>,
    peers: HashMap<CountryCode, VecDeque<(Key, Timestamp)>>,
}

#[derive(Debug)]
struct Entry {
    peer: CountryCode,
    body: Key,
    assertions: Key,
    until: Timestamp,
    times: u32,
}

impl ReplayGuard {
    /// Remembers at most `quota` entries for each peer; about 150 bytes each. One message takes one entry and one
    /// for each of its assertions that is new.
    #[must_use]
    pub fn new(quota: usize, skew: SignedDuration) -> Self {
        Self { quota: quota.max(8), skew, memory: Mutex::new(Memory::default()) }
    }

    /// Judges a presentation and remembers it if it may be served.
    pub fn observe(&self, shown: &Presentation<'_>, clock: &dyn Clock) -> Result<Seen, Replay> {
        let now = clock.now();
        let until = shown.until.saturating_add(self.skew).unwrap_or(Timestamp::MAX);
        let assertions = assertions_key(shown.assertions);
        let body = half(shown.body);
        let message = match shown.message_id {
            Some(id) => key(b"message", &[normalise(id).as_bytes()]),
            None => key(b"no message id", &[shown.peer.as_str().as_bytes(), &shown.body, &assertions]),
        };
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.expire(shown.peer, now);

        for id in shown.assertions {
            let known = memory.entries.get(&assertion_key(id));
            if known.is_some_and(|e| e.peer != shown.peer && e.until > now) {
                return Err(Replay::AssertionOfOtherPeer);
            }
        }
        let times = match memory.entries.get_mut(&message).filter(|e| e.until > now) {
            Some(entry) if entry.peer != shown.peer => return Err(Replay::MessageOfOtherPeer),
            Some(entry) if entry.body != body => return Err(Replay::OtherBody),
            Some(entry) if entry.assertions != assertions => return Err(Replay::OtherAssertions),
            Some(entry) => {
                entry.times = entry.times.saturating_add(1);
                entry.times
            }
            None => {
                memory.remember(message, Entry { peer: shown.peer, body, assertions, until, times: 1 });
                1
            }
        };
        for id in shown.assertions {
            let known = assertion_key(id);
            if !memory.entries.contains_key(&known) {
                memory.remember(known, Entry { peer: shown.peer, body: known, assertions, until, times: 1 });
            }
        }
        memory.trim(shown.peer, self.quota);
        Ok(if times == 1 { Seen::First } else { Seen::Again { times } })
    }

    /// How many entries are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).entries.len()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Memory {
    fn remember(&mut self, key: Key, entry: Entry) {
        self.peers.entry(entry.peer).or_default().push_back((key, entry.until));
        self.entries.insert(key, entry);
    }

    /// Forgets what has expired at the head of the peer's queue. Lifetimes differ (two and four hours), so an
    /// expired entry may wait behind a longer one; it is ignored until then, and bounded by the quota.
    fn expire(&mut self, peer: CountryCode, now: Timestamp) {
        self.forget_while(peer, |_, until| until <= now);
    }

    fn trim(&mut self, peer: CountryCode, quota: usize) {
        self.forget_while(peer, |len, _| len > quota);
    }

    fn forget_while(&mut self, peer: CountryCode, forget: impl Fn(usize, Timestamp) -> bool) {
        let Some(queue) = self.peers.get_mut(&peer) else { return };
        while let Some((key, until)) = queue.front().copied() {
            if !forget(queue.len(), until) {
                break;
            }
            queue.pop_front();
            if self.entries.get(&key).is_some_and(|e| e.until == until && e.peer == peer) {
                self.entries.remove(&key);
            }
        }
    }
}

/// OpenNCP's client adds `urn:uuid:` where it is absent, its server does not.
fn normalise(id: &str) -> &str {
    let id = id.trim();
    id.strip_prefix("urn:uuid:").or_else(|| id.strip_prefix("uuid:")).unwrap_or(id)
}

fn assertion_key(id: &AssertionId) -> Key {
    key(b"assertion", &[id.as_str().as_bytes()])
}

fn assertions_key(ids: &[&AssertionId]) -> Key {
    let mut sorted: Vec<&[u8]> = ids.iter().map(|id| id.as_str().as_bytes()).collect();
    sorted.sort_unstable();
    key(b"assertions", &sorted)
}

/// Digest of a labelled list; lengths go in, so that no two lists look alike.
fn key(label: &[u8], parts: &[&[u8]]) -> Key {
    let mut hash = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for part in std::iter::once(&label).chain(parts) {
        hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    half(hash.finish().as_ref().try_into().unwrap_or([0; 32]))
}

fn half(digest: Digest) -> Key {
    let mut key = [0; 16];
    key.iter_mut().zip(digest).for_each(|(k, d)| *k = d);
    key
}

#[cfg(test)]
mod tests;
