//! konfido-ledger
