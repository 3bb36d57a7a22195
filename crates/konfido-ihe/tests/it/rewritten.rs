//! What was recorded, read and written again by us: the same message, save for the differences listed here. So a peer
//! that understands OpenNCP's messages finds in ours everything that it looks for.

use std::collections::BTreeSet;

use bytes::Bytes;
use konfido_ihe::xca::{DocumentQuery, QueryResponse, RetrieveRequest, RetrieveResponse};
use konfido_ihe::xcpd::{XcpdRequest, XcpdResponse};
use konfido_xml::{Document, El, Element, Limits, ns};

use crate::fixtures::{self, Http};

/// Every leaf of a message as a line: its path, then an attribute or its text.
fn lines(root: Element<'_>) -> Vec<String> {
    let mut out = Vec::new();
    let mut all = vec![root];
    all.extend(root.descendants());
    for element in all {
        let mut path = element.local().to_owned();
        let mut at = element;
        while at.path() != root.path() {
            let Some(parent) = at.parent() else { break };
            path = format!("{}/{path}", parent.local());
            at = parent;
        }
        let is_part = matches!(element.local(), "Classification" | "ExternalIdentifier" | "Association");
        for (namespace, name, value) in element.attributes() {
            if !(is_part && name == "id") && namespace != ns::XML {
                out.push(format!("{path}@{name}={value}"));
            }
        }
        let text = element.own_text();
        if !text.trim().is_empty() {
            out.push(format!("{path}={}", text.trim()));
        }
        out.push(path);
    }
    out
}

fn rewrite(root: Element<'_>, attachment: &dyn Fn(&str) -> Option<Bytes>) -> El {
    match root.local() {
        "PRPA_IN201305UV02" => XcpdRequest::parse(root).unwrap().to_element(),
        "PRPA_IN201306UV02" => XcpdResponse::parse(root).unwrap().to_element(),
        "AdhocQueryRequest" => DocumentQuery::parse(root).unwrap().to_element(),
        "AdhocQueryResponse" => QueryResponse::parse(root).unwrap().to_element(),
        "RetrieveDocumentSetRequest" => RetrieveRequest::parse(root).unwrap().to_element(),
        _ => {
            let answer = RetrieveResponse::parse(root, &attachment).unwrap();
            answer.to_xop(|| "document".into()).0
        }
    }
}

/// Differences that are meant: (what OpenNCP writes, what we write), by the end of the line.
const MEANT: &[&str] = &[
    // A code system is named by its attribute, not by the name attribute.
    "controlActProcess/code@codeSystemName=2.16.840.1.113883.1.6",
    "controlActProcess/code@codeSystem=2.16.840.1.113883.1.6",
    // Several classes go in the form of IHE; read by OpenNCP as the same.
    "Value=('34105-7^^2.16.840.1.113883.6.1,18748-4^^2.16.840.1.113883.6.1')",
    "Value=('34105-7^^2.16.840.1.113883.6.1','18748-4^^2.16.840.1.113883.6.1')",
    // The list says how bad its worst entry is.
    "RegistryErrorList@highestSeverity=urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error",
    // The part has an id of its own.
    "Include@href=cid:",
];

#[test]
fn what_was_recorded_is_written_again_as_it_was() {
    let Some(openncp) = fixtures::root() else { return };
    let mut count = 0;
    let mut wrong = Vec::new();
    for path in fixtures::files(&openncp.join("recorded/soap")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // Requests from 31 on are of another client than OpenNCP's.
        let foreign = name.ends_with(".request.http") && name.as_str() >= "30";
        let broken = ["48-", "49-", "50-", "51-"].iter().any(|n| name.starts_with(n));
        if name.contains("-xdr-") || broken || foreign {
            continue;
        }
        let parts = Http::read(&path).parts();
        let envelope = Document::parse(&parts[0].1, &Limits::MESSAGE).unwrap();
        let body = envelope.root().children().find(|e| e.local() == "Body").unwrap();
        let message = body.children().next().unwrap();
        if message.local() == "Fault" {
            continue;
        }
        let find = |href: &str| {
            let id = href.strip_prefix("cid:")?;
            parts.iter().find(|(part, _)| part == id).map(|(_, bytes)| Bytes::from(bytes.clone()))
        };
        let ours = rewrite(message, &find).to_document_string();
        let ours = Document::parse(ours.as_bytes(), &Limits::MESSAGE).unwrap();
        let (theirs, ours): (BTreeSet<_>, BTreeSet<_>) =
            (lines(message).into_iter().collect(), lines(ours.root()).into_iter().collect());
        for difference in theirs.symmetric_difference(&ours) {
            let meant = MEANT
                .iter()
                .any(|m| difference.ends_with(m) || difference.contains(m) && m.ends_with(['=', ':']));
            if !meant {
                let whose = if theirs.contains(difference) { "theirs" } else { "ours" };
                wrong.push(format!("{name}: {whose} {difference}"));
            }
        }
        count += 1;
    }
    assert!(count >= 50, "{count}");
    assert!(wrong.is_empty(), "{} {:#?}", wrong.len(), &wrong[..wrong.len().min(60)]);
}
