//! The vault: a trusted home for keys, credentials and sessions, and the evidence by which nodes prove to each other
//! what runs there.

pub mod attest;
