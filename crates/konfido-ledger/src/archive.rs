//! A node's files read while the node does not run: receipts, status, what stands in the log.

use std::path::Path;

use crate::chain::governance::Member;
use crate::chain::state::{Genesis, State};
use crate::log::proof::TlogProof;
use crate::log::tree::Log;
use crate::node::heads::SignedHead;
use crate::node::replica::restore;
use crate::node::store::ChainStore;
use crate::node::{Format, trust};
use crate::party::PartyStore;
use crate::record::exchange::Exchange;
use crate::record::statement::{ExchangeId, Statement};
use crate::trust::Trust;
use crate::{Digest, LedgerError};

/// Name of the genesis document in a node's directory.
pub const GENESIS: &str = "genesis.cbor";

/// A node's files.
#[derive(Debug)]
pub struct Archive {
    state: State,
    log: Log,
    head: Option<SignedHead>,
    chain: ChainStore,
    party: PartyStore,
}

impl Archive {
    /// Opens the files of a node that does not run.
    ///
    /// # Errors
    /// If they are not there, damaged, or a running node holds them.
    pub fn open(directory: &Path) -> Result<Self, LedgerError> {
        let path = directory.join(GENESIS);
        let genesis =
            std::fs::read(&path).map_err(|e| LedgerError::Store(format!("{}: {e}", path.display())))?;
        let genesis = Genesis::decode(&genesis)?;
        let chain = ChainStore::open(&directory.join("chain.redb"))?;
        let (state, _, log) = restore(directory, &genesis, &chain)?;
        let head = chain.last_head()?.map(|bytes| SignedHead::decode(&bytes)).transpose()?;
        Ok(Self { state, log, head, chain, party: PartyStore::open(&directory.join("party.redb"))? })
    }

    /// The state after the last final block.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What the country holds.
    #[must_use]
    pub fn party(&self) -> &PartyStore {
        &self.party
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Leaves of the newest head that a quorum cosigned.
    #[must_use]
    pub fn cosigned(&self) -> u64 {
        self.head.as_ref().map_or(0, |head| head.size)
    }

    /// The newest cosigned head as a signed note.
    ///
    /// # Errors
    /// If it cannot be written as a note.
    pub fn checkpoint(&self) -> Result<Option<String>, LedgerError> {
        self.head.as_ref().map(|head| head.note(&self.state)).transpose()
    }

    /// What a verifier must know of this ledger.
    ///
    /// # Errors
    /// If there is no member.
    pub fn trust(&self) -> Result<Trust, LedgerError> {
        trust(&self.state)
    }

    /// The members.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.state.members()
    }

    /// How an exchange stands.
    ///
    /// # Errors
    /// If it is unknown.
    pub fn exchange(&self, exchange: &ExchangeId) -> Result<Exchange, LedgerError> {
        let unknown = || LedgerError::Unknown(format!("exchange {exchange}"));
        let (_, bytes) = self.party.exchange(exchange)?.ok_or_else(unknown)?;
        Ok(Exchange::open(Statement::kept(&bytes)?))
    }

    /// The receipt of an exchange.
    ///
    /// # Errors
    /// If it is not final or no head above it is cosigned.
    pub fn receipt(&self, exchange: &ExchangeId, format: Format) -> Result<Vec<u8>, LedgerError> {
        let held = self.exchange(exchange)?;
        let (index, height) = self.party.leaf(exchange)?.ok_or_else(|| pending(exchange))?;
        if format == Format::Finalisation {
            return self
                .chain
                .certificate(height)?
                .ok_or_else(|| LedgerError::Unknown(format!("a certificate at or above block {height}")));
        }
        let head = self.head.as_ref().filter(|head| head.size > index);
        let head = head.ok_or_else(|| LedgerError::Unknown(format!("a cosigned head above leaf {index}")))?;
        let path = self.log.inclusion(index, head.size)?;
        exhibit(&self.state, head, held.statement().bytes(), index, path, format)
    }
}

pub(crate) fn pending(exchange: &ExchangeId) -> LedgerError {
    LedgerError::Unknown(format!("leaf of {exchange}; its record is not final yet"))
}

pub(crate) fn exhibit(
    state: &State,
    head: &SignedHead,
    record: &[u8],
    index: u64,
    path: Vec<Digest>,
    format: Format,
) -> Result<Vec<u8>, LedgerError> {
    if format == Format::Cose {
        let receipts = head.receipts(state, index, &path)?;
        return crate::log::cose::transparent_statement(record, receipts);
    }
    let checkpoint = head.note(state)?;
    Ok(TlogProof { extra: Some(record.to_vec()), index, path, checkpoint }.to_text().into_bytes())
}
