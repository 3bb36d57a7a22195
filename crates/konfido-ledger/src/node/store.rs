//! What the replica keeps besides the log's two files: a snapshot of the state, the blocks since then, and the heads
//! with their cosignatures. One redb file; a commit is on disk when it returns.

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::LedgerError;

const SNAPSHOT: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("snapshot");
/// Height → digest, time, payload.
const JOURNAL: TableDefinition<'_, u64, (&[u8; 32], u64, &[u8])> = TableDefinition::new("journal");
/// Leaves of a head → the head with its cosignatures.
const HEADS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("heads");
/// Height → the block's finalisation file.
const CERTIFICATES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("certificates");
/// Heads kept at most.
const MAX_HEADS: usize = 256;

/// A final block as the replica needs it.
#[derive(Clone, Debug)]
pub(crate) struct Final {
    pub(crate) height: u64,
    pub(crate) digest: [u8; 32],
    pub(crate) time_ms: u64,
    pub(crate) payload: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct ChainStore(Database);

impl ChainStore {
    pub(crate) fn open(path: &Path) -> Result<Self, LedgerError> {
        let database =
            Database::create(path).map_err(|e| LedgerError::Store(format!("{}: {e}", path.display())))?;
        let write = database.begin_write().map_err(LedgerError::store)?;
        write.open_table(SNAPSHOT).map_err(LedgerError::store)?;
        write.open_table(JOURNAL).map_err(LedgerError::store)?;
        write.open_table(HEADS).map_err(LedgerError::store)?;
        write.open_table(CERTIFICATES).map_err(LedgerError::store)?;
        write.commit().map_err(LedgerError::store)?;
        Ok(Self(database))
    }

    /// The snapshot with the digest of its block, and the blocks above it.
    pub(crate) fn load(&self) -> Result<(Option<(Vec<u8>, [u8; 32])>, Vec<Final>), LedgerError> {
        let read = self.0.begin_read().map_err(LedgerError::store)?;
        let table = read.open_table(SNAPSHOT).map_err(LedgerError::store)?;
        let row = |name: &str| -> Result<Option<Vec<u8>>, LedgerError> {
            Ok(table.get(name).map_err(LedgerError::store)?.map(|bytes| bytes.value().to_vec()))
        };
        let snapshot = match (row("state")?, row("digest")?) {
            (Some(state), Some(digest)) => {
                let digest =
                    digest.try_into().map_err(|_| LedgerError::Store("snapshot digest".to_owned()))?;
                Some((state, digest))
            }
            _ => None,
        };
        let journal = read.open_table(JOURNAL).map_err(LedgerError::store)?;
        let mut blocks = Vec::new();
        for row in journal.iter().map_err(LedgerError::store)? {
            let (height, block) = row.map_err(LedgerError::store)?;
            let (digest, time_ms, payload) = block.value();
            blocks.push(Final {
                height: height.value(),
                digest: *digest,
                time_ms,
                payload: payload.to_vec(),
            });
        }
        Ok((snapshot, blocks))
    }

    pub(crate) fn append(&self, blocks: &[Final]) -> Result<(), LedgerError> {
        let write = self.0.begin_write().map_err(LedgerError::store)?;
        {
            let mut journal = write.open_table(JOURNAL).map_err(LedgerError::store)?;
            for block in blocks {
                let row = (&block.digest, block.time_ms, block.payload.as_slice());
                journal.insert(block.height, row).map_err(LedgerError::store)?;
            }
        }
        write.commit().map_err(LedgerError::store)
    }

    /// Keeps a snapshot and lets go of the blocks it covers.
    pub(crate) fn snapshot(&self, height: u64, digest: &[u8; 32], state: &[u8]) -> Result<(), LedgerError> {
        let write = self.0.begin_write().map_err(LedgerError::store)?;
        {
            let mut table = write.open_table(SNAPSHOT).map_err(LedgerError::store)?;
            table.insert("state", state).map_err(LedgerError::store)?;
            table.insert("digest", digest.as_slice()).map_err(LedgerError::store)?;
            let mut journal = write.open_table(JOURNAL).map_err(LedgerError::store)?;
            journal.retain(|at, _| at > height).map_err(LedgerError::store)?;
        }
        write.commit().map_err(LedgerError::store)
    }

    pub(crate) fn keep_head(&self, size: u64, head: &[u8]) -> Result<(), LedgerError> {
        let write = self.0.begin_write().map_err(LedgerError::store)?;
        {
            let mut heads = write.open_table(HEADS).map_err(LedgerError::store)?;
            heads.insert(size, head).map_err(LedgerError::store)?;
            let old: Vec<u64> = heads
                .iter()
                .map_err(LedgerError::store)?
                .rev()
                .skip(MAX_HEADS)
                .filter_map(Result::ok)
                .map(|(size, _)| size.value())
                .collect();
            for size in old {
                heads.remove(size).map_err(LedgerError::store)?;
            }
        }
        write.commit().map_err(LedgerError::store)
    }

    pub(crate) fn last_head(&self) -> Result<Option<Vec<u8>>, LedgerError> {
        let read = self.0.begin_read().map_err(LedgerError::store)?;
        let heads = read.open_table(HEADS).map_err(LedgerError::store)?;
        Ok(heads.last().map_err(LedgerError::store)?.map(|(_, head)| head.value().to_vec()))
    }

    pub(crate) fn keep_certificate(&self, height: u64, file: &[u8]) -> Result<(), LedgerError> {
        let write = self.0.begin_write().map_err(LedgerError::store)?;
        {
            let mut table = write.open_table(CERTIFICATES).map_err(LedgerError::store)?;
            table.insert(height, file).map_err(LedgerError::store)?;
        }
        write.commit().map_err(LedgerError::store)
    }

    /// The finalisation file of the first block at or above `height` that has one.
    pub(crate) fn certificate(&self, height: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        let read = self.0.begin_read().map_err(LedgerError::store)?;
        let table = read.open_table(CERTIFICATES).map_err(LedgerError::store)?;
        let mut above = table.range(height..).map_err(LedgerError::store)?;
        match above.next() {
            Some(row) => Ok(Some(row.map_err(LedgerError::store)?.1.value().to_vec())),
            None => Ok(None),
        }
    }
}
