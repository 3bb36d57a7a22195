//! Our tables against those of the reference implementation, code by code.

use konfido_ihe::xcpd::ReasonCode;
use konfido_ihe::{DocumentClass, EhdsiError, Refusal, TransformationCode};

use crate::{emitted, fixtures};

#[test]
fn every_code_of_the_reference_implementation_is_known() {
    let Some(openncp) = fixtures::root() else { return };
    let codes = std::fs::read_to_string(openncp.join("error-codes.csv")).unwrap();
    let codes: Vec<_> = codes.lines().skip(1).filter_map(|line| line.split('"').nth(1)).collect();
    assert!(codes.len() > 100, "{}", codes.len());
    for code in codes {
        let error = EhdsiError::from_wire(code);
        assert!(!matches!(error, EhdsiError::Unknown(_)), "{code}");
        assert_eq!(error.wire(), code);
    }
}

#[test]
fn every_class_of_the_reference_implementation_is_known() {
    let Some(openncp) = fixtures::root() else { return };
    let classes = std::fs::read_to_string(openncp.join("class-codes.txt")).unwrap();
    let codes: Vec<_> = classes.lines().filter_map(|line| line.split('"').nth(1)).collect();
    assert_eq!(codes.len(), DocumentClass::ALL.len());
    for code in codes {
        assert!(DocumentClass::of_code(code).is_some(), "{code}");
    }
}

#[test]
fn every_reason_of_the_reference_implementation_is_known() {
    let Some(openncp) = fixtures::root() else { return };
    let reasons = std::fs::read_to_string(openncp.join("xcpd-reason-codes.txt")).unwrap();
    for line in reasons.lines().filter(|line| line.contains("(\"")) {
        let code = line.split('"').nth(1).unwrap();
        let ours = ReasonCode::KNOWN.into_iter().find(|reason| reason.code() == code).expect(code);
        assert!(!line.ends_with("\")") || line.contains(ours.system()), "{line}");
    }
}

/// What the profile says of each refusal (ack, queryResponseCode, reason, code).
#[test]
fn the_table_of_xcpd() {
    let table = [
        (Refusal::NotFound, "AA", "NF", "AnswerNotAvailable", "ERROR_PI_NO_MATCH"),
        (Refusal::WrongReceiver, "AE", "AE", "AnswerNotAvailable", "ERROR_PI_GENERIC"),
        (Refusal::NoPatientIdentifier, "AE", "AE", "DemographicsQueryNotAllowed", "ERROR_PI_GENERIC"),
        (Refusal::NoConsent, "AE", "AE", "InsufficientRights", "WARNING_PI_NO_CONSENT"),
        (Refusal::MissingAssertion, "AE", "AE", "InternalError", "ERROR_PI_MISSING_REQUIRED_FIELDS"),
        (Refusal::InvalidAssertion, "AE", "AE", "InternalError", "ERROR_PI_INCORRECT_FORMATTING"),
        (Refusal::BrokenAssertion, "AE", "AE", "InsufficientRights", "ERROR_SEC_DATA_INTEGRITY_NOT_ENSURED"),
        (Refusal::InsufficientRights, "AE", "AE", "InsufficientRights", "4703"),
        (Refusal::BadSignature, "AE", "AE", "InternalError", "ERROR_PI_GENERIC"),
        (Refusal::SeveralMatches, "AE", "AE", "AdditionalDemographicsRequested", "ERROR_PI_MULTIPLE_MATCHES"),
    ];
    for (refusal, ack, response, reason, code) in table {
        let wire = konfido_ihe::xcpd::error::wire(&refusal);
        assert_eq!(
            (wire.ack.code(), wire.response, wire.reason.code(), &*wire.code.wire()),
            (ack, response, reason, code),
            "{refusal:?}"
        );
    }
}

