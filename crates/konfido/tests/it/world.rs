//! Italy answers behind a socket; Denmark and Portugal are members; France is none. Every key an attacker may hold.
//!
//! Italy's NCP-A stands here as in the binary: real sockets, TLS, policy, audit spool on the disk, file connector. Two
//! witnesses stand between its parts: [`Registry`] counts what the national side is asked, [`Witness`] what the audit
//! trail keeps.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use konfido_audit::{Spool, SpoolOptions};
use konfido_cda::samples;
use konfido_circle::pki::{CountryPki, Issued as IssuedCertificate, LeafRequest, PkiRequest};
use konfido_circle::{
    Clock, CountryCode, FixedClock, HomeCommunityId, Oid, PatientId, Personal, SystemClock, TrustStore, Usage,
};
use konfido_gateway::connector::{
    ConsentRegister, DocumentId, FileConnector, Filter, NationalConnector, NationalDocument, NationalEntry,
    NationalError, NationalPatient,
};
use konfido_gateway::metrics::Metrics;
use konfido_gateway::ncp_a::{NcpA, NcpASetup};
use konfido_gateway::observer::Unobserved;
use konfido_gateway::policy::{Consent, Policy};
use konfido_gateway::server::{Limits, Server};
use konfido_gateway::tls::{Identity, RustlsAcceptor};
use konfido_gateway::trail::{AtnaTrail, AuditTrail, Ending, Record, TrailError};
use konfido_ihe::DocumentClass;
use konfido_keys::software::{SoftwareSealer, SoftwareSigner, SystemRng};
use konfido_keys::{Rng, SignatureAlgorithm};
use konfido_saml::vocabulary::{FacilityType, Permission, PurposeOfUse, Role};
use konfido_saml::{Hcp, HcpReference, Issued, Issuer, NameId, Nok, Profile, Trc, names};
use rustls_pki_types::CertificateDer;
use secrecy::{ExposeSecretMut, SecretBox};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The patients of the sample store; the third has refused consent.
pub(crate) const PATIENTS: [&str; 3] = ["SYN-0001", "SYN-0002", "SYN-0003"];
const INDEX: &str = "2.999.380.1";
const HOME: &str = "2.999.380";
/// So long a slow peer is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whose certificate and key a connection shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    Denmark,
    Portugal,
    /// No certificate at all.
    Nobody,
    /// Denmark's, revoked.
    Revoked,
    /// Denmark's, expired.
    Expired,
    /// Denmark's, valid from tomorrow.
    NotYetValid,
    /// A certificate that is its own issuer.
    SelfSigned,
    /// A sound certificate of a country outside of the circle.
    Stranger,
    /// Denmark's root itself.
    Root,
    /// Denmark's TLS server certificate.
    Server,
    /// Denmark's signing certificate.
    Signature,
    /// Denmark's root vouches for a subject in Portugal.
    OtherCountry,
    /// Denmark's root vouches for a subject in no country.
    NoCountry,
}

pub(crate) struct World {
    pub(crate) address: SocketAddr,
    pub(crate) registry: Arc<Registry>,
    pub(crate) trail: Arc<Witness>,
    pub(crate) documents: Vec<DocumentId>,
    pub(crate) dk: SoftwareSigner,
    pub(crate) pt: SoftwareSigner,
    pub(crate) dk_expired: SoftwareSigner,
    pub(crate) dk_revoked: SoftwareSigner,
    pub(crate) dk_client: SoftwareSigner,
    pub(crate) stranger: SoftwareSigner,
    keys: Keys,
    pub(crate) italian_root: CertificateDer<'static>,
    stop: watch::Sender<bool>,
    server: tokio::task::JoinHandle<()>,
    /// Store and spool.
    _directory: TempDir,
}

struct Keys {
    dk: CountryPki,
    pt: CountryPki,
    fr: CountryPki,
    revoked: IssuedCertificate,
    expired: IssuedCertificate,
    not_yet_valid: IssuedCertificate,
    other_country: IssuedCertificate,
    no_country: IssuedCertificate,
}

