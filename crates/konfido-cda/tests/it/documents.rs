//! Reading: nothing is lost, and the model says what the document says.

use konfido_cda::{
    ClinicalDocument, DocumentKind, Level, ReadError, SectionKind, samples,
    value::{Absence, Value},
};

use crate::fixtures;

#[test]
fn every_document_is_read_and_written_byte_for_byte() {
    for (name, bytes) in fixtures::documents() {
        let document = ClinicalDocument::read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(document.as_bytes() == bytes, "{name} changed on the way");
    }
}

#[test]
fn the_model_reaches_into_every_summary_of_others() {
    for (name, bytes) in fixtures::documents() {
        let document = ClinicalDocument::read(&bytes).expect("readable");
        let header = document.header();
        if document.kind() != DocumentKind::PatientSummary {
            continue;
        }
        assert!(header.patient().is_some_and(|patient| !patient.ids.is_empty()), "{name}: no patient");
        assert!(header.custodian.is_some(), "{name}: no custodian");
        if document.level() == Level::One {
            continue;
        }
        let sections = document.sections();
        for kind in [SectionKind::Allergies, SectionKind::Problems, SectionKind::Medications] {
            let section = sections.iter().find(|section| section.kind == kind);
            let Some(section) = section else {
                // The two summaries of the 2018 testbed lack the problems (SEC-BASIC).
                assert!(name.starts_with("konfido-testbed-2018/"), "{name}: no {kind:?}");
                continue;
            };
            let entries = &section.entries;
            let expected = section.element.children().filter(|child| child.local() == "entry").count();
            let found = entries.len() + entries.absences.len() + entries.other.len();
            assert!(found >= expected, "{name}: {kind:?} has {expected} entries, the model {found}");
        }
    }
}

#[test]
fn the_full_sample_is_understood() {
    let document = ClinicalDocument::read(samples::FULL_SUMMARY).expect("our own");
    assert_eq!((document.kind(), document.level()), (DocumentKind::PatientSummary, Level::Three));
    let header = document.header();
    let patient = header.patient().expect("one patient");
    assert_eq!(patient.name().expect("a name").reveal(), "Lucia Esempi");
    assert_eq!(patient.ids.first().expect("an id").reveal().unique_id(), "2.999.380.1^SYN-0001");
    assert_eq!(header.contacts.len(), 2);
    assert!(header.contacts.iter().any(|contact| contact.is_preferred_professional()));
    assert_eq!(header.last_update().map(|time| time.raw()), Some("20260303"));

    let sections = document.sections();
    let count =
        |kind| sections.iter().find(|section| section.kind == kind).map(|section| section.entries.len());
    let counts = [
        (SectionKind::Allergies, 3),
        (SectionKind::Medications, 6),
        (SectionKind::Problems, 5),
        (SectionKind::PastIllness, 2),
        (SectionKind::Procedures, 3),
        (SectionKind::Devices, 2),
        (SectionKind::Immunisations, 4),
        (SectionKind::Pregnancy, 4),
        (SectionKind::SocialHistory, 2),
        (SectionKind::VitalSigns, 2),
        (SectionKind::Results, 8),
        (SectionKind::CarePlan, 0),
    ];
    for (kind, expected) in counts {
        assert_eq!(count(kind), Some(expected), "{kind:?}");
    }

    let allergies = &sections
        .iter()
        .find(|section| section.kind == SectionKind::Allergies)
        .expect("there")
        .entries
        .allergies;
    let first = allergies.first().expect("one");
    assert!(first.is_dangerous());
    assert_eq!(first.substance(), "amoxicillin");
    assert_eq!(first.agent.as_ref().and_then(|agent| agent.original_text.as_deref()), Some("Amoxicillina"));
    assert!(!allergies.last().expect("one").is_dangerous());

    let problems = &sections
        .iter()
        .find(|section| section.kind == SectionKind::Problems)
        .expect("there")
        .entries
        .problems;
    let condition = problems.first().and_then(|problem| problem.condition.as_ref()).expect("a condition");
    let national = condition.translations.first().expect("the national code");
    assert_eq!((national.code, national.system), (Some("401.9"), Some("2.16.840.1.113883.6.103")));

    let medicines = sections.iter().find(|section| section.kind == SectionKind::Medications).expect("there");
    let thyroid =
        medicines.entries.medications.get(3).and_then(|medicine| medicine.ingredients.first()).expect("one");
    assert_eq!(thyroid.words(), "levothyroxine sodium 75 microgram");

    let results = sections.iter().find(|section| section.kind == SectionKind::Results).expect("there");
    let panel = results.entries.panels.last().expect("chemistry");
    let glycated = panel.observations.first().expect("the first");
    assert!(
        matches!(glycated.values.first(), Some(Value::Quantity(quantity)) if quantity.words() == "7.1 %")
    );
}

#[test]
fn none_and_not_known_are_told_apart() {
    for (bytes, expected) in
        [(samples::KNOWN_ABSENCE, Absence::KnownAbsence), (samples::NO_INFORMATION, Absence::NoInformation)]
    {
        let document = ClinicalDocument::read(bytes).expect("our own");
        for section in document.sections() {
            assert_eq!(section.entries.absences, [expected], "{:?}", section.kind);
            assert!(section.entries.is_empty());
        }
    }
}

#[test]
fn a_summary_of_any_size_is_one() {
    for size in [100_000, 1_000_000] {
        let bytes = samples::summary_of_at_least(size).expect("made");
        assert!((size..size + 2_000).contains(&bytes.len()), "{} for {size}", bytes.len());
        let document = ClinicalDocument::read(&bytes).expect("readable");
        let results = document.sections().into_iter().find(|section| section.kind == SectionKind::Results);
        assert!(results.expect("results").entries.len() > 50);
    }
}

#[test]
fn what_is_no_document_is_refused() {
    let refusal = |text: &str| ClinicalDocument::read(text.as_bytes()).expect_err("refused");
    assert!(matches!(refusal("<ClinicalDocument/>"), ReadError::NotClinicalDocument));
    assert!(matches!(refusal("<ClinicalDocument xmlns='urn:hl7-org:v3'/>"), ReadError::NoDocumentCode));
    assert!(matches!(
        refusal("<ClinicalDocument xmlns='urn:hl7-org:v3'><code code=' '/></ClinicalDocument>"),
        ReadError::NoDocumentCode
    ));
    assert!(matches!(
        refusal(
            "<ClinicalDocument xmlns='urn:hl7-org:v3'><code code='a'/><code code='b'/></ClinicalDocument>"
        ),
        ReadError::SeveralDocumentCodes
    ));
    assert!(matches!(refusal("<!DOCTYPE a><ClinicalDocument xmlns='urn:hl7-org:v3'/>"), ReadError::Xml(_)));
}

#[test]
fn debug_output_says_nothing_of_the_patient() {
    let document = ClinicalDocument::read(samples::FULL_SUMMARY).expect("our own");
    let said =
        format!("{document:?} {:?} {:?} {:?}", document.header(), document.sections(), document.body());
    for secret in ["Esempi", "Lucia", "SYN-0001", "1961", "amoxicillin", "Amoxicillina"] {
        assert!(!said.contains(secret), "{secret} in {said}");
    }
}
