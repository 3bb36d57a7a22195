//! Every recorded request of OpenNCP's NCP-B, and of the hostile clients beside it, against our NCP-A: the sound ones are
//! served, the others refused, also those that OpenNCP let pass; the connector is asked by none that is refused for its
//! assertions; each leaves exactly one audit record.
//!
//! The table is written to `docs/conformance/recorded.md` with `KONFIDO_BLESS=1`; the test fails when the file is stale.

use std::fmt::Write as _;
use std::path::Path;

use bytes::Bytes;
use konfido_gateway::server::Answer;
use konfido_ihe::registry::Severity;
use konfido_ihe::xca::{QueryResponse, RetrieveResponse};
use konfido_ihe::xcpd::{XcpdOutcome, XcpdResponse};
use konfido_xml::mtom::{MtomLimits, Package};
use konfido_xml::soap::Envelope;
use konfido_xml::{Document, Limits};

use crate::bench::{Bench, Http, fixtures, read_http, recorded_at};

/// What our NCP-A must do.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Must {
    /// Tell the patient.
    Match,
    /// List so many documents.
    List(usize),
    /// Hand out the document.
    Give,
    /// Refuse in band with this code; the connector may have been asked, because only it can know.
    Tell(&'static str),
    /// Refuse in band with this code, and never ask the connector.
    Refuse(&'static str),
    /// Answer with a SOAP fault, and never ask the connector.
    Fault,
}
use Must::{Fault, Give, List, Match, Refuse, Tell};

/// Why our answer differs from the recorded one.
const SAME: &str = "";
const STATUS: &str = "queryAck is NF or OK by the standard, not AE";
const AS_STORED: &str = "the document as it is stored; OpenNCP rewrites its id and transcodes it";
const IDS: &str =
    "the L3 form keeps its own id, without `.1`; hash and size are those of the bytes handed out";
const Q7: &str = "OpenNCP names the error and hands the documents out all the same (Q7)";
const IN_BAND: &str = "told in band; OpenNCP fails by accident with a fault";
const XDR: &str = "ITI-41 is not served yet: ActionNotSupported";
const MUST: &str = "SOAP 1.2 demands to refuse an unknown header that must be understood";

const TABLE: [(&str, Must, &str); 65] = [
    ("01-xcpd-match", Match, STATUS),
    ("02-xcpd-nomatch", Tell("ERROR_PI_NO_MATCH"), STATUS),
    ("03-xcpd-nierror", Tell("ERROR_PI_REGISTRY_NOT_AVAILABLE"), "the more exact of the two codes"),
    ("04-xcpd-nok", Match, STATUS),
    ("05-list-ps", List(2), IDS),
    ("06-list-ep", List(2), IDS),
    ("07-list-ep-none", Tell("ERROR_EP_NOT_FOUND"), "a warning, as the profile has it"),
    ("08-list-ps-none", Tell("ERROR_PS_NOT_FOUND"), "a warning with Success, as the profile has it"),
    ("09-list-orcd", List(1), IDS),
    ("10-list-orcd-multi", List(2), IDS),
    ("11-list-ps-nok", List(2), IDS),
    ("12-get-ps-l3", Give, AS_STORED),
    ("13-get-ps-l1-pdf", Give, AS_STORED),
    ("14-get-ep-l3", Give, AS_STORED),
    ("15-get-ep-l1-pdf", Give, AS_STORED),
    ("16-get-orcd-lab", Give, AS_STORED),
    ("17-get-unknown-document", Tell("ERROR_GENERIC_DOCUMENT_MISSING"), SAME),
    ("18-xdr-dispensation", Fault, XDR),
    ("19-xdr-discard", Fault, XDR),
    ("31-xcpd-ok", Match, STATUS),
    ("32-xcpd-tampered-hcp", Refuse("ERROR_PI_GENERIC"), SAME),
    ("33-xcpd-expired-hcp", Refuse("ERROR_PI_INCORRECT_FORMATTING"), SAME),
    ("34-xcpd-future-hcp", Refuse("ERROR_PI_INCORRECT_FORMATTING"), SAME),
    ("35-xcpd-hcp-longer-4h", Refuse("ERROR_PI_INCORRECT_FORMATTING"), SAME),
    ("36-xcpd-unknown-role", Refuse("ERROR_PI_INCORRECT_FORMATTING"), SAME),
    ("37-xcpd-missing-permission", Refuse("4703"), SAME),
    ("38-xcpd-wrong-receiver", Refuse("ERROR_PI_GENERIC"), SAME),
    ("39-xcpd-no-identifier", Refuse("ERROR_PI_GENERIC"), SAME),
    ("40-xcpd-no-assertion", Refuse("ERROR_PI_MISSING_REQUIRED_FIELDS"), SAME),
    ("41-xcpd-no-security-header", Refuse("ERROR_PI_MISSING_REQUIRED_FIELDS"), SAME),
    ("42-xcpd-wrong-action", Fault, SAME),
    ("43-xcpd-wrong-action-param-only", Fault, SAME),
    ("44-xcpd-wrong-action-header-only", Fault, SAME),
    ("45-xcpd-no-action-param", Match, STATUS),
    ("46-xcpd-no-addressing", Match, STATUS),
    ("47-xcpd-no-addressing-no-action-param", Match, STATUS),
    ("48-xcpd-malformed-xml", Fault, "no parser's words in the fault"),
    ("49-xcpd-truncated-xml", Fault, "no parser's words in the fault"),
    ("50-xcpd-wrong-body", Fault, "no program's words in the fault"),
    ("51-xcpd-soap11-content-type", Fault, "a whole SOAP 1.2 envelope"),
    ("52-xcpd-mustunderstand-unknown", Fault, MUST),
    ("53-list-ok", List(2), IDS),
    ("54-list-tampered-hcp", Refuse("ERROR_SEC_GENERIC"), Q7),
    ("55-list-trc-of-other-hcp", Refuse("4703"), IN_BAND),
    ("56-list-expired-hcp", Refuse("ERROR_PS_INCORRECT_FORMATTING"), Q7),
    ("57-list-expired-trc", Refuse("ERROR_PS_INCORRECT_FORMATTING"), Q7),
    ("58-list-missing-permission", Refuse("4703"), IN_BAND),
    ("59-list-no-trc", Refuse("ERROR_PS_MISSING_REQUIRED_FIELDS"), IN_BAND),
    ("60-list-no-assertion", Refuse("ERROR_PS_MISSING_REQUIRED_FIELDS"), IN_BAND),
    ("61-list-trc-other-patient", Refuse("4206"), IN_BAND),
    ("62-list-unknown-class-code", Refuse("ERROR_GENERIC_SERVICE_SIGNIFIER_UNKNOWN"), IN_BAND),
    ("63-list-class-code-not-for-query", Refuse("ERROR_GENERIC_SERVICE_SIGNIFIER_UNKNOWN"), IN_BAND),
    ("64-list-no-class-code", Refuse("ERROR_GENERIC_SERVICE_SIGNIFIER_UNKNOWN"), IN_BAND),
    ("65-get-ok-plain-request", Give, AS_STORED),
    ("66-get-tampered-hcp", Refuse("ERROR_SEC_GENERIC"), "told in band; OpenNCP answers with a fault"),
    ("67-get-expired-hcp", Refuse("ERROR_PS_INCORRECT_FORMATTING"), Q7),
    ("68-get-trc-of-other-hcp", Refuse("4703"), "status Failure, not PartialSuccess"),
    ("69-get-missing-permission", Refuse("4703"), "status Failure, not PartialSuccess"),
    ("70-get-unknown-document", Tell("ERROR_GENERIC_DOCUMENT_MISSING"), SAME),
    (
        "71-get-no-assertion",
        Refuse("ERROR_PS_MISSING_REQUIRED_FIELDS"),
        "told in band; OpenNCP answers with a fault",
    ),
    ("72-xdr-ok-inline-base64", Fault, XDR),
    ("73-xdr-unknown-format-code", Fault, XDR),
    ("74-xdr-missing-permission", Fault, XDR),
    ("75-xdr-no-assertion", Fault, XDR),
    ("76-xdr-tampered-hcp", Fault, XDR),
];

/// What an answer says.
#[derive(Clone, Debug, PartialEq)]
enum Says {
    Match,
    List(usize),
    Give(usize),
    Code(String),
    Fault(String),
    /// A message that is not of ITI-55, ITI-38 or ITI-39.
    Other,
}

impl std::fmt::Display for Says {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Match => f.write_str("match"),
            Self::List(n) => write!(f, "{n} documents"),
            Self::Give(n) => write!(f, "document, {n} bytes"),
            Self::Code(code) => write!(f, "`{code}`"),
            Self::Fault(code) => write!(f, "fault {code}"),
            Self::Other => f.write_str("an answer of ITI-41"),
        }
    }
}

