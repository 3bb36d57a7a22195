//! Integration tests: the messages that others made, the schemas that others wrote, and whether writing survives
//! reading.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that fails says so by panicking, also in the functions that it calls"
)]

mod emitted;
mod fixtures;
mod frozen;
mod messages;
mod mutants;
mod recorded;
mod rewritten;
mod roundtrip;
mod schema;
mod stricter;
mod tables;
mod tolerance;
