//! The camera: photon shot noise, read noise, pixel gain, offset, saturation, quantisation.

use chacha20::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use rand_distr::{Distribution, Poisson, StandardNormal};

use crate::device::Frame;
use crate::error::Result;

/// The public data sheet of a camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CameraModel {
    /// Mean signal in electrons.
    pub mean_electrons: f32,
    /// Electrons at full scale.
    pub full_well: f32,
    /// Read noise in electrons.
    pub read_noise: f32,
    /// Standard deviation of the pixel gain.
    pub gain_spread: f32,
    /// Offset in digital numbers.
    pub offset: f32,
    /// Bits of the converter.
    pub bit_depth: u8,
}

impl CameraModel {
    /// A 10-bit machine-vision camera at 2500 electrons of mean signal.
    pub const TEN_BIT: Self = Self {
        mean_electrons: 2500.0,
        full_well: 20_000.0,
        read_noise: 5.0,
        gain_spread: 0.01,
        offset: 64.0,
        bit_depth: 10,
    };

    /// Electrons per digital number.
    #[must_use]
    pub fn electrons_per_dn(&self) -> f32 {
        self.full_well / (((1u32 << self.bit_depth) - 1) as f32 - self.offset)
    }
}

/// A camera with its fixed pattern and its noise generator.
pub struct Camera {
    model: CameraModel,
    gain: Vec<f32>,
    noise: ChaCha8Rng,
}

impl Camera {
    /// A camera of `pixels` pixels; `pattern` fixes its gains, `noise` its noise.
    #[must_use]
    pub fn new(model: CameraModel, pixels: usize, pattern: u64, noise: [u8; 32]) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(pattern);
        let gain = (0..pixels).map(|_| 1.0 + model.gain_spread * normal(&mut rng)).collect();
        Self { model, gain, noise: ChaCha8Rng::from_seed(noise) }
    }

    /// Exposes one frame to `intensity` (mean 1).
    pub fn expose(&mut self, intensity: &[f32], width: usize) -> Result<Frame> {
        let model = self.model;
        let top = ((1u32 << model.bit_depth) - 1) as f32;
        let per_electron = model.electrons_per_dn().recip();
        let read_variance = model.read_noise * model.read_noise;
        let pixels: Vec<u16> = intensity
            .iter()
            .zip(&self.gain)
            .map(|(i, gain)| {
                let mean = i * gain * model.mean_electrons;
                let electrons = if mean < 60.0 {
                    let shot = Poisson::new(mean.max(1e-6)).map_or(0.0, |p| p.sample(&mut self.noise));
                    shot + model.read_noise * normal(&mut self.noise)
                } else {
                    // One Gaussian for shot and read noise, with the Poisson skewness (Cornish-Fisher): from 60
                    // electrons on, what is left out lies far below one digital number.
                    let z = normal(&mut self.noise);
                    let variance = mean + read_variance;
                    mean + variance.sqrt() * z + mean / variance * (z * z - 1.0) / 6.0
                };
                (electrons * per_electron + model.offset).round().clamp(0.0, top) as u16
            })
            .collect();
        let height = pixels.len() / width.max(1);
        Frame::new(width, height, model.bit_depth, pixels)
    }
}

fn normal(rng: &mut impl Rng) -> f32 {
    StandardNormal.sample(rng)
}

impl std::fmt::Debug for Camera {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Camera({:?})", self.model)
    }
}
