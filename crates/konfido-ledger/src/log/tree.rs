//! The Merkle tree (RFC 6962 section 2.1): what a validator needs to extend it, and what a node needs to prove from it.
//!
//! [`Frontier`] is the right edge alone, a few hundred bytes: enough to append and to know the root, so each
//! speculative block can carry its own. [`Log`] keeps every hash, in the order of `tlog_tiles`, in two append-only
//! files: `entries` with 32 bytes a leaf, `hashes` with 32 bytes a tree node. The tiles of C2SP tlog-tiles are cut
//! from them on demand.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;

use tlog_tiles::{Hash, HashReader, Tile};

use crate::{Digest, LedgerError};

/// Height of a tile, fixed by C2SP tlog-tiles.
const TILE_HEIGHT: u8 = 8;
const WIDTH: u64 = 32;

/// The right edge of the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of the complete subtrees, the smallest first.
    peaks: Vec<Digest>,
}

impl Frontier {
    /// Appends an entry; gives the hashes it completes, the leaf's own first.
    pub fn append(&mut self, entry: &Digest) -> Vec<Digest> {
        let mut hash = Digest::of(&[&[0], &entry.0]);
        let mut completed = vec![hash];
        let mut merged = 0;
        for peak in self.peaks.iter().take(self.size.trailing_ones() as usize) {
            hash = Digest::of(&[&[1], &peak.0, &hash.0]);
            completed.push(hash);
            merged += 1;
        }
        self.peaks.drain(..merged);
        self.peaks.insert(0, hash);
        self.size = self.size.saturating_add(1);
        completed
    }

    /// Number of leaves.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The Merkle tree hash.
    #[must_use]
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter();
        let Some(first) = peaks.next() else { return Digest(tlog_tiles::EMPTY_HASH.0) };
        peaks.fold(*first, |right, left| Digest::of(&[&[1], &left.0, &right.0]))
    }

    /// The peaks, the smallest subtree's first.
    pub(crate) fn peaks(&self) -> &[Digest] {
        &self.peaks
    }

    pub(crate) fn restore(size: u64, peaks: Vec<Digest>) -> Result<Self, LedgerError> {
        if peaks.len() == size.count_ones() as usize {
            Ok(Self { size, peaks })
        } else {
            Err(LedgerError::Store("the tree's edge does not fit its size".to_owned()))
        }
    }
}

/// The hash of a whole list of entries, as a batch's signers compute it.
#[must_use]
pub fn root_of(entries: &[Digest]) -> Digest {
    let mut frontier = Frontier::default();
    for entry in entries {
        frontier.append(entry);
    }
    frontier.root()
}

/// Where hashes and entries lie.
#[derive(Debug)]
enum Shelf {
    Memory(Vec<u8>),
    File(File),
}

impl Shelf {
    fn append(&mut self, bytes: &[u8]) -> Result<(), LedgerError> {
        match self {
            Self::Memory(all) => all.extend_from_slice(bytes),
            Self::File(file) => file.write_all(bytes).map_err(LedgerError::store)?,
        }
        Ok(())
    }

    fn at(&self, index: u64) -> Result<Digest, LedgerError> {
        let missing = || LedgerError::Store(format!("hash {index} of the log is missing"));
        let offset = index.checked_mul(WIDTH).ok_or_else(missing)?;
        let mut out = [0; 32];
        match self {
            Self::Memory(all) => {
                let from = usize::try_from(offset).map_err(|_| missing())?;
                let slice = all.get(from..from.saturating_add(32)).ok_or_else(missing)?;
                out.copy_from_slice(slice);
            }
            Self::File(file) => file.read_exact_at(&mut out, offset).map_err(|_| missing())?,
        }
        Ok(Digest(out))
    }

    fn truncate(&mut self, count: u64) -> Result<(), LedgerError> {
        let length = count.saturating_mul(WIDTH);
        match self {
            Self::Memory(all) => all.truncate(usize::try_from(length).unwrap_or(usize::MAX)),
            Self::File(file) => {
                let have = file.metadata().map_err(LedgerError::store)?.len();
                if have < length {
                    return Err(LedgerError::Store(
                        "the log's files are shorter than its state says".to_owned(),
                    ));
                }
                file.set_len(length).map_err(LedgerError::store)?;
            }
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), LedgerError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::File(file) => file.sync_data().map_err(LedgerError::store),
        }
    }
}

/// The whole log of a node.
#[derive(Debug)]
pub struct Log {
    entries: Shelf,
    hashes: Shelf,
    frontier: Frontier,
}

impl Log {
    /// A log that lives as long as the process.
    #[must_use]
    pub fn in_memory() -> Self {
        let shelf = || Shelf::Memory(Vec::new());
        Self { entries: shelf(), hashes: shelf(), frontier: Frontier::default() }
    }

