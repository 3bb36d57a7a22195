//! One validator: storage, network channels and consensus wired together, epoch after epoch. Generic over the runtime,
//! so that the simulation runs the very same code on virtual time.

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use commonware_broadcast::buffered;
use commonware_codec::DecodeExt;
use commonware_consensus::{
    marshal::{
        self,
        resolver::p2p as backfill,
        standard::{Inline, Standard},
    },
    simplex::{self, ForwardPolicy, SkipPolicy, elector::RoundRobin, scheme::ed25519::Scheme},
    types::{Epoch, Epocher as _, FixedEpocher, Height, ViewDelta},
};
use commonware_cryptography::{
    Digested, Sha256, Signer as _,
    certificate::{Scheme as _, Verifier},
    ed25519, sha256,
};
use commonware_p2p::{
    Blocker, Provider, Receiver, Sender,
    utils::mux::{Builder, Muxer},
};
use commonware_parallel::Sequential;
use commonware_runtime::{Clock, Handle, Metrics, Quota, Spawner, Storage, buffer::paged::CacheRef};
use commonware_storage::archive::immutable;
use commonware_utils::{NZDuration, NZU16, NZU64, NZUsize, channel::mpsc, ordered::Set, vec::NonEmptyVec};
use futures_util::future::{self, Either};
use rand::CryptoRng;

use crate::adapter::{Consensus, Delivery, Watch};
use crate::committee::Committees;
use crate::deliver::{Deliver, MAX_DELIVERY};
use crate::engine::{Command, EngineError, Progress, serve};
use crate::{Application, Block, Member};

/// Upper bound on validators, for the size of buffers and messages.
pub(crate) const MAX_MEMBERS: u32 = 64;
/// Largest message members may send each other with [`crate::Engine::send`].
const MAX_GOSSIP: usize = 512 * 1024;

/// Waiting times of the protocol. They depend on the round trip between the farthest members.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// An idle ledger makes a block this often.
    pub heartbeat: Duration,
    /// How long a leader may take to propose. Longer than the heartbeat.
    pub leader: Duration,
    /// How long a view may take until it is certified. Longer than `leader`.
    pub certification: Duration,
    /// How long between repeats of a vote to skip.
    pub retry: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(500),
            leader: Duration::from_millis(1000),
            certification: Duration::from_millis(2000),
            retry: Duration::from_millis(5000),
        }
    }
}

/// What a validator needs to know to start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Domain of all votes and handshakes: unique to the circle.
    pub namespace: Vec<u8>,
    /// The block all members start from.
    pub genesis: Block,
    /// Blocks in an epoch; at least two.
    pub epoch_length: u64,
    /// Waiting times.
    pub timing: Timing,
    /// Messages a peer may send on a channel in a second. Mailboxes are sized by it: memory grows with the quota.
    pub quota: u32,
}

/// The ed25519 public key that belongs to a secret seed.
///
/// # Errors
/// If the seed is no key.
pub fn public_key(seed: &[u8; 32]) -> Result<[u8; 32], EngineError> {
    let key = private_key(seed)?.public_key();
    key.as_ref().try_into().map_err(|_| EngineError::Key)
}

/// Where a node with this storage directory keeps its votes of an epoch. Lost, the node must not vote again in it.
pub fn vote_journal(storage: &Path, epoch: u64) -> PathBuf {
    storage.join(journal("", epoch))
}

fn journal(prefix: &str, epoch: u64) -> String {
    format!("{prefix}votes-{epoch}")
}

pub(crate) fn private_key(seed: &[u8; 32]) -> Result<ed25519::PrivateKey, EngineError> {
    ed25519::PrivateKey::decode(Bytes::copy_from_slice(seed)).map_err(|_| EngineError::Key)
}

pub(crate) fn peer_key(key: &[u8; 32]) -> Result<ed25519::PublicKey, EngineError> {
    ed25519::PublicKey::decode(Bytes::copy_from_slice(key)).map_err(|_| EngineError::Key)
}

