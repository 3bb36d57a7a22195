//! Assertions between two countries, recorded ones, and other people's SAML.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "tests"
)]

mod interop;
mod recorded;
mod refusals;
mod roundtrip;
mod sts;
mod world;
