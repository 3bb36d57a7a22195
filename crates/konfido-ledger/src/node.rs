//! A member state's node of the ledger: the replicated state machine on the engine, the desk that speaks with the other
//! nodes, and the country's own side of its exchanges.
//!
//! - [`Replica`] is what the engine replicates: it judges blocks, keeps the log, and remembers each block's state
//!   until one of its height is final.
//! - The desk is one thread that does everything that may wait: hands statements over, makes pair batches, cosigns
//!   heads, files claims, says again what was not heard.
//!
//! Cosigning: at the first block of each head interval every node cosigns the head after it. The instant is taken from
//! block time, so all sign the same head.

mod desk;
pub(crate) mod heads;
mod memo;
mod pool;
pub(crate) mod replica;
mod seed;
pub(crate) mod store;
mod wire;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use konfido_keys::Signer;
use konfido_ledger_engine::{Engine, Settings, Timing, vote_journal};

use self::desk::{Desk, Note};
use self::replica::Replica;
pub use self::seed::ConsensusSeed;
use crate::archive::exhibit;
use crate::certificate::BlockHeader;
use crate::chain::state::{Genesis, State};
use crate::chain::transaction::{Authored, Body, Transaction};
use crate::party::{Draft, Observation, Party};
use crate::record::statement::ExchangeId;
use crate::trust::{Trust, TrustedMember};
use crate::{Digest, LedgerError};

/// How a node behaves in time.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The engine's waiting times.
    pub timing: Timing,
    /// How long complete records are gathered before they are batched.
    pub batch: Duration,
    /// Between two cosigned heads, in block time.
    pub head: Duration,
    /// How long the other side may owe a statement before it is asked again.
    pub remind: Duration,
    /// How long before the silence is claimed on the ledger.
    pub claim: Duration,
    /// Messages a peer may send on a channel in a second.
    pub quota: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            timing: Timing::default(),
            batch: Duration::from_millis(50),
            head: Duration::from_millis(500),
            remind: Duration::from_secs(2),
            claim: Duration::from_secs(60),
            quota: 512,
        }
    }
}

/// The keys a node works with. The consensus key lives in this process for one epoch; the others may be the vault's.
#[derive(Clone, Debug)]
pub struct NodeKeys {
    /// Secret seed of the consensus and peer key.
    pub consensus: ConsensusSeed,
    /// The checkpoint cosigner key (ed25519).
    pub cosigner: Arc<dyn Signer>,
    /// The governance key, where it is at hand.
    pub governance: Option<Arc<dyn Signer>>,
}

/// What a node needs to start.
#[derive(Debug)]
pub struct NodeConfig {
    /// The genesis document.
    pub genesis: Genesis,
    /// Where it stores.
    pub directory: PathBuf,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its keys.
    pub keys: NodeKeys,
    /// How it behaves in time.
    pub pace: Pace,
    /// Whether this start may create a vote journal: true when the key is new, never after a loss of storage.
    pub fresh: bool,
}

/// How a node stands.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct NodeStatus {
    /// Which country.
    pub country: konfido_circle::CountryCode,
    /// Height of the last final block.
    pub height: u64,
    /// Its time, milliseconds since 1970.
    pub time_ms: u64,
    /// The epoch.
    pub epoch: u64,
    /// Whether it signs votes in it.
    pub voting: bool,
    /// Leaves of the log.
    pub size: u64,
    /// Root of the log.
    pub root: String,
    /// Leaves of the newest head that a quorum cosigned.
    pub cosigned: u64,
    /// Its own complete records that are not final yet.
    pub outbox: usize,
    /// Records in the log.
    pub records: u64,
    /// Claims of silence: open, facts, denied, resolved.
    pub disputes: [u64; 4],
    /// Members convicted of contradicting themselves.
    pub convicted: Vec<konfido_circle::CountryCode>,
    /// Why it stopped, if it did.
    pub failure: Option<String>,
}

/// A receipt's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// C2SP tlog-proof@v1.
    Tlog,
    /// SCITT transparent statement with COSE receipts.
    Cose,
    /// The block's finalisation certificate as JSON.
    Finalisation,
}

/// A running node.
#[derive(Debug)]
pub struct Node {
    replica: Arc<Replica>,
    party: Arc<Party>,
    engine: Arc<Engine>,
    notes: Sender<Note>,
    desk: Mutex<Option<JoinHandle<()>>>,
    keys: NodeKeys,
}

