//! Every recorded request with its assertions, the clock at the recording: sound ones are admitted, the others refused,
//! also those that OpenNCP let pass.

use std::path::{Path, PathBuf};

use konfido_circle::{FixedClock, TrustStore};
use konfido_saml::sts::TokenResponse;
use konfido_saml::vocabulary::Operation::{self, *};
use konfido_saml::{Admission, Class, Presented, Profile, Refusal, TrustedSigners};
use konfido_xml::{Document, Limits, ns};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::world::cc;

/// The folder of recordings, if there is one.
pub(crate) fn directory() -> Option<PathBuf> {
    match std::env::var_os("KONFIDO_FIXTURES") {
        Some(root) => Some(PathBuf::from(root).join("openncp/recorded")),
        None if std::env::var_os("KONFIDO_REQUIRE_FIXTURES").is_some() => {
            panic!("KONFIDO_FIXTURES is not set")
        }
        None => {
            eprintln!("SKIPPED: KONFIDO_FIXTURES is not set, recorded assertions are not read");
            None
        }
    }
}

/// The envelope of a recorded message, out of its multipart if it has one.
pub(crate) fn body(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let find = |needle: &[u8]| bytes.windows(needle.len()).position(|w| w == needle);
    let head = find(b"\r\n\r\n").unwrap() + 4;
    let start = find(b"<?xml")
        .or_else(|| find(b":Envelope").map(|at| bytes[..at].iter().rposition(|b| *b == b'<').unwrap()));
    let body = &bytes[start.unwrap_or(head)..];
    match body.windows(9).rposition(|w| w == b"Envelope>") {
        Some(end) => body[..end + 9].to_vec(),
        None => body.to_vec(),
    }
}

pub(crate) fn trust(dir: &Path) -> TrustStore {
    let root = CertificateDer::from_pem_file(dir.join("certs/ca.pem")).unwrap();
    TrustStore::builder().root(cc("BE"), root).danger_without_revocation(cc("BE")).build().unwrap()
}

pub(crate) fn clock() -> FixedClock {
    FixedClock::new("2026-11-23T18:43:35Z".parse().unwrap())
}

fn admit(document: &Document, trust: &TrustStore, operation: Operation) -> Result<Admission, Refusal> {
    let security = document.root().descendants().find(|e| e.is(ns::WSSE, "Security"));
    let (clock, profile) = (clock(), Profile::default());
    let signers = TrustedSigners::new(trust, &clock);
    Presented::find(document, security, &profile)?.admit(operation, cc("BE"), &signers, &clock, &profile)
}

const ADMITTED: Option<Class> = None;
const MISSING: Option<Class> = Some(Class::MissingField);
const INVALID: Option<Class> = Some(Class::InvalidField);
const RIGHTS: Option<Class> = Some(Class::InsufficientRights);
const SIGNATURE: Option<Class> = Some(Class::Signature);

