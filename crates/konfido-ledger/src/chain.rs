//! The replicated state machine: transactions, the rules by which validators judge them, and the state they lead to.
//! Pure: no clock, no disk, no network; what a block does depends on the block and the state before it alone.

pub mod governance;
mod snapshot;
pub mod state;
pub mod transaction;

#[cfg(test)]
mod tests;
