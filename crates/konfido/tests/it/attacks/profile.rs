//! Sound messages of admitted peers that ask for what they may not have.

use konfido_circle::{HomeCommunityId, Oid};
use konfido_ihe::xca::DocumentRequest;
use konfido_ihe::xcpd::Device;
use konfido_ihe::{ClassCode, DocumentClass, LOINC};

use super::{Attack, Expect};
use crate::request::Ask;
use crate::world::{World, home};

const LUCIA: &str = "SYN-0001";
const SIBLING: &str = "SYN-0002";
const REFUSER: &str = "SYN-0003";
/// No document of anybody.
const NOTHING: &str = "2.999.380.9.1^0000";

/// A list of these classes.
fn classes(name: &'static str, make: fn() -> Vec<ClassCode>) -> Attack {
    let shot = move |w: &World| {
        let hcp = w.hcp();
        let trc = w.trc(&hcp, LUCIA);
        Ask::list_with(vec![hcp.xml.into_string(), trc.xml.into_string()], LUCIA, make()).shot()
    };
    Attack::new(name, shot, Expect::Registry("ERROR_GENERIC_SERVICE_SIGNIFIER_UNKNOWN"))
}

pub(super) fn rows() -> Vec<Attack> {
    let missing = Expect::Registry("ERROR_GENERIC_DOCUMENT_MISSING");
    vec![
        classes("an unknown class code", || vec![ClassCode::new("00000-0", LOINC)]),
        classes("a class code of another system", || vec![ClassCode::new("60591-5", "2.999.1")]),
        classes("classes that are not asked for together", || {
            vec![
                ClassCode::Known(DocumentClass::PatientSummary),
                ClassCode::Known(DocumentClass::EPrescription),
            ]
        }),
        Attack::new(
            "no class code",
            |w| {
                Ask::list(w, LUCIA)
                    .changed(|xml| xml.replace("$XDSDocumentEntryClassCode", "$XDSDocumentEntryMood"))
            },
            Expect::Registry("ERROR_GENERIC_SERVICE_SIGNIFIER_UNKNOWN"),
        ),
        Attack::new(
            "an unknown patient",
            |w| Ask::identify(w, &["SYN-9999"]).shot(),
            Expect::Xcpd("ERROR_PI_NO_MATCH"),
        )
        .asks_index(),
        Attack::new(
            "the beginning of a patient's number",
            |w| Ask::identify(w, &["SYN-000"]).shot(),
            Expect::Xcpd("ERROR_PI_NO_MATCH"),
        )
        .asks_index(),
        Attack::new(
            "a wildcard for a patient",
            |w| Ask::identify(w, &["*"]).shot(),
            Expect::Xcpd("ERROR_PI_NO_MATCH"),
        )
        .asks_index(),
        Attack::new(
            "several patients",
            |w| Ask::identify(w, &[LUCIA, SIBLING]).shot(),
            Expect::Xcpd("ERROR_PI_MULTIPLE_MATCHES"),
        )
        .asks_index(),
        Attack::new("no identifier", |w| Ask::identify(w, &[]).shot(), Expect::Xcpd("ERROR_PI_GENERIC")),
        Attack::new(
            "another receiver",
            |w| {
                let other = HomeCommunityId::new(Oid::new("2.999.724").unwrap());
                Ask::discovery(vec![w.hcp().xml.into_string()], &Device::of(&other), &[LUCIA]).shot()
            },
            Expect::Xcpd("ERROR_PI_GENERIC"),
        ),
        Attack::new(
            "identity without consent",
            |w| Ask::identify(w, &[REFUSER]).shot(),
            Expect::Xcpd("WARNING_PI_NO_CONSENT"),
        )
        .asks_index(),
        Attack::new(
            "a list without consent",
            |w| Ask::list(w, REFUSER).shot(),
            Expect::Registry("ERROR_PS_NO_CONSENT"),
        )
        .asks_index(),
        Attack::new(
            "a document without consent",
            |w| Ask::retrieve(w, REFUSER, w.documents[2].as_str()).shot(),
            Expect::Registry("ERROR_PS_NO_CONSENT"),
        )
        .asks_index(),
        Attack::new(
            "a list of nobody",
            |w| Ask::list(w, "SYN-9999").shot(),
            Expect::Registry("ERROR_PS_NOT_FOUND"),
        )
        .asks_index(),
        Attack::new("an unknown document", |w| Ask::retrieve(w, LUCIA, NOTHING).shot(), missing).asks_index(),
        Attack::new(
            "another patient's document",
            |w| Ask::retrieve(w, LUCIA, w.documents[1].as_str()).shot(),
            missing,
        )
        .asks_index()
        .same_as(|w| Ask::retrieve(w, LUCIA, NOTHING).shot()),
        Attack::new(
            "another patient's document without consent",
            |w| Ask::retrieve(w, LUCIA, w.documents[2].as_str()).shot(),
            missing,
        )
        .asks_index()
        .same_as(|w| Ask::retrieve(w, LUCIA, NOTHING).shot()),
        Attack::new(
            "a document id that is a path",
            |w| Ask::retrieve(w, LUCIA, "../integration/2.999.380.1/SYN-0001.properties").shot(),
            missing,
        )
        .asks_index(),
        Attack::new(
            "another repository",
            |w| {
                Ask::retrieve_all(
                    w,
                    LUCIA,
                    vec![DocumentRequest { repository: "2.999.724".to_owned(), ..own(w) }],
                )
                .shot()
            },
            missing,
        ),
        Attack::new(
            "another home community",
            |w| {
                let home = Some("urn:oid:2.999.724".to_owned());
                Ask::retrieve_all(w, LUCIA, vec![DocumentRequest { home, ..own(w) }]).shot()
            },
            missing,
        ),
        Attack::new(
            "a hundred documents at once",
            |w| Ask::retrieve_all(w, LUCIA, vec![own(w); 100]).shot(),
            Expect::Registry("ERROR_PS_INCORRECT_FORMATTING"),
        ),
        Attack::new(
            "no document at all",
            |w| Ask::retrieve_all(w, LUCIA, Vec::new()).shot(),
            Expect::Registry("ERROR_PS_INCORRECT_FORMATTING"),
        ),
    ]
}

fn own(world: &World) -> DocumentRequest {
    DocumentRequest {
        home: Some(home().urn()),
        repository: home().oid().as_str().to_owned(),
        document: world.documents[0].as_str().to_owned(),
    }
}
