//! The development implementation: keys in this process's memory, on aws-lc-rs.
//!
//! Good for tests, the demo and nodes without a vault. It protects keys from being printed or copied by mistake,
//! not from somebody who reads this process's memory.

mod root;
mod sealer;
mod signer;

use crate::{KeyError, Rng};

pub use self::root::FixedRoot;
pub use self::sealer::SoftwareSealer;
pub use self::signer::{KeyKind, SoftwareSigner, generate_pkcs8};

/// The operating system's randomness, by way of aws-lc's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    fn fill(&self, out: &mut [u8]) -> Result<(), KeyError> {
        aws_lc_rs::rand::fill(out).map_err(|_| KeyError::Unavailable("system randomness".into()))
    }
}
