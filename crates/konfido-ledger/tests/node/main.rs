//! Nodes of the ledger in one process, over TCP on the loopback interface.

mod circle;
mod exchange;
mod faults;
