//! Randomness: noise of the camera, its health, conditioning, generator, and the operating system's share.
//!
//! ```text
//! photon shot noise in the lowest bit of bright pixels
//!   -> health tests (SP 800-90B 4.4: repetition count, adaptive proportion; frozen, dark or saturated frames)
//!   -> HMAC-SHA-256 conditioning, 320 bits of credited entropy for each 256 (SP 800-90B 3.1.5.1)
//!   -> CTR_DRBG, AES-256, no derivation function (SP 800-90A 10.2.1)
//!   -> XOR with the operating system's generator (SP 800-90C RBG3(XOR))
//! ```
//! INVARIANT (credit): only a physical camera earns credit. A simulated or replayed one is mixed in and counts as
//! nothing, and so does no device at all; the output is then as good as the operating system's. INVARIANT (alarm): a
//! failed health test stops the output for good; only a new source starts again.

mod conditioning;
mod drbg;
pub mod estimators;
pub mod health;
mod noise;
mod source;

pub use self::drbg::{CtrDrbg, MAX_REQUEST, RESEED_INTERVAL, SEED_BYTES};
pub use self::noise::NoiseSource;
pub use self::source::{EntropySource, MixedRng, SourceReport};
