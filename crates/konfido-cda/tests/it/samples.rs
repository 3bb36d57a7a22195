//! The samples are what their maker writes.

use std::process::Command;

use konfido_cda::{Body, ClinicalDocument, DocumentKind, Level, envelope, html, rules, samples};

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

/// The full summary as level 1.
pub(crate) fn on_paper() -> Vec<u8> {
    let document = ClinicalDocument::read(samples::FULL_SUMMARY).expect("our own");
    envelope::around_pdf(&document, samples::FULL_SUMMARY_PDF).expect("a summary has a form on paper")
}

#[test]
fn a_summary_on_paper_is_a_summary_still() {
    let bytes = on_paper();
    let document = ClinicalDocument::read(&bytes).expect("readable");
    assert_eq!((document.kind(), document.level()), (DocumentKind::PatientSummary, Level::One));
    assert_eq!(rules::check(&document).findings, []);
    let header = document.header();
    assert_eq!(header.id.as_ref().expect("an id").unique_id(), "2.999.380.1.9^SYN-0001.2");
    assert_eq!(header.set_id.as_ref().expect("a set").unique_id(), "2.999.380.1.9^SYN-0001");
    let [("XFRM", Some(origin))] = header.related.as_slice() else { panic!("one origin") };
    assert_eq!(origin.unique_id(), "2.999.380.1.9^SYN-0001");
    let Body::Scanned(Some(attached)) = document.body() else { panic!("a PDF") };
    assert!(attached.decode().expect("base64") == samples::FULL_SUMMARY_PDF);
    let page = html::render(&document);
    assert!(page.contains("Lucia Esempi") && page.contains("<object data=\"data:application/pdf;base64,"));
    assert!(envelope::around_pdf(&document, b"%PDF-").is_none(), "it is on paper already");
}

#[test]
fn the_header_on_paper_is_the_header_as_written() {
    for (name, bytes) in fixtures::documents() {
        let document = ClinicalDocument::read(&bytes).expect("readable");
        let Some(paper) = envelope::around_pdf(&document, b"%PDF-1.4") else { continue };
        let paper = ClinicalDocument::read(&paper).unwrap_or_else(|error| panic!("{name}: {error}"));
        let parts = |document: &ClinicalDocument| {
            let children = document.root().children();
            let kept = children
                .filter(|c| !matches!(c.local(), "templateId" | "id" | "relatedDocument" | "component"));
            kept.map(|child| child.source().to_owned()).collect::<Vec<_>>()
        };
        assert!(parts(&document) == parts(&paper), "{name}: the header changed");
    }
}
