//! What a peer may send: each line of the interoperability list as a test, and each defect of a peer that must not
//! make us believe it.

use konfido_circle::PatientId;
use konfido_ihe::registry::ResponseStatus;
use konfido_ihe::xca::{
    DocumentQuery, NoAttachments, QueryOutcome, QueryResponse, Refused, RetrieveOutcome, RetrieveResponse,
};
use konfido_ihe::xcpd::{ReasonCode, XcpdOutcome, XcpdResponse};
use konfido_ihe::{ClassCode, DocumentClass, EhdsiError};
use konfido_xml::{Document, Limits};

use crate::emitted;

fn document(xml: &str) -> Document {
    Document::parse(xml.as_bytes(), &Limits::MESSAGE).unwrap_or_else(|e| panic!("{e}: {xml}"))
}

/// A query with these slots, each a name and its values.
fn query(slots: &[(&str, &[&str])]) -> Document {
    let slots: String = slots
        .iter()
        .map(|(name, values)| {
            let values: String = values.iter().map(|v| format!("<x:Value>{v}</x:Value>")).collect();
            format!("<x:Slot name=\"{name}\"><x:ValueList>{values}</x:ValueList></x:Slot>")
        })
        .collect();
    document(&format!(
        "<q:AdhocQueryRequest xmlns:q='urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0' \
         xmlns:x='urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0'>\
         <q:ResponseOption returnType='LeafClass' returnComposedObjects='true'/>\
         <x:AdhocQuery id='urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d'>{slots}</x:AdhocQuery>\
         </q:AdhocQueryRequest>"
    ))
}

const PATIENT: &str = "$XDSDocumentEntryPatientId";
const CLASS: &str = "$XDSDocumentEntryClassCode";
const CX: &str = "'X1^^^&amp;1.2.276.0.76.3.1.580.147&amp;ISO'";

#[test]
fn class_codes_in_every_notation() {
    let lab = "11502-2^^2.16.840.1.113883.6.1";
    let report = "34105-7^^2.16.840.1.113883.6.1";
    let expected =
        [ClassCode::Known(DocumentClass::Laboratory), ClassCode::Known(DocumentClass::HospitalDischarge)];
    let one_text = format!("('{lab},{report}')");
    let two_texts = format!("('{lab}','{report}')");
    let spaced = format!("( '{lab}' , '{report}' )");
    let (first, second) = (format!("('{lab}')"), format!("('{report}')"));
    for values in [&[&*one_text][..], &[&*two_texts], &[&*spaced], &[&*first, &*second], &[lab, report]] {
        let document = query(&[(CLASS, values), (PATIENT, &[CX])]);
        assert_eq!(DocumentQuery::parse(document.root()).unwrap().classes, expected, "{values:?}");
    }
    for bad in ["('11502-2')", "('11502-2^2.16.840.1.113883.6.1')"] {
        assert!(DocumentQuery::parse(query(&[(PATIENT, &[CX]), (CLASS, &[bad])]).root()).is_err(), "{bad}");
    }
    let none = query(&[(PATIENT, &[CX])]);
    assert!(DocumentQuery::parse(none.root()).unwrap().classes.is_empty());
    let foreign = query(&[(PATIENT, &[CX]), (CLASS, &["('99999-9^^2.16.840.1.113883.6.1')"])]);
    assert_eq!(DocumentQuery::parse(foreign.root()).unwrap().classes[0].class(), None);
}

#[test]
fn an_escaped_bar_and_a_bare_one_are_the_same_patient() {
    let read = |cx: &str| DocumentQuery::parse(query(&[(PATIENT, &[cx])]).root()).unwrap().patient;
    let escaped = read("'X110571344\\F\\ABC123^^^&amp;1.2.276.0.76.3.1.580.147&amp;ISO'");
    let bare = read("'X110571344|ABC123^^^&amp;1.2.276.0.76.3.1.580.147&amp;ISO'");
    assert_eq!(escaped, bare);
    assert_eq!(escaped.extension().reveal(), "X110571344|ABC123");
}

