//! The sealed store: one file that holds every key, sealed under the root secret, replaced as a whole.
//!
//! Form, version 1: `"KVS1" || epoch (8, big-endian) || sealed`, where `sealed` is [`Sealer::seal`] of the postcard of the
//! keys for the context `"konfido-vault-store-1" || epoch`. Each write goes to a file of its own, is synced, and takes the
//! place of the old one by a rename that is synced too: after a crash at any point there is the old store or the new one.
//!
//! The epoch rises by one with each write. Sealing alone does not notice an older store put back; a [`Freshness`] does:
//! a TPM counter, or the epoch anchored in the ledger. INVARIANT (rollback): a store older than its freshness says is never
//! opened. Where there is none, the status says so.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use konfido_keys::{KeyError, Sealer};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::protocol::KeyName;

const MAGIC: &[u8; 4] = b"KVS1";
const CONTEXT: &[u8] = b"konfido-vault-store-1";
const FILE: &str = "store.sealed";
const MAX_STORE: u64 = 16 << 20;

/// What a key may be used for. A key has one use, for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeyUse {
    /// Signs SAML assertions that the vault itself builds for a live session, and audit messages that it has read.
    Node,
    /// Signs statements that begin with this prefix, and so can be taken for nothing else.
    Statement(Vec<u8>),
}

/// A key as it is stored.
#[derive(Clone, Serialize, Deserialize)]
pub struct StoredKey {
    /// Its name.
    pub name: KeyName,
    /// Its only use.
    pub usage: KeyUse,
    /// Index into [`crate::keystore::ALGORITHMS`].
    pub algorithm: u8,
    /// PKCS#8, DER.
    pub pkcs8: Vec<u8>,
    /// Its certificate, DER.
    pub certificate: Option<Vec<u8>>,
}

impl std::fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredKey")
            .field("name", &self.name)
            .field("usage", &self.usage)
            .finish_non_exhaustive()
    }
}

impl Drop for StoredKey {
    fn drop(&mut self) {
        self.pkcs8.zeroize();
    }
}

/// Remembers how new the store must be, in a place that cannot be put back together with it.
pub trait Freshness: Send + Sync + std::fmt::Debug {
    /// The least epoch that may be opened; `None` when nothing was remembered yet.
    ///
    /// # Errors
    /// When the place cannot be asked.
    fn least(&self) -> io::Result<Option<u64>>;

    /// Remembers an epoch that was written.
    ///
    /// # Errors
    /// When the place cannot be told; the write then counts as not done.
    fn remember(&self, epoch: u64) -> io::Result<()>;

    /// What it is, for the status.
    fn describe(&self) -> &'static str;
}

/// No such place: rollback of the store would not be noticed, and the status says it.
#[derive(Debug, Clone, Copy)]
pub struct NoFreshness;

impl Freshness for NoFreshness {
    fn least(&self) -> io::Result<Option<u64>> {
        Ok(None)
    }

    fn remember(&self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn describe(&self) -> &'static str {
        "none: an older store put back would not be noticed"
    }
}

/// Why a store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file or its folder.
    #[error("`{path}`: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no store, or not whole.
    #[error("`{path}` is not a vault store of version 1\nrestore it from a copy; keys are not lost while one exists", path = .0.display())]
    NotAStore(PathBuf),
    /// It was sealed under another root secret, or changed.
    #[error("the store does not open with this root secret")]
    Sealed(#[source] KeyError),
    /// It is older than what is remembered.
    #[error(
        "the store is of epoch {found}, but {least} was written: an older copy was put back\nrestore the newest copy"
    )]
    RolledBack {
        /// The epoch in the file.
        found: u64,
        /// The least that may be opened.
        least: u64,
    },
    /// The place that remembers could not be asked.
    #[error("freshness of the store: {0}")]
    Freshness(#[source] io::Error),
}

/// The store of one vault, in a folder of its own.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    epoch: u64,
}

impl Store {
    /// Opens the store of a folder, or starts an empty one where there is none.
    ///
    /// # Errors
    /// [`StoreError`]; an absent file where an epoch is remembered is a rollback too.
    pub fn open(
        folder: &Path,
        sealer: &dyn Sealer,
        freshness: &dyn Freshness,
    ) -> Result<(Self, Vec<StoredKey>), StoreError> {
        let least = freshness.least().map_err(StoreError::Freshness)?.unwrap_or(0);
        let path = folder.join(FILE);
        let bytes = match read_limited(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return if least == 0 {
                    Ok((Self { folder: folder.to_owned(), epoch: 0 }, Vec::new()))
                } else {
                    Err(StoreError::RolledBack { found: 0, least })
                };
            }
            Err(source) => return Err(StoreError::File { path, source }),
        };
        let (epoch, sealed) = split(&bytes).ok_or_else(|| StoreError::NotAStore(path.clone()))?;
        if epoch < least {
            return Err(StoreError::RolledBack { found: epoch, least });
        }
        let opened = sealer.open(&context(epoch), sealed).map_err(StoreError::Sealed)?;
        let keys = postcard::from_bytes(opened.expose_secret()).map_err(|_| StoreError::NotAStore(path))?;
        Ok((Self { folder: folder.to_owned(), epoch }, keys))
    }

    /// The epoch of what is on disk.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Replaces what is on disk.
    ///
    /// # Errors
    /// [`StoreError`]; what was there before is still there.
    pub fn replace(
        &mut self,
        keys: &[StoredKey],
        sealer: &dyn Sealer,
        freshness: &dyn Freshness,
    ) -> Result<(), StoreError> {
        let path = self.folder.join(FILE);
        let fail = |source| StoreError::File { path: path.clone(), source };
        let epoch = self.epoch.saturating_add(1);
        let mut plain = postcard::to_allocvec(keys).map_err(|error| fail(io::Error::other(error)))?;
        let sealed = sealer.seal(&context(epoch), &plain).map_err(StoreError::Sealed);
        plain.zeroize();
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&epoch.to_be_bytes());
        bytes.extend_from_slice(&sealed?);
        let temporary = self.folder.join("store.new");
        write_synced(&temporary, &bytes).map_err(fail)?;
        fs::rename(&temporary, &path).map_err(fail)?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(fail)?;
        freshness.remember(epoch).map_err(StoreError::Freshness)?;
        self.epoch = epoch;
        Ok(())
    }
}

fn context(epoch: u64) -> Vec<u8> {
    [CONTEXT, &epoch.to_be_bytes()].concat()
}

fn split(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let rest = bytes.strip_prefix(MAGIC)?;
    let (epoch, sealed) = rest.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*epoch), sealed))
}

fn read_limited(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.len() > MAX_STORE {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "larger than any store"));
    }
    fs::read(path)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
