//! konfido-ledger-engine
