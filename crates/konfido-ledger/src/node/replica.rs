//! The state machine as the engine replicates it.
//!
//! INVARIANT (final-first): `Inner::state` is the state after the last block that is in the journal on disk; every
//! other state in `Inner::branches` is of a block above it. A branch is forgotten once its height is final.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use konfido_ledger_engine::{Application, Block, Content, Fault, MAX_PAYLOAD, Member, vote_journal};

use super::Pace;
use super::desk::Note;
use super::heads::SignedHead;
use super::memo::{Final as Believed, Memo};
use super::pool::Pool;
use super::store::{ChainStore, Final};
use crate::certificate::{BlockHeader, FORMAT, Finalisation};
use crate::chain::state::{Added, Genesis, State};
use crate::chain::transaction::{Transaction, decode_payload, encode_payload};
use crate::log::tree::Log;
use crate::{Digest, LedgerError};

/// Blocks between two snapshots.
const SNAPSHOT_EVERY: u64 = 512;
/// Final blocks remembered until their certificate comes.
const RECENT: usize = 64;
/// Certificates are kept for one block in this time: any one above a block covers it.
const CERTIFY_EVERY_MS: u64 = 250;
/// Room left in a payload for what frames it.
const FRAME: usize = 1024;

#[derive(Debug)]
struct Branch {
    height: u64,
    state: Arc<State>,
    added: Arc<Added>,
    transactions: Arc<Vec<Transaction>>,
}

#[derive(Debug)]
struct Inner {
    state: Arc<State>,
    digest: [u8; 32],
    branches: HashMap<[u8; 32], Branch>,
    pool: Pool,
    head: Option<SignedHead>,
    /// Final blocks whose certificate may still come, and when one was last kept.
    recent: VecDeque<Block>,
    certified_ms: u64,
}

/// Whether this node may vote: with its journal at hand, or where it never had one.
#[derive(Debug)]
pub(super) struct VoteRight {
    pub(super) directory: PathBuf,
    pub(super) fresh: bool,
}

/// The replicated state machine of one node.
#[derive(Debug)]
pub(super) struct Replica {
    circle: Digest,
    genesis: Block,
    head_every_ms: u64,
    store: ChainStore,
    log: Mutex<Log>,
    inner: Mutex<Inner>,
    memo: Memo,
    notes: Sender<Note>,
    right: VoteRight,
    first_epoch: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn genesis_block(genesis: &Genesis) -> Block {
    let root = State::genesis(genesis).frontier().root();
    let header = BlockHeader { epoch: 0, size: 0, root };
    Block::genesis(header.encode().into(), genesis.encode().into())
}

/// State, digest of its block, and log, as they were last made durable.
pub(crate) fn restore(
    directory: &Path,
    genesis: &Genesis,
    store: &ChainStore,
) -> Result<(State, [u8; 32], Log), LedgerError> {
    let (snapshot, blocks) = store.load()?;
    let (mut state, mut digest) = match snapshot {
        Some((bytes, digest)) => (State::decode(&bytes)?, digest),
        None => (State::genesis(genesis), genesis_block(genesis).digest()),
    };
    if *state.circle() != genesis.circle() {
        return Err(LedgerError::Store("the store belongs to another circle".to_owned()));
    }
    let mut log = Log::open(directory, state.frontier().clone())?;
    for block in blocks {
        let (next, added) = state.apply(block.time_ms, &decode_payload(&block.payload)?, &Believed)?;
        if next.height() != block.height {
            return Err(LedgerError::Store(format!("the journal has no block {}", next.height())));
        }
        log.append(&added.entries)?;
        (state, digest) = (next, block.digest);
    }
    Ok((state, digest, log))
}

impl Replica {
    pub(super) fn open(
        directory: &Path,
        genesis: &Genesis,
        pace: &Pace,
        notes: Sender<Note>,
        right: VoteRight,
    ) -> Result<Self, LedgerError> {
        let block = genesis_block(genesis);
        let store = ChainStore::open(&directory.join("chain.redb"))?;
        let (state, digest, log) = restore(directory, genesis, &store)?;
        let head = store.last_head()?.map(|bytes| SignedHead::decode(&bytes)).transpose()?;
        let first_epoch = state.epoch();
        let inner = Inner {
            state: Arc::new(state),
            digest,
            branches: HashMap::new(),
            pool: Pool::default(),
            head,
            recent: VecDeque::new(),
            certified_ms: 0,
        };
        Ok(Self {
            circle: genesis.circle(),
            genesis: block,
            head_every_ms: u64::try_from(pace.head.as_millis()).unwrap_or(u64::MAX).max(1),
            store,
            log: Mutex::new(log),
            inner: Mutex::new(inner),
            memo: Memo::default(),
            notes,
            right,
            first_epoch,
        })
    }

    pub(super) fn genesis_block(&self) -> Block {
        self.genesis.clone()
    }

