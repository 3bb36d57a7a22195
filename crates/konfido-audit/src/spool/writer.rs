//! The one thread that writes: seals, writes and synchronises whatever is waiting, then answers all of it.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use konfido_keys::Sealer;
use tokio::sync::{mpsc, oneshot, watch};

use super::{Sequence, Shared, SpoolError, SpoolOptions, context, segment};
use crate::syslog::FrameDecoder;

/// Most records in one group.
const GROUP: usize = 256;

pub(super) struct Job {
    pub(super) message: Vec<u8>,
    pub(super) done: oneshot::Sender<Result<Sequence, SpoolError>>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("bytes", &self.message.len()).finish_non_exhaustive()
    }
}

struct Writer {
    dir: PathBuf,
    options: SpoolOptions,
    sealer: Arc<dyn Sealer>,
    last: u64,
    open: Option<(PathBuf, File, u64)>,
    durable: watch::Sender<u64>,
    shared: Arc<Shared>,
}

pub(super) fn spawn(
    dir: &Path,
    options: SpoolOptions,
    sealer: Arc<dyn Sealer>,
    last: u64,
    mut queue: mpsc::Receiver<Job>,
    durable: watch::Sender<u64>,
    shared: Arc<Shared>,
) -> Result<std::thread::JoinHandle<()>, SpoolError> {
    let mut writer = Writer { dir: dir.to_owned(), options, sealer, last, open: None, durable, shared };
    std::thread::Builder::new()
        .name("audit-spool".to_owned())
        .spawn(move || {
            let mut group = Vec::with_capacity(GROUP);
            // Ends when the last handle of the spool is gone.
            while queue.blocking_recv_many(&mut group, GROUP) > 0 {
                writer.commit(&mut group);
            }
        })
        .map_err(|e| SpoolError::io(dir, e))
}

impl Writer {
    /// Writes a group and answers its members. After a failure on the disk the segment is given up: what it holds
    /// behind the last sync is unknown, so the next group begins a new one.
    fn commit(&mut self, group: &mut Vec<Job>) {
        let mut answers = Vec::with_capacity(group.len());
        let mut bytes = Vec::new();
        let mut last = self.last;
        for job in group.drain(..) {
            match self.seal(&job.message, last.saturating_add(1), bytes.len()) {
                Ok(sealed) => {
                    last = last.saturating_add(1);
                    segment::encode(last, &sealed, &mut bytes);
                    answers.push((job.done, last));
                }
                // The caller may be gone; then nobody waits for the refusal.
                Err(error) => drop(job.done.send(Err(error))),
            }
        }
        if answers.is_empty() {
            return;
        }
        let result = self.write(&bytes);
        match &result {
            Ok(()) => {
                self.last = last;
                self.durable.send_replace(last);
            }
            Err(error) => {
                tracing::error!(%error, "audit spool: not written");
                self.give_up();
            }
        }
        for (done, sequence) in answers {
            drop(done.send(result.clone().map(|()| Sequence(sequence))));
        }
    }

    fn seal(&self, message: &[u8], sequence: u64, pending: usize) -> Result<Vec<u8>, SpoolError> {
        if message.len() > FrameDecoder::MAX_FRAME {
            return Err(SpoolError::TooLong(message.len()));
        }
        let used = self.shared.bytes.load(Ordering::Acquire);
        let more = u64::try_from(pending.saturating_add(message.len())).unwrap_or(u64::MAX);
        if used.saturating_add(more) > self.options.quota_bytes {
            return Err(SpoolError::Full(used));
        }
        self.sealer.seal(&context(sequence), message).map_err(|_| SpoolError::Seal)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SpoolError> {
        if self.open.as_ref().is_some_and(|(_, _, len)| *len >= self.options.segment_bytes) {
            self.open = None;
        }
        let (path, file, length) = match &mut self.open {
            Some(open) => open,
            None => self.open.insert(create(&self.dir, self.last.saturating_add(1), &self.shared)?),
        };
        file.write_all(bytes).and_then(|()| file.sync_data()).map_err(|e| SpoolError::io(path, e))?;
        let more = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        *length = length.saturating_add(more);
        self.shared.bytes.fetch_add(more, Ordering::AcqRel);
        self.shared.syncs.fetch_add(1, Ordering::AcqRel);
        Ok(())
    }

    /// Cuts the segment back to its last sync, so that the numbers behind it can be given again.
    fn give_up(&mut self) {
        if let Some((path, file, length)) = self.open.take()
            && let Err(error) = file.set_len(length).and_then(|()| file.sync_all())
        {
            tracing::error!(path = %path.display(), %error, "audit spool: segment not cut back");
        }
    }
}

fn create(dir: &Path, first: u64, shared: &Shared) -> Result<(PathBuf, File, u64), SpoolError> {
    let path = segment::path(dir, first);
    // A segment of this name can only be one that was given up before its first record.
    let mut file = File::create(&path).map_err(|e| SpoolError::io(&path, e))?;
    file.write_all(segment::MAGIC).map_err(|e| SpoolError::io(&path, e))?;
    segment::sync_dir(dir)?;
    let length = u64::try_from(segment::MAGIC.len()).unwrap_or(0);
    shared.bytes.fetch_add(length, Ordering::AcqRel);
    Ok((path, file, length))
}
