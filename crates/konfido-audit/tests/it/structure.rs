//! Element by element and attribute by attribute as the recorded messages; coded values too.

use konfido_audit::{Documents, Outcome, Side, Step};
use konfido_xml::{Document, Element, Limits};

use crate::world::*;

/// Names of elements and attributes in document order, with the values that code what happened.
fn skeleton(element: Element<'_>, depth: usize, out: &mut Vec<String>) {
    const VALUES: [&str; 14] = [
        "EventActionCode",
        "EventOutcomeIndicator",
        "codeSystemName",
        "csd-code",
        "displayName",
        "originalText",
        "NetworkAccessPointTypeCode",
        "UserIsRequestor",
        "ParticipantObjectTypeCode",
        "ParticipantObjectTypeCodeRole",
        "ParticipantObjectDataLifeCycle",
        "type",
        "Algorithm",
        "URI",
    ];
    let mut line = format!("{depth} {{{}}}{}", element.namespace(), element.local());
    for (_, name, value) in element.attributes() {
        line.push_str(&format!(" {name}"));
        if VALUES.contains(&name) {
            line.push_str(&format!("={value}"));
        }
    }
    out.push(line);
    for child in element.children() {
        skeleton(child, depth + 1, out);
    }
}

fn skeleton_of(xml: &[u8]) -> Vec<String> {
    let document = Document::parse(xml, &Limits::RECORD).unwrap();
    let mut out = Vec::new();
    skeleton(document.root(), 0, &mut out);
    out
}

const PS: Documents = Documents::PatientSummary;
const EP: Documents = Documents::Order;
const LAB: Documents = Documents::Original;

/// Number of the recording, and the event. 15 is a patient summary that the reference implementation recorded as an
/// order without action code; it has no like with us.
#[rustfmt::skip]
const CASES: &[(&str, Step, Side, Outcome)] = &[
    ("01", Step::FindIdentity, Side::A, Outcome::Success), ("02", Step::FindIdentity, Side::B, Outcome::Success),
    ("03", Step::FindIdentity, Side::A, Outcome::SeriousFailure), ("04", Step::FindIdentity, Side::B, Outcome::SeriousFailure),
    ("05", Step::FindIdentity, Side::A, Outcome::MajorFailure), ("06", Step::FindIdentity, Side::B, Outcome::MajorFailure),
    ("07", Step::TrcAssertion, Side::B, Outcome::Success), ("08", Step::List(PS), Side::A, Outcome::Success),
    ("09", Step::List(PS), Side::B, Outcome::Success), ("10", Step::Translate, Side::B, Outcome::Success),
    ("11", Step::Retrieve(PS), Side::A, Outcome::Success), ("12", Step::Retrieve(PS), Side::B, Outcome::Success),
    ("13", Step::List(EP), Side::A, Outcome::SeriousFailure), ("14", Step::List(EP), Side::B, Outcome::SeriousFailure),
    ("16", Step::Retrieve(PS), Side::B, Outcome::MajorFailure), ("17", Step::List(EP), Side::A, Outcome::Success),
    ("18", Step::List(EP), Side::B, Outcome::Success), ("19", Step::Retrieve(EP), Side::A, Outcome::Success),
    ("20", Step::Retrieve(EP), Side::B, Outcome::Success), ("21", Step::List(PS), Side::A, Outcome::SeriousFailure),
    ("22", Step::List(PS), Side::B, Outcome::SeriousFailure), ("23", Step::Dispense, Side::A, Outcome::Success),
    ("24", Step::Dispense, Side::B, Outcome::Success), ("25", Step::Discard, Side::A, Outcome::Success),
    ("26", Step::Discard, Side::B, Outcome::Success), ("27", Step::List(LAB), Side::A, Outcome::Success),
    ("28", Step::List(LAB), Side::B, Outcome::Success), ("29", Step::Retrieve(LAB), Side::A, Outcome::Success),
    ("30", Step::Retrieve(LAB), Side::B, Outcome::Success), ("31", Step::NokAssertion, Side::B, Outcome::Success),
    ("32", Step::Retrieve(PS), Side::A, Outcome::MajorFailure), ("33", Step::Dispense, Side::A, Outcome::MajorFailure),
    ("34", Step::Retrieve(EP), Side::A, Outcome::SeriousFailure),
];

#[test]
fn our_messages_have_the_structure_of_the_recorded_ones() {
    let Some(dir) = recordings() else { return };
    let signer = signer();
    let mut recorded: Vec<_> =
        std::fs::read_dir(dir.join("audit")).unwrap().map(|e| e.unwrap().path()).collect();
    recorded.retain(|p| p.extension().is_some_and(|e| e == "xml"));
    recorded.sort();
    let mut compared = 0;
    for path in recorded {
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some((_, step, side, outcome)) = CASES.iter().find(|(number, ..)| name.starts_with(number))
        else {
            assert!(name.starts_with("15"), "{name} has no line in the table");
            continue;
        };
        let ours = skeleton_of(event(*step, *side, *outcome).sign(&signer).unwrap().as_bytes());
        let theirs = skeleton_of(&std::fs::read(&path).unwrap());
        let differ = ours.iter().zip(&theirs).find(|(a, b)| a != b);
        assert!(
            differ.is_none() && ours.len() == theirs.len(),
            "{name}: {differ:#?} {} {}",
            ours.len(),
            theirs.len()
        );
        compared += 1;
    }
    assert_eq!(compared, CASES.len());
}

#[test]
fn our_messages_are_valid_by_the_schemas_of_others() {
    let Some(fixtures) = fixtures() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    let steps = CASES.iter().map(|(_, step, side, outcome)| (*step, *side, *outcome)).chain([
        (Step::CommunicationFailure, Side::B, Outcome::MajorFailure),
        (Step::TrcAssertion, Side::B, Outcome::MajorFailure),
    ]);
    for (i, (step, side, outcome)) in steps.enumerate() {
        let path = dir.path().join(format!("{i}.xml"));
        std::fs::write(&path, event(step, side, outcome).to_xml()).unwrap();
        files.push(path);
    }
    for schema in ["siem/ipf-schema/dicom2017c.xsd", "siem/openncp-7-schema/DICOM_Unsigned.xsd"] {
        let output = std::process::Command::new("xmllint")
            .args(["--nonet", "--noout", "--schema"])
            .arg(fixtures.join(schema))
            .args(&files)
            .output()
            .expect("xmllint (Debian: libxml2-utils) is needed");
        assert!(output.status.success(), "{schema}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
