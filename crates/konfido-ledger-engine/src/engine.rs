//! The handle of a running validator: start, speak to members, read blocks, stop.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use commonware_codec::Encode;
use commonware_consensus::{
    marshal::{core::Mailbox, standard::Standard},
    simplex::scheme::ed25519::Scheme,
    types::Height,
};
use commonware_cryptography::{ChaCha20Poly1305, ed25519};
use commonware_p2p::{Address, AddressableManager as _, Recipients, Sender, authenticated::lookup};
use commonware_runtime::{IoBuf, Runner as _, Supervisor as _, tokio};
use commonware_stream::{
    cups::{self, Cups},
    sake::{self, Sake},
};
use commonware_utils::{NZUsize, channel::mpsc, ordered::Map};
use std::sync::mpsc as sync;

use crate::validator::{self, Channels, MAX_MEMBERS, Seat, Settings};
use crate::{Application, Block, Member};

/// Clocks of two members may differ by no more when they connect.
const CLOCK_BOUND: Duration = Duration::from_secs(5);

/// Why a validator does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// A member's key or the node's own is not an ed25519 key.
    #[error("a key of the ledger is not an ed25519 key")]
    Key,
    /// Two members have one key, or there is none.
    #[error("the member set names a key twice or is empty")]
    Members,
    /// Storage is damaged or cannot be opened; the text names the partition.
    #[error("the ledger's storage cannot be used: {0}")]
    Storage(String),
    /// The network ended.
    #[error("{0}")]
    Network(&'static str),
    /// The engine stopped on its own.
    #[error("the ledger's engine stopped: {0}")]
    Stopped(String),
    /// The operating system refused a thread.
    #[error("no thread for the ledger's engine")]
    Thread(#[source] std::io::Error),
}

/// How far a validator is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Height of the last block that is final and stored.
    pub height: u64,
    /// Its digest.
    pub digest: [u8; 32],
    /// Its time.
    pub time_ms: u64,
    /// The epoch in which the node follows consensus.
    pub epoch: u64,
    /// Whether it signs votes in that epoch.
    pub voting: bool,
    /// Why it stopped, if it did. Damaged storage names its partition here.
    pub failure: Option<String>,
}

/// [`Status`] as the validator writes it.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<Status>);

impl Progress {
    fn with<T>(&self, f: impl FnOnce(&mut Status) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn begin(&self, epoch: u64, voting: bool) {
        self.with(|s| (s.epoch, s.voting) = (epoch, voting));
    }

    pub(crate) fn advance(&self, block: &Block) {
        self.with(|s| (s.height, s.digest, s.time_ms) = (block.height(), block.digest(), block.time_ms()));
    }

    pub(crate) fn fail(&self, reason: String) {
        self.with(|s| s.failure.get_or_insert(reason).clone());
    }

    pub(crate) fn status(&self) -> Status {
        self.with(|s| s.clone())
    }
}

/// What the handle asks of the running validator.
pub(crate) enum Command {
    Send { to: Option<[u8; 32]>, message: Bytes },
    Block { height: u64, reply: sync::SyncSender<Option<Block>> },
    Certificate { height: u64, reply: sync::SyncSender<Option<Bytes>> },
    Prune { height: u64 },
    Metrics { reply: sync::SyncSender<String> },
}

/// Answers commands until the handle is gone.
pub(crate) async fn serve<E: commonware_runtime::Metrics>(
    context: E,
    mut commands: mpsc::UnboundedReceiver<Command>,
    mut speaker: impl Sender<PublicKey = ed25519::PublicKey>,
    mailbox: Mailbox<Scheme, Standard<Block>>,
) {
    while let Some(command) = commands.recv().await {
        match command {
            Command::Send { to, message } => {
                let to = match to.map(|key| validator::peer_key(&key)) {
                    None => Recipients::All,
                    Some(Ok(key)) => Recipients::One(key),
                    Some(Err(_)) => continue,
                };
                // A peer that is away or over its quota misses the message: whoever must be heard repeats himself.
                let _heard = speaker.send(to, IoBuf::from(message), false);
            }
            Command::Block { height, reply } => {
                let block = mailbox.get_block(Height::new(height)).await;
                let _gone = reply.send(block.map(|b| b.inner().clone()));
            }
            Command::Certificate { height, reply } => {
                let found = mailbox.get_finalization(Height::new(height)).await;
                let _gone = reply.send(found.map(|f| Bytes::from(f.encode().to_vec())));
            }
            Command::Prune { height } => mailbox.prune(Height::new(height)),
            Command::Metrics { reply } => {
                let _gone = reply.send(context.encode());
            }
        }
    }
}

/// A validator running on threads of its own.
#[derive(Debug)]
pub struct Engine {
    commands: mpsc::UnboundedSender<Command>,
    stop: Option<commonware_utils::channel::oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    progress: Arc<Progress>,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Command")
    }
}