/// Reads an answer as a careful NCP-B does, but sees documents also beside an error.
fn read(content_type: &str, body: Bytes) -> Says {
    let Ok(package) = Package::read(content_type, body, MtomLimits::MESSAGE) else {
        return Says::Fault("(no envelope)".into());
    };
    let document = Document::parse(package.root(), &Limits::MESSAGE).unwrap();
    let envelope = Envelope::parse(&document).unwrap();
    if let Some(fault) = envelope.fault() {
        let subcode = fault.subcodes().last().map(|(_, local)| format!("/{local}")).unwrap_or_default();
        return Says::Fault(format!("{}{subcode}", fault.code().as_str()));
    }
    let payload = envelope.payload().unwrap();
    if let Ok(response) = XcpdResponse::parse(payload) {
        return match response.outcome() {
            XcpdOutcome::Match(_) => Says::Match,
            XcpdOutcome::Several(several) => Says::List(several.len()),
            XcpdOutcome::NoMatch(failure) | XcpdOutcome::Refused(failure) => {
                Says::Code(failure.code.wire().into_owned())
            }
        };
    }
    let code = |errors: &[konfido_ihe::registry::RegistryError]| {
        let worst = errors.iter().find(|e| e.severity == Severity::Error).or_else(|| errors.first());
        worst.map(|e| Says::Code(e.code.wire().into_owned()))
    };
    if let Ok(response) = QueryResponse::parse(payload) {
        return code(response.errors()).unwrap_or(Says::List(response.entries().len()));
    }
    let parts = |href: &str| {
        let id = href.strip_prefix("cid:")?;
        package.attachment(id).map(|part| part.body.clone())
    };
    match RetrieveResponse::parse(payload, &parts) {
        Ok(response) => code(response.errors()).unwrap_or_else(|| {
            let size = package.attachments().first().map_or(0, |part| part.body.len());
            Says::Give(size)
        }),
        Err(_) => Says::Other,
    }
}

