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
