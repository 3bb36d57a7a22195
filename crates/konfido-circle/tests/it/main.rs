//! The crate through its public interface.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stop the test")]

mod certificates;
mod circles;
mod identifiers;
mod openssl;
mod pki;
