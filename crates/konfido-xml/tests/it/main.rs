//! Integration tests of konfido-xml: one binary, one module a subject.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "tests fail by panicking"
)]

mod documents;
mod encryption;
mod fixtures;
mod messages;
mod recorded;
mod signing;