fn read_ours(answer: &Answer) -> Says {
    read(&answer.content_type, answer.body.clone())
}

fn read_theirs(response: &Http) -> Says {
    let content_type = response.headers.get("content-type").unwrap().to_str().unwrap();
    read(content_type, response.body.clone().into())
}

#[tokio::test]
async fn recorded_requests_are_served_or_refused_as_they_deserve() {
    let Some(fixtures) = fixtures() else { return };
    let bench = Bench::new(&fixtures);
    let soap = fixtures.join("recorded/soap");
    let mut page = String::from(HEAD);
    let mut wrong = Vec::new();
    for (name, must, why) in TABLE {
        let request = read_http(&soap.join(format!("{name}.request.http")));
        let response = read_http(&soap.join(format!("{name}.response.http")));
        let ncp = bench.ncp_a(recorded_at(&response));
        let answer = ncp.send(&request).await;
        let says = read_ours(&answer);
        let good = match (must, &says) {
            (Match, Says::Match) | (Give, Says::Give(_)) => true,
            (List(n), Says::List(m)) => n == *m,
            (Tell(code), Says::Code(told)) => code == told,
            (Refuse(code), Says::Code(told)) => code == told && ncp.asked() == 0,
            (Fault, Says::Fault(_)) => ncp.asked() == 0 && answer.status == 500,
            _ => false,
        };
        if !good || ncp.records() != 1 {
            wrong.push(format!(
                "{name}: must {must:?}, says {says:?} (HTTP {}), connector asked {}, records {}, {:?}",
                answer.status,
                ncp.asked(),
                ncp.records(),
                ncp.ending(),
            ));
        }
        let theirs = read_theirs(&response);
        let why = if why.is_empty() { "–" } else { why };
        writeln!(page, "| {name} | {theirs} | {says} | {why} |").unwrap();
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), TABLE.len(), wrong.join("\n"));
    let recordings = std::fs::read_dir(&soap).unwrap().count() / 2;
    assert_eq!(recordings, TABLE.len(), "a recording is missing in the table");
    compare(&page);
}

const HEAD: &str = "\
# Recorded requests against our NCP-A

Each request that OpenNCP's NCP-B, or a client that is not OpenNCP's, sent to an OpenNCP's NCP-A is sent to ours, with
the clock at the recording and its certificates trusted. \"OpenNCP\" is what the recorded answer says, \"Konfido\" what
ours says, \"why\" is the reason where the two differ in more than ids, times and free texts. An error counts before
documents beside it. None of the refused requests reached the national connector, but for those where only the connector can
know (nobody found, nothing listed, no such document); where permissions hang on a document's class, its catalogue
was asked for the class. Each left one audit record.

This page is written by the test `recorded_requests_are_served_or_refused_as_they_deserve`.

| recording | OpenNCP | Konfido | why |
| --- | --- | --- | --- |
";

fn compare(page: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conformance/recorded.md");
    if std::env::var_os("KONFIDO_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, page).unwrap();
        return;
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(known, page, "docs/conformance/recorded.md is stale: run this test with KONFIDO_BLESS=1");
}
