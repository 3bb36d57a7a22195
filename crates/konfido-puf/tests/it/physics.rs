//! The simulator against the theory of fully developed speckle (Goodman, Speckle Phenomena in Optics), and the
//! hash against what it promises on such speckle.
use konfido_puf::device::SpeckleDevice;
use konfido_puf::device::simulated::SimulatedDevice;
use konfido_puf::hash;
use konfido_puf::sim::{Surroundings, TokenModel};

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