    pub(super) fn circle(&self) -> &Digest {
        &self.circle
    }

    pub(super) fn state(&self) -> State {
        State::clone(&lock(&self.inner).state)
    }

    pub(super) fn head(&self) -> Option<SignedHead> {
        lock(&self.inner).head.clone()
    }

    pub(super) fn with_log<T>(
        &self,
        read: impl FnOnce(&Log) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        read(&lock(&self.log))
    }

    /// Keeps a head that a quorum has signed.
    pub(super) fn keep_head(&self, head: SignedHead) -> Result<(), LedgerError> {
        let newer = lock(&self.inner)
            .head
            .as_ref()
            .is_none_or(|known| (known.size, known.shares.len()) < (head.size, head.shares.len()));
        if newer {
            self.store.keep_head(head.size, &head.encode())?;
            lock(&self.inner).head = Some(head);
        }
        Ok(())
    }

    /// Keeps the block's certificate as a file of its own, once in a while: it covers all blocks below.
    fn keep_certificate(&self, height: u64, certificate: &[u8]) -> Result<(), LedgerError> {
        let (block, validators) = {
            let mut inner = lock(&self.inner);
            let Some(block) = inner.recent.iter().find(|block| block.height() == height).cloned() else {
                return Ok(());
            };
            if block.time_ms() < inner.certified_ms.saturating_add(CERTIFY_EVERY_MS) {
                return Ok(());
            }
            inner.certified_ms = block.time_ms();
            let epoch = BlockHeader::decode(block.header())?.epoch;
            (block, inner.state.validators(epoch).to_vec())
        };
        let mut keys: Vec<_> = validators.iter().map(|member| member.consensus).collect();
        keys.sort_unstable();
        let file = Finalisation {
            format: FORMAT.to_owned(),
            parent: Digest(block.parent()).to_string(),
            height,
            time_ms: block.time_ms(),
            header: hex::encode(block.header()),
            payload_sha256: Digest::of(&[block.payload()]).to_string(),
            certificate: hex::encode(certificate),
            namespace: String::from_utf8_lossy(&crate::trust::namespace(&self.circle)).into_owned(),
            validators: keys.iter().map(hex::encode).collect(),
        };
        let file = serde_json::to_vec_pretty(&file).map_err(LedgerError::store)?;
        self.store.keep_certificate(height, &file)
    }

    /// The finalisation file of the first block at or above `height` that has one.
    pub(super) fn certificate(&self, height: u64) -> Result<Option<Vec<u8>>, LedgerError> {
        self.store.certificate(height)
    }

    /// Whether the transaction is new here.
    pub(super) fn pool(&self, transaction: Transaction) -> bool {
        let mut inner = lock(&self.inner);
        let height = inner.state.height();
        inner.pool.add(transaction, height)
    }

    fn parent(inner: &Inner, digest: &[u8; 32]) -> Option<Arc<State>> {
        if inner.digest == *digest {
            return Some(Arc::clone(&inner.state));
        }
        inner.branches.get(digest).map(|branch| Arc::clone(&branch.state))
    }

    fn judge(&self, block: &Block, parent: &State) -> Result<(State, Added, Vec<Transaction>), LedgerError> {
        let header = BlockHeader::decode(block.header())?;
        let transactions = decode_payload(block.payload())?;
        let (next, added) = parent.apply(block.time_ms(), &transactions, &self.memo)?;
        let after =
            BlockHeader { epoch: parent.epoch(), size: next.frontier().size(), root: next.frontier().root() };
        if header != after || next.height() != block.height() {
            return Err(LedgerError::Refused("the header does not say what the block does"));
        }
        Ok((next, added, transactions))
    }

