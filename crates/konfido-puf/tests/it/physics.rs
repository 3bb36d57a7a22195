//! The simulator against the theory of fully developed speckle (Goodman, Speckle Phenomena in Optics), and the
//! hash against what it promises on such speckle.
use konfido_puf::device::simulated::SimulatedDevice;
use konfido_puf::device::{Challenge, SpeckleDevice};
use konfido_puf::hash::{self, Registration};
use konfido_puf::sim::{Environment, Optics, Surroundings, Token, TokenModel};

pub(crate) fn still(name: &str) -> SimulatedDevice {
    SimulatedDevice::new(
        TokenModel::PATTERN,
        SimulatedDevice::seed_from_name(name),
        Surroundings::STILL,
        SimulatedDevice::seed_from_name(&format!("{name} noise")),
    )
}

/// The hash's constants are those that calibration finds on tokens the constants were not made from.
#[test]
fn spectrum_of_the_simulator_is_current() {
    let tokens = 10;
    let mut frames = Vec::new();
    for token in 0..tokens {
        let mut device = still(&format!("calibration {token}"));
        for challenge in device.challenge_set([token; 16], 10).unwrap() {
            device.set_challenge(&challenge).unwrap();
            frames.extend(device.capture(1).unwrap());
        }
    }
    let found = hash::calibrate("sim-pattern-256", 256, 64.0, &frames).unwrap();
    let stored = hash::DeviceModel::simulator("sim-pattern-256");
    for (radius, (found, stored)) in found.spectrum.iter().zip(&stored.spectrum).enumerate() {
        // 100 frames of some 2 pi r independent points: the sampling error is 1 / sqrt(600 r).
        let tolerance = 0.07 + 4.0 / (600.0 * (radius.max(1) as f32)).sqrt();
        if radius > 0 && radius < 45 {
            assert!((found / stored).ln().abs() < tolerance, "radius {radius}: {found} for {stored}");
        }
    }
}

fn pearson(a: &[f32], b: &[f32]) -> f64 {
    let wide = |x: &[f32]| x.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
    konfido_puf::speckle::pearson(&wide(a), &wide(b))
}

/// (2 J1(u) / u)^2 by numerical integration.
fn airy(u: f64) -> f64 {
    if u == 0.0 {
        return 1.0;
    }
    let steps = 400;
    let j1: f64 = (0..steps)
        .map(|i| {
            let angle = (f64::from(i) + 0.5) * std::f64::consts::PI / f64::from(steps);
            (angle - u * angle.sin()).cos()
        })
        .sum::<f64>()
        / f64::from(steps);
    (2.0 * j1 / u).powi(2)
}

/// Fully developed speckle: contrast 1, second moment 2, third 6, exponential tail; autocovariance of a circular
/// pupil. Forty frames of some 4000 cells: five standard deviations of the estimators.
#[test]
fn speckle_has_the_statistics_of_theory() {
    let mut device = still("statistics");
    let mut moments = [0.0f64; 4];
    let mut tail = [0.0f64; 4];
    let mut covariance = [0.0f64; 7];
    let mut count = 0.0;
    for challenge in device.challenge_set([9; 16], 40).unwrap() {
        let image = device.ideal(&challenge, &Environment::default()).unwrap();
        for &value in &image {
            let i = f64::from(value);
            count += 1.0;
            for (power, moment) in moments.iter_mut().enumerate() {
                *moment += i.powi(power as i32);
            }
            for (t, share) in tail.iter_mut().enumerate() {
                *share += f64::from(u8::from(i > t as f64 + 1.0));
            }
        }
        for row in image.chunks(256) {
            for (lag, sum) in covariance.iter_mut().enumerate() {
                *sum += (0..256)
                    .map(|x| f64::from(row[x] - 1.0) * f64::from(row[(x + lag) % 256] - 1.0))
                    .sum::<f64>();
            }
        }
    }
    // Independent cells: 4049 a frame, so that relative errors go with 1 / sqrt(40 * 4049) = 0.0025.
    let cell = (40.0f64 * 4049.0).sqrt().recip();
    let mean = moments[1] / count;
    let second = moments[2] / count / mean.powi(2);
    assert!((mean - 1.0).abs() < 5.0 * cell, "mean {mean}");
    assert!((second - 2.0).abs() < 5.0 * cell * 20f64.sqrt(), "second moment {second}");
    assert!(((second - 1.0).sqrt() - 1.0).abs() < 5.0 * cell * 20f64.sqrt() / 2.0, "contrast");
    let third = moments[3] / count / mean.powi(3) / 6.0;
    assert!((third - 1.0).abs() < 5.0 * cell * 19f64.sqrt(), "third moment over 6: {third}");
    for (t, share) in tail.iter().enumerate() {
        let expected = (-(t as f64 + 1.0)).exp();
        assert!((share / count - expected).abs() < 5.0 * cell * expected.sqrt(), "P(I > {})", t + 1);
    }
    for lag in [1usize, 2, 3, 4, 6] {
        let theory = airy(std::f64::consts::TAU * 36.0 * lag as f64 / 256.0);
        let found = covariance[lag] / covariance[0];
        assert!((found - theory).abs() < 0.02, "lag {lag}: {found} for {theory}");
    }
}

