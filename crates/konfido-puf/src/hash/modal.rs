//! Whitened projections for a small image with a known mode map: principal components of what random mode mixtures
//! look like behind it. Public: it knows the fibre's type, not the fibre.

use std::path::Path;

use chacha20::ChaCha8Rng;
use rand_core::SeedableRng;
use rustfft::num_complex::Complex32;

use super::{Layout, Prepared, Projection, Registration, Soft};
use crate::device::Frame;
use crate::device::replay::{FIBRE_MODEL, MODE_MAP, profile};
use crate::error::{PufError, Result};
use crate::npy::Matrix;
use crate::sim::gaussian;

const COMPONENTS: usize = 64;
/// Directions carried along, so that the last wanted ones converge.
const CARRIED: usize = 80;
const SAMPLES: usize = 1200;
const ROUNDS: usize = 6;

/// The projection of a recorded fibre.
pub struct ModalProjection {
    side: usize,
    /// Pixels inside the core, with the reciprocal of their mean amplitude.
    core: Vec<(usize, f32)>,
    mean: Vec<f32>,
    /// Whitened components, row by row over the core.
    components: Vec<f32>,
    exposure: f32,
}

impl ModalProjection {
    /// Reads the mode map in `directory` and computes the components, the same ones each time.
    pub fn open(directory: &Path) -> Result<Self> {
        Self::new(&Matrix::read(&directory.join(MODE_MAP), "")?)
    }

    /// Computes the components behind `modes` (modes by pixels).
    pub fn new(modes: &Matrix) -> Result<Self> {
        let side = (modes.columns as f64).sqrt() as usize;
        let brightness = profile(modes);
        let brightest = brightness.iter().copied().fold(0.0, f64::max);
        let core: Vec<(usize, f32)> = brightness
            .iter()
            .enumerate()
            .filter(|&(_, &b)| b > 0.25 * brightest)
            .map(|(i, b)| (i, b.sqrt().recip() as f32))
            .collect();
        if core.len() < CARRIED {
            return Err(PufError::malformed("mode map", "too few pixels in the core"));
        }
        let map: Vec<Vec<Complex32>> = modes
            .iter_rows()
            .map(|mode| {
                core.iter()
                    .filter_map(|&(i, _)| mode.get(i))
                    .map(|z| Complex32::new(z.re as f32, z.im as f32))
                    .collect()
            })
            .collect();
        let mut rng = ChaCha8Rng::seed_from_u64(0x6d6f_6461);
        let mut samples: Vec<Vec<f32>> = (0..SAMPLES)
            .map(|_| {
                let mut field = vec![Complex32::default(); core.len()];
                for mode in &map {
                    let a = gaussian(&mut rng);
                    for (sum, value) in field.iter_mut().zip(mode) {
                        *sum += value * a;
                    }
                }
                field.iter().zip(&core).map(|(e, (_, scale))| e.norm() * scale).collect()
            })
            .collect();
        let mut mean = vec![0.0f32; core.len()];
        for sample in &samples {
            for (m, x) in mean.iter_mut().zip(sample) {
                *m += x / SAMPLES as f32;
            }
        }
        for sample in &mut samples {
            for (x, m) in sample.iter_mut().zip(&mean) {
                *x -= m;
            }
        }
        let components = principal(&samples, core.len(), &mut rng);
        let exposure = (12.0 * brightest / 65_535.0).sqrt() as f32;
        Ok(Self { side, core, mean, components, exposure })
    }
}

/// The first whitened principal components by subspace iteration.
fn principal(samples: &[Vec<f32>], width: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut basis: Vec<Vec<f32>> =
        (0..CARRIED).map(|_| (0..width).map(|_| gaussian(rng).re).collect()).collect();
    let mut variances = vec![0.0f32; CARRIED];
    for _ in 0..ROUNDS {
        orthonormalise(&mut basis);
        for (direction, variance) in basis.iter_mut().zip(&mut variances) {
            let mut image = vec![0.0f32; width];
            for sample in samples {
                let along = dot(sample, direction);
                for (sum, x) in image.iter_mut().zip(sample) {
                    *sum += along * x / samples.len() as f32;
                }
            }
            *variance = dot(&image, direction);
            *direction = image;
        }
    }
    orthonormalise(&mut basis);
    // Rotate within the subspace until the covariance is diagonal, so that components are uncorrelated.
    let projected: Vec<Vec<f32>> =
        samples.iter().map(|s| basis.iter().map(|direction| dot(s, direction)).collect()).collect();
    let mut covariance: Vec<Vec<f32>> = vec![vec![0.0; CARRIED]; CARRIED];
    for point in &projected {
        for (row, a) in covariance.iter_mut().zip(point) {
            for (c, b) in row.iter_mut().zip(point) {
                *c += a * b / samples.len() as f32;
            }
        }
    }
    let rotation = diagonalise(&mut covariance);
    let mut order: Vec<(f32, Vec<f32>)> = covariance
        .iter()
        .enumerate()
        .filter_map(|(i, row)| {
            let variance = *row.get(i)?;
            let mut direction = vec![0.0f32; width];
            for (axis, weights) in basis.iter().zip(&rotation) {
                let weight = weights.get(i)?;
                for (sum, x) in direction.iter_mut().zip(axis) {
                    *sum += weight * x;
                }
            }
            Some((variance, direction))
        })
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0));
    order
        .iter()
        .take(COMPONENTS)
        .flat_map(|(variance, direction)| {
            let scale = variance.max(f32::MIN_POSITIVE).sqrt().recip();
            direction.iter().map(move |x| x * scale)
        })
        .collect()
}

