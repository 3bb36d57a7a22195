//! The entropy chain: NIST's vectors for the generator, alarms of the camera, no credit for a simulation.
use konfido_puf::PufError;
use konfido_puf::Result;
use konfido_puf::device::frames::{FramesDevice, Sidecar, write_png};
use konfido_puf::device::{Challenge, DeviceInfo, Frame, Provenance, SpeckleDevice};
use konfido_puf::entropy::estimators::Estimates;
use konfido_puf::entropy::{CtrDrbg, EntropySource, MixedRng, NoiseSource};

use crate::physics::still;

/// NIST CAVP, CTR_DRBG AES-256 without derivation function, no prediction resistance, with reseeding.
#[test]
fn the_generator_gives_nists_answers() {
    let Some(fixtures) = crate::fixtures() else { return };
    let text = std::fs::read_to_string(fixtures.join("puf/drbg/ctr_drbg_aes256_no_df.txt")).unwrap();
    let mut count = 0;
    for block in text.split("\n\n") {
        let field = |name: &str| {
            block.lines().find_map(|line| {
                let (key, value) = line.split_once('=')?;
                (key.trim() == name).then(|| hex::decode(value.trim()).unwrap())
            })
        };
        let Some(entropy) = field("EntropyInput") else { continue };
        let seed = |bytes: Vec<u8>| <[u8; 48]>::try_from(bytes).unwrap();
        let mut drbg = CtrDrbg::new(&seed(entropy), &field("PersonalizationString").unwrap()).unwrap();
        drbg.reseed(&seed(field("EntropyInputReseed").unwrap()), &field("AdditionalInputReseed").unwrap())
            .unwrap();
        let expected = field("ReturnedBits").unwrap();
        let mut out = vec![0; expected.len()];
        drbg.generate(&mut out, &field("AdditionalInput1").unwrap()).unwrap();
        drbg.generate(&mut out, &field("AdditionalInput2").unwrap()).unwrap();
        assert_eq!(out, expected, "vector {count}");
        count += 1;
    }
    assert!(count >= 60, "{count} vectors");
}

#[test]
fn the_counter_carries_over_all_sixteen_bytes() {
    // A generator whose counter runs over 2^32 within one request would repeat if the carry were lost; the block
    // before and after any carry must differ.
    let mut drbg = CtrDrbg::new(&[0xff; 48], &[]).unwrap();
    let mut out = vec![0; 1 << 16];
    drbg.generate(&mut out, &[]).unwrap();
    let blocks: std::collections::HashSet<&[u8]> = out.chunks(16).collect();
    assert_eq!(blocks.len(), 4096);
    assert!(drbg.generate(&mut vec![0; (1 << 16) + 1], &[]).is_err());
    assert!(drbg.generate(&mut out, &[0; 49]).is_err());
}

/// A camera that shows the same few frames for ever.
#[derive(Debug)]
struct FrozenCamera {
    info: DeviceInfo,
    frames: Vec<Frame>,
    at: usize,
}

impl SpeckleDevice for FrozenCamera {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }
    fn begin(&mut self) -> Result<()> {
        Ok(())
    }
    fn challenge_set(&self, _: [u8; 16], _: usize) -> Result<Vec<Challenge>> {
        Ok(vec![Challenge::Recorded(0)])
    }
    fn set_challenge(&mut self, _: &Challenge) -> Result<()> {
        Ok(())
    }
    fn capture(&mut self, count: usize) -> Result<Vec<Frame>> {
        self.at += count;
        Ok((0..count).map(|i| self.frames[(self.at - count + i) % self.frames.len()].clone()).collect())
    }
}

fn camera(frames: Vec<Frame>) -> Box<FrozenCamera> {
    let info = DeviceInfo {
        model: "sim-pattern-256".into(),
        provenance: Provenance::Physical,
        width: 256,
        height: 256,
        bit_depth: 10,
        electrons_per_dn: Some(20.9),
    };
    Box::new(FrozenCamera { info, frames, at: 0 })
}