impl Engine {
    /// Starts a validator with the secret `seed` of its key, listening on `listen`, storing under `storage`.
    ///
    /// # Errors
    /// If the seed is no key or the system gives no thread. What goes wrong later is in [`Engine::status`].
    pub fn start(
        seed: [u8; 32],
        listen: SocketAddr,
        storage: PathBuf,
        settings: Settings,
        application: Arc<dyn Application>,
    ) -> Result<Self, EngineError> {
        validator::private_key(&seed)?;
        let progress = Arc::new(Progress::default());
        let (commands, inbox) = mpsc::unbounded_channel();
        let (stop, stopped) = commonware_utils::channel::oneshot::channel();
        let seen = Arc::clone(&progress);
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || {
                let inner = Arc::clone(&seen);
                let running = std::panic::AssertUnwindSafe(move || {
                    live(seed, listen, storage, settings, application, inbox, inner, stopped)
                });
                // The engine's libraries answer damaged storage with a panic; the operator gets its text.
                match std::panic::catch_unwind(running) {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => seen.fail(error.to_string()),
                    Err(panic) => seen.fail(text(panic.as_ref())),
                }
            })
            .map_err(EngineError::Thread)?;
        Ok(Self { commands, stop: Some(stop), thread: Some(thread), progress })
    }

    /// Sends `message` to one member, or to all others. Not repeated: a member that is away misses it.
    pub fn send(&self, to: Option<[u8; 32]>, message: Bytes) {
        let _stopped = self.commands.send(Command::Send { to, message });
    }

    /// The final block at `height`, if it is stored here. Blocks the calling thread.
    pub fn block(&self, height: u64) -> Option<Block> {
        let (reply, answer) = sync::sync_channel(1);
        self.commands.send(Command::Block { height, reply }).ok()?;
        answer.recv().ok()?
    }

    /// The finalisation certificate of the block at `height`, if it has one. Blocks the calling thread.
    pub fn certificate(&self, height: u64) -> Option<Bytes> {
        let (reply, answer) = sync::sync_channel(1);
        self.commands.send(Command::Certificate { height, reply }).ok()?;
        answer.recv().ok()?
    }

    /// Lets go of the blocks below `height`.
    pub fn prune(&self, height: u64) {
        let _stopped = self.commands.send(Command::Prune { height });
    }

    /// The engine's metrics in the Prometheus text format. Blocks the calling thread.
    pub fn metrics(&self) -> String {
        let (reply, answer) = sync::sync_channel(1);
        if self.commands.send(Command::Metrics { reply }).is_err() {
            return String::new();
        }
        answer.recv().unwrap_or_default()
    }

    /// How far the validator is.
    pub fn status(&self) -> Status {
        let mut status = self.progress.status();
        if status.failure.is_none() && self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            status.failure = Some("the engine's thread ended".to_owned());
        }
        status
    }

    /// Stops the validator and waits until its threads are gone.
    pub fn stop(mut self) {
        self.halt();
    }

    fn halt(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.halt();
    }
}

fn text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
        .unwrap_or_else(|| "panic without a text".to_owned())
}

#[expect(clippy::too_many_arguments, reason = "the whole of a validator, moved once to its thread")]
fn live(
    seed: [u8; 32],
    listen: SocketAddr,
    storage: PathBuf,
    settings: Settings,
    application: Arc<dyn Application>,
    commands: mpsc::UnboundedReceiver<Command>,
    progress: Arc<Progress>,
    stopped: commonware_utils::channel::oneshot::Receiver<()>,
) -> Result<(), EngineError> {
    let signer = validator::private_key(&seed)?;
    let config = tokio::Config::new().with_worker_threads(2).with_storage_directory(storage);
    tokio::Runner::new(config).start(|context| async move {
        let handshake = Cups::<_, ChaCha20Poly1305>::new(
            Sake {
                signer: signer.clone(),
                synchrony_bound: CLOCK_BOUND,
                max_handshake_age: CLOCK_BOUND * 2,
                version: sake::Version::V1,
            },
            cups::Version::V1,
        );
        let members = NonZeroUsize::new(MAX_MEMBERS as usize).unwrap_or(NonZeroUsize::MIN);
        let mut config = lookup::Config::local(
            handshake,
            &settings.namespace,
            listen,
            members,
            validator::max_message(),
            NZUsize!(512),
        );
        config.dial_frequency = Duration::from_millis(100);
        config.tracked_peer_sets = NZUsize!(2);
        let (mut network, oracle) = lookup::Network::new(context.child("network"), config);
        let quota = validator::quota(&settings);
        let channels = Channels {
            votes: network.register(0, quota),
            certificates: network.register(1, quota),
            resolver: network.register(2, quota),
            backfill: network.register(3, quota),
            blocks: network.register(4, quota),
            gossip: network.register(5, quota),
        };
        let tracker = Mutex::new(oracle.clone());
        let track = move |epoch: u64, set: &[Member]| {
            let mut peers = Vec::with_capacity(set.len());
            for member in set {
                if let Ok(key) = validator::peer_key(&member.key) {
                    peers.push((key, Address::Symmetric(member.address)));
                }
            }
            if let Ok(peers) = Map::try_from(peers) {
                let _closing = tracker.lock().unwrap_or_else(PoisonError::into_inner).track(epoch, peers);
            }
        };
        let seat = Seat {
            channels,
            peers: oracle.clone(),
            blocker: oracle,
            track: Box::new(track),
            prefix: String::new(),
        };
        network.start();
        let running =
            validator::run(context.child("validator"), seed, settings, seat, application, commands, progress);
        match futures_util::future::select(std::pin::pin!(running), stopped).await {
            futures_util::future::Either::Left((result, _)) => result,
            futures_util::future::Either::Right(_) => Ok(()),
        }
    })
}