/// What the profile says of each refusal for summaries, prescriptions and originals; then for a retrieve.
#[test]
fn the_table_of_xca() {
    use konfido_ihe::Group::{Original, PatientSummary, Prescription};
    use konfido_ihe::registry::{ResponseStatus, Severity};
    use konfido_ihe::xca::error::{Step, wire};
    let table = [
        (Refusal::BadSignature, ["ERROR_SEC_GENERIC"; 3], "ERROR_SEC_GENERIC"),
        (Refusal::InsufficientRights, ["4703"; 3], "4703"),
        (Refusal::PatientMismatch, ["4206"; 3], "ERROR_GENERIC_DOCUMENT_MISSING"),
        (
            Refusal::NotFound,
            ["ERROR_PS_NOT_FOUND", "ERROR_EP_NOT_FOUND", "1104"],
            "ERROR_GENERIC_DOCUMENT_MISSING",
        ),
        (Refusal::NoConsent, ["ERROR_PS_NO_CONSENT", "ERROR_EP_NO_CONSENT", "4701"], "ERROR_PS_NO_CONSENT"),
        (
            Refusal::MissingAssertion,
            [
                "ERROR_PS_MISSING_REQUIRED_FIELDS",
                "ERROR_EP_MISSING_REQUIRED_FIELDS",
                "ERROR_PS_MISSING_REQUIRED_FIELDS",
            ],
            "ERROR_PS_MISSING_REQUIRED_FIELDS",
        ),
        (
            Refusal::InvalidAssertion,
            [
                "ERROR_PS_INCORRECT_FORMATTING",
                "ERROR_EP_INCORRECT_FORMATTING",
                "ERROR_PS_INCORRECT_FORMATTING",
            ],
            "ERROR_PS_INCORRECT_FORMATTING",
        ),
        (
            Refusal::ClassNotServed,
            ["ERROR_GENERIC_SERVICE_SIGNIFIER_UNKNOWN"; 3],
            "ERROR_GENERIC_SERVICE_SIGNIFIER_UNKNOWN",
        ),
        (
            Refusal::RegistryUnavailable,
            ["ERROR_PS_REGISTRY_NOT_AVAILABLE", "4103", "ERROR_ORCD_GENERIC"],
            "ERROR_PS_REGISTRY_NOT_AVAILABLE",
        ),
    ];
    for (refusal, lists, retrieve) in table {
        for (group, code) in [PatientSummary, Prescription, Original].into_iter().zip(lists) {
            assert_eq!(wire(Step::Query, Some(group), &refusal).code.wire(), code, "{refusal:?} {group:?}");
        }
        assert_eq!(wire(Step::Retrieve, None, &refusal).code.wire(), retrieve, "{refusal:?}");
    }
    for refusal in emitted::refusals() {
        for group in [PatientSummary, Prescription, Original] {
            let told = wire(Step::Query, Some(group), &refusal);
            let nothing = refusal == Refusal::NotFound;
            assert_eq!(told.severity == Severity::Warning, nothing, "{refusal:?}");
            assert_eq!(
                told.status == ResponseStatus::Success,
                nothing && group != Prescription,
                "{refusal:?}"
            );
            let told = wire(Step::Retrieve, Some(group), &refusal);
            assert_eq!((told.status, told.severity), (ResponseStatus::Failure, Severity::Error));
        }
    }
}

/// No oracle: whether a document does not exist or is another patient's cannot be told from the answer.
#[test]
fn a_document_of_another_patient_is_a_document_that_does_not_exist() {
    use konfido_ihe::xca::RetrieveResponse;
    let answer = |refusal| RetrieveResponse::refused(&emitted::italy(), None, &refusal).to_element().to_xml();
    assert_eq!(answer(Refusal::NotFound), answer(Refusal::PatientMismatch));
}

#[test]
fn the_transformation_has_its_own_numbers() {
    for number in [2401, 2508, 4500, 4513] {
        assert!(TransformationCode::new(number).is_some(), "{number}");
    }
    for number in [0, 1001, 2201, 2600, 4103, 4206, 4703] {
        assert!(TransformationCode::new(number).is_none(), "{number}");
    }
}
