//! The transparency log: an RFC 6962 / RFC 9162 Merkle tree over 32-byte entries, its signed heads and its proofs.

pub mod checkpoint;
pub mod cose;
pub mod proof;
pub mod tree;
