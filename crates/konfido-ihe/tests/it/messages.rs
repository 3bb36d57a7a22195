//! Every message in the fixtures, read by the reader of its kind. What is read and what is refused is a table in
//! `docs/conformance.md`; this test writes it (`KONFIDO_WRITE_DOCS=1`) or fails if it is stale.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use konfido_ihe::Transaction;
use konfido_ihe::xca::{
    DocumentQuery, NoAttachments, QueryOutcome, QueryResponse, Refused, RetrieveRequest, RetrieveResponse,
};
use konfido_ihe::xcpd::{XcpdOutcome, XcpdRequest, XcpdResponse};
use konfido_xml::{Document, Element, Limits};

use crate::fixtures::{self, Http};

const BEGIN: &str = "<!-- messages: begin, written by the test `messages::the_table_is_fresh` -->";
const END: &str = "<!-- messages: end -->";

/// What became of one file.
struct Row {
    file: String,
    kind: &'static str,
    verdict: Result<String, String>,
}

fn read(root: Element<'_>) -> (&'static str, Result<String, String>) {
    match root.local() {
        "PRPA_IN201305UV02" => ("ITI-55 request", read_patient_query(root)),
        "PRPA_IN201306UV02" => ("ITI-55 answer", read_patient_answer(root)),
        "AdhocQueryRequest" => ("ITI-38 request", read_query(root)),
        "AdhocQueryResponse" => ("ITI-38 answer", read_list(root)),
        "RetrieveDocumentSetRequest" => (
            "ITI-39 request",
            RetrieveRequest::parse(root)
                .map(|r| format!("{} document(s)", r.documents.len()))
                .map_err(|e| e.to_string()),
        ),
        "RetrieveDocumentSetResponse" => ("ITI-39 answer", read_retrieved(root)),
        "queryPatient" => ("portal", Err("national interface of a portal, no cross-border message".into())),
        "ProvideAndRegisterDocumentSetRequest" | "RegistryResponse" => {
            ("ITI-41", Err("not served yet: the transaction of eDispensation".into()))
        }
        "ClinicalDocument" => ("document", Err("a clinical document, no message".into())),
        "Fault" => ("SOAP fault", Err("a fault, no message of the transaction".into())),
        other => ("other", Err(format!("root `{other}` is none of the transactions'"))),
    }
}

fn read_patient_query(root: Element<'_>) -> Result<String, String> {
    let request = XcpdRequest::parse(root).map_err(|e| e.to_string())?;
    let (all, whole) = (request.criteria.ids.len(), request.criteria.patient_ids().count());
    Ok(match (all, whole) {
        (0, _) if request.criteria.demographics.reveal().is_empty() => "nothing to look for".into(),
        (0, _) => "demographics only".into(),
        (all, whole) if all == whole => format!("{whole} identifier(s)"),
        (all, whole) => format!("{whole} of {all} identifier(s) whole"),
    })
}

fn read_patient_answer(root: Element<'_>) -> Result<String, String> {
    let answer = XcpdResponse::parse(root).map_err(|e| e.to_string())?;
    Ok(match answer.outcome() {
        XcpdOutcome::Match(_) => "match".into(),
        XcpdOutcome::Several(all) => format!("{} matches", all.len()),
        XcpdOutcome::NoMatch(_) => "no match".into(),
        XcpdOutcome::Refused(failure) => match failure.reason {
            Some(reason) => format!("error {} ({})", failure.code, reason.code()),
            None => format!("error {}", failure.code),
        },
    })
}

fn read_query(root: Element<'_>) -> Result<String, String> {
    let query = DocumentQuery::parse(root).map_err(|e| e.to_string())?;
    let classes: Vec<_> = query.classes.iter().map(|class| class.code()).collect();
    Ok(if classes.is_empty() { "no class".into() } else { format!("class {}", classes.join(", ")) })
}

fn read_list(root: Element<'_>) -> Result<String, String> {
    let answer = QueryResponse::parse(root).map_err(|e| e.to_string())?;
    Ok(match answer.outcome() {
        QueryOutcome::Documents { documents, .. } => {
            format!("{} document(s) in {} entries", documents.len(), answer.entries().len())
        }
        QueryOutcome::NothingFound(told) => {
            format!("nothing found ({})", told.map_or("no code".into(), |e| e.code.to_string()))
        }
        QueryOutcome::Refused(Refused::Told(error)) => format!("error {}", error.code),
        QueryOutcome::Refused(Refused::Unexplained) => "refused without a reason".into(),
    })
}

fn read_retrieved(root: Element<'_>) -> Result<String, String> {
    let answer = RetrieveResponse::parse(root, &NoAttachments).map_err(|e| e.to_string())?;
    let errors: Vec<_> = answer.errors().iter().map(|e| e.code.to_string()).collect();
    Ok(match errors.as_slice() {
        [] => format!("{} document(s)", answer.documents().len()),
        errors => format!("error {}", errors.join(", ")),
    })
}