pub(crate) fn members(of: &[Member]) -> Result<Set<ed25519::PublicKey>, EngineError> {
    let mut keys = Vec::with_capacity(of.len());
    for member in of {
        keys.push(peer_key(&member.key)?);
    }
    Set::try_from(keys).map_err(|_| EngineError::Members)
}

/// Largest message on any channel.
pub(crate) fn max_message() -> u32 {
    let block = marshal::max_payload_size::<Standard<Block>, Scheme>(MAX_MEMBERS, &());
    let vote = simplex::max_payload_size::<Scheme, sha256::Digest>(MAX_MEMBERS);
    commonware_p2p::max_message_size(&[block, commonware_p2p::utils::mux::prefixed(vote), MAX_GOSSIP])
}

/// The channels of a validator, in the order they are registered.
pub(crate) struct Channels<S, R> {
    pub(crate) votes: (S, R),
    pub(crate) certificates: (S, R),
    pub(crate) resolver: (S, R),
    pub(crate) backfill: (S, R),
    pub(crate) blocks: (S, R),
    pub(crate) gossip: (S, R),
}

/// A validator's place in the network.
pub(crate) struct Seat<S, R, P, B> {
    pub(crate) channels: Channels<S, R>,
    pub(crate) peers: P,
    pub(crate) blocker: B,
    /// Tells the network who may connect in an epoch.
    pub(crate) track: Box<dyn Fn(u64, &[Member]) + Send + Sync>,
    /// Put before the name of each storage partition.
    pub(crate) prefix: String,
}

pub(crate) fn quota(settings: &Settings) -> Quota {
    Quota::per_second(NonZeroU32::new(settings.quota).unwrap_or(NonZeroU32::MIN))
}

fn archive<C>(name: &str, cache: &CacheRef, codec_config: C) -> immutable::Config<C> {
    immutable::Config {
        metadata_partition: format!("{name}-metadata"),
        freezer_table_partition: format!("{name}-table"),
        freezer_table_initial_size: 1 << 12,
        freezer_table_resize_frequency: 4,
        freezer_table_resize_chunk_size: 1 << 14,
        freezer_key_partition: format!("{name}-keys"),
        freezer_key_page_cache: cache.clone(),
        freezer_value_partition: format!("{name}-values"),
        freezer_value_target_size: 1 << 28,
        freezer_value_compression: None,
        ordinal_partition: format!("{name}-order"),
        items_per_section: NZU64!(16_384),
        codec_config,
        replay_buffer: NZUsize!(1 << 20),
        freezer_key_write_buffer: NZUsize!(1 << 18),
        freezer_value_write_buffer: NZUsize!(1 << 20),
        ordinal_write_buffer: NZUsize!(1 << 18),
    }
}

