//! An NCP-A of the recorded country on a test bench: its certificates trusted, its clock set, its documents in place,
//! its connector counted.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use konfido_circle::{CountryCode, FixedClock, HomeCommunityId, Oid, PatientId, TrustStore, Usage};
use konfido_gateway::connector::{
    ConsentRegister, DocumentId, FileConnector, Filter, NationalConnector, NationalDocument, NationalEntry,
    NationalError, NationalPatient,
};
use konfido_gateway::metrics::Metrics;
use konfido_gateway::ncp_a::{NcpA, NcpASetup};
use konfido_gateway::observer::Unobserved;
use konfido_gateway::peer::Peer;
use konfido_gateway::policy::{Consent, Policy};
use konfido_gateway::server::{Answer, Request, Service};
use konfido_gateway::tls::Agreed;
use konfido_gateway::trail::{AuditTrail, Ending, Record, TrailError};
use konfido_ihe::DocumentClass;
use konfido_keys::software::SystemRng;
use konfido_saml::Profile;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

pub(crate) const HOME: &str = "1.3.6.1.4.1.48336";

/// The fixtures, or a loud word and nothing.
pub(crate) fn fixtures() -> Option<PathBuf> {
    match std::env::var_os("KONFIDO_FIXTURES").filter(|v| !v.is_empty()) {
        Some(dir) => Some(PathBuf::from(dir).join("openncp")),
        None if std::env::var_os("KONFIDO_REQUIRE_FIXTURES").is_some_and(|v| v == "1") => {
            panic!("KONFIDO_FIXTURES is not set and KONFIDO_REQUIRE_FIXTURES=1")
        }
        None => {
            eprintln!("SKIPPED: KONFIDO_FIXTURES is not set, recorded traffic was not tested");
            None
        }
    }
}

/// A recorded HTTP message.
pub(crate) struct Http {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

pub(crate) fn read_http(path: &Path) -> Http {
    let bytes = std::fs::read(path).unwrap();
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        headers.append(
            HeaderName::from_bytes(name.trim().as_bytes()).unwrap(),
            HeaderValue::from_str(value.trim()).unwrap(),
        );
    }
    Http { path: first.split(' ').nth(1).unwrap_or("/").to_owned(), headers, body: bytes[end + 4..].to_vec() }
}

/// The instant at which the recorded answer was sent.
pub(crate) fn recorded_at(response: &Http) -> Timestamp {
    let date = response.headers.get("date").unwrap().to_str().unwrap();
    jiff::fmt::rfc2822::parse(date).unwrap().timestamp()
}

/// Counts what it is asked, and is out of order for one patient.
#[derive(Debug)]
pub(crate) struct Counted {
    inner: FileConnector,
    asked: AtomicUsize,
}

#[async_trait]
impl NationalConnector for Counted {
    async fn find_patients(&self, ids: &[PatientId]) -> Result<Vec<NationalPatient>, NationalError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if ids.iter().any(|id| id.extension().reveal() == "999999") {
            return Err(NationalError::Unavailable("the register of persons is away".into()));
        }
        self.inner.find_patients(ids).await
    }

    async fn list(
        &self,
        patient: &PatientId,
        class: DocumentClass,
        filter: &Filter,
    ) -> Result<Vec<NationalEntry>, NationalError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.inner.list(patient, class, filter).await
    }

    async fn class_of(
        &self,
        patient: &PatientId,
        id: &DocumentId,
    ) -> Result<Option<DocumentClass>, NationalError> {
        self.inner.class_of(patient, id).await
    }

    async fn retrieve(
        &self,
        patient: &PatientId,
        id: &DocumentId,
    ) -> Result<Option<NationalDocument>, NationalError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.inner.retrieve(patient, id).await
    }
}

#[async_trait]
impl ConsentRegister for Counted {
    async fn consent(&self, patient: &PatientId, treating: CountryCode) -> Result<Consent, NationalError> {
        self.inner.consent(patient, treating).await
    }
}

/// Keeps records in memory.
#[derive(Debug, Default)]
pub(crate) struct Kept(pub(crate) Mutex<Vec<Record>>);

#[async_trait]
impl AuditTrail for Kept {
    async fn record(&self, record: &Record) -> Result<(), TrailError> {
        self.0.lock().unwrap().push(record.clone());
        Ok(())
    }
}

