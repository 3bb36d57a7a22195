//! Events, keys and TLS configurations.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use konfido_audit::{
    AuditEvent, Documents, Failure, MessageRef, NetworkAddress, Outcome, Professional, Side, Step, Subject,
    Systems,
};
use konfido_circle::pki::{CountryPki, PkiRequest};
use konfido_circle::{CountryCode, HomeCommunityId, Oid, PatientId, Personal};
use konfido_keys::software::{SoftwareSealer, SoftwareSigner, SystemRng};
use konfido_keys::{Sealer, SignatureAlgorithm};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret, SecretBox};

pub(crate) fn recordings() -> Option<PathBuf> {
    fixtures().map(|f| f.join("openncp/recorded"))
}

pub(crate) fn fixtures() -> Option<PathBuf> {
    match std::env::var_os("KONFIDO_FIXTURES") {
        Some(root) => Some(PathBuf::from(root)),
        None if std::env::var_os("KONFIDO_REQUIRE_FIXTURES").is_some() => {
            panic!("KONFIDO_FIXTURES is not set")
        }
        None => {
            eprintln!("SKIPPED: KONFIDO_FIXTURES is not set, nothing is compared with recordings");
            None
        }
    }
}

pub(crate) fn now() -> Timestamp {
    "2026-11-23T18:37:53.999Z".parse().unwrap()
}

pub(crate) fn pki() -> &'static CountryPki {
    static PKI: OnceLock<CountryPki> = OnceLock::new();
    // Real TLS looks at the real clock, so these certificates are of today.
    PKI.get_or_init(|| {
        let today = konfido_circle::Clock::now(&konfido_circle::SystemClock);
        CountryPki::generate(&PkiRequest::local(CountryCode::new("BE").unwrap(), today), &SystemRng).unwrap()
    })
}

pub(crate) fn signer() -> SoftwareSigner {
    pki().signing_rsa().signer(SignatureAlgorithm::RsaPkcs1Sha256).unwrap()
}

pub(crate) fn sealer() -> Arc<dyn Sealer> {
    let key = SecretBox::new(Box::new([7; 32]));
    Arc::new(SoftwareSealer::new(&key, Arc::new(SystemRng)).unwrap())
}

fn chain(issued: &konfido_circle::pki::Issued) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
    let key = PrivateKeyDer::Pkcs8(issued.key_pkcs8().expose_secret().to_vec().into());
    (vec![issued.certificate().clone()], key)
}

fn roots() -> Arc<rustls::RootCertStore> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(pki().root().certificate().clone()).unwrap();
    Arc::new(roots)
}

pub(crate) fn tls_client(
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Arc<rustls::ClientConfig> {
    let (certificates, key) = chain(pki().tls_client());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots())
        .with_client_auth_cert(certificates, key)
        .unwrap();
    Arc::new(config)
}

pub(crate) fn tls_server() -> Arc<rustls::ServerConfig> {
    let (certificates, key) = chain(pki().tls_server());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let clients = rustls::server::WebPkiClientVerifier::builder_with_provider(roots(), Arc::clone(&provider))
        .build()
        .unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(certificates, key)
        .unwrap();
    Arc::new(config)
}

/// The event that a recorded message is of.
pub(crate) fn event(step: Step, side: Side, outcome: Outcome) -> AuditEvent {
    let message = |id: &str| MessageRef { id: Some(id.to_owned()), header: Some("<Header/>".to_owned()) };
    let documents = |ids: &[&str]| ids.iter().map(|d| (*d).to_owned()).collect();
    let failed = outcome != Outcome::Success;
    let subject = match step {
        Step::FindIdentity => {
            Subject::Query { query: "<queryByParameter/>".to_owned(), documents: Vec::new() }
        }
        Step::List(Documents::PatientSummary) if !failed => {
            Subject::Query { query: "<AdhocQuery/>".to_owned(), documents: documents(&["1^PS.1", "1^PS.2"]) }
        }
        Step::List(Documents::Order) if !failed => {
            Subject::Query { query: "<AdhocQuery/>".to_owned(), documents: documents(&["1^EP.1", "1^EP.2"]) }
        }
        Step::List(_) => {
            Subject::Query { query: "<AdhocQuery/>".to_owned(), documents: documents(&["class"]) }
        }
        Step::Retrieve(_) => Subject::Retrieve { documents: documents(&["1^PS.1"]) },
        Step::Dispense => Subject::Submission { documents: documents(&["1^ED"]) },
        Step::Discard => Subject::Submission { documents: documents(&["2", "1^ED"]) },
        Step::TrcAssertion => Subject::Assertion { id: Some("_1".to_owned()), relative: None },
        Step::NokAssertion => Subject::Assertion {
            id: Some("_1".to_owned()),
            relative: Some(Personal::new("9-9999-NOK".to_owned())),
        },
        Step::Translate => Subject::Translation { source: "1^PS.1".to_owned(), result: "1^PS.1".to_owned() },
        Step::CommunicationFailure => Subject::None,
    };
    let p = |s: &str| Personal::new(s.to_owned());
    AuditEvent {
        step,
        side,
        at: now(),
        outcome,
        professional: (step != Step::Translate).then(|| Professional {
            name_id: p("house@localhost"),
            issuer: "urn:idp:BE:countryB".to_owned(),
            sp_provided_id: None,
            name: p("John House"),
            point_of_care: "Judge Hospital".to_owned(),
        }),
        systems: Systems {
            consumer: "ncp-b.localhost".to_owned(),
            provider: "localhost".to_owned(),
            address: match side {
                Side::A => NetworkAddress::Name("localhost".to_owned()),
                Side::B => NetworkAddress::Ip("192.0.2.2".parse().unwrap()),
            },
        },
        source: "BE-1".to_owned(),
        patient: (step != Step::Translate)
            .then(|| PatientId::new(Oid::new("1.3.6.1.4.1.48336").unwrap(), "2-1234-W8").unwrap()),
        failure: failed
            .then(|| Failure { code: "ERROR_PI_NO_MATCH".to_owned(), text: "No patient found.".to_owned() }),
        subject,
        asked: Some(HomeCommunityId::new(Oid::new("1.3.6.1.4.1.48336").unwrap())),
        request: message("urn:uuid:e9ded468-9cd9-443d-96e0-f2fefde0f45e"),
        response: message("uuid:b258c08d-c260-4cf4-8774-cc1693aeb835"),
    }
}