    /// Opens the log in `directory` at the state that was last made durable; what was appended after it is cut off.
    ///
    /// # Errors
    /// If the files cannot be used or are shorter than the state says.
    pub fn open(directory: &Path, at: Frontier) -> Result<Self, LedgerError> {
        let open = |name: &str| {
            let path = directory.join(name);
            OpenOptions::new()
                .read(true)
                .append(true)
                .create(true)
                .open(&path)
                .map(Shelf::File)
                .map_err(|e| LedgerError::Store(format!("{}: {e}", path.display())))
        };
        let mut log = Self { entries: open("entries")?, hashes: open("hashes")?, frontier: at };
        log.rewind(log.frontier.clone())?;
        Ok(log)
    }

    fn rewind(&mut self, to: Frontier) -> Result<(), LedgerError> {
        self.entries.truncate(to.size())?;
        let hashes = if to.size() == 0 { 0 } else { tlog_tiles::stored_hash_count(to.size()) };
        self.hashes.truncate(hashes)?;
        self.frontier = to;
        Ok(())
    }

    /// Appends entries.
    ///
    /// # Errors
    /// If the files cannot be written.
    pub fn append(&mut self, entries: &[Digest]) -> Result<(), LedgerError> {
        let mut hashes = Vec::with_capacity(entries.len().saturating_mul(64));
        let mut plain = Vec::with_capacity(entries.len().saturating_mul(32));
        for entry in entries {
            plain.extend_from_slice(&entry.0);
            for hash in self.frontier.append(entry) {
                hashes.extend_from_slice(&hash.0);
            }
        }
        self.entries.append(&plain)?;
        self.hashes.append(&hashes)
    }

    /// Makes what was appended durable.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn sync(&self) -> Result<(), LedgerError> {
        self.entries.sync()?;
        self.hashes.sync()
    }

    /// The right edge.
    #[must_use]
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// The entry at `index`.
    ///
    /// # Errors
    /// If there is none.
    pub fn entry(&self, index: u64) -> Result<Digest, LedgerError> {
        if index >= self.frontier.size() {
            return Err(LedgerError::Unknown(format!("entry {index}")));
        }
        self.entries.at(index)
    }

    /// The root when the tree had `size` leaves.
    ///
    /// # Errors
    /// If it never was that large.
    pub fn root_at(&self, size: u64) -> Result<Digest, LedgerError> {
        self.within(size)?;
        tlog_tiles::tree_hash(size, self).map(|hash| Digest(hash.0)).map_err(LedgerError::store)
    }

    /// The inclusion proof of leaf `index` in the tree of `size` leaves (RFC 9162 section 2.1.3).
    ///
    /// # Errors
    /// If there is no such leaf in that tree.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Digest>, LedgerError> {
        self.within(size)?;
        if index >= size {
            return Err(LedgerError::Unknown(format!("entry {index} in a tree of {size}")));
        }
        let path = tlog_tiles::prove_record(size, index, self).map_err(LedgerError::store)?;
        Ok(path.into_iter().map(|hash| Digest(hash.0)).collect())
    }

    /// The consistency proof from the tree of `old` leaves to that of `new` (RFC 9162 section 2.1.4).
    ///
    /// # Errors
    /// If either never was.
    pub fn consistency(&self, old: u64, new: u64) -> Result<Vec<Digest>, LedgerError> {
        self.within(new)?;
        if old == 0 || old > new {
            return Err(LedgerError::Unknown(format!("a tree of {old} before that of {new}")));
        }
        let path = tlog_tiles::prove_tree(new, old, self).map_err(LedgerError::store)?;
        Ok(path.into_iter().map(|hash| Digest(hash.0)).collect())
    }

    /// Writes the tiles and entry bundles of the tree of `size` leaves under `directory`, as C2SP tlog-tiles lays them
    /// out. Tiles that are there are left: a full tile never changes.
    ///
    /// # Errors
    /// If the tree never was that large or the disk refuses.
    pub fn write_tiles(&self, size: u64, directory: &Path) -> Result<(), LedgerError> {
        self.within(size)?;
        for tile in Tile::new_tiles(TILE_HEIGHT, 0, size) {
            // tlog-tiles leaves the height out of the path: `tile/<L>/<N>[.p/<W>]`.
            let path = tile.path().replacen("tile/8/", "tile/", 1);
            let data = tile.read_data(self).map_err(LedgerError::store)?;
            put(&directory.join(&path), &data)?;
            if tile.level() == 0 {
                let mut bundle = Vec::new();
                let first = tile.level_index() << TILE_HEIGHT;
                for index in first..first.saturating_add(u64::from(tile.width())) {
                    // An entry bundle is a sequence of entries behind their lengths in two bytes.
                    bundle.extend_from_slice(&[0, 32]);
                    bundle.extend_from_slice(&self.entry(index)?.0);
                }
                put(&directory.join(path.replacen("tile/0/", "tile/entries/", 1)), &bundle)?;
            }
        }
        Ok(())
    }

    fn within(&self, size: u64) -> Result<(), LedgerError> {
        if size <= self.frontier.size() {
            Ok(())
        } else {
            Err(LedgerError::Unknown(format!("a tree of {size} leaves")))
        }
    }
}

