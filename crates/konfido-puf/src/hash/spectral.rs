//! OWP for camera frames: square root, low band of the spectrum, division by the public spectrum, random signs,
//! Walsh-Hadamard.
#![expect(clippy::indexing_slicing, reason = "indices run over buffers sized by the same model")]

use std::f32::consts::TAU;
use std::sync::Arc;

use chacha20::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use rustfft::{Fft, FftPlanner, num_complex::Complex32};
use zeroize::Zeroize;

use super::{DeviceModel, Layout, Prepared, Projection, Registration, Soft};
use crate::device::Frame;
use crate::error::{PufError, Result};

/// Seed of the public signs; part of the definition of the hash.
const SIGNS_SEED: u64 = 0x6f77_7031;

/// The projection of a camera's frames.
pub struct SpectralProjection {
    model: DeviceModel,
    rows: Arc<dyn Fft<f32>>,
    band: Arc<dyn Fft<f32>>,
    /// One over the amplitude spectrum, zero at DC and Nyquist; row by row over the band.
    weights: Vec<f32>,
    signs: Vec<f32>,
}

impl SpectralProjection {
    /// The projection of `model`.
    #[must_use]
    pub fn new(model: DeviceModel) -> Self {
        let mut planner = FftPlanner::new();
        let band = model.band;
        let weights = (0..band * band)
            .map(|i| {
                let (ky, kx) = (signed(i / band, band), signed(i % band, band));
                let nyquist = -(band as i32) / 2;
                if (kx == 0 && ky == 0) || kx == nyquist || ky == nyquist {
                    0.0
                } else {
                    model.power((kx as f32).hypot(ky as f32)).sqrt().recip()
                }
            })
            .collect();
        let mut rng = ChaCha8Rng::seed_from_u64(SIGNS_SEED);
        let signs = (0..band * band).map(|_| if rng.next_u32() & 1 == 0 { 1.0 } else { -1.0 }).collect();
        Self {
            rows: planner.plan_fft_forward(model.grid),
            band: planner.plan_fft_inverse(band),
            model,
            weights,
            signs,
        }
    }

    /// The low band of the transform of the square root of the averaged frames.
    pub(super) fn spectrum(&self, frames: &[Frame]) -> Result<Vec<Complex32>> {
        let (grid, band) = (self.model.grid, self.model.band);
        let amplitude = self.amplitude(frames)?;
        // Rows two by two: one as real part, one as imaginary part of one transform.
        let mut scratch = vec![Complex32::default(); self.rows.get_inplace_scratch_len()];
        let mut pair = vec![Complex32::default(); grid];
        let mut columns = vec![Complex32::default(); band * grid];
        let rows: Vec<&[f32]> = amplitude.chunks_exact(grid).collect();
        for (first, two) in rows.chunks(2).enumerate() {
            let upper = two[0];
            let lower = two.get(1).copied();
            for (x, value) in pair.iter_mut().enumerate() {
                *value = Complex32::new(upper[x], lower.map_or(0.0, |row| row[x]));
            }
            self.rows.process_with_scratch(&mut pair, &mut scratch);
            for column in 0..band {
                let k = signed(column, band);
                let (plus, minus) = (pair[wrap(k, grid)], pair[wrap(-k, grid)].conj());
                columns[column * grid + 2 * first] = (plus + minus) * 0.5;
                if lower.is_some() {
                    columns[column * grid + 2 * first + 1] = (plus - minus) * Complex32::new(0.0, -0.5);
                }
            }
        }
        pair.fill(Complex32::default());
        self.rows.process_with_scratch(&mut columns, &mut scratch);
        let mut out = vec![Complex32::default(); band * band];
        for (column, values) in columns.chunks_exact(grid).enumerate() {
            for row in 0..band {
                out[row * band + column] = values[wrap(signed(row, band), grid)];
            }
        }
        columns.fill(Complex32::default());
        scratch.fill(Complex32::default());
        let mut amplitude = amplitude;
        amplitude.zeroize();
        Ok(out)
    }

