//! Figures of a speckle image: what tells a sharp, stable, well-exposed token from a sick one.

use rustfft::{FftPlanner, num_complex::Complex32};

use crate::device::Frame;

/// Figures of one frame.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct FrameFigures {
    /// Mean above the dark level, as a share of full scale.
    pub brightness: f64,
    /// Share of pixels at full scale.
    pub saturated: f64,
    /// Standard deviation over mean: 1 for fully developed speckle.
    pub contrast: f64,
    /// Second moment over squared mean: 2 for fully developed speckle.
    pub second_moment: f64,
    /// First lag at which the autocovariance falls below one half, in pixels.
    pub grain: f64,
}

impl FrameFigures {
    /// Figures of `frame` above `dark`.
    #[must_use]
    pub fn of(frame: &Frame, dark: f32) -> Self {
        let full = f64::from(frame.full_scale());
        let n = frame.pixels().len() as f64;
        let signal = frame.pixels().iter().map(|&p| f64::from(p) - f64::from(dark));
        let mean = signal.clone().sum::<f64>() / n;
        let square = signal.map(|s| s * s).sum::<f64>() / n;
        let safe = mean.abs().max(f64::MIN_POSITIVE);
        let saturated = frame.pixels().iter().filter(|&&p| p == frame.full_scale()).count() as f64 / n;
        let covariance = autocovariance(frame, dark, 16);
        let below = covariance.windows(2).enumerate().find_map(|(lag, pair)| match pair {
            [a, b] if *b < 0.5 => Some(lag as f64 + (a - 0.5) / (a - b)),
            _ => None,
        });
        Self {
            brightness: mean / full,
            saturated,
            contrast: (square - mean * mean).max(0.0).sqrt() / safe,
            second_moment: square / (safe * safe),
            grain: below.unwrap_or(f64::INFINITY),
        }
    }
}

/// Normalised autocovariance along x at lags 0, 1, ..., `lags` - 1.
#[must_use]
pub fn autocovariance(frame: &Frame, dark: f32, lags: usize) -> Vec<f64> {
    let width = frame.width();
    let mut planner = FftPlanner::<f32>::new();
    let (forward, inverse) = (planner.plan_fft_forward(width), planner.plan_fft_inverse(width));
    let mean = frame.pixels().iter().map(|&p| f64::from(p)).sum::<f64>() / frame.pixels().len().max(1) as f64;
    let mut sum = vec![0.0f64; width];
    for row in frame.pixels().chunks_exact(width) {
        let mut line: Vec<Complex32> =
            row.iter().map(|&p| Complex32::new(f32::from(p) - mean as f32, 0.0)).collect();
        forward.process(&mut line);
        for value in &mut line {
            *value = Complex32::new(value.norm_sqr(), 0.0);
        }
        inverse.process(&mut line);
        for (s, value) in sum.iter_mut().zip(&line) {
            *s += f64::from(value.re);
        }
    }
    let _ = dark;
    let first = sum.first().copied().filter(|s| *s > 0.0).unwrap_or(1.0);
    sum.iter().take(lags).map(|s| s / first).collect()
}

/// Correlation coefficient of two frames.
#[must_use]
pub fn correlation(a: &Frame, b: &Frame) -> f64 {
    let series = |f: &Frame| f.pixels().iter().map(|&p| f64::from(p)).collect::<Vec<f64>>();
    pearson(&series(a), &series(b))
}

/// Pearson's correlation coefficient.
#[must_use]
pub fn pearson(a: &[f64], b: &[f64]) -> f64 {
    let n = a.len().min(b.len()).max(1) as f64;
    let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        ab += (x - ma) * (y - mb);
        aa += (x - ma) * (x - ma);
        bb += (y - mb) * (y - mb);
    }
    if aa * bb > 0.0 { ab / (aa * bb).sqrt() } else { 0.0 }
}
