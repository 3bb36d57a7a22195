//! Uniqueness and reliability of a token, measured, with a page to look at.
//!
//! The challenges shown here are drawn for the evaluation and thrown away; no enrolled challenge appears. Images of
//! speckles are raw responses and are left out for a physical token.

mod chart;
mod page;

pub use self::page::page;

use crate::device::{Challenge, Frame, Provenance, SpeckleDevice};
use crate::error::{PufError, Result};
use crate::hash::{Prepared, Projection, Registration, Soft, word};
use crate::helper::Profile;
use crate::speckle::{FrameFigures, autocovariance};

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Measurements of the reference challenges.
    pub measurements: usize,
    /// Other challenges to compare with.
    pub others: usize,
}

/// Captures averaged into the reference.
const REFERENCE: usize = 6;
/// Frames of a challenge in a measurement.
const FRAMES: usize = 2;
/// Lags of the autocovariance.
const LAGS: usize = 16;

/// Figures that fit a line.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Summary {
    /// Device model.
    pub model: String,
    /// Where the frames came from.
    pub provenance: Provenance,
    /// Bits of one challenge.
    pub bits: usize,
    /// Mean distance between challenges.
    pub inter_mean: f64,
    /// Its standard deviation.
    pub inter_deviation: f64,
    /// Independent bits that this deviation amounts to.
    pub degrees_of_freedom: f64,
    /// Mean distance between measurements of one challenge, all bits.
    pub intra_mean: f64,
    /// Largest such distance.
    pub intra_most: f64,
    /// Error rate of the selected bits.
    pub selected_error_rate: f64,
    /// Errors in the 2047-bit word, mean.
    pub errors_mean: f64,
    /// Errors in the 2047-bit word, most.
    pub errors_most: u32,
    /// Errors that the code corrects.
    pub correctable: u32,
    /// Base-10 logarithm of the equal error rate on all bits of one challenge, Gaussian extrapolation.
    pub log10_equal_error: f64,
    /// Figures of one frame.
    pub frame: FrameFigures,
}

/// All that the page draws.
#[derive(Debug)]
pub struct Evaluation {
    /// Figures that fit a line.
    pub summary: Summary,
    intra: Vec<f64>,
    inter: Vec<f64>,
    errors: Vec<u32>,
    covariance: Vec<f64>,
    samples: Vec<(&'static str, Frame)>,
}

/// Measures.
pub fn evaluate(
    device: &mut dyn SpeckleDevice,
    projection: &dyn Projection,
    dark: f32,
    plan: &Plan,
) -> Result<Evaluation> {
    let layout = projection.layout();
    let challenges = device.challenge_set(*b"evaluation set 1", layout.challenges)?;
    let mut captured: Vec<Vec<Soft>> = challenges.iter().map(|_| Vec::new()).collect();
    for _ in 0..REFERENCE {
        for (all, one) in captured.iter_mut().zip(measure(device, projection, &challenges)?) {
            all.push(one);
        }
    }
    let reference = captured.iter().map(|many| Soft::mean(many)).collect::<Result<Vec<_>>>()?;
    let selected = reference.iter().map(|s| s.most_reliable(layout.selected)).collect::<Result<Vec<_>>>()?;
    let expected = word(&reference, &selected)?;
    let (mut intra, mut errors) = (Vec::new(), Vec::new());
    for _ in 0..plan.measurements {
        let soft = measure(device, projection, &challenges)?;
        intra.extend(reference.iter().zip(&soft).map(|(a, b)| distance(a, b)));
        errors.push(word(&soft, &selected)?.xor(&expected).weight());
    }
    let others = device.challenge_set(*b"evaluation set 2", plan.others)?;
    let strangers = measure(device, projection, &others)?;
    let inter: Vec<f64> = strangers
        .iter()
        .enumerate()
        .flat_map(|(i, a)| strangers.iter().skip(i + 1).map(move |b| distance(a, b)))
        .collect();
    let mut samples = Vec::new();
    let look = |device: &mut dyn SpeckleDevice, challenge: Option<&Challenge>| -> Result<Frame> {
        let challenge = challenge.ok_or_else(|| PufError::Device("no challenge".into()))?;
        device.begin()?;
        device.set_challenge(challenge)?;
        device.capture(1)?.pop().ok_or_else(|| PufError::Device("no frame".into()))
    };
    let first = look(device, others.first())?;
    let frame = FrameFigures::of(&first, dark);
    let covariance = autocovariance(&first, dark, LAGS);
    if device.info().provenance != Provenance::Physical {
        samples.push(("one challenge", first));
        samples.push(("the same, measured again", look(device, others.first())?));
        samples.push(("another challenge", look(device, others.last())?));
    }
    let (inter_mean, inter_deviation) = moments(&inter);
    let (intra_mean, intra_deviation) = moments(&intra);
    let errors_mean = errors.iter().map(|&e| f64::from(e)).sum::<f64>() / errors.len().max(1) as f64;
    // Where the two Gaussian tails are equal.
    let z = (inter_mean - intra_mean) / (inter_deviation + intra_deviation).max(f64::MIN_POSITIVE);
    let summary = Summary {
        model: device.info().model.clone(),
        provenance: device.info().provenance,
        bits: reference.first().map_or(0, Soft::len),
        inter_mean,
        inter_deviation,
        degrees_of_freedom: 0.25 / (inter_deviation * inter_deviation).max(f64::MIN_POSITIVE),
        intra_mean,
        intra_most: intra.iter().copied().fold(0.0, f64::max),
        selected_error_rate: errors_mean / crate::WORD_BITS as f64,
        errors_mean,
        errors_most: errors.iter().copied().max().unwrap_or(0),
        correctable: Profile::P1.code().t() as u32,
        log10_equal_error: log10_tail(z),
        frame,
    };
    Ok(Evaluation { summary, intra, inter, errors, covariance, samples })
}

fn measure(
    device: &mut dyn SpeckleDevice,
    projection: &dyn Projection,
    challenges: &[Challenge],
) -> Result<Vec<Soft>> {
    device.begin()?;
    challenges
        .iter()
        .map(|challenge| {
            device.set_challenge(challenge)?;
            let prepared: Prepared = projection.prepare(&device.capture(FRAMES)?)?;
            Ok(projection.project(&prepared, Registration::default()))
        })
        .collect()
}

/// Share of differing signs.
fn distance(a: &Soft, b: &Soft) -> f64 {
    let differing = a.values().iter().zip(b.values()).filter(|(x, y)| (**x > 0.0) != (**y > 0.0)).count();
    differing as f64 / a.len().max(1) as f64
}

fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n).sqrt())
}

