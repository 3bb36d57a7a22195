//! The durable spool: what has been appended survives the process, the power cut and the collector's absence.
//!
//! A directory of append-only segments. Each record is sealed (audit messages carry assertions, and with them
//! personal data) in the context of its sequence number, so that records can neither be read, nor moved, nor
//! exchanged on the disk.
//!
//! * On `append`: the record is handed to the one writer thread, which seals whatever has come in meanwhile, writes
//!   it in one go, calls `fdatasync` once, and only then answers all of them. So N concurrent writers share one sync
//!   (group commit), and an answered append is on the disk.
//! * On opening: the newest segment is read to its end. A record that is cut short or does not open was never
//!   answered: the rest is moved aside into a `.torn` file and writing goes on in a new segment.
//! * On confirmation by the shipper: the cursor moves on, segments behind it are deleted. The cursor is written
//!   without sync: losing it repeats messages, never loses one (at-least-once).
//! * When the disk quota is used up: `append` fails, and with it the step that was to be audited. Nothing is dropped.

mod segment;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use konfido_keys::Sealer;
use tokio::sync::{mpsc, oneshot, watch};

use self::writer::Job;

/// Number of a record; they count from 1 without gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub(crate) u64);

impl Sequence {
    /// The number, for display.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// How large the spool may be.
#[derive(Clone, Debug)]
pub struct SpoolOptions {
    /// A segment is closed when it is longer than this.
    pub segment_bytes: u64,
    /// All segments together.
    pub quota_bytes: u64,
    /// Appends that may wait for the writer; further ones wait with their caller (back-pressure).
    pub waiting: usize,
}

impl Default for SpoolOptions {
    fn default() -> Self {
        Self { segment_bytes: 8 << 20, quota_bytes: 4 << 30, waiting: 1024 }
    }
}

/// Why the spool did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpoolError {
    /// The disk or the file system refused.
    #[error("audit spool `{path}`: {cause}")]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's message.
        cause: Arc<std::io::Error>,
    },
    /// Sealing or opening failed.
    #[error("a record of the audit spool was not sealed or did not open")]
    Seal,
    /// The quota is used up: the collector has been away for too long.
    #[error("the audit spool is full ({0} bytes)")]
    Full(u64),
    /// One record is longer than a frame may be.
    #[error("the audit message is too long ({0} bytes)")]
    TooLong(usize),
    /// Another process holds the directory.
    #[error("audit spool `{0}` is in use by another process")]
    InUse(PathBuf),
    /// The writer has stopped after an earlier failure.
    #[error("the audit spool has stopped")]
    Stopped,
}

impl SpoolError {
    pub(crate) fn io(path: &Path, cause: std::io::Error) -> Self {
        Self::Io { path: path.to_owned(), cause: Arc::new(cause) }
    }
}

/// The spool of one process.
#[derive(Clone, Debug)]
pub struct Spool {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    dir: PathBuf,
    sealer: Arc<dyn Sealer>,
    /// `None` only while dropping.
    jobs: Option<mpsc::Sender<Job>>,
    writer: Option<std::thread::JoinHandle<()>>,
    durable: watch::Receiver<u64>,
    shared: Arc<Shared>,
    _lock: std::fs::File,
}

/// What writer and reader both touch.
#[derive(Debug, Default)]
struct Shared {
    bytes: AtomicU64,
    syncs: AtomicU64,
    confirmed: AtomicU64,
}

/// A record taken from the spool.
#[derive(Debug)]
pub struct Record {
    /// Its number.
    pub sequence: Sequence,
    /// The message.
    pub message: secrecy::SecretSlice<u8>,
}

