//! What a party keeps, in one redb file: statements, sealed openings, the outbox, and where its leaves lie.

use std::path::Path;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::chain::transaction::Pair;
use crate::keys::EvidenceKeys;
use crate::record::exchange::{Equivocation, Exchange};
use crate::record::statement::{ExchangeId, Statement};
use crate::{Digest, LedgerError};

/// Exchange → outermost statement.
const STATEMENTS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("statements");
/// Exchange → sealed openings.
const OPENINGS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("openings");
/// Exchange → reference, and reference → exchange.
const REFERENCES: TableDefinition<'_, &[u8; 32], &str> = TableDefinition::new("references");
const BY_REFERENCE: TableDefinition<'_, &str, &[u8; 32]> = TableDefinition::new("by_reference");
/// Arrival number → exchange whose complete record is not final yet.
const OUTBOX: TableDefinition<'_, u64, &[u8; 32]> = TableDefinition::new("outbox");
/// Entry → exchange, for complete records.
const ENTRIES: TableDefinition<'_, &[u8; 32], &[u8; 32]> = TableDefinition::new("entries");
/// Exchange → position of its leaf in the log, then the height of its block.
const LEAVES: TableDefinition<'_, &[u8; 32], (u64, u64)> = TableDefinition::new("leaves");
/// Exchange → when the last statement came that the other side still has to answer.
const WAITING: TableDefinition<'_, &[u8; 32], u64> = TableDefinition::new("waiting");
/// Reference → sealed observation: what this side saw, for the statement it will have to sign.
const OBSERVED: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("observed");
/// Pairs of statements that convict somebody.
const ACCUSED: TableDefinition<'_, &[u8; 32], (&[u8], &[u8])> = TableDefinition::new("accused");

/// A complete record that is not final yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Arrival number.
    pub number: u64,
    /// Which exchange.
    pub exchange: ExchangeId,
    /// Its entry.
    pub entry: Digest,
    /// Between whom.
    pub pair: Pair,
}

/// The store.
#[derive(Debug)]
pub struct PartyStore(Database);

/// Reads a statement that was verified before it was kept.
pub(super) fn trusted(bytes: &[u8]) -> Result<Statement, LedgerError> {
    Statement::kept(bytes)
}

