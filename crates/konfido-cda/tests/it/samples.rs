//! The samples are what their maker writes.

use std::process::Command;

use konfido_cda::{ClinicalDocument, samples};

use crate::fixtures;

#[test]
fn the_files_are_what_their_maker_writes() {
    let run =
        Command::new("python3").arg(fixtures::repository().join("samples/make.py")).arg("--check").output();
    match run {
        Ok(run) => assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr)),
        Err(_) => eprintln!("python3 is not installed: samples/make.py is NOT run"),
    }
}

#[test]
fn every_patient_of_the_index_has_a_summary_that_names_them() {
    let entries = samples::STORE.iter().filter(|file| file.path.ends_with(".properties"));
    let mut count = 0;
    for entry in entries {
        count += 1;
        let name =
            entry.path.rsplit('/').next().and_then(|name| name.strip_suffix(".properties")).expect("a name");
        let root = entry.path.split('/').nth(1).expect("a root");
        let document =
            samples::STORE.iter().find(|file| file.path == format!("psstore/{name}.xml")).expect("a summary");
        let document = ClinicalDocument::read(document.bytes).expect("readable");
        let header = document.header();
        let patient = header.patient().expect("one patient");
        assert_eq!(patient.ids.first().expect("an id").reveal().unique_id(), format!("{root}^{name}"));
        let text = core::str::from_utf8(entry.bytes).expect("UTF-8");
        let fact = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            line.unwrap_or_else(|| panic!("{name}: no {key}")).to_owned()
        };
        assert_eq!(
            patient.name().expect("a name").reveal(),
            &format!("{} {}", fact("givenName"), fact("familyName"))
        );
        let birth = patient.birth.as_ref().and_then(|birth| birth.reveal().parse()).expect("a birth date");
        let month: i8 = fact("birthDate.month").parse().expect("a month");
        assert_eq!(
            birth.iso_date(),
            format!("{}-{:02}-{:0>2}", fact("birthDate.year"), month + 1, fact("birthDate.day"))
        );
    }
    assert_eq!(count, 3);
}