impl Spool {
    /// Opens the spool in `dir`, which is created if need be, and starts its writer thread.
    pub fn open(dir: &Path, options: SpoolOptions, sealer: Arc<dyn Sealer>) -> Result<Self, SpoolError> {
        std::fs::create_dir_all(dir).map_err(|e| SpoolError::io(dir, e))?;
        let lock = segment::lock(dir)?;
        let confirmed = segment::read_cursor(dir)?;
        let recovered = segment::recover(dir, sealer.as_ref(), confirmed)?;
        let shared = Arc::new(Shared::default());
        shared.bytes.store(recovered.bytes, Ordering::Relaxed);
        shared.confirmed.store(confirmed, Ordering::Relaxed);
        let (jobs, queue) = mpsc::channel(options.waiting.max(1));
        let (durable_tx, durable) = watch::channel(recovered.last);
        let writer = writer::spawn(
            dir,
            options,
            Arc::clone(&sealer),
            recovered.last,
            queue,
            durable_tx,
            Arc::clone(&shared),
        )?;
        let inner = Inner {
            dir: dir.to_owned(),
            sealer,
            jobs: Some(jobs),
            writer: Some(writer),
            durable,
            shared,
            _lock: lock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Appends a message. When this returns, it is on the disk.
    pub async fn append(&self, message: Vec<u8>) -> Result<Sequence, SpoolError> {
        let (done, answer) = oneshot::channel();
        let jobs = self.inner.jobs.as_ref().ok_or(SpoolError::Stopped)?;
        jobs.send(Job { message, done }).await.map_err(|_| SpoolError::Stopped)?;
        answer.await.map_err(|_| SpoolError::Stopped)?
    }

    /// As [`Self::append`], for a caller without runtime.
    pub fn append_blocking(&self, message: Vec<u8>) -> Result<Sequence, SpoolError> {
        let (done, answer) = oneshot::channel();
        let jobs = self.inner.jobs.as_ref().ok_or(SpoolError::Stopped)?;
        jobs.blocking_send(Job { message, done }).map_err(|_| SpoolError::Stopped)?;
        answer.blocking_recv().map_err(|_| SpoolError::Stopped)?
    }

    /// Reads up to `count` records that are not confirmed yet, oldest first. Blocks on the disk.
    pub fn read_unconfirmed(&self, count: usize) -> Result<Vec<Record>, SpoolError> {
        let confirmed = self.inner.shared.confirmed.load(Ordering::Acquire);
        let durable = *self.inner.durable.borrow();
        segment::read_from(&self.inner.dir, self.inner.sealer.as_ref(), confirmed, durable, count)
    }

    /// Says that everything up to `sequence` has arrived. Blocks on the disk.
    pub fn confirm(&self, sequence: Sequence) -> Result<(), SpoolError> {
        let before = self.inner.shared.confirmed.fetch_max(sequence.0, Ordering::AcqRel);
        if sequence.0 <= before {
            return Ok(());
        }
        segment::write_cursor(&self.inner.dir, sequence.0)?;
        let freed = segment::delete_confirmed(&self.inner.dir, sequence.0)?;
        self.inner.shared.bytes.fetch_sub(freed, Ordering::AcqRel);
        Ok(())
    }

    /// Waits until there is something that is not confirmed.
    pub async fn wait_for_unconfirmed(&self) -> Result<(), SpoolError> {
        let mut durable = self.inner.durable.clone();
        let confirmed = || self.inner.shared.confirmed.load(Ordering::Acquire);
        durable.wait_for(|last| *last > confirmed()).await.map_err(|_| SpoolError::Stopped)?;
        Ok(())
    }

    /// Messages that are not confirmed yet.
    #[must_use]
    pub fn backlog(&self) -> u64 {
        let durable = *self.inner.durable.borrow();
        durable.saturating_sub(self.inner.shared.confirmed.load(Ordering::Acquire))
    }

    /// Bytes on the disk.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.inner.shared.bytes.load(Ordering::Acquire)
    }

    /// How often the disk was synchronised since the spool was opened.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.inner.shared.syncs.load(Ordering::Acquire)
    }
}

impl Drop for Inner {
    /// Lets the writer finish what is waiting before the directory is given free.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("audit spool: the writer ended by a panic");
        }
    }
}

/// What a record is sealed as: the format, and its place in the spool.
fn context(sequence: u64) -> [u8; 32] {
    let mut context = *b"konfido audit spool v1  ........";
    let number = sequence.to_be_bytes();
    context.iter_mut().rev().zip(number.iter().rev()).for_each(|(c, n)| *c = *n);
    context
}

#[cfg(test)]
mod tests;