impl PartyStore {
    /// Opens or makes the file.
    ///
    /// # Errors
    /// If it cannot be used.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let database =
            Database::create(path).map_err(|e| LedgerError::Store(format!("{}: {e}", path.display())))?;
        let write = database.begin_write().map_err(LedgerError::store)?;
        write.open_table(STATEMENTS).map_err(LedgerError::store)?;
        write.open_table(OPENINGS).map_err(LedgerError::store)?;
        write.open_table(REFERENCES).map_err(LedgerError::store)?;
        write.open_table(BY_REFERENCE).map_err(LedgerError::store)?;
        write.open_table(OUTBOX).map_err(LedgerError::store)?;
        write.open_table(ENTRIES).map_err(LedgerError::store)?;
        write.open_table(LEAVES).map_err(LedgerError::store)?;
        write.open_table(WAITING).map_err(LedgerError::store)?;
        write.open_table(ACCUSED).map_err(LedgerError::store)?;
        write.open_table(OBSERVED).map_err(LedgerError::store)?;
        write.commit().map_err(LedgerError::store)?;
        Ok(Self(database))
    }

    /// Keeps how an exchange stands, its sealed openings, and, once it is complete, its place in the outbox: all or
    /// nothing, on disk when this returns.
    pub(super) fn keep(
        &self,
        reference: &str,
        exchange: &Exchange,
        sealed: &[u8],
    ) -> Result<(), LedgerError> {
        let id = exchange.id();
        let write = self.0.begin_write().map_err(LedgerError::store)?;
        {
            let mut statements = write.open_table(STATEMENTS).map_err(LedgerError::store)?;
            statements.insert(&id.0, exchange.statement().bytes()).map_err(LedgerError::store)?;
            let mut openings = write.open_table(OPENINGS).map_err(LedgerError::store)?;
            openings.insert(&id.0, sealed).map_err(LedgerError::store)?;
            let mut references = write.open_table(REFERENCES).map_err(LedgerError::store)?;
            references.insert(&id.0, reference).map_err(LedgerError::store)?;
            let mut by_reference = write.open_table(BY_REFERENCE).map_err(LedgerError::store)?;
            by_reference.insert(reference, &id.0).map_err(LedgerError::store)?;
            let mut waiting = write.open_table(WAITING).map_err(LedgerError::store)?;
            if exchange.record().is_some() {
                waiting.remove(&id.0).map_err(LedgerError::store)?;
                let mut observed = write.open_table(OBSERVED).map_err(LedgerError::store)?;
                observed.remove(reference).map_err(LedgerError::store)?;
                let mut outbox = write.open_table(OUTBOX).map_err(LedgerError::store)?;
                let last = outbox.last().map_err(LedgerError::store)?.map_or(0, |(number, _)| number.value());
                outbox.insert(last.saturating_add(1), &id.0).map_err(LedgerError::store)?;
                let mut entries = write.open_table(ENTRIES).map_err(LedgerError::store)?;
                entries.insert(&exchange.statement().entry().0, &id.0).map_err(LedgerError::store)?;
            } else {
                let since = exchange.answer().map_or(exchange.request().t_request_ms, |a| a.t_response_ms);
                waiting.insert(&id.0, since).map_err(LedgerError::store)?;
            }
        }
        write.commit().map_err(LedgerError::store)
    }

    /// The reference and the outermost statement of an exchange.
    ///
    /// # Errors
    /// If the store fails.
    pub fn exchange(&self, id: &ExchangeId) -> Result<Option<(String, Vec<u8>)>, LedgerError> {
        let read = self.0.begin_read().map_err(LedgerError::store)?;
        let statements = read.open_table(STATEMENTS).map_err(LedgerError::store)?;
        let references = read.open_table(REFERENCES).map_err(LedgerError::store)?;
        let Some(statement) = statements.get(&id.0).map_err(LedgerError::store)? else { return Ok(None) };
        let reference = references.get(&id.0).map_err(LedgerError::store)?;
        let reference = reference.map(|r| r.value().to_owned()).unwrap_or_default();
        Ok(Some((reference, statement.value().to_vec())))
    }

    /// The exchange that was begun under a reference.
    ///
    /// # Errors
    /// If the store fails.
    pub fn by_reference(&self, reference: &str) -> Result<Option<ExchangeId>, LedgerError> {
        let read = self.0.begin_read().map_err(LedgerError::store)?;
        let table = read.open_table(BY_REFERENCE).map_err(LedgerError::store)?;
        let found = table.get(reference).map_err(LedgerError::store)?;
        Ok(found.map(|id| ExchangeId(*id.value())))
    }

    pub(super) fn sealed(&self, id: &ExchangeId) -> Result<Option<Vec<u8>>, LedgerError> {
        let read = self.0.begin_read().map_err(LedgerError::store)?;
        let table = read.open_table(OPENINGS).map_err(LedgerError::store)?;
        let found = table.get(&id.0).map_err(LedgerError::store)?;
        Ok(found.map(|sealed| sealed.value().to_vec()))
    }

    pub(super) fn erase(&self, id: &ExchangeId) -> Result<(), LedgerError> {
        let write = self.0.begin_write().map_err(LedgerError::store)?;
        {
            let mut openings = write.open_table(OPENINGS).map_err(LedgerError::store)?;
            openings.remove(&id.0).map_err(LedgerError::store)?;
            let mut references = write.open_table(REFERENCES).map_err(LedgerError::store)?;
            let reference =
                references.remove(&id.0).map_err(LedgerError::store)?.map(|r| r.value().to_owned());
            if let Some(reference) = reference {
                let mut back = write.open_table(BY_REFERENCE).map_err(LedgerError::store)?;
                back.remove(reference.as_str()).map_err(LedgerError::store)?;
                let mut observed = write.open_table(OBSERVED).map_err(LedgerError::store)?;
                observed.remove(reference.as_str()).map_err(LedgerError::store)?;
            }
        }
        write.commit().map_err(LedgerError::store)
    }

    pub(super) fn observe(&self, reference: &str, sealed: &[u8]) -> Result<(), LedgerError> {
        let write = self.0.begin_write().map_err(LedgerError::store)?;
        {
            let mut table = write.open_table(OBSERVED).map_err(LedgerError::store)?;
            table.insert(reference, sealed).map_err(LedgerError::store)?;
        }
        write.commit().map_err(LedgerError::store)
    }

    pub(super) fn observed(&self, reference: &str) -> Result<Option<Vec<u8>>, LedgerError> {
        let read = self.0.begin_read().map_err(LedgerError::store)?;
        let table = read.open_table(OBSERVED).map_err(LedgerError::store)?;
        Ok(table.get(reference).map_err(LedgerError::store)?.map(|sealed| sealed.value().to_vec()))
    }

    pub(super) fn accuse(&self, proof: &Equivocation) -> Result<(), LedgerError> {
        let [first, second] = proof.statements();
        let write = self.0.begin_write().map_err(LedgerError::store)?;
        {
            let mut accused = write.open_table(ACCUSED).map_err(LedgerError::store)?;
            accused.insert(&proof.exchange().0, (first, second)).map_err(LedgerError::store)?;
        }
        write.commit().map_err(LedgerError::store)
    }

    /// The contradictions kept as evidence.
    ///
    /// # Errors
    /// If the store fails, or a kept proof does not hold.
    pub fn accused(&self, keys: &dyn EvidenceKeys) -> Result<Vec<Equivocation>, LedgerError> {
        let read = self.0.begin_read().map_err(LedgerError::store)?;
        let table = read.open_table(ACCUSED).map_err(LedgerError::store)?;
        let mut all = Vec::new();
        for row in table.iter().map_err(LedgerError::store)? {
            let (_, pair) = row.map_err(LedgerError::store)?;
            let (first, second) = pair.value();
            all.push(Equivocation::verify(first, second, keys)?);
        }
        Ok(all)
    }

    /// Complete records that are not final yet, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn pending(&self, limit: usize) -> Result<Vec<Pending>, LedgerError> {
        let read = self.0.begin_read().map_err(LedgerError::store)?;
        let outbox = read.open_table(OUTBOX).map_err(LedgerError::store)?;
        let statements = read.open_table(STATEMENTS).map_err(LedgerError::store)?;
        let mut all = Vec::new();
        for row in outbox.iter().map_err(LedgerError::store)?.take(limit) {
            let (number, id) = row.map_err(LedgerError::store)?;
            let Some(bytes) = statements.get(id.value()).map_err(LedgerError::store)? else { continue };
            let statement = trusted(bytes.value())?;
            let request = statement.request();
            let Some(pair) = Pair::of(request.requester, request.provider) else { continue };
            let exchange = ExchangeId(*id.value());
            all.push(Pending { number: number.value(), exchange, entry: statement.entry(), pair });
        }
        Ok(all)
    }

    /// The complete record with this entry.
    ///
    /// # Errors
    /// If the store fails.
    pub fn by_entry(&self, entry: &Digest) -> Result<Option<ExchangeId>, LedgerError> {
        let read = self.0.begin_read().map_err(LedgerError::store)?;
        let table = read.open_table(ENTRIES).map_err(LedgerError::store)?;
        let found = table.get(&entry.0).map_err(LedgerError::store)?;
        Ok(found.map(|id| ExchangeId(*id.value())))
    }

    /// Notes where final leaves lie and takes their records out of the outbox. Others' leaves are passed over.
    ///
    /// # Errors
    /// If the store fails.
    pub fn located(&self, leaves: &[(Digest, u64, u64)]) -> Result<Vec<ExchangeId>, LedgerError> {
        let mut own = Vec::new();
        {
            let read = self.0.begin_read().map_err(LedgerError::store)?;
            let entries = read.open_table(ENTRIES).map_err(LedgerError::store)?;
            for (entry, index, height) in leaves {
                if let Some(id) = entries.get(&entry.0).map_err(LedgerError::store)? {
                    own.push((ExchangeId(*id.value()), *index, *height));
                }
            }
        }
        if own.is_empty() {
            return Ok(Vec::new());
        }
        let write = self.0.begin_write().map_err(LedgerError::store)?;
        {
            let mut table = write.open_table(LEAVES).map_err(LedgerError::store)?;
            for (id, index, height) in &own {
                table.insert(&id.0, (*index, *height)).map_err(LedgerError::store)?;
            }
            let mut outbox = write.open_table(OUTBOX).map_err(LedgerError::store)?;
            let settled: Vec<u64> = outbox
                .iter()
                .map_err(LedgerError::store)?
                .filter_map(Result::ok)
                .filter(|(_, id)| own.iter().any(|(known, ..)| known.0 == *id.value()))
                .map(|(number, _)| number.value())
                .collect();
            for number in settled {
                outbox.remove(number).map_err(LedgerError::store)?;
            }
        }
        write.commit().map_err(LedgerError::store)?;
        Ok(own.into_iter().map(|(id, ..)| id).collect())
    }

    /// Index and block height of an exchange's leaf, once it is final.
    ///
    /// # Errors
    /// If the store fails.
    pub fn leaf(&self, id: &ExchangeId) -> Result<Option<(u64, u64)>, LedgerError> {
        let read = self.0.begin_read().map_err(LedgerError::store)?;
        let table = read.open_table(LEAVES).map_err(LedgerError::store)?;
        Ok(table.get(&id.0).map_err(LedgerError::store)?.map(|place| place.value()))
    }

    /// Exchanges in which the other side has owed a statement since before `until_ms`.
    ///
    /// # Errors
    /// If the store fails.
    pub fn overdue(&self, until_ms: u64) -> Result<Vec<ExchangeId>, LedgerError> {
        let read = self.0.begin_read().map_err(LedgerError::store)?;
        let table = read.open_table(WAITING).map_err(LedgerError::store)?;
        let mut all = Vec::new();
        for row in table.iter().map_err(LedgerError::store)? {
            let (id, since) = row.map_err(LedgerError::store)?;
            if since.value() <= until_ms {
                all.push(ExchangeId(*id.value()));
            }
        }
        Ok(all)
    }

    /// Every exchange, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub fn all(&self) -> Result<Vec<Exchange>, LedgerError> {
        let read = self.0.begin_read().map_err(LedgerError::store)?;
        let table = read.open_table(STATEMENTS).map_err(LedgerError::store)?;
        let mut all = Vec::new();
        for row in table.iter().map_err(LedgerError::store)? {
            let (_, bytes) = row.map_err(LedgerError::store)?;
            all.push(Exchange::open(trusted(bytes.value())?));
        }
        all.sort_by_key(|exchange| exchange.request().t_request_ms);
        Ok(all)
    }
}
