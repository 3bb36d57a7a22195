//! Integration tests: the messages that others made, the schemas that others wrote, and whether writing survives
//! reading.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that fails says so by panicking, also in the functions that it calls"
)]

mod emitted;
mod fixtures;
mod messages;
mod recorded;
mod roundtrip;
mod schema;
