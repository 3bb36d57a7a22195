//! What a gateway can and cannot get from a vault, over the socket.

use std::os::unix::net::UnixListener;
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use jiff::{SignedDuration, Timestamp};
use konfido_circle::pki::{CountryPki, PkiRequest};
use konfido_circle::{CountryCode, FixedClock};
use konfido_keys::software::{FixedRoot, KeyKind, SoftwareSealer, SystemRng, generate_pkcs8};
use konfido_keys::{Sealer as _, SignatureAlgorithm, Signer as _};
use konfido_vault::attest::Assurance;
use konfido_vault::client::{VaultClient, VaultError};
use konfido_vault::keystore::{Keys, algorithm_number};
use konfido_vault::protocol::{KeyName, Login, Professional, Refusal};
use konfido_vault::server::{Admission, serve};
use konfido_vault::service::{Fixed, Journal, Service};
use konfido_vault::session::{Limits, Sessions};
use konfido_vault::store::{KeyUse, StoredKey};
use konfido_xml::{Document, Limits as XmlLimits};
use secrecy::{ExposeSecret as _, SecretBox};

const PATIENT: &str = "RSSMRA80A01H501U^^^&2.16.840.1.113883.2.9.4.3.2&ISO";
const PREFIX: &[u8] = b"konfido-test-statement\n";

