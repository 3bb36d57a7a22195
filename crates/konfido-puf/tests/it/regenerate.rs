//! Enrol and regenerate, end to end on the simulator.
use konfido_keys::software::SystemRng;
use konfido_puf::device::simulated::SimulatedDevice;
use konfido_puf::extractor::{EnrolOptions, enrol, regenerate};
use konfido_puf::sim::{Surroundings, TokenModel};
use konfido_puf::{PufError, hash};
use subtle::ConstantTimeEq;

fn device(name: &str, surroundings: Surroundings, noise: u8) -> SimulatedDevice {
    SimulatedDevice::new(
        TokenModel::PATTERN,
        SimulatedDevice::seed_from_name(name),
        surroundings,
        [noise; 32],
    )
}

#[test]
fn the_same_token_brings_the_key_back_and_another_does_not() {
    let projection = hash::by_model("sim-pattern-256").unwrap();
    let mut token = device("a", Surroundings::FIELD, 1);
    let enrolled = enrol(&mut token, &*projection, &SystemRng, &EnrolOptions::default()).unwrap();
    for _ in 0..5 {
        let again = regenerate(&mut token, &*projection, &enrolled.helper, b"").unwrap();
        assert!(bool::from(again.key.ct_eq(&enrolled.key)));
        eprintln!("{:?}", again.margin);
    }
    let mut other = device("b", Surroundings::FIELD, 2);
    let refused = regenerate(&mut other, &*projection, &enrolled.helper, b"").unwrap_err();
    assert!(matches!(refused, PufError::NotRegenerated));
    let refused = regenerate(&mut token, &*projection, &enrolled.helper, b"other purpose").unwrap_err();
    assert!(matches!(refused, PufError::NotRegenerated));
}

/// The harsh profile of the acceptance run (docs/benchmarks/puf.md has 100,000; here 500): 0.03/tau of phase jitter,
/// 0.3 px of shift along each axis, ageing 0.2.
#[test]
fn the_harsh_profile_is_survived_five_hundred_times() {
    let projection = hash::by_model("sim-pattern-256").unwrap();
    let mut token = device("harsh", Surroundings { ageing: 0.0, ..Surroundings::HARSH }, 5);
    let options = EnrolOptions { frames: 1, ..EnrolOptions::default() };
    let enrolled = enrol(&mut token, &*projection, &SystemRng, &options).unwrap();
    token.set_surroundings(Surroundings::HARSH);
    let mut failures = 0;
    for _ in 0..500 {
        match regenerate(&mut token, &*projection, &enrolled.helper, b"") {
            Ok(again) => assert!(bool::from(again.key.ct_eq(&enrolled.key)), "a wrong key"),
            Err(_) => failures += 1,
        }
    }
    assert!(failures <= 1, "{failures} failures of 500; 0.1 are expected");
}

/// A token addressed by wavelength alone, as KONFIDO's waveguide.
#[test]
fn wavelength_challenges_carry_a_key_too() {
    let projection = hash::by_model("sim-wavelength-256").unwrap();
    let seed = SimulatedDevice::seed_from_name("waveguide");
    let mut token = SimulatedDevice::new(TokenModel::WAVELENGTH, seed, Surroundings::FIELD, [6; 32]);
    let enrolled = enrol(&mut token, &*projection, &SystemRng, &EnrolOptions::default()).unwrap();
    let again = regenerate(&mut token, &*projection, &enrolled.helper, b"").unwrap();
    assert!(bool::from(again.key.ct_eq(&enrolled.key)));
}
