//! Noise to seeds, seeds to output, output mixed with the operating system's.

use std::sync::Mutex;

use konfido_keys::KeyError;
use rand_core::{TryCryptoRng, TryRng};
use zeroize::{Zeroize, Zeroizing};

use super::conditioning::Conditioner;
use super::drbg::{CtrDrbg, MAX_REQUEST, SEED_BYTES};
use super::health::{HealthSummary, HealthTests};
use super::noise::NoiseSource;
use crate::device::Provenance;
use crate::error::{PufError, Result};

/// Min-entropy credited to a noise bit until a real camera has been assessed; the simulator's assessment is above.
const CREDIT: f64 = 0.5;
/// Bits that must pass the health tests before the first one counts.
const START_UP: u64 = 4096;
/// Output between two reseedings.
const RESEED_AFTER: u64 = 1 << 20;
const PERSONALIZATION: &[u8] = b"konfido/puf/v1/ctr-drbg";

/// A camera's noise, tested and conditioned.
#[derive(Debug)]
pub struct EntropySource {
    noise: NoiseSource,
    health: HealthTests,
    conditioner: Conditioner,
    /// Conditioned blocks in hand.
    blocks: Vec<Zeroizing<[u8; 32]>>,
    frames: u64,
}

/// Figures of a source, for operators.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct SourceReport {
    /// Where the noise comes from.
    pub provenance: Provenance,
    /// Min-entropy credited to each noise bit: 0 unless physical.
    pub credit_per_bit: f64,
    /// Pixels that give bits.
    pub usable_pixels: usize,
    /// Frames taken.
    pub frames: u64,
    /// Health tests.
    pub health: HealthSummary,
}

impl EntropySource {
    /// Starts the source: the start-up test runs and its bits are thrown away.
    pub fn start(noise: NoiseSource) -> Result<Self> {
        let conditioner = Conditioner::new(CREDIT);
        let mut source =
            Self { noise, health: HealthTests::new(CREDIT), conditioner, blocks: Vec::new(), frames: 0 };
        while source.health.summary().samples < START_UP {
            source.noise.bits(&mut source.health)?;
            source.frames += 1;
        }
        Ok(source)
    }

    /// A block of 32 bytes, of full entropy where the camera is physical.
    pub fn block(&mut self) -> Result<Zeroizing<[u8; 32]>> {
        self.health.verdict()?;
        while self.blocks.is_empty() {
            let bits = self.noise.bits(&mut self.health)?;
            self.frames += 1;
            self.blocks.extend(bits.iter().filter_map(|bit| self.conditioner.feed(*bit)));
        }
        self.blocks.pop().ok_or(PufError::Health("no block"))
    }

    /// The raw noise bits of one frame, for assessment by others' tools. They pass the health tests.
    pub fn raw_bits(&mut self) -> Result<Zeroizing<Vec<bool>>> {
        self.frames += 1;
        self.noise.bits(&mut self.health)
    }

    /// Figures so far.
    #[must_use]
    pub fn report(&self) -> SourceReport {
        let provenance = self.noise.provenance();
        SourceReport {
            provenance,
            credit_per_bit: if provenance == Provenance::Physical { CREDIT } else { 0.0 },
            usable_pixels: self.noise.usable_pixels(),
            frames: self.frames,
            health: self.health.summary(),
        }
    }

    /// Seed bytes: two blocks, cut to the seed's length.
    fn seed(&mut self) -> Result<Zeroizing<[u8; SEED_BYTES]>> {
        let (first, second) = (self.block()?, self.block()?);
        let mut seed = Zeroizing::new([0; SEED_BYTES]);
        for (to, from) in seed.iter_mut().zip(first.iter().chain(second.iter())) {
            *to = *from;
        }
        Ok(seed)
    }
}

/// The generator that the rest of the house draws from: DRBG seeded by the noise (and always by the operating
/// system), its output mixed with the operating system's.
#[derive(Debug)]
pub struct MixedRng {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    drbg: CtrDrbg,
    source: Option<EntropySource>,
    since_reseed: u64,
    /// Set at the first failure; nothing comes out any more.
    failed: Option<&'static str>,
}

impl MixedRng {
    /// A generator on `source`, or on the operating system alone.
    pub fn new(mut source: Option<EntropySource>) -> Result<Self> {
        let seed = seed(source.as_mut())?;
        let drbg = CtrDrbg::new(&seed, PERSONALIZATION)?;
        Ok(Self { inner: Mutex::new(Inner { drbg, source, since_reseed: 0, failed: None }) })
    }

    /// Fills `out`, or stops for good.
    pub fn fill_bytes(&self, out: &mut [u8]) -> Result<()> {
        let mut inner = self.inner.lock().map_err(|_| PufError::Health("generator was interrupted"))?;
        let result = inner.fill(out);
        if let Err(error) = &result {
            out.zeroize();
            inner.failed = Some(match error {
                PufError::Health(reason) => reason,
                _ => "the source failed",
            });
        }
        result
    }

    /// Figures of the source, where there is one.
    #[must_use]
    pub fn report(&self) -> Option<SourceReport> {
        self.inner.lock().ok().and_then(|inner| inner.source.as_ref().map(EntropySource::report))
    }
}

impl Inner {
    fn fill(&mut self, out: &mut [u8]) -> Result<()> {
        if let Some(reason) = self.failed {
            return Err(PufError::Health(reason));
        }
        let mut system = Zeroizing::new(vec![0; out.len().min(MAX_REQUEST)]);
        for chunk in out.chunks_mut(MAX_REQUEST) {
            if self.since_reseed >= RESEED_AFTER || self.drbg.wants_reseed() {
                let seed = seed(self.source.as_mut())?;
                self.drbg.reseed(&seed, &[])?;
                self.since_reseed = 0;
            }
            self.drbg.generate(chunk, &[])?;
            self.since_reseed += chunk.len() as u64;
            system_random(&mut system)?;
            for (o, s) in chunk.iter_mut().zip(system.iter()) {
                *o ^= s;
            }
        }
        Ok(())
    }
}

/// A seed of the operating system, exclusive-or one of the noise where there is any.
fn seed(source: Option<&mut EntropySource>) -> Result<Zeroizing<[u8; SEED_BYTES]>> {
    let mut seed = Zeroizing::new([0; SEED_BYTES]);
    system_random(seed.as_mut_slice())?;
    if let Some(source) = source {
        for (s, n) in seed.iter_mut().zip(source.seed()?.iter()) {
            *s ^= n;
        }
    }
    Ok(seed)
}

fn system_random(out: &mut [u8]) -> Result<()> {
    getrandom::fill(out).map_err(|_| PufError::Crypto("no randomness from the operating system"))
}

impl konfido_keys::Rng for MixedRng {
    fn fill(&self, out: &mut [u8]) -> Result<(), KeyError> {
        self.fill_bytes(out).map_err(|error| KeyError::Unavailable(error.to_string()))
    }
}

impl TryRng for &MixedRng {
    type Error = PufError;

    fn try_next_u32(&mut self) -> Result<u32> {
        let mut bytes = [0; 4];
        self.fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64> {
        let mut bytes = [0; 8];
        self.fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<()> {
        self.fill_bytes(out)
    }
}

impl TryCryptoRng for &MixedRng {}
