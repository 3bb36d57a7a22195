//! The files of the spool: `segment-<first sequence>.log`, `cursor`, `lock`.
//!
//! A segment is the eight bytes `KAUDIT01`, then records: length of the sealed bytes (u32, little endian), sequence
//! number (u64, little endian), the sealed bytes. Frozen; a change takes a new magic.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use konfido_keys::Sealer;

use super::{Record, Sequence, SpoolError, context};
use crate::syslog::FrameDecoder;

pub(super) const MAGIC: &[u8; 8] = b"KAUDIT01";
const HEADER: usize = 12;
/// Longest sealed record: a frame and the seal around it.
const MAX_SEALED: usize = FrameDecoder::MAX_FRAME + 1024;

pub(super) struct Recovered {
    /// Number of the last record on the disk, or of the last one confirmed.
    pub(super) last: u64,
    /// Bytes of all segments.
    pub(super) bytes: u64,
}

/// Takes the directory for this process.
pub(super) fn lock(dir: &Path) -> Result<File, SpoolError> {
    let path = dir.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|e| SpoolError::io(&path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(SpoolError::InUse(dir.to_owned())),
        Err(fs::TryLockError::Error(e)) => Err(SpoolError::io(&path, e)),
    }
}

pub(super) fn path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("segment-{first:020}.log"))
}

/// Makes the names in `dir` durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), SpoolError> {
    File::open(dir).and_then(|d| d.sync_all()).map_err(|e| SpoolError::io(dir, e))
}

/// Segments in order: first sequence, path, bytes.
pub(super) fn list(dir: &Path) -> Result<Vec<(u64, PathBuf, u64)>, SpoolError> {
    let mut found = Vec::new();
    let io = |e| SpoolError::io(dir, e);
    for entry in fs::read_dir(dir).map_err(io)? {
        let entry = entry.map_err(io)?;
        let name = entry.file_name();
        let first = name
            .to_str()
            .and_then(|n| n.strip_prefix("segment-")?.strip_suffix(".log"))
            .and_then(|n| n.parse().ok());
        if let Some(first) = first {
            found.push((first, entry.path(), entry.metadata().map_err(io)?.len()));
        }
    }
    found.sort_unstable_by_key(|(first, ..)| *first);
    Ok(found)
}

/// Appends one record to `out`.
pub(super) fn encode(sequence: u64, sealed: &[u8], out: &mut Vec<u8>) {
    // A record is bounded by MAX_SEALED, so the length fits.
    let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(sealed);
}

/// One record in a segment.
struct Raw<'b> {
    sequence: u64,
    sealed: &'b [u8],
}

/// Splits the first record off, if it is there in full.
fn split(bytes: &[u8]) -> Option<(Raw<'_>, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (sequence, rest) = rest.split_first_chunk::<8>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok().filter(|n| *n <= MAX_SEALED)?;
    let (sealed, rest) = rest.split_at_checked(length)?;
    Some((Raw { sequence: u64::from_le_bytes(*sequence), sealed }, rest))
}

fn read_file(path: &Path) -> Result<Vec<u8>, SpoolError> {
    let mut bytes = Vec::new();
    File::open(path).and_then(|mut f| f.read_to_end(&mut bytes)).map_err(|e| SpoolError::io(path, e))?;
    Ok(bytes)
}

/// Reads the newest segment to its end and moves a torn tail aside.
pub(super) fn recover(dir: &Path, sealer: &dyn Sealer, confirmed: u64) -> Result<Recovered, SpoolError> {
    let segments = list(dir)?;
    let mut bytes: u64 = segments.iter().map(|(_, _, len)| *len).sum();
    let mut last = confirmed;
    // Older segments were closed after a sync of each of their records; only the newest can be torn.
    if let Some((first, path, len)) = segments.last() {
        let content = read_file(path)?;
        let (good, end) = scan(&content, *first, sealer);
        last = last.max(end);
        if good < content.len() {
            let torn = path.with_extension("torn");
            fs::write(&torn, content.get(good..).unwrap_or_default())
                .map_err(|e| SpoolError::io(&torn, e))?;
            let file = File::options().write(true).open(path).map_err(|e| SpoolError::io(path, e))?;
            let keep = u64::try_from(good).unwrap_or(u64::MAX);
            file.set_len(keep).and_then(|()| file.sync_all()).map_err(|e| SpoolError::io(path, e))?;
            bytes = bytes.saturating_sub(len.saturating_sub(keep));
            tracing::warn!(bytes = content.len().saturating_sub(good), "audit spool: torn tail moved aside");
        }
        if end < *first {
            // Nothing whole in it: the name is free again.
            fs::remove_file(path).map_err(|e| SpoolError::io(path, e))?;
            bytes = bytes.saturating_sub(u64::try_from(good).unwrap_or(0));
        }
        sync_dir(dir)?;
    }
    Ok(Recovered { last, bytes })
}