impl World {
    /// Starts Italy.
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let now = SystemClock.now();
        let country = |code| CountryPki::generate(&PkiRequest::local(cc(code), now), &SystemRng).unwrap();
        let (it, mut dk, pt, fr) = (country("IT"), country("DK"), country("PT"), country("FR"));
        let leaf = |dk: &CountryPki, request: LeafRequest| dk.issue(&request, &SystemRng).unwrap();
        let client = || LeafRequest::new(cc("DK"), Usage::TlsClient, now);
        let signing = || LeafRequest::new(cc("DK"), Usage::Signing, now);
        let revoked = leaf(&dk, client());
        let revoked_signing = leaf(&dk, signing());
        let expired_signing = leaf(&dk, signing().expired(now));
        for bad in [&revoked, &revoked_signing] {
            dk.revoke(bad.certificate(), now).unwrap();
        }
        let keys = Keys {
            expired: leaf(&dk, client().expired(now)),
            not_yet_valid: leaf(&dk, client().not_yet_valid(now)),
            other_country: leaf(&dk, client().of_country(Some(cc("PT")))),
            no_country: leaf(&dk, client().of_country(None)),
            revoked,
            dk,
            pt,
            fr,
        };
        let trust = [&it, &keys.dk, &keys.pt]
            .into_iter()
            .fold(TrustStore::builder(), |store, pki| pki.trusted_by(store))
            .build()
            .unwrap();
        let store = directory.path().join("store");
        fill(&store);
        let registry = Arc::new(Registry::open(&store));
        let trail = Arc::new(Witness::open(&directory.path().join("audit"), &it));
        let documents = summaries(&registry.files).await;
        let (stop, server, address) = serve(&it, trust, &registry, &trail).await;
        let rsa = SignatureAlgorithm::RsaPkcs1Sha256;
        let ecdsa = SignatureAlgorithm::EcdsaP256Sha256;
        Self {
            address,
            registry,
            trail,
            documents,
            dk: keys.dk.signing_rsa().signer(rsa).unwrap(),
            pt: keys.pt.signing_rsa().signer(rsa).unwrap(),
            dk_expired: expired_signing.signer(ecdsa).unwrap(),
            dk_revoked: revoked_signing.signer(ecdsa).unwrap(),
            dk_client: keys.dk.tls_client().signer(ecdsa).unwrap(),
            stranger: keys.fr.signing_rsa().signer(rsa).unwrap(),
            italian_root: it.root().certificate().clone(),
            keys,
            stop,
            server,
            _directory: directory,
        }
    }

    pub(crate) async fn end(self) {
        self.stop.send(true).unwrap();
        self.server.await.unwrap();
    }

    pub(crate) fn certificate(&self, who: Who) -> Option<&IssuedCertificate> {
        let keys = &self.keys;
        Some(match who {
            Who::Nobody => return None,
            Who::Denmark => keys.dk.tls_client(),
            Who::Portugal => keys.pt.tls_client(),
            Who::Revoked => &keys.revoked,
            Who::Expired => &keys.expired,
            Who::NotYetValid => &keys.not_yet_valid,
            Who::SelfSigned => keys.fr.root(),
            Who::Stranger => keys.fr.tls_client(),
            Who::Root => keys.dk.root(),
            Who::Server => keys.dk.tls_server(),
            Who::Signature => keys.dk.signing(),
            Who::OtherCountry => &keys.other_country,
            Who::NoCountry => &keys.no_country,
        })
    }

    /// An HCP assertion that Denmark issued `ago`.
    pub(crate) fn hcp_issued(&self, ago: SignedDuration, claims: &Hcp) -> Issued {
        let clock = FixedClock::new(now().checked_sub(ago).unwrap());
        let issuer = Issuer { country: cc("DK"), signer: &self.dk, clock: &clock, rng: &SystemRng };
        issuer.hcp(&name_id(), names::SMARTCARD_PKI, claims).unwrap()
    }

    pub(crate) fn hcp(&self) -> Issued {
        self.hcp_issued(SignedDuration::ZERO, &doctor())
    }

    /// Portugal's own professional.
    pub(crate) fn portuguese_hcp(&self) -> Issued {
        let issuer = Issuer { country: cc("PT"), signer: &self.pt, clock: &SystemClock, rng: &SystemRng };
        issuer.hcp(&name_id(), names::SMARTCARD_PKI, &doctor()).unwrap()
    }

    pub(crate) fn trc_issued(&self, ago: SignedDuration, hcp: &Issued, trc: &Trc) -> Issued {
        let clock = FixedClock::new(now().checked_sub(ago).unwrap());
        let issuer = Issuer { country: cc("DK"), signer: &self.dk, clock: &clock, rng: &SystemRng };
        issuer.trc(&HcpReference { id: hcp.id.clone(), name_id: name_id() }, trc).unwrap()
    }

    pub(crate) fn trc(&self, hcp: &Issued, patient: &str) -> Issued {
        self.trc_issued(SignedDuration::ZERO, hcp, &treatment(patient, PurposeOfUse::Treatment))
    }

    pub(crate) fn next_of_kin(&self, hcp: &Issued) -> Issued {
        let issuer = Issuer { country: cc("DK"), signer: &self.dk, clock: &SystemClock, rng: &SystemRng };
        issuer.nok(&HcpReference { id: hcp.id.clone(), name_id: name_id() }, &Nok::default()).unwrap()
    }
}