/// The bench.
pub(crate) struct Bench {
    store: tempfile::TempDir,
    trust: Arc<TrustStore>,
    client: CertificateDer<'static>,
}

/// One NCP-A and what is known of it afterwards.
pub(crate) struct Ncp {
    pub(crate) service: NcpA,
    pub(crate) connector: Arc<Counted>,
    pub(crate) trail: Arc<Kept>,
    pub(crate) clock: Arc<FixedClock>,
    trust: Arc<TrustStore>,
    client: CertificateDer<'static>,
}

impl Bench {
    pub(crate) fn new(fixtures: &Path) -> Self {
        let store = tempfile::tempdir().unwrap();
        let mock = fixtures.join("cda/openncp-mock");
        for folder in ["psstore", "epstore", "orcdstore/11502-2", "orcdstore/18748-4", "orcdstore/34105-7"] {
            let to = store.path().join(folder);
            std::fs::create_dir_all(&to).unwrap();
            for entry in std::fs::read_dir(mock.join(folder)).unwrap() {
                let entry = entry.unwrap();
                std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
        // The recorded country knows its patients under its own root, their documents under the mock's.
        let index = store.path().join("integration").join(HOME);
        std::fs::create_dir_all(&index).unwrap();
        for patient in ["1-1234-W8", "2-1234-W8", "3-1234-W8"] {
            let text = format!(
                "familyName=Test\ngivenName=Patient\nadministrativeGender=MALE\nbirthDate.year=1980\n\
                 birthDate.month=0\nbirthDate.day=2\nalias={patient}^^^&2.16.17.710.850.1000.990.1.1000&ISO\n"
            );
            std::fs::write(index.join(format!("{patient}.properties")), text).unwrap();
        }
        let certs = fixtures.join("recorded/certs");
        let pem = |name: &str| CertificateDer::from_pem_file(certs.join(name)).unwrap();
        let be: CountryCode = "BE".parse().unwrap();
        let trust =
            TrustStore::builder().root(be, pem("ca.pem")).danger_without_revocation(be).build().unwrap();
        Self { store, trust: Arc::new(trust), client: pem("sc.pem") }
    }

    pub(crate) fn ncp_a(&self, at: Timestamp) -> Ncp {
        let connector = Arc::new(Counted {
            inner: FileConnector::open(self.store.path()).unwrap(),
            asked: AtomicUsize::new(0),
        });
        let trail = Arc::new(Kept::default());
        let clock = Arc::new(FixedClock::new(at));
        let home = Oid::new(HOME).unwrap();
        let service = NcpA::new(NcpASetup {
            country: "BE".parse().unwrap(),
            country_name: "Belgium".into(),
            name: "localhost".into(),
            home: HomeCommunityId::new(home.clone()),
            repository: home,
            trust: Arc::clone(&self.trust),
            clock: clock.clone(),
            rng: Arc::new(SystemRng),
            profile: Profile::default(),
            policy: Arc::new(Policy::standard().unwrap()),
            connector: connector.clone(),
            consent: connector.clone(),
            trail: trail.clone(),
            observer: Arc::new(Unobserved),
            metrics: Arc::new(Metrics::default()),
        });
        Ncp { service, connector, trail, clock, trust: Arc::clone(&self.trust), client: self.client.clone() }
    }
}

impl Ncp {
    /// Sends a request as OpenNCP's NCP-B, whose certificate is checked at the bench's time.
    pub(crate) async fn send(&self, request: &Http) -> Answer {
        use konfido_circle::Clock;
        let agreed = Agreed { version: "TLSv1.3", group: "X25519", suite: "TLS13_AES_256_GCM_SHA384" };
        let chain = [self.client.clone()];
        let peer = Peer::check(&self.trust, &chain, &[Usage::TlsClient], agreed, self.clock.now()).unwrap();
        let request = Request {
            path: request.path.clone(),
            headers: request.headers.clone(),
            body: request.body.clone().into(),
        };
        self.service.answer(peer, request).await
    }

    /// How often the connector was asked for persons, lists or documents.
    pub(crate) fn asked(&self) -> usize {
        self.connector.asked.load(Ordering::Relaxed)
    }

    /// How the last record says that it ended.
    pub(crate) fn ending(&self) -> Ending {
        self.trail.0.lock().unwrap().last().unwrap().ending.clone()
    }

    pub(crate) fn records(&self) -> usize {
        self.trail.0.lock().unwrap().len()
    }
}
