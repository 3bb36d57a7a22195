//! What the engine asks of the ledger, and what it tells it.

use std::fmt::Debug;
use std::net::SocketAddr;

use bytes::Bytes;

use crate::Block;

/// A validator as its peers know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Ed25519 public key of its votes and of its connections, valid for one epoch.
    pub key: [u8; 32],
    /// Where it listens.
    pub address: SocketAddr,
}

/// Header and payload of a block to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// At most [`crate::MAX_HEADER`] bytes.
    pub header: Bytes,
    /// At most [`crate::MAX_PAYLOAD`] bytes.
    pub payload: Bytes,
}

/// How a validator broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Two notarisation votes for different blocks in one view.
    ConflictingNotarize,
    /// Two finalisation votes for different blocks in one view.
    ConflictingFinalize,
    /// A vote to skip a view and a vote to finalise it.
    NullifyFinalize,
}

/// A vote as it was signed, so that anyone can check it with ed25519 alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedVote {
    /// The exact bytes under the signature.
    pub message: Vec<u8>,
    /// The ed25519 signature.
    pub signature: [u8; 64],
}

/// Proof that one validator signed two votes that exclude each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which rule was broken.
    pub kind: FaultKind,
    /// Who broke it.
    pub culprit: [u8; 32],
    /// Epoch of both votes.
    pub epoch: u64,
    /// View of both votes.
    pub view: u64,
    /// The two votes.
    pub votes: [SignedVote; 2],
}

/// The state machine that the engine replicates. Calls come from the engine's threads and must not block for long;
/// [`Application::finalized`] alone may write to disk.
pub trait Application: Debug + Send + Sync + 'static {
    /// The epoch of the next block to be applied: the last one whose members are settled.
    fn epoch(&self) -> u64;

    /// The validators of `epoch`. Called for an epoch only after the last block of the epoch before was handed to
    /// [`Application::finalized`]. Must give the same answer ever after.
    fn members(&self, epoch: u64) -> Vec<Member>;

    /// Whether this node may sign votes in `epoch` (see the crate's head: amnesia).
    fn may_vote(&self, epoch: u64) -> bool;

    /// Whether the state after the block with this digest is at hand.
    fn knows(&self, digest: &[u8; 32]) -> bool;

    /// What to put on top of `parent` (which it knows) at `time_ms`. `None` means nothing yet; it is asked again
    /// shortly, and with `due` set once the heartbeat is over: then it must answer.
    fn propose(&self, parent: &Block, time_ms: u64, due: bool) -> Option<Content>;

    /// Whether `block` is a valid successor of its parent, which is known. A valid block becomes known.
    fn verify(&self, block: &Block) -> bool;

    /// Blocks that are final, in height order, each at least once. Returns when their effect is durable.
    ///
    /// # Errors
    /// An error stops the node: a ledger that cannot store must not go on voting.
    fn finalized(&self, blocks: &[Block]) -> Result<(), String>;

    /// The finalisation certificate of a block handed over before. Not every block has one of its own: a block can
    /// become final through its descendant.
    fn certified(&self, height: u64, certificate: Bytes);

    /// A message another member sent with [`crate::Engine::send`].
    fn message(&self, from: [u8; 32], message: Bytes);

    /// A validator broke the protocol.
    fn fault(&self, fault: Fault);
}