#[derive(Default)]
struct Lines(Mutex<Vec<(&'static str, Option<Refusal>)>>);

impl Journal for Lines {
    fn line(&self, operation: &'static str, refusal: Option<Refusal>, _: u32) {
        self.0.lock().unwrap().push((operation, refusal));
    }
}

struct Vault {
    client: Arc<VaultClient>,
    clock: Arc<FixedClock>,
    journal: Arc<Lines>,
    _folder: tempfile::TempDir,
}

fn stored(name: &str, usage: KeyUse, kind: KeyKind, algorithm: SignatureAlgorithm) -> StoredKey {
    StoredKey {
        name: KeyName::new(name).unwrap(),
        usage,
        algorithm: algorithm_number(algorithm).unwrap(),
        pkcs8: generate_pkcs8(kind).unwrap().expose_secret().to_vec(),
        certificate: None,
    }
}

fn vault(development: bool, users: Option<Vec<u32>>) -> Vault {
    let folder = tempfile::tempdir().unwrap();
    let start: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
    let clock = Arc::new(FixedClock::new(start));
    let journal = Arc::new(Lines::default());
    let root = FixedRoot::new(SecretBox::new(Box::new([5; 32])), "test");
    let fixed = Fixed {
        country: "DK".parse::<CountryCode>().unwrap(),
        development,
        backend: "software".to_owned(),
        assurance: Assurance::SoftwareIsolated,
        measures: Vec::new(),
        missing: Vec::new(),
        rollback: "none".to_owned(),
        store_epoch: 1,
        sealer: Arc::new(SoftwareSealer::from_root(&root, b"test", Arc::new(SystemRng)).unwrap()),
        pseudonym: hmac::Key::new(hmac::HMAC_SHA256, &[9; 32]),
        clock: clock.clone(),
        rng: Arc::new(SystemRng),
        journal: journal.clone(),
    };
    let pki = CountryPki::generate(&PkiRequest::local(fixed.country, start), &SystemRng).unwrap();
    let node = StoredKey {
        name: KeyName::new("node").unwrap(),
        usage: KeyUse::Node,
        algorithm: algorithm_number(SignatureAlgorithm::EcdsaP256Sha256).unwrap(),
        pkcs8: pki.signing().key_pkcs8().expose_secret().to_vec(),
        certificate: Some(pki.signing().certificate().to_vec()),
    };
    let keys = Keys::load(&[
        node,
        stored(
            "statements",
            KeyUse::Statement(PREFIX.to_vec()),
            KeyKind::Ed25519,
            SignatureAlgorithm::Ed25519,
        ),
    ])
    .unwrap();
    let service = Arc::new(Service::new(fixed, keys, Sessions::new(Limits::default())));
    let path = folder.path().join("vault.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let me = rustix::process::getuid().as_raw();
    let admission =
        Admission { users: users.unwrap_or_else(|| vec![me]), per_second: 1_000, connections: 16 };
    std::thread::spawn(move || serve(&listener, &service, &admission));
    Vault { client: VaultClient::new(&path), clock, journal, _folder: folder }
}

fn doctor() -> Login {
    Login::Development(Professional {
        name_id: (
            "jens@example.dk".to_owned(),
            "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress".to_owned(),
        ),
        name: "Jens Prøve".to_owned(),
        role: "221".to_owned(),
        facility: "Hospital".to_owned(),
        purpose: "TREATMENT".to_owned(),
        locality: "Prøveby".to_owned(),
        organization: None,
        home_community: None,
        permissions: vec!["PRD-006".to_owned()],
    })
}

fn refusal<T: std::fmt::Debug>(outcome: Result<T, VaultError>) -> Refusal {
    match outcome {
        Err(VaultError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn an_assertion_is_issued_only_for_a_live_session_and_the_patient_it_names() {
    let vault = vault(true, None);
    let client = &vault.client;
    let session = client.open_session(doctor()).unwrap();
    assert_eq!(refusal(client.issue_trc(&session, PATIENT, "TREATMENT")), Refusal::OtherPatient);
    client.name_patient(&session, PATIENT).unwrap();
    assert_eq!(
        refusal(client.issue_trc(&session, PATIENT, "TREATMENT")),
        Refusal::NotThat,
        "no HCP assertion yet"
    );
    let hcp = client.issue_hcp(&session).unwrap();
    let document = Document::parse(hcp.xml.as_bytes(), &XmlLimits::ASSERTION).unwrap();
    assert_eq!(document.root().attribute("ID"), Some(hcp.id.as_str()));
    let trc = client.issue_trc(&session, PATIENT, "TREATMENT").unwrap();
    assert!(trc.xml.contains(&hcp.id), "the TRC refers to the session's HCP assertion");
    let other = PATIENT.replace("RSSMRA80", "BNCLCU75");
    assert_eq!(refusal(client.issue_trc(&session, &other, "TREATMENT")), Refusal::OtherPatient);
    assert_eq!(refusal(client.issue_trc(&session, PATIENT, "CURIOSITY")), Refusal::Field);
    client.close_session(&session).unwrap();
    assert_eq!(refusal(client.issue_hcp(&session)), Refusal::NoSession);
}

#[test]
fn a_session_ends_by_idleness_by_age_and_by_revocation() {
    let vault = vault(true, None);
    let idle = vault.client.open_session(doctor()).unwrap();
    vault.clock.advance(SignedDuration::from_mins(16));
    assert_eq!(refusal(vault.client.issue_hcp(&idle)), Refusal::NoSession);
    let old = vault.client.open_session(doctor()).unwrap();
    for _ in 0..17 {
        vault.clock.advance(SignedDuration::from_mins(14));
        vault.client.issue_hcp(&old).unwrap();
    }
    vault.clock.advance(SignedDuration::from_mins(14));
    assert_eq!(refusal(vault.client.issue_hcp(&old)), Refusal::NoSession, "four hours are over");
    let revoked = vault.client.open_session(doctor()).unwrap();
    vault.client.revoke_user("jens@example.dk").unwrap();
    assert_eq!(refusal(vault.client.issue_hcp(&revoked)), Refusal::NoSession);
}

#[test]
fn the_production_profile_takes_no_development_login() {
    let vault = vault(false, None);
    assert_eq!(refusal(vault.client.open_session(doctor())), Refusal::Login);
    assert_eq!(vault.journal.0.lock().unwrap().as_slice(), [("open-session", Some(Refusal::Login))]);
}

#[test]
fn no_key_signs_what_it_is_not_for() {
    let vault = vault(true, None);
    let node = KeyName::new("node").unwrap();
    let statements = KeyName::new("statements").unwrap();
    let signer = vault.client.signer(&statements).unwrap();
    let statement = [PREFIX, b"epoch 7"].concat();
    let signature = signer.sign(&statement).unwrap();
    konfido_keys::verify(signer.algorithm(), signer.public_key_der(), &statement, &signature).unwrap();
    assert!(signer.sign(b"<SignedInfo/>").is_err(), "does not begin as its statements do");
    assert!(
        vault.client.signer(&node).unwrap().sign(&statement).is_err(),
        "signs assertions and audit messages only"
    );
    assert!(vault.client.signer(&KeyName::new("absent").unwrap()).is_err());
    for forged in ["<Assertion/>", "<AuditMessage xmlns='urn:x'/>", "not xml", "<AuditMessage>"] {
        assert_eq!(refusal(vault.client.sign_audit(forged.as_bytes())), Refusal::NotThat, "{forged}");
    }
    let signed = vault.client.sign_audit(b"<AuditMessage><EventIdentification/></AuditMessage>").unwrap();
    assert!(String::from_utf8(signed).unwrap().contains("SignatureValue"));
}

#[test]
fn sealed_bytes_open_in_their_context_only() {
    let vault = vault(true, None);
    let sealer = vault.client.sealer();
    let sealed = sealer.seal(b"spool", b"personal").unwrap();
    assert_eq!(sealer.open(b"spool", &sealed).unwrap().expose_secret(), b"personal");
    assert!(sealer.open(b"outbox", &sealed).is_err());
    let one = vault.client.pseudonym(b"patient", PATIENT.as_bytes()).unwrap();
    assert_eq!(one, vault.client.pseudonym(b"patient", PATIENT.as_bytes()).unwrap());
    assert_ne!(one, vault.client.pseudonym(b"other", PATIENT.as_bytes()).unwrap());
}

#[test]
fn another_user_is_not_answered() {
    let vault = vault(true, Some(vec![4_000_000]));
    assert!(matches!(vault.client.status(), Err(VaultError::Unreachable { .. })));
}

#[test]
fn more_than_the_budget_is_refused_and_comes_back() {
    let vault = vault(true, None);
    let refused = (0..1_200).filter(|_| vault.client.status().is_err()).count();
    assert!(refused > 0, "the budget of a second is a thousand");
}
