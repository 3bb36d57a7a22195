//! Documents of others and our own: read, written, checked, rendered.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that fails says so by panicking, also in the functions that it calls"
)]

mod conformance;
mod documents;
mod fixtures;
mod judge;
mod pages;
mod rules;
mod samples;