/// Spectral correlation, the flip law, the shift law.
#[test]
fn changes_decorrelate_as_theory_says() {
    let mut device = still("laws");
    let set = device.challenge_set([2; 16], 2).unwrap();
    let at =
        |device: &mut SimulatedDevice, environment: Environment| device.ideal(&set[0], &environment).unwrap();
    let still_image = at(&mut device, Environment::default());
    // Four equally likely delays at the quantile mid-points of an exponential distribution.
    let delays: Vec<f64> = (0..4).map(|j| -(1.0 - (f64::from(j) + 0.5) / 4.0f64).ln()).collect();
    for detuning in [0.02f32, 0.05, 0.1, 0.2] {
        let (mut re, mut im) = (0.0, 0.0);
        for tau in &delays {
            let angle = std::f64::consts::TAU * f64::from(detuning) * tau;
            re += angle.cos() / 4.0;
            im += angle.sin() / 4.0;
        }
        let theory = re * re + im * im;
        let moved = at(&mut device, Environment { detuning, ..Environment::default() });
        let found = pearson(&still_image, &moved);
        assert!((found - theory).abs() < 0.05, "detuning {detuning}: {found} for {theory}");
    }
    for ageing in [0.1f32, 0.2, 0.4] {
        let theory = 1.0 - f64::from(ageing * ageing);
        let found = pearson(&still_image, &at(&mut device, Environment { ageing, ..Environment::default() }));
        assert!((found - theory).abs() < 0.05, "ageing {ageing}: {found} for {theory}");
    }
    for shift in [0.1f32, 0.5, 1.0, 2.0] {
        let theory = airy(std::f64::consts::TAU * 36.0 * f64::from(shift) / 256.0);
        let found =
            pearson(&still_image, &at(&mut device, Environment { shift_x: shift, ..Environment::default() }));
        // One frame of 4049 cells: a standard deviation of 0.016.
        assert!((found - theory).abs() < 0.065, "shift {shift}: {found} for {theory}");
    }
    // Two orthogonal patterns do not correlate at all.
    let other = device.ideal(&set[1], &Environment::default()).unwrap();
    assert!(pearson(&still_image, &other).abs() < 0.06);
}

/// Flipping m of N modulator pixels leaves (1 - 2m/N)^2 of the intensity correlation.
#[test]
fn flips_decorrelate_as_theory_says() {
    let token = Token::new(TokenModel::PATTERN, [5; 32]);
    let mut optics = Optics::new(token.pupil());
    let mut image = |flipped: usize| {
        let signs: Vec<f32> = (0..256).map(|i| if i < flipped { -1.0 } else { 1.0 }).collect();
        optics.intensity(&token.respond(&signs).field(0.0, 0.0), &Environment::default())
    };
    let still_image = image(0);
    for flipped in [1usize, 4, 16, 64] {
        let theory = (1.0 - 2.0 * flipped as f64 / 256.0).powi(2);
        let found = pearson(&still_image, &image(flipped));
        assert!((found - theory).abs() < 0.06, "{flipped} flips: {found} for {theory}");
    }
}

/// A sign hash of Gaussian values errs at arccos(rho) / pi; inter-distance is 0.5 +- 0.008.
#[test]
fn the_hash_errs_as_theory_says_and_tells_challenges_apart() {
    let mut device = still("hash");
    let projection = hash::by_model("sim-pattern-256").unwrap();
    let set = device.challenge_set([4; 16], 24).unwrap();
    let mut bits =
        |device: &mut SimulatedDevice, challenge: &Challenge, environment: Environment| -> Vec<bool> {
            device.set_environment(environment);
            device.set_challenge(challenge).unwrap();
            let frames = device.capture(2).unwrap();
            let soft = projection.project(&projection.prepare(&frames).unwrap(), Registration::default());
            soft.values().iter().map(|v| *v > 0.0).collect()
        };
    let distance =
        |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(x, y)| x != y).count() as f64 / a.len() as f64;
    for (ageing, rho) in [(0.2236f32, 0.95), (0.3162, 0.9), (0.4472, 0.8), (0.5477, 0.7)] {
        let mut errors = 0.0;
        for challenge in set.iter().take(4) {
            let young = bits(&mut device, challenge, Environment::default());
            let old = bits(&mut device, challenge, Environment { ageing, ..Environment::default() });
            errors += distance(&young, &old) / 4.0;
        }
        let theory = f64::acos(rho) / std::f64::consts::PI;
        assert!((errors - theory).abs() < 0.015, "rho {rho}: {errors} for {theory}");
    }
    let all: Vec<Vec<bool>> = set.iter().map(|c| bits(&mut device, c, Environment::default())).collect();
    let pairs: Vec<f64> = (0..all.len())
        .flat_map(|i| (0..i).map(move |j| (i, j)))
        .map(|(i, j)| distance(&all[i], &all[j]))
        .collect();
    let mean = pairs.iter().sum::<f64>() / pairs.len() as f64;
    let deviation = (pairs.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / pairs.len() as f64).sqrt();
    assert!((mean - 0.5).abs() < 0.008, "inter-distance {mean}");
    assert!(deviation < 0.010, "deviation {deviation}: {} independent bits", 0.25 / deviation.powi(2));
}