/// Gram and Schmidt, twice for stability.
fn orthonormalise(basis: &mut [Vec<f32>]) {
    for i in 0..basis.len() {
        let (done, rest) = basis.split_at_mut(i);
        let Some(current) = rest.first_mut() else { return };
        for _ in 0..2 {
            for earlier in done.iter() {
                let along = dot(earlier, current);
                for (x, e) in current.iter_mut().zip(earlier) {
                    *x -= along * e;
                }
            }
        }
        let scale = dot(current, current).max(f32::MIN_POSITIVE).sqrt().recip();
        for x in current.iter_mut() {
            *x *= scale;
        }
    }
}

/// Jacobi's method on a symmetric matrix; returns the rotation, columns being the eigenvectors.
#[expect(
    clippy::indexing_slicing,
    clippy::needless_range_loop,
    reason = "square matrices, indices below their side"
)]
fn diagonalise(a: &mut [Vec<f32>]) -> Vec<Vec<f32>> {
    let n = a.len();
    let mut v: Vec<Vec<f32>> =
        (0..n).map(|i| (0..n).map(|j| if i == j { 1.0 } else { 0.0 }).collect()).collect();
    for _ in 0..12 {
        for p in 0..n {
            for q in p + 1..n {
                if a[p][q].abs() < 1e-12 {
                    continue;
                }
                let theta = 0.5 * (2.0 * a[p][q]).atan2(a[q][q] - a[p][p]);
                let (s, c) = theta.sin_cos();
                for k in 0..n {
                    let (x, y) = (a[k][p], a[k][q]);
                    (a[k][p], a[k][q]) = (c * x - s * y, s * x + c * y);
                }
                for k in 0..n {
                    let (x, y) = (a[p][k], a[q][k]);
                    (a[p][k], a[q][k]) = (c * x - s * y, s * x + c * y);
                }
                for k in 0..n {
                    let (x, y) = (v[k][p], v[k][q]);
                    (v[k][p], v[k][q]) = (c * x - s * y, s * x + c * y);
                }
            }
        }
    }
    v
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

impl Projection for ModalProjection {
    fn name(&self) -> &str {
        FIBRE_MODEL
    }

    fn assessed_entropy(&self) -> f64 {
        super::model::ASSESSED
    }

    fn layout(&self) -> Layout {
        Layout { challenges: 128, selected: 16 }
    }

    fn prepare(&self, frames: &[Frame]) -> Result<Prepared> {
        let width = 2 * self.side;
        if frames.is_empty() || frames.iter().any(|f| f.width() != width || f.height() != self.side) {
            return Err(PufError::Device(format!("frames of {width} x {} needed", self.side)));
        }
        let mut values = Vec::with_capacity(2 * self.core.len());
        for polarisation in 0..2 {
            for &(pixel, scale) in &self.core {
                let at = pixel / self.side * width + polarisation * self.side + pixel % self.side;
                let sum: u32 = frames.iter().filter_map(|f| f.pixels().get(at)).map(|&p| u32::from(p)).sum();
                values.push((sum as f32 / frames.len() as f32).sqrt() * self.exposure * scale);
            }
        }
        Ok(Prepared { values: Soft(values) })
    }

    fn project(&self, prepared: &Prepared, _: Registration) -> Soft {
        let mut out = Vec::with_capacity(2 * COMPONENTS);
        for polarisation in prepared.values.0.chunks_exact(self.core.len()) {
            let centred: Vec<f32> = polarisation.iter().zip(&self.mean).map(|(x, m)| x - m).collect();
            out.extend(self.components.chunks_exact(self.core.len()).map(|c| dot(c, &centred)));
        }
        Soft(out)
    }
}

impl std::fmt::Debug for ModalProjection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ModalProjection({} pixels)", self.core.len())
    }
}