#[rustfmt::skip]
const CASES: &[(&str, Operation, Option<Class>)] = &[
    ("01", PatientDiscovery, ADMITTED), ("02", PatientDiscovery, ADMITTED), ("03", PatientDiscovery, ADMITTED),
    ("04", PatientDiscovery, ADMITTED), ("05", PatientSummary, ADMITTED), ("06", Prescription, ADMITTED),
    ("07", Prescription, ADMITTED), ("08", PatientSummary, ADMITTED), ("09", OriginalDocument, ADMITTED),
    ("10", OriginalDocument, ADMITTED), ("11", PatientSummary, ADMITTED), ("12", PatientSummary, ADMITTED),
    ("13", PatientSummary, ADMITTED), ("14", Prescription, ADMITTED), ("15", Prescription, ADMITTED),
    ("16", OriginalDocument, ADMITTED), ("17", PatientSummary, ADMITTED), ("18", Dispensation, ADMITTED),
    ("19", DiscardDispensation, ADMITTED), ("31", PatientDiscovery, ADMITTED), ("32", PatientDiscovery, SIGNATURE),
    ("33", PatientDiscovery, INVALID), ("34", PatientDiscovery, INVALID), ("35", PatientDiscovery, INVALID),
    ("36", PatientDiscovery, INVALID), ("37", PatientDiscovery, RIGHTS), ("38", PatientDiscovery, ADMITTED),
    ("39", PatientDiscovery, ADMITTED), ("40", PatientDiscovery, MISSING), ("41", PatientDiscovery, MISSING),
    ("42", PatientDiscovery, ADMITTED), ("43", PatientDiscovery, ADMITTED), ("44", PatientDiscovery, ADMITTED),
    ("45", PatientDiscovery, ADMITTED), ("46", PatientDiscovery, ADMITTED), ("47", PatientDiscovery, ADMITTED),
    ("50", PatientDiscovery, ADMITTED), ("51", PatientDiscovery, ADMITTED), ("52", PatientDiscovery, ADMITTED),
    ("53", PatientSummary, ADMITTED), ("54", PatientSummary, SIGNATURE), ("55", PatientSummary, RIGHTS),
    ("56", PatientSummary, INVALID), ("57", PatientSummary, INVALID), ("58", PatientSummary, RIGHTS),
    ("59", PatientSummary, MISSING), ("60", PatientSummary, MISSING), ("61", PatientSummary, ADMITTED),
    ("62", PatientSummary, ADMITTED), ("63", PatientSummary, ADMITTED), ("64", PatientSummary, ADMITTED),
    ("65", Prescription, ADMITTED), ("66", PatientSummary, SIGNATURE), ("67", Prescription, INVALID),
    ("68", PatientSummary, RIGHTS), ("69", PatientSummary, RIGHTS), ("70", PatientSummary, ADMITTED),
    ("71", PatientSummary, MISSING), ("72", Dispensation, ADMITTED), ("73", Dispensation, ADMITTED),
    ("74", Dispensation, RIGHTS), ("75", Dispensation, MISSING), ("76", Dispensation, SIGNATURE),
];

#[test]
fn recorded_requests_get_their_verdict() {
    let Some(dir) = directory() else { return };
    let trust = trust(&dir);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(dir.join("soap")).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|p| p.to_str().unwrap().ends_with(".request.http"));
    files.sort();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for path in files {
        let name = path.file_name().unwrap().to_str().unwrap();
        let document = Document::parse(&body(&path), &Limits::MESSAGE);
        let Some((_, operation, expected)) = CASES.iter().find(|(number, ..)| name.starts_with(number))
        else {
            assert!(document.is_err(), "{name} has no line in the table, so it must not be readable");
            continue;
        };
        seen += 1;
        let result = admit(&document.unwrap(), &trust, *operation);
        let class = result.as_ref().err().map(Refusal::class);
        if class != *expected {
            wrong.push(format!("{name}: {class:?} for {expected:?}, {result:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(seen, CASES.len());
}

#[test]
fn the_trc_for_another_patient_is_for_another_patient() {
    let Some(dir) = directory() else { return };
    let document =
        Document::parse(&body(&dir.join("soap/61-list-trc-other-patient.request.http")), &Limits::MESSAGE);
    let admission = admit(&document.unwrap(), &trust(&dir), PatientSummary).unwrap();
    let asked_for = "2-1234-W8^^^&1.3.6.1.4.1.48336&ISO";
    let refusal =
        admission.demand_patient(&konfido_circle::PatientId::parse_cx(asked_for).unwrap()).unwrap_err();
    assert_eq!(refusal.class(), Class::InsufficientRights);
    assert_eq!(admission.patient().unwrap().to_cx(), "1-1234-W8^^^&1.3.6.1.4.1.48336&ISO");
}

#[test]
fn answers_of_the_recorded_sts_are_read() {
    let Some(dir) = directory() else { return };
    for (name, id) in [
        ("01-trc", "_2eca6810-d30d-494b-bb83-987fe4b5a1f3"),
        ("03-nok", "_8929e432-870d-4764-8c39-ea9e5cab339c"),
    ] {
        let request = body(&dir.join(format!("sts/{name}.request.http")));
        let document = Document::parse(&request, &Limits::ASSERTION).unwrap();
        let message_id = document.root().descendants().find(|e| e.local() == "MessageID").unwrap().text();
        let response = body(&dir.join(format!("sts/{name}.response.http")));
        let token = TokenResponse::read(&response, &message_id).unwrap();
        assert!(token.assertion.as_str().contains(id));
        assert!(TokenResponse::read(&response, "urn:uuid:another").is_err());
    }
    let fault = body(&dir.join("sts/05-trc-wrong-purpose.response.http"));
    let error = TokenResponse::read(&fault, "urn:uuid:1").unwrap_err();
    assert!(error.to_string().contains("Purpose of Use"));
}