/// Base-10 logarithm of the Gaussian tail beyond `z` (Mills' ratio from z = 3 on, Abramowitz and Stegun 7.1.26
/// before).
pub(crate) fn log10_tail(z: f64) -> f64 {
    if z < 0.0 {
        return (1.0 - 10f64.powf(log10_tail(-z))).max(f64::MIN_POSITIVE).log10();
    }
    let density = -0.5 * z * z / std::f64::consts::LN_10 - (2.0 * std::f64::consts::PI).sqrt().log10();
    if z > 3.0 {
        return density + (z / (z * z + 1.0)).log10();
    }
    let t = 1.0 / (1.0 + 0.327_591_1 * z / std::f64::consts::SQRT_2);
    let series = t
        * (0.254_829_592
            + t * (-0.284_496_736 + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    (0.5 * series * (-0.5 * z * z).exp()).log10()
}

/// Base-10 logarithm of the chance that more than `t` of 2047 bits are wrong at error rate `p`.
pub(crate) fn log10_failure(p: f64, t: u32) -> f64 {
    let n = crate::WORD_BITS as f64;
    let p = p.clamp(1e-9, 0.499);
    // First term beyond t, then the geometric bound on the rest of the tail.
    let log_first: f64 = (0..=t).map(|i| ((n - f64::from(i)) / (f64::from(i) + 1.0)).ln()).sum::<f64>()
        + f64::from(t + 1) * p.ln()
        + (n - f64::from(t + 1)) * (1.0 - p).ln();
    let ratio = (n - f64::from(t + 1)) / f64::from(t + 2) * p / (1.0 - p);
    let rest = if ratio < 1.0 { -(1.0 - ratio).ln() } else { f64::INFINITY };
    ((log_first + rest) / std::f64::consts::LN_10).min(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_the_tabulated_ones() {
        for (z, tail) in [(0.0, 0.5), (1.0, 0.158_655), (3.0, 1.349_9e-3), (5.0, 2.866_5e-7)] {
            assert!((log10_tail(z) - f64::log10(tail)).abs() < 0.01, "z = {z}");
        }
        // P_fail(t = 170) at 4, 5, 5.2 and 6 per cent.
        for (p, failure) in [(0.04, 8e-19), (0.05, 1.1e-10), (0.052, 1.8e-9), (0.06, 1.2e-5)] {
            assert!((log10_failure(p, 170) - f64::log10(failure)).abs() < 0.15, "p = {p}");
        }
    }
}