/// Runs a validator until it is stopped from outside.
pub(crate) async fn run<E, S, R, P, B>(
    context: E,
    seed: [u8; 32],
    settings: Settings,
    seat: Seat<S, R, P, B>,
    application: Arc<dyn Application>,
    commands: mpsc::UnboundedReceiver<Command>,
    progress: Arc<Progress>,
) -> Result<(), EngineError>
where
    E: CryptoRng + Spawner + Metrics + Clock + Storage,
    S: Sender<PublicKey = ed25519::PublicKey>,
    R: Receiver<PublicKey = ed25519::PublicKey>,
    P: Provider<PublicKey = ed25519::PublicKey>,
    B: Blocker<PublicKey = ed25519::PublicKey>,
{
    let signer = private_key(&seed)?;
    let Seat { channels, peers, blocker, track, prefix } = seat;
    let length = NonZeroU64::new(settings.epoch_length.max(2)).unwrap_or(NonZeroU64::MIN);
    let epocher = FixedEpocher::new(length);
    let committees = Committees::default();
    let cache = CacheRef::new(NZU16!(4096), NZUsize!(2048));
    let storage = |e: commonware_storage::archive::Error| EngineError::Storage(e.to_string());

    let certificates = immutable::Archive::init(
        context.child("certificates"),
        archive(&format!("{prefix}certificates"), &cache, Scheme::certificate_codec_config_unbounded()),
    )
    .await
    .map_err(storage)?;
    let blocks =
        immutable::Archive::init(context.child("blocks"), archive(&format!("{prefix}blocks"), &cache, ()))
            .await
            .map_err(storage)?;

    // The sets of epochs that ended are known to the application; the first epoch's always is.
    let known = application.epoch();
    for epoch in 0..=known {
        committees
            .insert(epoch, Scheme::verifier(&settings.namespace, members(&application.members(epoch))?));
    }
    track(known, &application.members(known));

    let genesis = Digested::precomputed(settings.genesis.clone(), settings.genesis.digest().into());
    let (marshal, mailbox, _) = marshal::core::Actor::init(
        context.child("marshal"),
        certificates,
        blocks,
        marshal::Config {
            provider: committees.clone(),
            epocher: epocher.clone(),
            start: marshal::Start::Genesis(genesis),
            partition_prefix: format!("{prefix}marshal"),
            mailbox_size: NZUsize!(512),
            view_retention: ViewDelta::new(64),
            prunable_items_per_section: NZU64!(1024),
            page_cache: cache.clone(),
            replay_buffer: NZUsize!(1 << 20),
            key_write_buffer: NZUsize!(1 << 18),
            value_write_buffer: NZUsize!(1 << 20),
            block_codec_config: (),
            max_repair: NZUsize!(64),
            max_pending_acks: NonZeroUsize::new(MAX_DELIVERY).unwrap_or(NonZeroUsize::MIN),
            strategy: Sequential,
        },
    )
    .await;

    let resolver = backfill::init(
        context.child("backfill"),
        backfill::Config {
            public_key: signer.public_key(),
            peer_provider: peers.clone(),
            blocker: blocker.clone(),
            mailbox_size: NZUsize!(512),
            fetch_timeout: NZDuration!(Duration::from_secs(2)),
            fetch_retry_delay: Duration::from_millis(100),
            priority_requests: false,
            priority_responses: false,
        },
        channels.backfill,
    );
    let (relay, buffer) = buffered::Engine::new(
        context.child("relay"),
        buffered::Config {
            public_key: signer.public_key(),
            mailbox_size: NZUsize!(512),
            deque_size: 16,
            priority: false,
            codec_config: (),
            peer_provider: peers,
            strategy: Sequential,
        },
    );
    relay.start(channels.blocks);

    let (sink, delivered) = mpsc::unbounded_channel();
    let (boundary, mut boundaries) = mpsc::unbounded_channel();
    let deliver = Deliver {
        application: Arc::clone(&application),
        mailbox: mailbox.clone(),
        epoch_length: length.get(),
        boundary,
        progress: Arc::clone(&progress),
    };
    context.child("deliver").shared(true).spawn(move |_| deliver.run(delivered));
    marshal.start(Delivery(sink), buffer, resolver);

    let (speaker, mut listener) = channels.gossip;
    let hearing = Arc::clone(&application);
    context.child("listen").spawn(move |_| async move {
        while let Ok((from, message)) = listener.recv().await {
            if let Ok(from) = <[u8; 32]>::try_from(from.as_ref()) {
                hearing.message(from, Bytes::copy_from_slice(message.as_ref()));
            }
        }
    });
    let serving = mailbox.clone();
    context.child("serve").spawn(move |context| serve(context, commands, speaker, serving));

    // Votes are kept apart by epoch: a node that is behind hears of it on a channel it has not opened yet.
    let (mux, mut votes, mut ahead) =
        Muxer::builder(context.child("vote_mux"), channels.votes.0, channels.votes.1).with_backup().build();
    mux.start();
    let (mux, mut certs) =
        Muxer::builder(context.child("certificate_mux"), channels.certificates.0, channels.certificates.1)
            .build();
    mux.start();
    let (mux, mut resolvers) =
        Muxer::builder(context.child("resolver_mux"), channels.resolver.0, channels.resolver.1).build();
    mux.start();

    let mut parent = settings.genesis.clone();
    let processed = mailbox.get_processed().await.map_or(0, |at| at.height().get());
    let mut epoch = processed.saturating_add(1) / length.get();
    if epoch > 0 {
        let last = Height::new(epoch * length.get() - 1);
        parent = mailbox.get_block(last).await.map(|block| block.inner().clone()).ok_or_else(|| {
            EngineError::Storage(format!("block {last} that ends the last epoch is missing"))
        })?;
    }

    let open = "the network is closed";
    loop {
        let set = application.members(epoch);
        let keys = members(&set)?;
        let voting = application.may_vote(epoch);
        let scheme = voting
            .then(|| Scheme::signer(&settings.namespace, keys.clone(), signer.clone()))
            .flatten()
            .unwrap_or_else(|| Scheme::verifier(&settings.namespace, keys.clone()));
        progress.begin(epoch, scheme.me().is_some());
        committees.insert(epoch, scheme.clone());
        track(epoch, &set);

        let adapter =
            Consensus { application: Arc::clone(&application), heartbeat: settings.timing.heartbeat };
        let epoch_context = context.child("epoch").with_attribute("epoch", epoch);
        let inline = Inline::new(epoch_context.child("inline"), adapter, mailbox.clone(), epocher.clone());
        let watch = Watch {
            inner: inline.clone(),
            application: Arc::clone(&application),
            namespace: settings.namespace.clone(),
            members: keys,
            scheme: scheme.clone(),
            rng: Arc::new(std::sync::Mutex::new(epoch_context.child("rng"))),
        };
        let timing = settings.timing;
        let consensus = simplex::Engine::new(
            epoch_context.child("simplex"),
            simplex::Config {
                scheme,
                elector: RoundRobin::<Sha256>::default(),
                blocker: blocker.clone(),
                automaton: inline.clone(),
                relay: inline,
                reporter: watch,
                partition: journal(&prefix, epoch),
                mailbox_size: NZUsize!(512),
                epoch: Epoch::new(epoch),
                floor: simplex::Floor::Genesis(parent.digest().into()),
                replay_buffer: NZUsize!(1 << 20),
                write_buffer: NZUsize!(1 << 18),
                leader_timeout: timing.leader,
                certification_timeout: timing.certification,
                timeout_retry: timing.retry,
                fetch_timeout: NZDuration!(Duration::from_secs(1)),
                fetch_retry_delay: Duration::from_millis(100),
                view_retention: ViewDelta::new(256),
                skip: SkipPolicy::Enabled {
                    timeout: timing.retry + timing.leader,
                    budget: simplex::SkipBudget::Participants,
                },
                page_cache: cache.clone(),
                strategy: Sequential,
                forward: ForwardPolicy::SilentVoters,
                track_historical_votes: true,
            },
        );
        let pending = votes.register(epoch).await.map_err(|_| EngineError::Network(open))?;
        let recovered = certs.register(epoch).await.map_err(|_| EngineError::Network(open))?;
        let resolving = resolvers.register(epoch).await.map_err(|_| EngineError::Network(open))?;
        let running: Handle<()> = consensus.start(pending, recovered, resolving);

        // Until the epoch's last block is final and applied; meanwhile, whoever votes in a later epoch can prove it.
        parent = loop {
            let (finished, later) = (pin!(boundaries.recv()), pin!(ahead.recv()));
            match future::select(finished, later).await {
                Either::Left((Some(block), _)) if block.height() / length.get() == epoch => break block,
                Either::Left((Some(_), _)) => {}
                Either::Right((Some((other, (from, _))), _)) => {
                    if let Some(last) = epocher.last(Epoch::new(epoch)).filter(|_| other > epoch) {
                        mailbox.hint_finalized(last, NonEmptyVec::new(from));
                    }
                }
                Either::Left((None, _)) | Either::Right((None, _)) => return Err(EngineError::Network(open)),
            }
        };
        running.abort();
        epoch = epoch.saturating_add(1);
    }
}
