//! The vault over its real socket, and its verifier on real evidence of others.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod attest;
mod attested;
mod model;
mod operations;
mod store;
