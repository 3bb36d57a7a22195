//! Signing and verifying through the public interface, also against OpenSSL as an independent judge.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests stop the test")]

mod openssl;
mod signing;
