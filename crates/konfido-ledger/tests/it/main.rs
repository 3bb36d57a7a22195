//! Receipts as a stranger sees them.

mod receipts;
mod world;
