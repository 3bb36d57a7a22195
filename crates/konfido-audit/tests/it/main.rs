//! Audit messages beside recorded ones; the way from spool to collector; death at any moment.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "tests"
)]

mod kill;
mod recorded;
mod shipping;
mod structure;
mod world;