    fn settle(&self, blocks: &[Block]) -> Result<(), LedgerError> {
        let mut journal = Vec::new();
        let mut steps = Vec::new();
        let (mut state, mut digest) = {
            let inner = lock(&self.inner);
            (Arc::clone(&inner.state), inner.digest)
        };
        for block in blocks.iter().filter(|block| block.height() > lock(&self.inner).state.height()) {
            if block.parent() != digest {
                return Err(LedgerError::Store(format!("final block {} does not follow", block.height())));
            }
            let known = lock(&self.inner).branches.remove(&block.digest());
            let branch = match known {
                Some(branch) => branch,
                None => {
                    let (next, added, transactions) = self.judge(block, &state)?;
                    Branch {
                        height: block.height(),
                        state: Arc::new(next),
                        added: Arc::new(added),
                        transactions: Arc::new(transactions),
                    }
                }
            };
            journal.push(Final {
                height: block.height(),
                digest: block.digest(),
                time_ms: block.time_ms(),
                payload: block.payload().to_vec(),
            });
            let before = std::mem::replace(&mut state, Arc::clone(&branch.state));
            digest = block.digest();
            steps.push((before, branch));
        }
        if steps.is_empty() {
            return Ok(());
        }
        // On disk first: what is told to the desk below can be told again after a crash, never taken back.
        self.store.append(&journal)?;
        for (before, branch) in &steps {
            lock(&self.log).append(&branch.added.entries)?;
            let due = before.time_ms() / self.head_every_ms != branch.state.time_ms() / self.head_every_ms;
            let _stopped = self.notes.send(Note::Final {
                height: branch.height,
                first: before.frontier().size(),
                added: Arc::clone(&branch.added),
                head: due.then(|| (branch.state.frontier().size(), branch.state.frontier().root())),
            });
        }
        let height = state.height();
        {
            let mut inner = lock(&self.inner);
            inner.state = Arc::clone(&state);
            inner.digest = digest;
            inner.recent.extend(blocks.iter().cloned());
            let surplus = inner.recent.len().saturating_sub(RECENT);
            inner.recent.drain(..surplus);
            inner.branches.retain(|_, branch| branch.height > height);
            for (_, branch) in &steps {
                inner.pool.settle(&branch.transactions, height, |pair| state.next_seq(pair));
            }
        }
        let crossed = steps.iter().any(|(_, branch)| branch.height.is_multiple_of(SNAPSHOT_EVERY));
        if crossed {
            lock(&self.log).sync()?;
            self.store.snapshot(height, &digest, &state.encode())?;
        }
        Ok(())
    }
}

impl Application for Replica {
    fn epoch(&self) -> u64 {
        lock(&self.inner).state.epoch()
    }

    fn members(&self, epoch: u64) -> Vec<Member> {
        let inner = lock(&self.inner);
        let set = inner.state.validators(epoch);
        set.iter().map(|member| Member { key: member.consensus, address: member.address }).collect()
    }

    fn may_vote(&self, epoch: u64) -> bool {
        // An epoch this process saw begin has no older votes. The one it starts in may have: its journal must be there.
        epoch > self.first_epoch || self.right.fresh || vote_journal(&self.right.directory, epoch).exists()
    }

    fn knows(&self, digest: &[u8; 32]) -> bool {
        Self::parent(&lock(&self.inner), digest).is_some()
    }

    fn propose(&self, parent: &Block, time_ms: u64, due: bool) -> Option<Content> {
        let (state, waiting) = {
            let inner = lock(&self.inner);
            let state = Self::parent(&inner, &parent.digest())?;
            let next_due = state.due.first().is_some_and(|(at, _)| *at <= time_ms);
            if inner.pool.is_empty() && !due && !next_due {
                return None;
            }
            (state, inner.pool.all())
        };
        let (mut next, mut added) = state.begin(time_ms);
        let (mut chosen, mut length) = (Vec::new(), FRAME);
        for candidate in waiting {
            if length.saturating_add(candidate.encoded.len()) > MAX_PAYLOAD {
                break;
            }
            // What cannot take effect on this parent may on a later one, or stays until it is let go.
            if let Ok(entries) = next.take(&candidate.transaction, &self.memo) {
                added.entries.extend(entries);
                length = length.saturating_add(candidate.encoded.len()).saturating_add(9);
                chosen.push(candidate.encoded);
            }
        }
        if chosen.is_empty() && added.entries.is_empty() && !due {
            return None;
        }
        let (size, root) = (next.frontier().size(), next.frontier().root());
        let header = BlockHeader { epoch: state.epoch(), size, root };
        Some(Content { header: header.encode().into(), payload: encode_payload(&chosen).into() })
    }

    fn verify(&self, block: &Block) -> bool {
        let parent = {
            let inner = lock(&self.inner);
            if Self::parent(&inner, &block.digest()).is_some() {
                return true;
            }
            Self::parent(&inner, &block.parent())
        };
        let Some(parent) = parent else { return false };
        match self.judge(block, &parent) {
            Ok((next, added, transactions)) => {
                let branch = Branch {
                    height: block.height(),
                    state: Arc::new(next),
                    added: Arc::new(added),
                    transactions: Arc::new(transactions),
                };
                lock(&self.inner).branches.insert(block.digest(), branch);
                true
            }
            Err(reason) => {
                tracing::warn!(height = block.height(), %reason, "block refused");
                false
            }
        }
    }

    fn finalized(&self, blocks: &[Block]) -> Result<(), String> {
        self.settle(blocks).map_err(|e| e.to_string())
    }

    fn certified(&self, height: u64, certificate: Bytes) {
        if let Err(reason) = self.keep_certificate(height, &certificate) {
            tracing::warn!(height, %reason, "certificate not kept");
        }
    }

    fn message(&self, from: [u8; 32], message: Bytes) {
        let _stopped = self.notes.send(Note::Heard(from, message));
    }

    fn fault(&self, fault: Fault) {
        let _stopped = self.notes.send(Note::Fault(Box::new(fault)));
    }
}