#[test]
fn a_query_names_one_patient() {
    let other = "'X2^^^&amp;1.2.276.0.76.3.1.580.147&amp;ISO'";
    assert!(DocumentQuery::parse(query(&[(PATIENT, &[CX, CX])]).root()).is_ok());
    assert!(DocumentQuery::parse(query(&[(PATIENT, &[CX, other])]).root()).is_err());
    assert!(DocumentQuery::parse(query(&[(CLASS, &["('60591-5^^2.16.840.1.113883.6.1')"])]).root()).is_err());
    for bad in ["", "''", "X1", "'X1^^^&amp;&amp;ISO'", "'^^^&amp;1.2&amp;ISO'"] {
        assert!(DocumentQuery::parse(query(&[(PATIENT, &[bad])]).root()).is_err(), "{bad}");
    }
}

#[test]
fn another_stored_query_is_refused() {
    let xml = emitted::query(&[DocumentClass::PatientSummary]).to_element().to_xml();
    let xml = xml.replace("14d4debf-8f97-4251-9a74-a90016b0af0d", "5c4f972b-d56b-40ac-a5fc-c8ca9b40b9d4");
    assert!(DocumentQuery::parse(document(&xml).root()).is_err());
}

/// An answer to a patient query, written out with the contradictions of a peer.
fn patient_answer(ack: &str, details: &str, subject: bool, reason: &str, response: &str) -> Document {
    let subject = if subject {
        "<subject typeCode='SUBJ'><registrationEvent><subject1><patient>\
         <id root='1.3.6.1.4.1.48336.1000' extension='2-1234-W8'/><patientPerson/></patient></subject1>\
         </registrationEvent></subject>"
    } else {
        ""
    };
    document(&format!(
        "<PRPA_IN201306UV02 xmlns='urn:hl7-org:v3'><id root='1.2'/><acknowledgement><typeCode{ack}/>{details}\
         </acknowledgement><controlActProcess>{subject}{reason}<queryAck>{response}</queryAck></controlActProcess>\
         </PRPA_IN201306UV02>"
    ))
}

#[test]
fn only_an_accepted_subject_without_an_error_is_a_match() {
    let aa = " code='AA'";
    let ae = " code='AE'";
    let error = "<acknowledgementDetail><code code='ERROR_PI_GENERIC'/></acknowledgementDetail>";
    let warning = "<acknowledgementDetail><code code='WARNING_PI_GENERIC'/></acknowledgementDetail>";
    let typed = "<acknowledgementDetail typeCode='W'><code code='ERROR_PI_GENERIC'/></acknowledgementDetail>";
    let nobody = "<acknowledgementDetail><code code='ERROR_PI_NO_MATCH'/></acknowledgementDetail>";
    let reason = "<reasonOf><detectedIssueEvent><mitigatedBy><detectedIssueManagement>\
                  <code code='PolicyViolation'/></detectedIssueManagement></mitigatedBy></detectedIssueEvent></reasonOf>";
    let both_ae = "<statusCode code='AE'/><queryResponseCode code='AE'/>";
    let not_found = "<queryResponseCode code='NF'/>";
    let table = [
        ((aa, "", true, "", both_ae), "match"),
        ((aa, "", true, "", "<queryResponseCode code='OK'/>"), "match"),
        ((aa, warning, true, "", ""), "match"),
        ((aa, typed, true, "", ""), "match"),
        ((aa, error, true, "", "<queryResponseCode code='OK'/>"), "refused"),
        ((aa, "", true, reason, ""), "refused"),
        ((ae, "", true, "", "<queryResponseCode code='OK'/>"), "refused"),
        (("", "", true, "", "<queryResponseCode code='OK'/>"), "refused"),
        ((aa, nobody, true, "", ""), "refused"),
        ((aa, "", false, "", both_ae), "nobody"),
        ((aa, nobody, false, "", not_found), "nobody"),
        ((ae, nobody, false, "", both_ae), "nobody"),
        (("", "", false, "", not_found), "nobody"),
        ((aa, "", false, reason, not_found), "refused"),
        ((aa, error, false, "", not_found), "refused"),
        ((ae, "", false, "", both_ae), "refused"),
    ];
    for ((ack, details, subject, reason, response), expected) in table {
        let document = patient_answer(ack, details, subject, reason, response);
        let answer = XcpdResponse::parse(document.root()).unwrap();
        let outcome = match answer.outcome() {
            XcpdOutcome::Match(_) | XcpdOutcome::Several(_) => "match",
            XcpdOutcome::NoMatch(_) => "nobody",
            XcpdOutcome::Refused(_) => "refused",
        };
        assert_eq!(outcome, expected, "{ack} {details} {subject} {reason} {response}");
    }
}