#[test]
fn a_frozen_dark_or_blinded_camera_rings_and_stays_silent() {
    let mut device = still("frozen");
    device.begin().unwrap();
    let set = device.challenge_set([0; 16], 1).unwrap();
    device.set_challenge(&set[0]).unwrap();
    let frames = device.capture(8).unwrap();
    let source = NoiseSource::new(camera(frames), 64.0).and_then(EntropySource::start).unwrap();
    let mut source = source;
    let alarm = (0..9).find_map(|_| source.raw_bits().err()).unwrap();
    assert!(matches!(alarm, PufError::Health("total failure: a frame came twice")), "{alarm:?}");
    assert!(source.raw_bits().is_err() && source.block().is_err(), "an alarm stays");
    assert!(MixedRng::new(Some(source)).is_err(), "nothing is seeded by a source in alarm");

    let flat = |value: u16| Frame::new(256, 256, 10, vec![value; 256 * 256]).unwrap();
    for value in [0, 64, 1023] {
        assert!(NoiseSource::new(camera(vec![flat(value)]), 64.0).is_err());
    }
    let stuck = NoiseSource::new(camera(vec![flat(300), flat(302)]), 64.0).and_then(EntropySource::start);
    assert!(matches!(stuck, Err(PufError::Health("repetition count"))));
}

#[test]
fn simulation_and_replay_earn_no_credit() {
    let source = NoiseSource::new(Box::new(still("credit")), 64.0).and_then(EntropySource::start).unwrap();
    let report = source.report();
    assert_eq!(report.credit_per_bit, 0.0);
    assert!((0.7..0.95).contains(&(report.usable_pixels as f64 / 65_536.0)), "{report:?}");
    let rng = MixedRng::new(Some(source)).unwrap();
    let (mut a, mut b) = ([0u8; 48], [0u8; 48]);
    rng.fill_bytes(&mut a).unwrap();
    rng.fill_bytes(&mut b).unwrap();
    assert_ne!(a, b);
    assert!(MixedRng::new(None).unwrap().report().is_none());
}

#[test]
fn frames_written_are_frames_read() {
    let directory = tempfile::tempdir().unwrap();
    let mut device = still("written");
    device.begin().unwrap();
    let set = device.challenge_set([1; 16], 2).unwrap();
    let mut kept = Vec::new();
    for (number, challenge) in set.iter().enumerate() {
        device.set_challenge(challenge).unwrap();
        for (index, frame) in device.capture(2).unwrap().into_iter().enumerate() {
            write_png(&frame, &directory.path().join(format!("c{number}_m0_f{index}.png"))).unwrap();
            kept.push(frame);
        }
    }
    let sidecar = Sidecar { bit_depth: Some(10), simulated: true, ..Sidecar::default() };
    std::fs::write(directory.path().join("device.json"), serde_json::to_vec(&sidecar).unwrap()).unwrap();
    let mut replay = FramesDevice::open(directory.path(), None).unwrap();
    assert_eq!(replay.info().provenance, Provenance::Simulated);
    replay.begin().unwrap();
    replay.set_challenge(&Challenge::Recorded(1)).unwrap();
    let frames = replay.capture(3).unwrap();
    assert_eq!(frames[0].pixels(), kept[2].pixels());
    assert_eq!(frames[1].pixels(), kept[3].pixels());
    assert_eq!(frames[2].pixels(), kept[2].pixels());
    assert!(replay.set_challenge(&Challenge::Recorded(9)).is_err());
}

/// The figures of NIST's own tool (usnistgov/SP800-90B_EntropyAssessment at 68ed165, `ea_non_iid -i -a -vv`) on the
/// streams that come with it; `interop/puf/nist90b.py` builds the tool and compares again.
#[test]
fn estimators_give_nists_figures() {
    let Some(fixtures) = crate::fixtures() else { return };
    let expected = [
        (
            "truerand_1bit.bin",
            [0.995043015131, 0.900935726908, 0.998486475556, 0.829677083234, 0.914226367460, 0.985818337227],
        ),
        (
            "biased-random-bits.bin",
            [0.028633069781, 0.028513792826, 0.029123023940, 0.017766579116, 0.026489257054, 0.055881394003],
        ),
    ];
    for (name, figures) in expected {
        let bits = std::fs::read(fixtures.join("puf/nist-sp800-90b/bin").join(name)).unwrap();
        let found = Estimates::of(&bits);
        let found = [
            found.most_common_value,
            found.collision,
            found.markov,
            found.compression,
            found.t_tuple,
            found.longest_repeat,
        ];
        for (i, (found, figure)) in found.iter().zip(figures).enumerate() {
            assert!((found - figure).abs() < 1e-7, "{name}, estimator {i}: {found} for {figure}");
        }
    }
}
