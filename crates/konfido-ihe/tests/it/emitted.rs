//! One of each message that we emit, as a gateway would make it.

use bytes::Bytes;
use jiff::Timestamp;
use konfido_circle::{CountryCode, HomeCommunityId, Oid, PatientId, Personal};
use konfido_ihe::registry::{RegistryError, Severity};
use konfido_ihe::xca::{
    Association, Author, DocumentEntry, DocumentQuery, DocumentRequest, EntryFacts, EventCode, QueryResponse,
    RetrieveRequest, RetrieveResponse, RetrievedDocument,
};
use konfido_ihe::xcpd::{
    Address, Demographics, Device, Gender, PatientCriteria, PatientMatch, PersonName, ReasonCode,
    XcpdRequest, XcpdResponse,
};
use konfido_ihe::{ClassCode, DocumentClass, EhdsiError, Group, InstanceId, Level, PartialDate, Refusal};
use konfido_xml::El;
use uuid::Uuid;

pub(crate) fn italy() -> HomeCommunityId {
    HomeCommunityId::new(Oid::new("2.16.17.710.814.1000.990.1").unwrap())
}

fn denmark() -> HomeCommunityId {
    HomeCommunityId::new(Oid::new("2.16.17.710.802.1000.990.1").unwrap())
}

pub(crate) fn patient() -> PatientId {
    PatientId::new(Oid::new("2.16.840.1.113883.2.9.4.3.2").unwrap(), "RSSMRA80A|01&H501").unwrap()
}

pub(crate) fn now() -> Timestamp {
    "2026-11-23T18:37:53.733Z".parse().unwrap()
}

pub(crate) fn message_id() -> InstanceId {
    InstanceId::new("f76e22b4-281e-47e1-99b7-9ca3a373852f", Some("1908120669".into()))
}

fn demographics() -> Demographics {
    Demographics {
        names: vec![PersonName {
            prefix: vec!["Dott.".into()],
            family: vec!["D'Àngelo <Rossi>".into()],
            given: vec!["Maria".into(), "Ada".into()],
        }],
        gender: Some(Gender::Female),
        birth: PartialDate::parse("19800101"),
        addresses: vec![Address {
            street: vec!["Via Roma 1".into()],
            city: Some("Roma".into()),
            postal_code: Some("00100".into()),
            country: Some("IT".into()),
        }],
    }
}

pub(crate) fn request() -> XcpdRequest {
    let mut criteria = PatientCriteria::by_ids([&patient()]);
    criteria.demographics = Personal::new(demographics());
    XcpdRequest {
        id: message_id(),
        created: Some(now()),
        receiver: Device::of(&italy()),
        sender: Device::of(&denmark()),
        query_id: InstanceId::new("2.16.17.710.802.1000.990.1", Some("q-1".into())),
        criteria,
    }
}

pub(crate) fn refusals() -> Vec<Refusal> {
    let mut all = vec![
        Refusal::Malformed,
        Refusal::MissingAssertion,
        Refusal::InvalidAssertion,
        Refusal::BrokenAssertion,
        Refusal::BadSignature,
        Refusal::InsufficientRights,
        Refusal::PatientMismatch,
        Refusal::WrongReceiver,
        Refusal::NoPatientIdentifier,
        Refusal::NotFound,
        Refusal::SeveralMatches,
        Refusal::NoConsent,
        Refusal::ClassNotServed,
        Refusal::RegistryUnavailable,
        Refusal::Untranscodable,
        Refusal::Busy,
        Refusal::Internal,
    ];
    all.extend(
        ReasonCode::KNOWN
            .into_iter()
            .map(|reason| Refusal::National { code: EhdsiError::PiGeneric, reason: Some(reason) }),
    );
    all
}

pub(crate) fn found(patients: usize) -> XcpdResponse {
    let patient = PatientMatch {
        id: patient(),
        demographics: Personal::new(demographics()),
        score: Some(100),
        custodian: Some(italy().oid().as_str().to_owned()),
    };
    XcpdResponse::found(&request(), &italy(), message_id(), now(), vec![patient; patients])
}

