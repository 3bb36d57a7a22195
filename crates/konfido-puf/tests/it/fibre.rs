//! A real multimode fibre, replayed from measured transmission matrices: enrolled over ten repeats, its key must come
//! back in every undeformed state and must not once the fibre is pressed out of shape.
use std::path::PathBuf;

use konfido_keys::software::SystemRng;
use konfido_puf::device::replay::FibreDevice;
use konfido_puf::extractor::{EnrolOptions, enrol, regenerate};
use konfido_puf::hash::ModalProjection;

#[test]
fn a_real_fibre_keeps_its_key() {
    let Some(fixtures) = crate::fixtures() else { return };
    let directory: PathBuf = fixtures.join("puf/mmf-tm");
    let states = FibreDevice::states(&directory).unwrap();
    let position = |s: &str| s.parse::<f64>().unwrap();
    let enrolling: Vec<&str> =
        states.iter().map(String::as_str).filter(|s| (4.9..5.039).contains(&position(s))).collect();
    let projection = ModalProjection::open(&directory).unwrap();
    let mut fibre = FibreDevice::open(&directory, &enrolling).unwrap();
    let options = EnrolOptions { captures: enrolling.len(), frames: 1, ..EnrolOptions::default() };
    let enrolled = enrol(&mut fibre, &projection, &SystemRng, &options).unwrap();
    eprintln!("{:?}", enrolled.account);
    for state in states.iter().filter(|s| !enrolling.contains(&s.as_str())) {
        let mut later = FibreDevice::open(&directory, &[state]).unwrap();
        let result = regenerate(&mut later, &projection, &enrolled.helper, b"");
        eprintln!("{state}: {:?}", result.as_ref().map(|r| r.margin.errors));
        if (5.0..5.058).contains(&position(state)) {
            assert!(result.unwrap().margin.errors <= 20, "{state}");
        } else if position(state) > 5.08 {
            assert!(result.is_err(), "{state}");
        }
    }
}
