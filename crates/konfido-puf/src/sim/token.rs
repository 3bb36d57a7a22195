//! The token: its secret matrices and what they make of a challenge.

use std::sync::Arc;

use chacha20::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use rustfft::num_complex::Complex32;
use zeroize::Zeroize;

use super::field::{Pupil, gaussian};

/// The public construction of a kind of token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TokenModel {
    /// Image pixels along a side.
    pub grid: usize,
    /// Pupil radius on that grid; the grain is `1.22 grid / (2 radius)` pixels.
    pub radius: usize,
    /// Modulator pixels; 1 for a token without modulator.
    pub modulator: usize,
    /// Delay bins.
    pub delays: usize,
}

impl TokenModel {
    /// Challenged by 256 modulator pixels.
    pub const PATTERN: Self = Self { grid: 256, radius: 36, modulator: 256, delays: 4 };
    /// Challenged by wavelength alone, as the KONFIDO waveguide token.
    pub const WAVELENGTH: Self = Self { grid: 256, radius: 36, modulator: 1, delays: 256 };
}

/// A token grown from a seed.
pub struct Token {
    model: TokenModel,
    pupil: Arc<Pupil>,
    seed: [u8; 32],
    /// Delay by delay, pupil point by pupil point, the row over the modulator.
    matrix: Vec<Complex32>,
}

/// The token's answer to one challenge, before the environment acts on it: one pupil field per delay, one for age.
pub struct Response {
    delays: Vec<Vec<Complex32>>,
    ageing: Vec<Complex32>,
}

impl Token {
    /// Grows the token of `seed`.
    #[must_use]
    pub fn new(model: TokenModel, seed: [u8; 32]) -> Self {
        let pupil = Arc::new(Pupil::new(model.grid, model.radius));
        let mut rng = ChaCha8Rng::from_seed(seed);
        let entries = model.delays * pupil.len() * model.modulator;
        let scale = (model.modulator as f32).sqrt().recip();
        let matrix = (0..entries).map(|_| gaussian(&mut rng) * scale).collect();
        Self { model, pupil, seed, matrix }
    }

    /// Its construction.
    #[must_use]
    pub const fn model(&self) -> &TokenModel {
        &self.model
    }

    /// Its pupil.
    #[must_use]
    pub fn pupil(&self) -> Arc<Pupil> {
        Arc::clone(&self.pupil)
    }

    /// The answer to the pattern `signs` (plus or minus one for each modulator pixel).
    #[must_use]
    pub fn respond(&self, signs: &[f32]) -> Response {
        let points = self.pupil.len();
        let apply = |matrix: &mut dyn Iterator<Item = Complex32>| -> Vec<Complex32> {
            (0..points).map(|_| signs.iter().zip(&mut *matrix).map(|(s, m)| m * *s).sum()).collect()
        };
        let block = points * self.model.modulator;
        let delays = self
            .matrix
            .chunks_exact(block)
            .map(|rows| {
                rows.chunks_exact(self.model.modulator)
                    .map(|row| row.iter().zip(signs).map(|(m, s)| m * s).sum())
                    .collect()
            })
            .collect();
        // A second stream of the same seed: what the token ages into. Grown anew each time, for it is rarely asked.
        let mut rng = ChaCha8Rng::from_seed(self.seed);
        rng.set_stream(1);
        let scale = (self.model.modulator as f32).sqrt().recip();
        let ageing = apply(&mut std::iter::repeat_with(|| gaussian(&mut rng) * scale));
        Response { delays, ageing }
    }
}

impl Response {
    /// The pupil field at a detuning and an age.
    #[must_use]
    pub fn field(&self, detuning: f64, ageing: f32) -> Vec<Complex32> {
        let bins = self.delays.len();
        let mut field = vec![Complex32::default(); self.ageing.len()];
        let young = (1.0 - ageing * ageing).max(0.0).sqrt();
        for (j, delayed) in self.delays.iter().enumerate() {
            let turns = (detuning * f64::from(delay(j, bins))).fract() as f32;
            let factor = Complex32::cis(-std::f32::consts::TAU * turns) * (young / (bins as f32).sqrt());
            for (sum, value) in field.iter_mut().zip(delayed) {
                *sum += value * factor;
            }
        }
        if ageing != 0.0 {
            for (sum, value) in field.iter_mut().zip(&self.ageing) {
                *sum += value * ageing;
            }
        }
        field
    }
}

/// Delay of bin `j` of `bins` equally likely ones: quantile mid-points of the exponential distribution of mean 1.
pub(crate) fn delay(j: usize, bins: usize) -> f32 {
    -(1.0 - (j as f32 + 0.5) / bins as f32).ln()
}

/// The signs of row `row` of a Hadamard matrix of order `pixels` (a power of two), columns signed by `set`.
pub(crate) fn pattern(set: &[u8; 16], row: u16, pixels: usize) -> Vec<f32> {
    let mut seed = [0; 32];
    seed[..16].copy_from_slice(set);
    let mut rng = ChaCha8Rng::from_seed(seed);
    (0..pixels)
        .map(|column| {
            let sign = (column as u32 & u32::from(row)).count_ones() & 1 ^ rng.next_u32() & 1;
            if sign == 0 { 1.0 } else { -1.0 }
        })
        .collect()
}

impl Drop for Token {
    fn drop(&mut self) {
        self.seed.zeroize();
        self.matrix.fill(Complex32::default());
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token({:?}, [secret])", self.model)
    }
}

impl std::fmt::Debug for Response {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Response([secret])")
    }
}
