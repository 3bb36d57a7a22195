//! Writing survives reading: for every message, whatever is in it, parse(write(x)) = x.

use bytes::Bytes;
use jiff::Timestamp;
use konfido_circle::{Oid, PatientId, Personal};
use konfido_ihe::registry::{RegistryError, ResponseStatus, Severity};
use konfido_ihe::xca::{
    DocumentQuery, DocumentRequest, NoAttachments, QueryOutcome, QueryResponse, Refused, RetrieveOutcome,
    RetrieveRequest, RetrieveResponse, RetrievedDocument, ReturnType,
};
use konfido_ihe::xcpd::{
    Address, Demographics, Device, Gender, PatientCriteria, PatientMatch, PersonName, SubjectId, XcpdOutcome,
    XcpdRequest, XcpdResponse,
};
use konfido_ihe::{ClassCode, DocumentClass, EhdsiError, Group, InstanceId, Level, PartialDate, Refusal};
use konfido_xml::{Document, El, Limits};
use proptest::prelude::*;

use crate::emitted;

fn reread(message: &El) -> Document {
    Document::parse(message.to_document_string().as_bytes(), &Limits::MESSAGE).expect("what we write is read")
}

/// Text as people write it, with what XML must escape; without blanks at its ends, which no field keeps.
fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9&<>\"'éßŁ\u{4e2d}|~.,;:/()+=-]([a-zA-Z0-9&<>\"' éß|~^.,;:/()+=-]{0,30}[a-zA-Z0-9&<>\"'é|~])?"
}

fn oid() -> impl Strategy<Value = String> {
    "[12](\\.(0|[1-9][0-9]{0,3})){2,8}".prop_map(|oid| oid.replacen("1.", "2.", 1))
}

fn instant() -> impl Strategy<Value = Timestamp> {
    (0_i64..4_000_000_000_000).prop_map(|ms| Timestamp::from_millisecond(ms).unwrap())
}

prop_compose! {
    fn instance()(root in oid(), extension in proptest::option::of(text())) -> InstanceId {
        InstanceId::new(root, extension)
    }
}

prop_compose! {
    fn device()(id in instance(), organisation in proptest::option::of(instance())) -> Device {
        Device { id, organisation }
    }
}

prop_compose! {
    fn patient()(root in oid(), extension in text()) -> PatientId {
        PatientId::new(Oid::new(root).unwrap(), extension).unwrap()
    }
}

prop_compose! {
    fn name()(prefix in prop::collection::vec(text(), 0..2),
              family in prop::collection::vec(text(), 1..3),
              given in prop::collection::vec(text(), 0..3)) -> PersonName {
        PersonName { prefix, family, given }
    }
}

prop_compose! {
    fn address()(street in prop::collection::vec(text(), 0..3), city in text(),
                 postal_code in proptest::option::of(text()), country in proptest::option::of(text())) -> Address {
        Address { street, city: Some(city), postal_code, country }
    }
}

fn gender() -> impl Strategy<Value = Gender> {
    prop_oneof![Just("F"), Just("M"), Just("UN"), Just("X")].prop_map(Gender::of_code)
}

prop_compose! {
    fn demographics()(names in prop::collection::vec(name(), 0..3), gender in proptest::option::of(gender()),
                      birth in proptest::option::of("(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|1[0-9]|2[0-8])"),
                      addresses in prop::collection::vec(address(), 0..2)) -> Demographics {
        Demographics { names, gender, birth: birth.and_then(|b| PartialDate::parse(&b)), addresses }
    }
}

prop_compose! {
    fn criteria()(ids in prop::collection::vec((proptest::option::of(oid()), proptest::option::of(text())), 0..4),
                  demographics in demographics()) -> PatientCriteria {
        let ids = ids.into_iter()
            .map(|(root, extension)| SubjectId { root, extension: extension.map(Personal::new) })
            .collect();
        PatientCriteria { ids, demographics: Personal::new(demographics) }
    }
}

prop_compose! {
    fn request()(id in instance(), created in proptest::option::of(instant()), receiver in device(),
                 sender in device(), query_id in instance(), criteria in criteria()) -> XcpdRequest {
        XcpdRequest { id, created, receiver, sender, query_id, criteria }
    }
}

prop_compose! {
    fn matched()(id in patient(), demographics in demographics(), score in 0_u8..=100,
                 custodian in oid()) -> PatientMatch {
        PatientMatch {
            id, demographics: Personal::new(demographics), score: Some(score), custodian: Some(custodian),
        }
    }
}

fn class() -> impl Strategy<Value = ClassCode> {
    prop_oneof![
        prop::sample::select(DocumentClass::ALL.to_vec()).prop_map(ClassCode::Known),
        ("[a-z0-9-]{1,12}", oid()).prop_map(|(code, scheme)| ClassCode::new(&code, &scheme)),
    ]
}

prop_compose! {
    fn query()(patient in patient(), mut classes in prop::collection::vec(class(), 0..4),
               object_ref in any::<bool>(), maximum_size in proptest::option::of(any::<u64>()),
               created_before in proptest::option::of(instant()),
               created_after in proptest::option::of(instant())) -> DocumentQuery {
        let mut seen = Vec::new();
        classes.retain(|class| { let new = !seen.contains(class); seen.push(class.clone()); new });
        let returns = if object_ref { ReturnType::ObjectRef } else { ReturnType::LeafClass };
        let home = object_ref.then(emitted::italy);
        DocumentQuery { patient, classes, home, returns, maximum_size, created_before, created_after }
    }
}

