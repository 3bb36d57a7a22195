//! What a key from a token is used for: the vault's root, a device identity, authentication.
//!
//! The root key itself is never used: each purpose has its own HKDF label (`konfido/puf/v1/...`).

pub mod authentication;
pub mod identity;
pub mod root;
