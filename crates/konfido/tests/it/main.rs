//! The binary's roles under attack: what a hostile peer can send over a socket, and what it gets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "tests"
)]

mod attacks;
mod circle;
mod request;
mod socket;
mod world;
