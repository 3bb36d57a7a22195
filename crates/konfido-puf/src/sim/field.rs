//! Pupil plane and image plane: the Fourier transform between them.
#![expect(clippy::indexing_slicing, reason = "indices come from the pupil's own table and stay on its grid")]

use std::f32::consts::TAU;
use std::sync::Arc;

use rustfft::{Fft, FftPlanner, num_complex::Complex32};

use super::Environment;

/// The points of a circular pupil on a square grid.
#[derive(Clone, Debug)]
pub struct Pupil {
    grid: usize,
    /// Signed frequencies, column by column.
    points: Vec<(i32, i32)>,
}

impl Pupil {
    /// All points closer than `radius` to the centre of a `grid` times `grid` plane.
    #[must_use]
    pub fn new(grid: usize, radius: usize) -> Self {
        let r = radius as i32;
        let points = (-r..=r)
            .flat_map(|kx| (-r..=r).map(move |ky| (kx, ky)))
            .filter(|&(kx, ky)| kx * kx + ky * ky < r * r)
            .collect();
        Self { grid, points }
    }

    /// Number of points: the degrees of freedom of the field.
    #[must_use]
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether the pupil is closed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// Pixels along one side of the image.
    #[must_use]
    pub const fn grid(&self) -> usize {
        self.grid
    }
}

/// Carries a pupil field to the image plane; owns the buffers, so that a frame costs no allocation but its own.
pub struct Optics {
    pupil: Arc<Pupil>,
    inverse: Arc<dyn Fft<f32>>,
    column: Vec<Complex32>,
    plane: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

impl Optics {
    /// Optics behind `pupil`.
    #[must_use]
    pub fn new(pupil: Arc<Pupil>) -> Self {
        let inverse = FftPlanner::new().plan_fft_inverse(pupil.grid);
        let scratch = vec![Complex32::default(); inverse.get_inplace_scratch_len()];
        let column = vec![Complex32::default(); pupil.grid];
        let plane = vec![Complex32::default(); pupil.grid * pupil.grid];
        Self { pupil, inverse, column, plane, scratch }
    }

    /// Intensity of mean 1, shifted exactly (a phase ramp over the pupil), rotated by resampling.
    pub fn intensity(&mut self, field: &[Complex32], at: &Environment) -> Vec<f32> {
        let grid = self.pupil.grid;
        let wrap = |k: i32| k.rem_euclid(grid as i32) as usize;
        self.plane.fill(Complex32::default());
        let mut points = self.pupil.points.iter().zip(field).peekable();
        while let Some(&(&(kx, _), _)) = points.peek() {
            self.column.fill(Complex32::default());
            while let Some((&(_, ky), &value)) = points.next_if(|((x, _), _)| *x == kx) {
                let turn = -TAU * (kx as f32 * at.shift_x + ky as f32 * at.shift_y) / grid as f32;
                self.column[wrap(ky)] = if turn == 0.0 { value } else { value * Complex32::cis(turn) };
            }
            self.inverse.process_with_scratch(&mut self.column, &mut self.scratch);
            for (row, value) in self.plane.chunks_exact_mut(grid).zip(&self.column) {
                row[wrap(kx)] = *value;
            }
        }
        self.inverse.process_with_scratch(&mut self.plane, &mut self.scratch);
        let scale = 1.0 / self.pupil.len() as f32;
        let image: Vec<f32> = self.plane.iter().map(|e| e.norm_sqr() * scale).collect();
        if at.rotation == 0.0 { image } else { rotate(&image, grid, at.rotation) }
    }
}

impl std::fmt::Debug for Optics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Optics({} points on {} px)", self.pupil.len(), self.pupil.grid)
    }
}

/// Rotation about the centre by bilinear resampling; the image repeats beyond its edge, as the transform does.
fn rotate(image: &[f32], grid: usize, angle: f32) -> Vec<f32> {
    let (sin, cos) = angle.sin_cos();
    let centre = grid as f32 / 2.0;
    let at = |x: i32, y: i32| {
        image[y.rem_euclid(grid as i32) as usize * grid + x.rem_euclid(grid as i32) as usize]
    };
    let mut out = Vec::with_capacity(image.len());
    for row in 0..grid {
        for column in 0..grid {
            let (dx, dy) = (column as f32 - centre, row as f32 - centre);
            let (x, y) = (centre + cos * dx + sin * dy, centre - sin * dx + cos * dy);
            let (left, top) = (x.floor(), y.floor());
            let (fx, fy) = (x - left, y - top);
            let (x, y) = (left as i32, top as i32);
            let upper = at(x, y) * (1.0 - fx) + at(x + 1, y) * fx;
            let lower = at(x, y + 1) * (1.0 - fx) + at(x + 1, y + 1) * fx;
            out.push(upper * (1.0 - fy) + lower * fy);
        }
    }
    out
}

/// A circular complex Gaussian of unit mean square (polar form, so that the stream is the same everywhere).
pub(crate) fn gaussian(rng: &mut impl rand_core::Rng) -> Complex32 {
    let word = rng.next_u64();
    let uniform = ((word >> 32) as f32 + 1.0) * (1.0 / 4_294_967_808.0);
    let angle = (word as u32 >> 8) as f32 * (TAU / 16_777_216.0);
    Complex32::from_polar((-uniform.ln()).max(0.0).sqrt(), angle)
}