#[test]
fn digits_and_names_reach_the_same_code() {
    for code in ["4703", "ERROR_INSUFFICIENT_RIGHTS"] {
        let details = format!("<acknowledgementDetail><code code='{code}'/></acknowledgementDetail>");
        let document = patient_answer(" code='AE'", &details, false, "", "");
        let answer = XcpdResponse::parse(document.root()).unwrap();
        let XcpdOutcome::Refused(failure) = answer.outcome() else { panic!("{code}") };
        assert_eq!(failure.code, EhdsiError::InsufficientRights);
    }
}

#[test]
fn a_reason_is_read_in_both_places() {
    for (outer, inner) in [("mitigatedBy", "detectedIssueManagement"), ("triggerFor", "actOrderRequired")] {
        let reason = format!(
            "<reasonOf><detectedIssueEvent><{outer}><{inner}><code code='EHICDataRequested'/></{inner}></{outer}>\
             </detectedIssueEvent></reasonOf>"
        );
        let document = patient_answer(" code='AE'", "", false, &reason, "");
        let answer = XcpdResponse::parse(document.root()).unwrap();
        let XcpdOutcome::Refused(failure) = answer.outcome() else { panic!("{outer}") };
        assert_eq!(failure.reason, Some(ReasonCode::EhicDataRequested));
    }
}

/// A list of one document with this status and these errors.
fn list(status: &str, errors: &str) -> Document {
    let list = emitted::list().to_element().to_xml();
    let (_, objects) = list.split_once("<RegistryObjectList").unwrap();
    document(&format!(
        "<q:AdhocQueryResponse xmlns:q='urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0' {status}>\
         <r:RegistryErrorList xmlns:r='urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0'>{errors}</r:RegistryErrorList>\
         <RegistryObjectList{}</q:AdhocQueryResponse>",
        objects.replace("</AdhocQueryResponse>", "")
    ))
}

const SUCCESS: &str = "status='urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success'";
const PARTIAL: &str = "status='urn:ihe:iti:2007:ResponseStatusType:PartialSuccess'";
const PARTIAL_OASIS: &str = "status='urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:PartialSuccess'";
const FAILURE: &str = "status='urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure'";
const WARNING: &str = "<r:RegistryError errorCode='2502' codeContext='' \
                       severity='urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Warning'/>";
const ERROR: &str = "<r:RegistryError errorCode='ERROR_SEC_GENERIC' codeContext='' \
                     severity='urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error'/>";
const SILENT: &str = "<r:RegistryError errorCode='ERROR_SEC_GENERIC' codeContext=''/>";

#[test]
fn a_status_alone_is_never_trusted() {
    let table = [
        (SUCCESS, "", true),
        (SUCCESS, WARNING, true),
        (PARTIAL, WARNING, true),
        (PARTIAL_OASIS, "", true),
        (SUCCESS, ERROR, false),
        (SUCCESS, SILENT, false),
        (PARTIAL, ERROR, false),
        (FAILURE, "", false),
        (FAILURE, WARNING, false),
        ("status='urn:x'", "", false),
        ("", "", false),
        ("", WARNING, false),
    ];
    for (status, errors, taken) in table {
        let document = list(status, errors);
        let answer = QueryResponse::parse(document.root()).unwrap();
        assert_eq!(answer.entries().len(), 3);
        assert_eq!(matches!(answer.outcome(), QueryOutcome::Documents { .. }), taken, "{status} {errors}");
    }
}