    /// Square root of the averaged, offset-free centre of the frames.
    fn amplitude(&self, frames: &[Frame]) -> Result<Vec<f32>> {
        let grid = self.model.grid;
        let first = frames.first().ok_or_else(|| PufError::Device("no frame".into()))?;
        let (width, height) = (first.width(), first.height());
        if width < grid || height < grid {
            return Err(PufError::Device(format!("frames of {width} x {height}, {grid} x {grid} needed")));
        }
        let (left, top) = ((width - grid) / 2, (height - grid) / 2);
        let mut sum = vec![0u32; grid * grid];
        for frame in frames {
            if (frame.width(), frame.height()) != (width, height) {
                return Err(PufError::Device("frames of different sizes".into()));
            }
            for (row, pixels) in sum.chunks_exact_mut(grid).zip(frame.pixels().chunks_exact(width).skip(top))
            {
                for (s, pixel) in row.iter_mut().zip(&pixels[left..]) {
                    *s += u32::from(*pixel);
                }
            }
        }
        let scale = (frames.len() as f32).recip();
        let amplitude = sum.iter().map(|&s| (s as f32 * scale - self.model.dark).max(0.0).sqrt()).collect();
        sum.zeroize();
        Ok(amplitude)
    }
}

impl Projection for SpectralProjection {
    fn name(&self) -> &str {
        &self.model.name
    }

    fn assessed_entropy(&self) -> f64 {
        self.model.assessed_entropy
    }

    fn layout(&self) -> Layout {
        self.model.layout
    }

    fn prepare(&self, frames: &[Frame]) -> Result<Prepared> {
        let mut spectrum = self.spectrum(frames)?;
        let values =
            spectrum.iter().zip(&self.weights).flat_map(|(v, w)| [v.re * w, v.im * w]).collect::<Vec<f32>>();
        spectrum.fill(Complex32::default());
        Ok(Prepared { values: Soft(values) })
    }

    fn project(&self, prepared: &Prepared, registration: Registration) -> Soft {
        let band = self.model.band;
        let ramp = |displacement: f32| -> Vec<Complex32> {
            (0..band)
                .map(|i| Complex32::cis(TAU * signed(i, band) as f32 * displacement / self.model.grid as f32))
                .collect()
        };
        let (across, down) = (ramp(registration.x), ramp(registration.y));
        let mut plane: Vec<Complex32> = prepared
            .values
            .0
            .chunks_exact(2)
            .enumerate()
            .map(|(i, v)| Complex32::new(v[0], v[1]) * across[i % band] * down[i / band])
            .collect();
        let mut scratch = vec![Complex32::default(); self.band.get_inplace_scratch_len()];
        self.band.process_with_scratch(&mut plane, &mut scratch);
        transpose(&mut plane, band);
        self.band.process_with_scratch(&mut plane, &mut scratch);
        let mut values: Vec<f32> = plane.iter().zip(&self.signs).map(|(v, s)| v.re * s).collect();
        plane.fill(Complex32::default());
        scratch.fill(Complex32::default());
        walsh_hadamard(&mut values);
        let power: f32 = values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32;
        let scale = power.max(f32::MIN_POSITIVE).sqrt().recip();
        for value in &mut values {
            *value *= scale;
        }
        Soft(values)
    }

    fn registrations(&self) -> Vec<Registration> {
        let steps = [0.0f32, 0.5, -0.5, 1.0, -1.0];
        let mut grid: Vec<Registration> =
            steps.iter().flat_map(|&x| steps.iter().map(move |&y| Registration { x, y })).collect();
        grid.sort_by(|a, b| a.x.hypot(a.y).total_cmp(&b.x.hypot(b.y)));
        grid
    }
}

/// Index `i` of a transform of length `n` as a signed frequency.
pub(super) const fn signed(i: usize, n: usize) -> i32 {
    if i < n.div_ceil(2) { i as i32 } else { i as i32 - n as i32 }
}

const fn wrap(k: i32, n: usize) -> usize {
    k.rem_euclid(n as i32) as usize
}

fn transpose(plane: &mut [Complex32], side: usize) {
    for row in 0..side {
        for column in row + 1..side {
            plane.swap(row * side + column, column * side + row);
        }
    }
}

/// In place, unnormalised; the length is a power of two.
fn walsh_hadamard(values: &mut [f32]) {
    let mut half = 1;
    while half < values.len() {
        for block in values.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
}

impl std::fmt::Debug for SpectralProjection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SpectralProjection({:?})", self.model.name)
    }
}
