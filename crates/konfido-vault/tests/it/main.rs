//! The verifier against real evidence of others: samples that ship inside the crates that we pin.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test stops at the first surprise"
)]

mod attest;