/// How many bytes of a segment are whole records, and the number of the last of these (`first - 1` if none).
fn scan(content: &[u8], first: u64, sealer: &dyn Sealer) -> (usize, u64) {
    let mut last = first.saturating_sub(1);
    let Some(mut rest) = content.strip_prefix(MAGIC) else { return (0, last) };
    let mut good = MAGIC.len();
    while let Some((raw, after)) = split(rest) {
        let expected = last.saturating_add(1);
        if raw.sequence != expected || sealer.open(&context(expected), raw.sealed).is_err() {
            break;
        }
        good = good.saturating_add(HEADER).saturating_add(raw.sealed.len());
        last = expected;
        rest = after;
    }
    (good, last)
}

/// Reads records `confirmed < n <= durable`, at most `count`.
pub(super) fn read_from(
    dir: &Path,
    sealer: &dyn Sealer,
    confirmed: u64,
    durable: u64,
    count: usize,
) -> Result<Vec<Record>, SpoolError> {
    let mut records = Vec::new();
    if durable <= confirmed {
        return Ok(records);
    }
    let segments = list(dir)?;
    let next = confirmed.saturating_add(1);
    let start = segments.iter().rposition(|(first, ..)| *first <= next).unwrap_or(0);
    for (_, path, _) in segments.get(start..).unwrap_or_default() {
        let content = read_file(path)?;
        let mut rest = content.strip_prefix(MAGIC).unwrap_or_default();
        while let Some((raw, after)) = split(rest) {
            if records.len() >= count || raw.sequence > durable {
                return Ok(records);
            }
            if raw.sequence > confirmed {
                let message =
                    sealer.open(&context(raw.sequence), raw.sealed).map_err(|_| SpoolError::Seal)?;
                records.push(Record { sequence: Sequence(raw.sequence), message });
            }
            rest = after;
        }
    }
    Ok(records)
}

/// Number of the last record that was confirmed.
pub(super) fn read_cursor(dir: &Path) -> Result<u64, SpoolError> {
    let path = dir.join("cursor");
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim().parse().unwrap_or(0)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(0),
        Err(e) => Err(SpoolError::io(&path, e)),
    }
}

/// Remembers the last record that was confirmed. The rename makes it whole or old.
pub(super) fn write_cursor(dir: &Path, confirmed: u64) -> Result<(), SpoolError> {
    let (path, new) = (dir.join("cursor"), dir.join("cursor.new"));
    File::create(&new)
        .and_then(|mut f| f.write_all(format!("{confirmed}\n").as_bytes()))
        .and_then(|()| fs::rename(&new, &path))
        .map_err(|e| SpoolError::io(&path, e))
}

/// Deletes segments whose every record is confirmed; never the newest, which is being written. Returns the bytes.
pub(super) fn delete_confirmed(dir: &Path, confirmed: u64) -> Result<u64, SpoolError> {
    let segments = list(dir)?;
    let mut freed: u64 = 0;
    let mut cursor_synced = false;
    for pair in segments.windows(2) {
        let [(_, path, len), (next, ..)] = pair else { continue };
        if *next > confirmed.saturating_add(1) {
            break;
        }
        if !cursor_synced {
            // The cursor must not fall behind what is deleted, or numbers would be given twice.
            let cursor = dir.join("cursor");
            File::open(&cursor).and_then(|f| f.sync_all()).map_err(|e| SpoolError::io(&cursor, e))?;
            sync_dir(dir)?;
            cursor_synced = true;
        }
        fs::remove_file(path).map_err(|e| SpoolError::io(path, e))?;
        freed = freed.saturating_add(*len);
    }
    Ok(freed)
}
