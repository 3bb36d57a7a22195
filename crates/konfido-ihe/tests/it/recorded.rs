//! What the readers make of every recorded answer of a running OpenNCP, against what the table beside the
//! recordings says a careful NCP-B should make of it.

use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};
use bytes::Bytes;
use konfido_ihe::xca::{
    QueryOutcome, QueryResponse, Refused, RetrieveOutcome, RetrieveRequest, RetrieveResponse,
};
use konfido_ihe::xcpd::{XcpdOutcome, XcpdResponse};
use konfido_xml::{Document, Element, Limits};

use crate::fixtures::{self, Http};

/// One line of the tables for ITI-55, ITI-38 and ITI-39.
struct Case {
    file: String,
    answer: String,
    read_as: String,
}

fn cases(recorded: &Path) -> Vec<Case> {
    let sources = std::fs::read_to_string(recorded.join("SOURCES.md")).unwrap();
    sources
        .lines()
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect::<Vec<_>>())
        .filter(|cells| cells.len() == 6 && matches!(cells[1], "ITI-55" | "ITI-38" | "ITI-39"))
        .map(|cells| Case {
            file: cells[0].to_owned(),
            answer: cells[3].to_owned(),
            read_as: cells[4].to_owned(),
        })
        .collect()
}

fn message(envelope: &Document) -> Option<Element<'_>> {
    envelope.root().children().find(|e| e.local() == "Body")?.children().next()
}

/// The reading in the words of the table.
fn reading(soap: &Path, file: &str) -> (String, Option<Bytes>) {
    let response = Http::read(&soap.join(format!("{file}.response.http")));
    let parts = response.parts();
    let envelope = Document::parse(&parts[0].1, &Limits::MESSAGE).unwrap();
    let Some(message) = message(&envelope) else {
        return ("failed (fault)".into(), None);
    };
    if message.local() == "Fault" {
        assert!(response.start.contains("500"), "{file}: {}", response.start);
        return ("failed (fault)".into(), None);
    }
    match message.local() {
        "PRPA_IN201306UV02" => (patient(message), None),
        "AdhocQueryResponse" => (list(message), None),
        _ => retrieved(soap, file, message, &parts),
    }
}

fn patient(message: Element<'_>) -> String {
    match XcpdResponse::parse(message).unwrap().outcome() {
        XcpdOutcome::Match(_) => "match".into(),
        XcpdOutcome::Several(_) => "several".into(),
        XcpdOutcome::NoMatch(_) => "no match".into(),
        XcpdOutcome::Refused(failure) => format!("error {}", failure.code),
    }
}

fn told(refused: Refused<'_>) -> String {
    match refused {
        Refused::Told(error) => format!("error {}", error.code),
        Refused::Unexplained => "unexplained".into(),
    }
}

fn list(message: Element<'_>) -> String {
    let answer = QueryResponse::parse(message).unwrap();
    let beside = if answer.entries().is_empty() { "" } else { ", ignore the documents beside it" };
    match answer.outcome() {
        QueryOutcome::Documents { documents, .. } => {
            let entries = documents.iter().flat_map(|pair| [pair.structured, pair.scanned]).flatten().count();
            assert_eq!(entries, answer.entries().len(), "no entry is lost by pairing");
            format!("{entries} document(s)")
        }
        QueryOutcome::NothingFound(error) => format!("error {}", error.unwrap().code),
        QueryOutcome::Refused(refused) => told(refused) + beside,
    }
}

fn retrieved(
    soap: &Path,
    file: &str,
    message: Element<'_>,
    parts: &[(String, Vec<u8>)],
) -> (String, Option<Bytes>) {
    let find = |href: &str| {
        let id = href.strip_prefix("cid:")?;
        parts.iter().find(|(part, _)| part == id).map(|(_, bytes)| Bytes::from(bytes.clone()))
    };
    let answer = RetrieveResponse::parse(message, &find).unwrap();
    let request = Http::read(&soap.join(format!("{file}.request.http"))).parts();
    let envelope = Document::parse(&request[0].1, &Limits::MESSAGE).unwrap();
    let request = RetrieveRequest::parse(self::message(&envelope).unwrap()).unwrap();
    let beside = if answer.documents().is_empty() { "" } else { ", ignore the documents beside it" };
    match answer.outcome(&request.documents[0]) {
        RetrieveOutcome::Document { document, .. } => {
            ("document".into(), Some(document.content.reveal().clone()))
        }
        RetrieveOutcome::Refused(refused) => (told(refused) + beside, None),
    }
}

#[test]
fn every_recorded_answer_is_read_as_it_should_be() {
    let Some(openncp) = fixtures::root() else { return };
    let recorded = openncp.join("recorded");
    let cases = cases(&recorded);
    assert!(cases.len() >= 56, "{}", cases.len());
    let soap = recorded.join("soap");
    let mut wrong = Vec::new();
    for Case { file, answer, read_as } in &cases {
        if file == "51-xcpd-soap11-content-type" {
            assert_eq!(read_as, "failed (fault)", "a bare faultstring, no envelope");
            continue;
        }
        let (reading, document) = reading(&soap, file);
        if reading != *read_as {
            wrong.push(format!("{file}: {reading}, not {read_as}"));
        }
        if let Some(document) = document {
            let hash = digest(&SHA256, &document);
            let hex: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            assert!(answer.contains(&format!("{} bytes, SHA-256 {hex}", document.len())), "{file}");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The two levels of a summary and of a prescription are found to be one document; originals stay single.
#[test]
fn recorded_lists_are_paired() {
    let Some(openncp) = fixtures::root() else { return };
    for (file, pairs, both) in [("05-list-ps", 1, 1), ("06-list-ep", 1, 1), ("10-list-orcd-multi", 2, 0)] {
        let path = openncp.join(format!("recorded/soap/{file}.response.http"));
        let parts = Http::read(&path).parts();
        let envelope = Document::parse(&parts[0].1, &Limits::MESSAGE).unwrap();
        let answer = QueryResponse::parse(message(&envelope).unwrap()).unwrap();
        let QueryOutcome::Documents { documents, .. } = answer.outcome() else { panic!("{file}") };
        assert_eq!(documents.len(), pairs, "{file}");
        let whole = documents.iter().filter(|p| p.structured.is_some() && p.scanned.is_some()).count();
        assert_eq!(whole, both, "{file}");
    }
}
