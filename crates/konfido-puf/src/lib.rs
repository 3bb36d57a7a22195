//! Keys that are never stored: an optical token, the fuzzy extractor behind it, and its noise as entropy.

pub mod account;
pub mod bch;
mod bits;
pub mod device;
pub mod doctor;
pub mod entropy;
mod error;
pub mod evaluate;
pub mod extractor;
pub mod hash;
pub mod helper;
pub mod npy;
pub mod protocol;
pub mod sim;
pub mod spec;
pub mod speckle;
pub mod store;

pub use self::bits::{WORD_BITS, Word};
pub use self::error::{PufError, Result};
