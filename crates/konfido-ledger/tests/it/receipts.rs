//! Both formats, intact, altered, under-signed; erasure; sizes and times of the goals.

use std::time::Instant;

use konfido_ledger::LedgerError;
use konfido_ledger::record::commitment::{Salt, Subject, opens};
use konfido_ledger::record::fields::Field;
use konfido_ledger::verify::verify;

use crate::world::{World, log_with};

#[test]
fn both_formats_verify_with_the_circle_alone() {
    let world = World::new(4);
    let (record, ..) = world.record(1);
    let log = log_with(record.bytes(), 42, 1000);
    let text = world.tlog(&log, 42, record.bytes(), 3);
    let verdict = verify(text.as_bytes(), &world.trust).unwrap();
    assert_eq!((verdict.index, verdict.size, verdict.members.len()), (Some(42), 1000, 3));
    let shown = verdict.record.unwrap();
    assert!(shown.mutual);
    assert_eq!(shown.stage, "received");
    let bundle = world.cose(&log, 42, record.bytes(), 3);
    let verdict = verify(&bundle, &world.trust).unwrap();
    assert_eq!((verdict.index, verdict.members.len()), (Some(42), 3));
    assert_eq!(verdict.root, log.frontier().root().to_string());
}

#[test]
fn fewer_than_a_quorum_is_refused() {
    let world = World::new(4);
    let (record, ..) = world.record(1);
    let log = log_with(record.bytes(), 1, 5);
    for file in [world.tlog(&log, 1, record.bytes(), 2).into_bytes(), world.cose(&log, 1, record.bytes(), 2)]
    {
        let refused = verify(&file, &world.trust);
        assert!(matches!(refused, Err(LedgerError::Quorum { found: 2, needed: 3 })), "{refused:?}");
    }
}

#[test]
fn one_altered_byte_anywhere_is_refused() {
    let world = World::new(4);
    let (record, ..) = world.record(1);
    let log = log_with(record.bytes(), 3, 9);
    for file in [world.tlog(&log, 3, record.bytes(), 3).into_bytes(), world.cose(&log, 3, record.bytes(), 3)]
    {
        for at in 0..file.len() {
            let mut altered = file.clone();
            altered[at] ^= 1;
            assert!(verify(&altered, &world.trust).is_err(), "byte {at} of {}", file.len());
        }
    }
}

#[test]
fn strangers_keys_do_not_count() {
    let (world, other) = (World::new(4), World::new(4));
    let (record, ..) = world.record(1);
    let log = log_with(record.bytes(), 1, 2);
    assert!(verify(world.tlog(&log, 1, record.bytes(), 4).as_bytes(), &other.trust).is_err());
    assert!(verify(&world.cose(&log, 1, record.bytes(), 4), &other.trust).is_err());
}

#[test]
fn after_erasure_the_commitment_cannot_be_opened_and_the_receipt_still_verifies() {
    let world = World::new(4);
    let (record, mut fields, salt) = world.record(1);
    let log = log_with(record.bytes(), 0, 3);
    let text = world.tlog(&log, 0, record.bytes(), 3);
    let request = record.content().answer.content().request.content().clone();
    assert!(opens(&request.c_request, Subject::Request, &salt, b"<request/>"));
    let shown = fields.open(Field::Purpose).unwrap();
    assert_eq!(shown.check(&request.c_fields).unwrap(), b"TREATMENT");

    for field in Field::ALL {
        fields.erase(field);
    }
    drop(salt);

    let guess = Salt::from_bytes([0; 32]);
    assert!(!opens(&request.c_request, Subject::Request, &guess, b"<request/>"));
    assert!(fields.open(Field::Patient).is_err());
    verify(text.as_bytes(), &world.trust).unwrap();
}

#[test]
fn thirty_states_fit_the_goals() {
    let world = World::new(30);
    let (record, ..) = world.record(1);
    let log = log_with(record.bytes(), 4242, 1 << 16);
    let started = Instant::now();
    let text = world.tlog(&log, 4242, record.bytes(), 21);
    let made = started.elapsed();
    let bundle = world.cose(&log, 4242, record.bytes(), 21);
    let started = Instant::now();
    verify(text.as_bytes(), &world.trust).unwrap();
    let checked = started.elapsed();
    verify(&bundle, &world.trust).unwrap();
    eprintln!(
        "n=30: record {} B, tlog-proof {} B (with 21 fresh cosignatures {made:?}, verified {checked:?}), COSE {} B",
        record.bytes().len(),
        text.len(),
        bundle.len()
    );
    assert!(text.len() < 8 * 1024);
    assert!(bundle.len() < 20 * 1024);
}

/// Receipts for other people's verifiers: written where `KONFIDO_LEDGER_SAMPLES` says, else into the test's own folder.
#[test]
fn samples_for_strangers() {
    let place = std::env::var_os("KONFIDO_LEDGER_SAMPLES")
        .map_or_else(|| std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("samples"), Into::into);
    std::fs::create_dir_all(&place).unwrap();
    let world = World::new(4);
    let (record, ..) = world.record(1);
    let log = log_with(record.bytes(), 42, 300);
    std::fs::write(place.join("receipt.tlog"), world.tlog(&log, 42, record.bytes(), 3)).unwrap();
    std::fs::write(place.join("receipt.cose"), world.cose(&log, 42, record.bytes(), 3)).unwrap();
    std::fs::write(place.join("ledger.toml"), world.trust.to_toml().unwrap()).unwrap();
    log.write_tiles(300, &place.join("tiles")).unwrap();
}