prop_compose! {
    fn document_request()(home in proptest::option::of(oid()), repository in text(),
                          document in text()) -> DocumentRequest {
        DocumentRequest { home: home.map(|oid| format!("urn:oid:{oid}")), repository, document }
    }
}

prop_compose! {
    fn warning()(known in prop::sample::select(EhdsiError::KNOWN.to_vec()), context in text()) -> RegistryError {
        RegistryError { code: known, severity: Severity::Warning, context, location: Some("urn:oid:2.1".into()) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn patient_queries(request in request()) {
        let document = reread(&request.to_element());
        prop_assert_eq!(XcpdRequest::parse(document.root()).unwrap(), request);
    }

    #[test]
    fn patient_answers(request in request(), patients in prop::collection::vec(matched(), 1..3)) {
        let answer =
            XcpdResponse::found(&request, &emitted::italy(), emitted::message_id(), emitted::now(), patients);
        let document = reread(&answer.to_element());
        let read = XcpdResponse::parse(document.root()).unwrap();
        prop_assert_eq!(&read, &answer);
        prop_assert!(matches!(read.outcome(), XcpdOutcome::Match(_) | XcpdOutcome::Several(_)));
    }

    #[test]
    fn document_queries(query in query()) {
        let document = reread(&query.to_element());
        prop_assert_eq!(DocumentQuery::parse(document.root()).unwrap(), query);
    }

    #[test]
    fn retrieve_requests(documents in prop::collection::vec(document_request(), 1..4)) {
        let request = RetrieveRequest { documents };
        let document = reread(&request.to_element());
        prop_assert_eq!(RetrieveRequest::parse(document.root()).unwrap(), request);
    }

    #[test]
    fn delivered_documents(id in document_request(), content in prop::collection::vec(any::<u8>(), 1..400),
                           warnings in prop::collection::vec(warning(), 0..3)) {
        let document = RetrievedDocument::cda(id.clone(), Bytes::from(content));
        let answer = RetrieveResponse::delivered(vec![document.clone()], warnings);
        let inside = reread(&answer.to_element());
        prop_assert_eq!(&RetrieveResponse::parse(inside.root(), &NoAttachments).unwrap(), &answer);
        let (element, parts) = answer.to_xop(|| "part-1@konfido".into());
        let beside = reread(&element);
        let find = |href: &str| (href == "cid:part-1@konfido").then(|| parts[0].content.reveal().clone());
        let read = RetrieveResponse::parse(beside.root(), &find).unwrap();
        prop_assert_eq!(&read, &answer);
        let is_ours = matches!(read.outcome(&id), RetrieveOutcome::Document { document: d, .. } if *d == document);
        prop_assert!(is_ours);
        prop_assert!(RetrieveResponse::parse(beside.root(), &NoAttachments).is_err());
    }

    #[test]
    fn lists(events in prop::collection::vec(("[A-Z0-9]{1,8}", text()), 0..3), warnings in prop::collection::vec(warning(), 0..3)) {
        let mut entry = emitted::entry(DocumentClass::EPrescription, Level::Structured, 9);
        entry.events = events.into_iter()
            .map(|(code, name)| konfido_ihe::xca::EventCode::Substitution { code, name })
            .collect();
        let answer = QueryResponse::found(vec![entry], vec![], warnings);
        let document = reread(&answer.to_element());
        prop_assert_eq!(QueryResponse::parse(document.root()).unwrap(), answer);
    }
}

#[test]
fn a_whole_list_is_paired_after_reading() {
    let list = emitted::list();
    let document = reread(&list.to_element());
    let read = QueryResponse::parse(document.root()).unwrap();
    assert_eq!(read, list);
    let QueryOutcome::Documents { documents, .. } = read.outcome() else { panic!("documents") };
    assert_eq!(documents.len(), 2);
    assert_eq!(documents[0].best().unwrap().level(), Some(Level::Structured));
}

/// Our own reader takes each of our refusals for a refusal, with the code that was written.
#[test]
fn every_refusal_is_read_as_a_refusal() {
    for refusal in emitted::refusals() {
        let answer = XcpdResponse::refused(
            &emitted::request(),
            &emitted::italy(),
            emitted::message_id(),
            emitted::now(),
            &refusal,
        );
        let document = reread(&answer.to_element());
        let read = XcpdResponse::parse(document.root()).unwrap();
        assert_eq!(read, answer);
        let expected = konfido_ihe::xcpd::error::wire(&refusal);
        match read.outcome() {
            XcpdOutcome::NoMatch(_) => assert_eq!(refusal, Refusal::NotFound),
            XcpdOutcome::Refused(failure) => {
                assert_eq!((failure.code, failure.reason), (expected.code, Some(expected.reason)));
            }
            other => panic!("{refusal:?}: {other:?}"),
        }
        let answer = QueryResponse::refused(&emitted::italy(), Some(Group::PatientSummary), &refusal);
        let document = reread(&answer.to_element());
        match QueryResponse::parse(document.root()).unwrap().outcome() {
            QueryOutcome::NothingFound(Some(_)) => assert_eq!(refusal, Refusal::NotFound),
            QueryOutcome::Refused(Refused::Told(error)) => assert_eq!(error.severity, Severity::Error),
            other => panic!("{refusal:?}: {other:?}"),
        }
        let answer = RetrieveResponse::refused(&emitted::italy(), None, &refusal);
        let document = reread(&answer.to_element());
        let read = RetrieveResponse::parse(document.root(), &NoAttachments).unwrap();
        assert!(matches!(
            read.outcome(&emitted::document_request()),
            RetrieveOutcome::Refused(Refused::Told(_))
        ));
        assert_eq!(read.status(), Some(&ResponseStatus::Failure));
    }
}