impl Node {
    /// Starts a node.
    ///
    /// # Errors
    /// If its store or the engine cannot be used.
    pub fn start(config: NodeConfig, party: Arc<Party>) -> Result<Self, LedgerError> {
        let engine_dir = config.directory.join("engine");
        std::fs::create_dir_all(&engine_dir).map_err(LedgerError::store)?;
        let genesis = config.directory.join(crate::archive::GENESIS);
        std::fs::write(&genesis, config.genesis.encode()).map_err(LedgerError::store)?;
        let (notes, inbox) = channel();
        let me = config.keys.consensus.public_key()?;
        let replica = Arc::new(Replica::open(
            &config.directory,
            &config.genesis,
            &config.pace,
            notes.clone(),
            replica::VoteRight { directory: engine_dir.clone(), fresh: config.fresh },
        )?);
        let circle = config.genesis.circle();
        let settings = Settings {
            namespace: crate::trust::namespace(&circle),
            genesis: replica.genesis_block(),
            epoch_length: config.genesis.epoch_length,
            timing: config.pace.timing,
            quota: config.pace.quota,
        };
        let engine = Engine::start(
            config.keys.consensus.expose(),
            config.listen,
            engine_dir,
            settings,
            Arc::clone(&replica) as Arc<dyn konfido_ledger_engine::Application>,
        )
        .map_err(|e| LedgerError::Engine(e.to_string()))?;
        let engine = Arc::new(engine);
        let desk = Desk::new(
            Arc::clone(&replica),
            Arc::clone(&party),
            Arc::clone(&engine),
            config.keys.clone(),
            config.pace,
            me,
        );
        let thread = std::thread::Builder::new()
            .name(format!("ledger-{}", party.country()))
            .spawn(move || desk.run(&inbox))
            .map_err(LedgerError::store)?;
        Ok(Self { replica, party, engine, notes, desk: Mutex::new(Some(thread)), keys: config.keys })
    }

    /// The country's own side.
    #[must_use]
    pub fn party(&self) -> &Arc<Party> {
        &self.party
    }

    /// The state after the last final block.
    #[must_use]
    pub fn state(&self) -> State {
        self.replica.state()
    }

    /// B: says that it asks. On disk when this returns; the rest happens by itself.
    ///
    /// # Errors
    /// If randomness, key or store fail.
    pub fn ask(&self, draft: &Draft<'_>) -> Result<ExchangeId, LedgerError> {
        let handover = self.party.ask(draft)?;
        let exchange = self.party.store().by_reference(draft.reference)?;
        self.note(Note::Hand(draft.provider, handover));
        exchange.ok_or_else(|| LedgerError::Unknown(draft.reference.to_owned()))
    }

    /// Either side: says what it saw under a reference. On disk when this returns; the rest happens by itself.
    ///
    /// # Errors
    /// If seal or store fail.
    pub fn observe(&self, reference: &str, seen: &Observation) -> Result<(), LedgerError> {
        self.party.observe(reference, seen)?;
        self.note(Note::Advance(reference.to_owned()));
        Ok(())
    }

    /// Signs and hands in a transaction of this member; it is said again until it is final.
    ///
    /// # Errors
    /// If the key is not at hand or its owner refuses.
    pub fn submit(&self, body: Body) -> Result<Digest, LedgerError> {
        let circle = *self.replica.circle();
        let missing = || LedgerError::Refused("the governance key is not at hand on this node");
        let signer = if body.is_governance() {
            self.keys.governance.as_ref().ok_or_else(missing)?
        } else {
            self.party.signer()
        };
        let authored = Authored::sign(&circle, self.party.country(), body, signer.as_ref())?;
        let transaction = Transaction::Authored(authored);
        let entry = crate::hash::entry(&transaction.encode());
        self.note(Note::Submit(transaction));
        Ok(entry)
    }

    /// Hands in a transaction that is signed already.
    pub fn submit_signed(&self, transaction: Transaction) {
        self.note(Note::Submit(transaction));
    }

    /// Puts transactions into this node's pool alone, without telling the others: for benchmarks.
    pub fn pool(&self, transaction: &Transaction) {
        self.replica.pool(transaction.clone());
    }

    fn note(&self, note: Note) {
        let _stopped = self.notes.send(note);
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> NodeStatus {
        let (state, engine) = (self.replica.state(), self.engine.status());
        let tally = state.tally();
        let mut convicted: Vec<_> = state.convicted().map(|(country, _)| *country).collect();
        convicted.dedup();
        NodeStatus {
            country: self.party.country(),
            height: state.height(),
            time_ms: state.time_ms(),
            epoch: engine.epoch,
            voting: engine.voting,
            size: state.frontier().size(),
            root: state.frontier().root().to_string(),
            cosigned: self.replica.head().map_or(0, |head| head.size),
            outbox: self.party.store().pending(usize::MAX).map_or(0, |all| all.len()),
            records: tally.records,
            disputes: [state.disputes().count() as u64, tally.facts, tally.denied, tally.resolved],
            convicted,
            failure: engine.failure,
        }
    }

    /// The engine's metrics in the Prometheus text format.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.engine.metrics()
    }

