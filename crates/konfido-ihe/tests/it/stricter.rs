//! What the validators of other IHE implementations demand of our messages beyond the schemas.

use konfido_xml::{Document, Element, Limits};

use crate::emitted;

fn each(root: &str, check: impl Fn(&str, Element<'_>)) {
    let mut seen = 0;
    for (name, message) in emitted::all() {
        let document = Document::parse(message.to_xml().as_bytes(), &Limits::MESSAGE).unwrap();
        if document.root().local() == root {
            check(&name, document.root());
            seen += 1;
        }
    }
    assert!(seen > 0, "{root}");
}

fn all<'d>(root: Element<'d>, local: &'static str) -> impl Iterator<Item = Element<'d>> {
    root.descendants().filter(move |e| e.local() == local)
}

fn slot(object: Element<'_>, name: &str) -> Option<String> {
    let slot = object.children().find(|e| e.local() == "Slot" && e.attribute("name") == Some(name))?;
    Some(slot.text())
}

#[test]
fn errors_are_located_in_a_home_community() {
    for root in ["AdhocQueryResponse", "RetrieveDocumentSetResponse"] {
        each(root, |name, message| {
            let carrier = all(message, "RegistryResponse").next().unwrap_or(message);
            assert!(carrier.attribute("status").is_some(), "{name}");
            for error in all(message, "RegistryError") {
                let location = error.attribute("location").unwrap_or_default();
                assert!(location.starts_with("urn:oid:2."), "{name}: `{location}`");
                assert!(error.attribute("severity").is_some() && error.attribute("errorCode").is_some());
            }
        });
    }
}

#[test]
fn entries_hold_all_that_a_query_answer_needs() {
    each("AdhocQueryResponse", |_, message| {
        for entry in all(message, "ExtrinsicObject") {
            let hash = slot(entry, "hash").unwrap();
            assert!(hash.len() == 40 && hash.bytes().all(|b| b.is_ascii_hexdigit()), "{hash}");
            assert!(slot(entry, "size").unwrap().parse::<u64>().unwrap() > 0);
            assert_eq!(slot(entry, "creationTime").unwrap().len(), 14);
            for name in ["languageCode", "repositoryUniqueId", "sourcePatientId"] {
                assert!(!slot(entry, name).unwrap().is_empty(), "{name}");
            }
            let classifications: Vec<_> =
                entry.children().filter(|e| e.local() == "Classification").collect();
            for classification in &classifications {
                assert_eq!(classification.attribute("classifiedObject"), entry.attribute("id"));
                assert!(
                    classification.children().any(|e| e.local() == "Slot"),
                    "a slot in each classification"
                );
                let author = classification.attribute("nodeRepresentation") == Some("");
                assert!(author || slot(*classification, "codingScheme").is_some());
            }
            let ids: Vec<_> = classifications.iter().map(|c| c.attribute("id").unwrap()).collect();
            let mut distinct = ids.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), ids.len(), "ids are not repeated");
        }
    });
}

#[test]
fn patients_hold_all_that_an_answer_needs() {
    each("PRPA_IN201306UV02", |name, message| {
        assert_eq!(all(message, "acknowledgement").count(), 1);
        let ack = all(message, "queryAck").next().unwrap();
        let order: Vec<_> = ack.children().map(|e| e.local()).collect();
        assert_eq!(order, ["queryId", "statusCode", "queryResponseCode"], "{name}");
        let matches = all(message, "patient").count();
        assert_eq!(all(message, "reasonOf").count(), usize::from(matches == 0), "a reason with every error");
        for patient in all(message, "patient") {
            assert_eq!(patient.children().filter(|e| e.local() == "id").count(), 1);
        }
        for custodian in all(message, "custodian") {
            let id = all(custodian, "id").next().unwrap();
            assert!(id.attribute("root").is_some() && id.attribute("extension").is_none());
        }
        for detail in all(message, "acknowledgementDetail") {
            assert_eq!(detail.children().filter(|e| e.local() == "location").count(), 1, "{name}");
        }
        for reason in all(message, "detectedIssueEvent") {
            let inner = all(reason, "code").nth(1).expect("the reason's own code");
            assert!(inner.attribute("code").is_some() && inner.attribute("codeSystem").is_some());
        }
    });
}