fn rows(openncp: &Path) -> Vec<Row> {
    let folder = openncp.join("messages");
    fixtures::files(&folder)
        .into_iter()
        .map(|path| {
            let file = path.strip_prefix(openncp).unwrap().display().to_string();
            let bytes = std::fs::read(&path).unwrap();
            match Document::parse(&bytes, &Limits::MESSAGE) {
                Ok(document) => {
                    let (kind, verdict) = read(document.root());
                    Row { file, kind, verdict }
                }
                Err(e) => Row { file, kind: "not XML", verdict: Err(e.to_string()) },
            }
        })
        .collect()
}

fn table(rows: &[Row]) -> String {
    let mut out = String::from("| message | kind | read as | refused because |\n| --- | --- | --- | --- |\n");
    for Row { file, kind, verdict } in rows {
        let (read, refused) = match verdict {
            Ok(read) => (read.as_str(), ""),
            Err(reason) => ("", reason.as_str()),
        };
        writeln!(out, "| `{file}` | {kind} | {read} | {refused} |").unwrap();
    }
    out
}

fn conformance() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conformance.md")
}

#[test]
fn the_table_is_fresh() {
    let Some(openncp) = fixtures::root() else { return };
    let rows = rows(&openncp);
    let read = rows.iter().filter(|row| row.verdict.is_ok()).count();
    let section = format!(
        "{BEGIN}\n{} messages, {read} read, {} refused.\n\n{}{END}",
        rows.len(),
        rows.len() - read,
        table(&rows)
    );
    let path = conformance();
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    let old = page.find(BEGIN).zip(page.find(END)).and_then(|(from, to)| page.get(from..to + END.len()));
    if std::env::var_os("KONFIDO_WRITE_DOCS").is_some_and(|v| v == "1") {
        let new = match old {
            Some(old) => page.replace(old, &section),
            None => format!(
                "{page}\n## Messages\n\nEvery sample message of the fixtures and what the readers make of it.\n\n{section}\n"
            ),
        };
        std::fs::write(&path, new).unwrap();
        return;
    }
    assert_eq!(
        old,
        Some(section.as_str()),
        "docs/conformance.md is stale\nrun the test with KONFIDO_WRITE_DOCS=1 and look at what changed"
    );
}

#[test]
fn only_what_is_no_message_of_ours_or_is_broken_is_refused() {
    let Some(openncp) = fixtures::root() else { return };
    let broken: Vec<_> = rows(&openncp)
        .into_iter()
        .filter(|row| row.kind.starts_with("ITI-55") || row.kind.starts_with("ITI-3"))
        .filter_map(|row| row.verdict.err().map(|reason| (row.file, reason)))
        .collect();
    let names: Vec<_> = broken.iter().map(|(file, _)| file.as_str()).collect();
    assert_eq!(
        names,
        [
            "messages/gematik/PRPA_IN201306UV02.xml",
            "messages/xca/query/order/xca-query-empty-id.xml",
            "messages/xca/retrieve/order/xca-retrieve-empty-id.xml",
        ],
        "{broken:#?}"
    );
}

/// Every recorded request of the three transactions is read, save those that are not well-formed or not of them.
#[test]
fn every_recorded_request_is_read() {
    let Some(openncp) = fixtures::root() else { return };
    let mut refused = Vec::new();
    let mut count = 0;
    for path in fixtures::files(&openncp.join("recorded/soap")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.ends_with(".request.http") || name.contains("-xdr-") {
            continue;
        }
        count += 1;
        let parts = Http::read(&path).parts();
        let verdict = match Document::parse(&parts[0].1, &Limits::MESSAGE) {
            Ok(envelope) => {
                let body = envelope.root().children().find(|e| e.local() == "Body").unwrap();
                let message = body.children().next().unwrap();
                let asked = if name.contains("-xcpd-") {
                    Transaction::PatientDiscovery
                } else if name.contains("-list-") {
                    Transaction::Query
                } else {
                    Transaction::Retrieve
                };
                if Transaction::of_root(message.namespace(), message.local()) == Some(asked) {
                    read(message).1
                } else {
                    Err("another transaction's message".into())
                }
            }
            Err(_) => Err("not well-formed".into()),
        };
        if let Err(reason) = verdict {
            refused.push((name, reason));
        }
    }
    assert!(count >= 58, "{count}");
    let names: Vec<_> = refused.iter().map(|(name, _)| name.split('-').next().unwrap()).collect();
    assert_eq!(names, ["48", "49", "50"], "{refused:#?}");
}