pub(crate) fn entry(class: DocumentClass, level: Level, number: u128) -> DocumentEntry {
    DocumentEntry::new(EntryFacts {
        entry_id: Uuid::from_u128(0x7511_ab6a_4ac6_42e7_be3d_c5ca_0000_0000 + (number << 16)),
        home: italy(),
        country: CountryCode::new("IT").unwrap(),
        country_name: "Italy".into(),
        document: format!("2.16.840.1.113883.2.9.4.3.2^{number}"),
        class,
        level,
        patient: patient(),
        created: "2026-11-23T18:32:10Z".parse().unwrap(),
        size: 170_233,
        hash: "fc92e6b0751f3ffa1b2e20dae40eb084b15ce889".into(),
        language: "it-IT".into(),
        description: format!("{} ({level:?})", class.title()),
    })
}

pub(crate) fn list() -> QueryResponse {
    let structured = entry(DocumentClass::PatientSummary, Level::Structured, 1);
    let scanned = entry(DocumentClass::PatientSummary, Level::Scanned, 2);
    let mut prescription = entry(DocumentClass::EPrescription, Level::Structured, 3);
    prescription.events = vec![
        EventCode::Dispensable(true),
        EventCode::Ingredient { code: "A10AE04".into(), name: "insulin glargine".into() },
        EventCode::DoseForm { code: "11201000".into(), name: "solution for injection".into() },
        EventCode::Strength("100 U/ml".into()),
        EventCode::Substitution { code: "N".into(), name: "none".into() },
    ];
    prescription.authors = vec![Author {
        person: Some(Personal::new("^Bianchi^Carla^^^".into())),
        specialties: vec!["Cardiology".into(), "Internal medicine".into()],
    }];
    let association = Association::transformation(&scanned, &structured);
    QueryResponse::found(vec![structured, scanned, prescription], vec![association], vec![])
}

pub(crate) fn query(classes: &[DocumentClass]) -> DocumentQuery {
    let mut query = DocumentQuery::new(patient(), classes.iter().copied().map(ClassCode::Known).collect());
    if classes.len() > 1 {
        query.maximum_size = Some(1_000_000);
        query.created_before = Some(now());
        query.created_after = Some("2020-01-01T00:00:00Z".parse().unwrap());
        query.home = Some(italy());
    }
    query
}

pub(crate) fn document_request() -> DocumentRequest {
    entry(DocumentClass::PatientSummary, Level::Structured, 1).request()
}

pub(crate) fn delivered() -> RetrieveResponse {
    let document = RetrievedDocument::cda(document_request(), Bytes::from_static(b"<ClinicalDocument/>"));
    let warning = RegistryError::of(EhdsiError::from_wire("2502"), Severity::Warning, &italy());
    RetrieveResponse::delivered(vec![document], vec![warning])
}

/// Every message with a name for reports.
pub(crate) fn all() -> Vec<(String, El)> {
    let mut all = vec![
        ("query for a patient".to_owned(), request().to_element()),
        ("one patient".to_owned(), found(1).to_element()),
        ("two patients".to_owned(), found(2).to_element()),
        ("query for a summary".to_owned(), query(&[DocumentClass::PatientSummary]).to_element()),
        (
            "query for originals".to_owned(),
            query(&[DocumentClass::Laboratory, DocumentClass::HospitalDischarge]).to_element(),
        ),
        ("list".to_owned(), list().to_element()),
        ("request for a document".to_owned(), RetrieveRequest::one(document_request()).to_element()),
        ("document inside".to_owned(), delivered().to_element()),
    ];
    for refusal in refusals() {
        let patient = XcpdResponse::refused(&request(), &italy(), message_id(), now(), &refusal);
        all.push((format!("no patient: {refusal:?}"), patient.to_element()));
        for group in [None, Some(Group::PatientSummary), Some(Group::Prescription), Some(Group::Original)] {
            let list = QueryResponse::refused(&italy(), group, &refusal);
            all.push((format!("no list: {refusal:?} {group:?}"), list.to_element()));
            let document = RetrieveResponse::refused(&italy(), group, &refusal);
            all.push((format!("no document: {refusal:?} {group:?}"), document.to_element()));
        }
    }
    all
}
