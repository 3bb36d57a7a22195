//! The BFT engine of the ledger behind a small façade that is not generic.
//!
//! Inside stand `commonware-consensus` (simplex and marshal, ed25519 votes that name their signer), its authenticated
//! peer-to-peer network, its journals and archives. They are generic throughout and are monomorphised here, once:
//! whoever uses this crate sees bytes, keys as `[u8; 32]`, and the trait [`Application`].
//!
//! The contract, in the order of a block's life:
//! - The leader of a view asks its application to [`Application::propose`] a header and a payload on a parent. With
//!   nothing to say the application returns `None` until the heartbeat is due, so that an idle ledger makes one
//!   block a heartbeat, not one a millisecond.
//! - Every validator asks its application to [`Application::verify`] the block. Ancestors the application does not
//!   know (after a restart) are shown to it first, oldest first.
//! - A finalised block is handed to [`Application::finalized`] in height order, at least once. The engine forgets it
//!   only after that call returned, so the application must have made its effect durable by then.
//! - At the last height of an epoch the engine asks [`Application::members`] for the next epoch's set, ends the old
//!   voting instance and starts the next one, whose first parent is that last block.
//!
//! Block time: the leader writes its clock; a validator holds its vote until its own clock is no more than two
//! seconds behind that time, and refuses a time that is not after the parent's. No lower bound is voted on: a vote
//! that depends on how late a node came to it would make honest nodes disagree about validity.
//!
//! Amnesia: a validator whose vote journal was lost could sign a second, different vote for a view it has already
//! voted in. [`Application::may_vote`] is asked before each epoch; a `false` makes the node follow without signing.

mod adapter;
mod application;
mod block;
mod committee;
mod deliver;
mod engine;
mod validator;

pub use application::{Application, Content, Fault, FaultKind, Member, SignedVote};
pub use block::{Block, MAX_HEADER, MAX_PAYLOAD};
pub use engine::{Engine, EngineError, Status};
pub use validator::{Settings, Timing, public_key, vote_journal};