async fn serve(
    it: &CountryPki,
    trust: TrustStore,
    registry: &Arc<Registry>,
    trail: &Arc<Witness>,
) -> (watch::Sender<bool>, tokio::task::JoinHandle<()>, SocketAddr) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let trust = Arc::new(trust);
    let metrics = Arc::new(Metrics::default());
    let certificate = it.tls_server();
    let signer = certificate.signer(SignatureAlgorithm::EcdsaP256Sha256).unwrap();
    let identity = Identity::new(vec![certificate.certificate().clone()], Arc::new(signer)).unwrap();
    let acceptor =
        RustlsAcceptor::new(&identity, Arc::clone(&trust), &[Usage::TlsClient], Arc::clone(&clock)).unwrap();
    let service = NcpA::new(NcpASetup {
        country: it.country(),
        country_name: "Italy".to_owned(),
        name: identity.common_name().to_owned(),
        home: home(),
        repository: home().oid().clone(),
        trust: Arc::clone(&trust),
        clock: Arc::clone(&clock),
        rng: Arc::new(SystemRng),
        profile: Profile::default(),
        policy: Arc::new(Policy::standard().unwrap()),
        connector: Arc::<Registry>::clone(registry),
        consent: Arc::<Registry>::clone(registry),
        trail: Arc::<Witness>::clone(trail),
        observer: Arc::new(Unobserved),
        metrics: Arc::clone(&metrics),
    });
    let limits = Limits {
        handshake: PATIENCE,
        head: PATIENCE,
        body_time: PATIENCE,
        drain: PATIENCE,
        ..Limits::default()
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let server = Server::new(listener, Arc::new(acceptor), trust, clock, Arc::new(service), limits, metrics);
    let address = server.address().unwrap();
    let (stop, stopped) = watch::channel(false);
    (stop, tokio::spawn(server.run(stopped)), address)
}

fn fill(store: &Path) {
    for sample in samples::STORE {
        let place = store.join(sample.path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, sample.bytes).unwrap();
    }
}

/// The first summary of each patient.
async fn summaries(files: &FileConnector) -> Vec<DocumentId> {
    let mut found = Vec::new();
    for extension in PATIENTS {
        let class = DocumentClass::PatientSummary;
        let entries = files.list(&patient(extension), class, &Filter::default()).await.unwrap();
        found.push(entries.first().expect("each sample patient has a summary").id.clone());
    }
    found
}

pub(crate) fn cc(code: &str) -> CountryCode {
    CountryCode::new(code).unwrap()
}

pub(crate) fn home() -> HomeCommunityId {
    HomeCommunityId::new(Oid::new(HOME).unwrap())
}

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

pub(crate) fn patient(extension: &str) -> PatientId {
    PatientId::new(Oid::new(INDEX).unwrap(), extension).unwrap()
}

pub(crate) fn treatment(extension: &str, purpose: PurposeOfUse) -> Trc {
    Trc { patient: patient(extension), purpose, dispensation_pin: None, prescription_id: None }
}

fn name_id() -> NameId {
    NameId {
        value: Personal::new("anne.proeve@example.dk".to_owned()),
        format: names::NAMEID_EMAIL.to_owned(),
        sp_provided_id: None,
    }
}