#[test]
fn an_answer_with_nothing_at_all_is_unexplained() {
    let xml = "<q:AdhocQueryResponse xmlns:q='urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0'>\
               <RegistryObjectList xmlns='urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0'/></q:AdhocQueryResponse>";
    let document = document(xml);
    let answer = QueryResponse::parse(document.root()).unwrap();
    assert_eq!(answer.outcome(), QueryOutcome::Refused(Refused::Unexplained));
}

fn retrieved(change: impl Fn(String) -> String) -> Document {
    document(&change(emitted::delivered().to_element().to_xml()))
}

#[test]
fn a_document_is_taken_only_beside_success_and_if_it_was_asked_for() {
    let wanted = emitted::document_request();
    let taken = |document: &Document| {
        let answer = RetrieveResponse::parse(document.root(), &NoAttachments).unwrap();
        matches!(answer.outcome(&wanted), RetrieveOutcome::Document { .. })
    };
    assert!(taken(&retrieved(|xml| xml)));
    let partial = ResponseStatus::PartialSuccess.urn();
    let success = ResponseStatus::Success.urn();
    assert!(taken(&retrieved(|xml| xml.replace(&success, &partial))));
    assert!(!taken(&retrieved(|xml| xml.replace(&success, &ResponseStatus::Failure.urn()))));
    assert!(!taken(&retrieved(|xml| xml.replace("ErrorSeverityType:Warning", "ErrorSeverityType:Error"))));
    assert!(!taken(&retrieved(|xml| xml.replace(&wanted.document, "1.2.3^other"))), "another document");
    assert!(!taken(&retrieved(|xml| xml.replace(&wanted.repository, "1.2.3"))), "another repository");
    let twice = retrieved(|xml| {
        let at = xml.find("<DocumentResponse").unwrap();
        let (head, tail) = xml.split_at(at);
        let (one, end) = tail.split_at(tail.rfind("</RetrieveDocumentSetResponse>").unwrap());
        format!("{head}{one}{one}{end}")
    });
    assert!(!taken(&twice), "the same document twice");
}

#[test]
fn a_document_is_base64_or_one_part_and_nothing_else() {
    let content = "PENsaW5pY2FsRG9jdW1lbnQvPg==";
    let include = "<i:Include xmlns:i='http://www.w3.org/2004/08/xop/include' href='cid:part'/>";
    let parse = |with: &str| {
        let document = retrieved(|xml| xml.replace(content, with));
        let find = |href: &str| (href == "cid:part").then(|| bytes::Bytes::from_static(b"<x/>"));
        RetrieveResponse::parse(document.root(), &find).is_ok()
    };
    assert!(parse(content));
    assert!(parse("PENsaW5pY2Fs\n  RG9jdW1lbnQvPg=="));
    assert!(parse(include));
    for bad in [
        "",
        "not base64!",
        &include.replace("part", "other"),
        &format!("{include}{include}"),
        &format!("{content}{include}"),
        "<ClinicalDocument/>",
    ] {
        assert!(!parse(bad), "{bad}");
    }
}

#[test]
fn nothing_personal_is_printed() {
    let request = emitted::request();
    let answer = emitted::found(2);
    let list = emitted::list();
    let query = emitted::query(&[DocumentClass::PatientSummary]);
    let delivered = emitted::delivered();
    let printed = format!("{request:?} {answer:?} {list:?} {query:?} {delivered:?} {:?}", answer.outcome());
    for secret in ["RSSMRA80A", "Maria", "ngelo", "19800101", "Via Roma", "Bianchi", "ClinicalDocument"] {
        assert!(!printed.contains(secret), "{secret}");
    }
    let id: PatientId = emitted::patient();
    let cx = id.to_cx().replace('&', "&amp;").replace(".9.4", ".9.x");
    let broken = DocumentQuery::parse(crate::tolerance::query(&[(PATIENT, &[&cx])]).root()).unwrap_err();
    assert!(!broken.to_string().contains("RSSMRA80A"), "{broken}");
}
