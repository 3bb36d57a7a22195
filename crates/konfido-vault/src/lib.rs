//! The vault: a trusted home for keys, credentials and sessions, and the evidence by which nodes prove to each other
//! what runs there.
//!
//! The vault is a process of its own. It owns every private key of a node and gives none of them out: callers say what they
//! want done ([`protocol::Request`]), the vault decides ([`service::Service`]) and does it. `konfido vault run` starts it,
//! and gives its other rights away before it serves.

pub mod attest;
pub mod attested;
pub mod backend;
pub mod client;
pub mod keystore;
pub mod protocol;
pub mod run;
pub mod server;
pub mod service;
pub mod session;
pub mod store;
