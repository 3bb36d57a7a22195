//! The sealed store: whole after any crash, closed to another root, to change, and to the past.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use konfido_keys::software::{FixedRoot, KeyKind, SoftwareSealer, SystemRng};
use konfido_vault::protocol::KeyName;
use konfido_vault::run::new_statement_key;
use konfido_vault::store::{Freshness, NoFreshness, Store, StoreError, StoredKey};
use secrecy::SecretBox;

/// A counter that cannot be put back, as a TPM has one.
#[derive(Debug, Default)]
struct Counter(AtomicU64);

impl Freshness for Counter {
    fn least(&self) -> io::Result<Option<u64>> {
        Ok(Some(self.0.load(Ordering::SeqCst)))
    }

    fn remember(&self, epoch: u64) -> io::Result<()> {
        self.0.store(epoch, Ordering::SeqCst);
        Ok(())
    }

    fn describe(&self) -> &'static str {
        "a counter"
    }
}

fn sealer(root: u8) -> SoftwareSealer {
    let root = FixedRoot::new(SecretBox::new(Box::new([root; 32])), "test");
    SoftwareSealer::from_root(&root, b"store", Arc::new(SystemRng)).unwrap()
}

fn key(name: &str) -> StoredKey {
    new_statement_key(KeyName::new(name).unwrap(), b"x", KeyKind::Ed25519).unwrap()
}

#[test]
fn every_byte_of_the_store_counts() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, keys) = Store::open(folder.path(), &sealer(1), &NoFreshness).unwrap();
    assert!(keys.is_empty());
    store.replace(&[key("a")], &sealer(1), &NoFreshness).unwrap();
    let path = folder.path().join("store.sealed");
    let good = fs::read(&path).unwrap();
    assert!(matches!(Store::open(folder.path(), &sealer(2), &NoFreshness), Err(StoreError::Sealed(_))));
    for index in 0..good.len() {
        let mut changed = good.clone();
        changed[index] ^= 1;
        fs::write(&path, changed).unwrap();
        assert!(Store::open(folder.path(), &sealer(1), &NoFreshness).is_err(), "byte {index}");
    }
    for length in 0..good.len() {
        fs::write(&path, &good[..length]).unwrap();
        assert!(Store::open(folder.path(), &sealer(1), &NoFreshness).is_err(), "length {length}");
    }
    fs::write(&path, &good).unwrap();
    let (store, keys) = Store::open(folder.path(), &sealer(1), &NoFreshness).unwrap();
    assert_eq!((store.epoch(), keys.len()), (1, 1));
}

#[test]
fn an_older_store_put_back_is_refused_where_there_is_a_counter() {
    let folder = tempfile::tempdir().unwrap();
    let counter = Counter::default();
    let path = folder.path().join("store.sealed");
    let (mut store, _) = Store::open(folder.path(), &sealer(1), &counter).unwrap();
    store.replace(&[key("a")], &sealer(1), &counter).unwrap();
    let old = fs::read(&path).unwrap();
    store.replace(&[key("a"), key("b")], &sealer(1), &counter).unwrap();
    fs::write(&path, old).unwrap();
    let refused = Store::open(folder.path(), &sealer(1), &counter);
    assert!(matches!(refused, Err(StoreError::RolledBack { found: 1, least: 2 })), "{refused:?}");
    fs::remove_file(&path).unwrap();
    assert!(matches!(Store::open(folder.path(), &sealer(1), &counter), Err(StoreError::RolledBack { .. })));
}

#[test]
fn a_torn_write_leaves_the_old_store() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, _) = Store::open(folder.path(), &sealer(1), &NoFreshness).unwrap();
    store.replace(&[key("a")], &sealer(1), &NoFreshness).unwrap();
    // What a kill during the next write leaves: a part of the new file beside the old one.
    fs::write(folder.path().join("store.new"), b"KVS1 half").unwrap();
    let (mut store, keys) = Store::open(folder.path(), &sealer(1), &NoFreshness).unwrap();
    assert_eq!(keys.len(), 1);
    store.replace(&[key("a"), key("b")], &sealer(1), &NoFreshness).unwrap();
    assert_eq!(Store::open(folder.path(), &sealer(1), &NoFreshness).unwrap().1.len(), 2);
}