    /// What a verifier must know of this ledger, from the members in force now.
    ///
    /// # Errors
    /// If there is no member.
    pub fn trust(&self) -> Result<Trust, LedgerError> {
        trust(&self.replica.state())
    }

    /// The receipt of an exchange.
    ///
    /// # Errors
    /// If it is not final yet or no quorum has cosigned a head above it.
    pub fn receipt(&self, exchange: &ExchangeId, format: Format) -> Result<Vec<u8>, LedgerError> {
        let held = self.party.statement(exchange)?;
        let leaf = self.party.store().leaf(exchange)?;
        let (index, height) = leaf.ok_or_else(|| crate::archive::pending(exchange))?;
        if format == Format::Finalisation {
            return self.finalisation(height);
        }
        let uncovered = || LedgerError::Unknown(format!("a cosigned head above leaf {index}"));
        let head = self.replica.head().filter(|head| head.size > index).ok_or_else(uncovered)?;
        let path = self.replica.with_log(|log| log.inclusion(index, head.size))?;
        exhibit(&self.replica.state(), &head, held.statement().bytes(), index, path, format)
    }

    /// The entry at `index` of the log.
    ///
    /// # Errors
    /// If there is none yet.
    pub fn leaf(&self, index: u64) -> Result<Digest, LedgerError> {
        self.replica.with_log(|log| log.entry(index))
    }

    /// The finalisation certificate of the first block at or above `height` whose certificate is kept.
    ///
    /// # Errors
    /// If none is there yet.
    pub fn finalisation(&self, height: u64) -> Result<Vec<u8>, LedgerError> {
        let missing = || LedgerError::Unknown(format!("a certificate at or above block {height}"));
        self.replica.certificate(height)?.ok_or_else(missing)
    }

    /// Reads every block of the chain again and compares its leaves with the log: what a disk forgot or changed since
    /// it was written is found here.
    ///
    /// # Errors
    /// If a block is missing or differs, with its height.
    pub fn scrub(&self) -> Result<u64, LedgerError> {
        let tip = self.replica.state().height();
        let mut parent: Option<[u8; 32]> = None;
        for height in 1..=tip {
            let block = self
                .engine
                .block(height)
                .ok_or_else(|| LedgerError::Store(format!("block {height} cannot be read")))?;
            if parent.is_some_and(|parent| parent != block.parent()) {
                return Err(LedgerError::Store(format!("block {height} does not follow the one before")));
            }
            let header = BlockHeader::decode(block.header())?;
            if self.replica.with_log(|log| log.root_at(header.size))? != header.root {
                return Err(LedgerError::Store(format!("the log differs from block {height}")));
            }
            parent = Some(block.digest());
        }
        Ok(tip)
    }

    /// Waits until `done` says so of the status.
    ///
    /// # Errors
    /// If the time is over first; the status says why.
    pub fn wait(
        &self,
        limit: Duration,
        done: impl Fn(&NodeStatus) -> bool,
    ) -> Result<NodeStatus, LedgerError> {
        let started = Instant::now();
        loop {
            let status = self.status();
            if done(&status) {
                return Ok(status);
            }
            if started.elapsed() > limit {
                return Err(LedgerError::Engine(format!("not reached in {limit:?}: {status:?}")));
            }
            std::thread::park_timeout(Duration::from_millis(10));
        }
    }

    /// Stops the node and waits until its threads are gone.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.note(Note::Stop);
        let desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(desk) = desk {
            let _panicked = desk.join();
        }
    }
}

/// What a verifier must know, from a state.
///
/// # Errors
/// If there is no member.
pub fn trust(state: &State) -> Result<Trust, LedgerError> {
    let members = state
        .members()
        .map(|member| TrustedMember {
            country: member.country,
            consensus: member.consensus,
            cosigner: member.cosigner,
            evidence: member.evidence.clone(),
            governance: member.governance.clone(),
        })
        .collect();
    Trust::new(state.origin().to_owned(), *state.circle(), members)
}

/// Where the vote journal of an epoch lies under a node's directory.
#[must_use]
pub fn journal_of(directory: &std::path::Path, epoch: u64) -> PathBuf {
    vote_journal(&directory.join("engine"), epoch)
}
