//! The acceptance run over the harsh profile: `envelope COUNT [FRAMES]`. Prints one line of figures, and one for
//! each failure with its intensity correlation. A wrong key ends it at once.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::panic, reason = "a measuring programme")]

use std::time::{Duration, Instant};

use konfido_keys::software::SystemRng;
use konfido_puf::device::simulated::SimulatedDevice;
use konfido_puf::extractor::{EnrolOptions, enrol, regenerate};
use konfido_puf::hash;
use konfido_puf::sim::{Environment, Surroundings, TokenModel};
use subtle::ConstantTimeEq;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count: u32 = arguments.next().and_then(|a| a.parse().ok()).unwrap_or(500);
    let frames: u8 = arguments.next().and_then(|a| a.parse().ok()).unwrap_or(1);
    let projection = hash::by_model("sim-pattern-256").unwrap();
    let tokens = 5;
    let (mut failures, mut late, mut worst, mut errors) = (0, 0, 0, 0u64);
    let mut spent = Duration::ZERO;
    for token in 0..tokens {
        let seed = SimulatedDevice::seed_from_name(&format!("envelope {token}"));
        let mut device =
            SimulatedDevice::new(TokenModel::PATTERN, seed, Surroundings::HARSH, [token as u8; 32]);
        device.set_surroundings(Surroundings { ageing: 0.0, ..Surroundings::HARSH });
        let options = EnrolOptions { frames, ..EnrolOptions::default() };
        let enrolled = enrol(&mut device, &*projection, &SystemRng, &options).unwrap();
        device.set_surroundings(Surroundings::HARSH);
        for _ in 0..count / tokens {
            let start = Instant::now();
            let result = regenerate(&mut device, &*projection, &enrolled.helper, b"");
            spent += start.elapsed();
            match result {
                Ok(again) => {
                    assert!(bool::from(again.key.ct_eq(&enrolled.key)), "a wrong key");
                    late += u32::from(again.margin.tries > 1);
                    worst = worst.max(again.margin.errors);
                    errors += u64::from(again.margin.errors);
                }
                Err(_) => {
                    failures += 1;
                    let then = device.environment();
                    let correlation: f32 = enrolled
                        .helper
                        .challenges()
                        .iter()
                        .map(|c| {
                            let still = device.ideal(c, &Environment::default()).unwrap();
                            let moved = device.ideal(c, &then).unwrap();
                            correlation(&still, &moved) / 4.0
                        })
                        .sum();
                    println!("failure at intensity correlation {correlation:.3}: {then:?}");
                }
            }
        }
    }
    println!(
        "{count} regenerations, {failures} failures, {late} needed another try, mean {:.2} worst {worst} errors, {:.2} ms each with simulation",
        errors as f64 / f64::from(count),
        spent.as_secs_f64() * 1e3 / f64::from(count)
    );
}

fn correlation(a: &[f32], b: &[f32]) -> f32 {
    let mean = |x: &[f32]| x.iter().sum::<f32>() / x.len() as f32;
    let (ma, mb) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        ab += (x - ma) * (y - mb);
        aa += (x - ma) * (x - ma);
        bb += (y - mb) * (y - mb);
    }
    ab / (aa * bb).sqrt()
}