pub(crate) fn doctor() -> Hcp {
    let permissions = ["PRD-003", "PRD-004", "PRD-005", "PRD-006", "PRD-010", "PRD-016", "PPD-046"];
    Hcp {
        name: Personal::new("Anne Proeve".to_owned()),
        role: Role::MedicalDoctor,
        facility: FacilityType::Hospital,
        purpose: PurposeOfUse::Treatment,
        locality: "Aarhus".to_owned(),
        organization: Some("Eksempel Hospital".to_owned()),
        organization_id: Some("urn:oid:2.999.208.7".to_owned()),
        home_community: Some("urn:oid:2.999.208".to_owned()),
        on_behalf_of: None,
        permissions: permissions.into_iter().map(Permission::new).collect(),
    }
}

/// The national side: the file connector, and how often it was asked.
#[derive(Debug)]
pub(crate) struct Registry {
    files: FileConnector,
    index: AtomicUsize,
    content: AtomicUsize,
}

impl Registry {
    fn open(store: &Path) -> Self {
        let files = FileConnector::open(store).unwrap();
        Self { files, index: AtomicUsize::new(0), content: AtomicUsize::new(0) }
    }

    /// Questions about who and which, and documents handed out, since the start.
    pub(crate) fn asked(&self) -> (usize, usize) {
        (self.index.load(Ordering::SeqCst), self.content.load(Ordering::SeqCst))
    }
}

#[async_trait]
impl NationalConnector for Registry {
    async fn find_patients(&self, ids: &[PatientId]) -> Result<Vec<NationalPatient>, NationalError> {
        self.index.fetch_add(1, Ordering::SeqCst);
        self.files.find_patients(ids).await
    }

    async fn list(
        &self,
        patient: &PatientId,
        class: DocumentClass,
        filter: &Filter,
    ) -> Result<Vec<NationalEntry>, NationalError> {
        self.index.fetch_add(1, Ordering::SeqCst);
        self.files.list(patient, class, filter).await
    }

    async fn class_of(
        &self,
        patient: &PatientId,
        document: &DocumentId,
    ) -> Result<Option<DocumentClass>, NationalError> {
        self.index.fetch_add(1, Ordering::SeqCst);
        self.files.class_of(patient, document).await
    }

    async fn retrieve(
        &self,
        patient: &PatientId,
        document: &DocumentId,
    ) -> Result<Option<NationalDocument>, NationalError> {
        self.content.fetch_add(1, Ordering::SeqCst);
        self.files.retrieve(patient, document).await
    }
}

#[async_trait]
impl ConsentRegister for Registry {
    async fn consent(&self, patient: &PatientId, treating: CountryCode) -> Result<Consent, NationalError> {
        self.index.fetch_add(1, Ordering::SeqCst);
        self.files.consent(patient, treating).await
    }
}

/// The audit trail of the binary, and what it kept.
#[derive(Debug)]
pub(crate) struct Witness {
    trail: AtnaTrail,
    endings: Mutex<Vec<Ending>>,
    kept: watch::Sender<usize>,
}

impl Witness {
    fn open(directory: &Path, pki: &CountryPki) -> Self {
        let rng: Arc<dyn Rng> = Arc::new(SystemRng);
        let mut key = SecretBox::new(Box::new([0; 32]));
        rng.fill(key.expose_secret_mut()).unwrap();
        let sealer = SoftwareSealer::new(&key, rng).unwrap();
        let spool = Spool::open(directory, SpoolOptions::default(), Arc::new(sealer)).unwrap();
        let signer = pki.signing_rsa().signer(SignatureAlgorithm::RsaPkcs1Sha256).unwrap();
        Self {
            trail: AtnaTrail::new(spool, Arc::new(signer), "IT-1".to_owned(), "localhost".to_owned()),
            endings: Mutex::default(),
            kept: watch::Sender::new(0),
        }
    }

    pub(crate) fn kept(&self) -> usize {
        *self.kept.borrow()
    }

    /// How the record after the first `before` ended; waits for it.
    pub(crate) async fn ending_after(&self, before: usize) -> Option<Ending> {
        let mut kept = self.kept.subscribe();
        let more = kept.wait_for(|kept| *kept > before);
        tokio::time::timeout(Duration::from_secs(10), more).await.ok()?.ok()?;
        self.endings.lock().unwrap().get(before).cloned()
    }
}

#[async_trait]
impl AuditTrail for Witness {
    async fn record(&self, record: &Record) -> Result<(), TrailError> {
        self.trail.record(record).await?;
        self.endings.lock().unwrap().push(record.ending.clone());
        self.kept.send_modify(|kept| *kept += 1);
        Ok(())
    }
}