fn put(path: &Path, data: &[u8]) -> Result<(), LedgerError> {
    if path.exists() {
        return Ok(());
    }
    let failed = |e: std::io::Error| LedgerError::Store(format!("{}: {e}", path.display()));
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(failed)?;
    }
    std::fs::write(path, data).map_err(failed)
}

impl HashReader for Log {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
        indexes
            .iter()
            .map(|index| {
                self.hashes.at(*index).map(|hash| Hash(hash.0)).map_err(|_| tlog_tiles::Error::InvalidProof)
            })
            .collect()
    }
}

/// Whether `path` leads from `entry` at `index` to the root of a tree of `size` leaves.
///
/// # Errors
/// If it does not.
pub fn check_inclusion(
    path: &[Digest],
    size: u64,
    root: &Digest,
    index: u64,
    entry: &Digest,
) -> Result<(), LedgerError> {
    let path = path.iter().map(|hash| Hash(hash.0)).collect();
    let leaf = Hash(Digest::of(&[&[0], &entry.0]).0);
    if index >= size {
        return Err(LedgerError::Proof(format!("entry {index} lies outside a tree of {size}")));
    }
    tlog_tiles::check_record(&path, size, Hash(root.0), index, leaf)
        .map_err(|e| LedgerError::Proof(e.to_string()))
}

/// Whether the tree of `new` leaves extends that of `old`.
///
/// # Errors
/// If it does not.
pub fn check_consistency(
    path: &[Digest],
    (new, new_root): (u64, &Digest),
    (old, old_root): (u64, &Digest),
) -> Result<(), LedgerError> {
    if old == 0 || old > new {
        return Err(LedgerError::Proof(format!("a tree of {old} before that of {new}")));
    }
    let path = path.iter().map(|hash| Hash(hash.0)).collect();
    tlog_tiles::check_tree(&path, new, Hash(new_root.0), old, Hash(old_root.0))
        .map_err(|e| LedgerError::Proof(e.to_string()))
}

#[cfg(test)]
mod tests {
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use proptest::prelude::*;

    use super::*;

    fn entry(n: u64) -> Digest {
        Digest::of(&[&n.to_be_bytes()])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// A second implementation, `ct-merkle`, agrees on every root and every proof, byte for byte.
        #[test]
        fn ct_merkle_agrees(size in 1u64..600, at: prop::sample::Index, old: prop::sample::Index) {
            let mut log = Log::in_memory();
            let mut other: MemoryBackedTree<sha2::Sha256, Vec<u8>> = MemoryBackedTree::new();
            let mut roots = vec![];
            for n in 0..size {
                log.append(&[entry(n)]).unwrap();
                other.push(entry(n).0.to_vec());
                roots.push(log.frontier().root());
            }
            prop_assert_eq!(other.root().as_bytes().to_vec(), log.frontier().root().0.to_vec());
            let index = at.index(size as usize) as u64;
            let path = log.inclusion(index, size).unwrap();
            let flat: Vec<u8> = path.iter().flat_map(|hash| hash.0).collect();
            prop_assert_eq!(other.prove_inclusion(index as usize).as_bytes().to_vec(), flat);
            let root = log.frontier().root();
            check_inclusion(&path, size, &root, index, &entry(index)).unwrap();
            prop_assert!(check_inclusion(&path, size, &root, index, &entry(index + 1)).is_err());
            let old = old.index(size as usize) as u64 + 1;
            let old_root = roots[old as usize - 1];
            prop_assert_eq!(log.root_at(old).unwrap(), old_root);
            let path = log.consistency(old, size).unwrap();
            check_consistency(&path, (size, &root), (old, &old_root)).unwrap();
            if old < size {
                prop_assert!(check_consistency(&path, (size, &root), (old, &entry(0))).is_err());
            }
        }
    }

    #[test]
    fn a_log_on_disk_comes_back_and_forgets_what_was_not_durable() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Log::open(dir.path(), Frontier::default()).unwrap();
        let all: Vec<_> = (0..300).map(entry).collect();
        log.append(&all[..200]).unwrap();
        let durable = log.frontier().clone();
        log.append(&all[200..]).unwrap();
        drop(log);
        let mut log = Log::open(dir.path(), durable.clone()).unwrap();
        assert_eq!(log.frontier(), &durable);
        log.append(&all[200..]).unwrap();
        assert_eq!(log.frontier().root(), root_of(&all));
        assert_eq!(log.root_at(300).unwrap(), root_of(&all));
        log.write_tiles(300, &dir.path().join("t")).unwrap();
        let full = std::fs::read(dir.path().join("t/tile/0/000")).unwrap();
        assert_eq!(full.len(), 256 * 32);
        assert_eq!(std::fs::read(dir.path().join("t/tile/0/001.p/44")).unwrap().len(), 44 * 32);
        assert_eq!(std::fs::read(dir.path().join("t/tile/entries/000")).unwrap().len(), 256 * 34);
        assert_eq!(std::fs::read(dir.path().join("t/tile/1/000.p/1")).unwrap().len(), 32);
    }
}
