//! Italy answers, Denmark asks, both in this process over a real socket; everything countable is counted.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use http::Uri;
use konfido_audit::{Spool, SpoolOptions};
use konfido_cda::samples;
use konfido_circle::pki::{CountryPki, PkiRequest};
use konfido_circle::{
    Clock, CountryCode, HomeCommunityId, Oid, PatientId, Personal, SystemClock, TrustStore,
};
use konfido_gateway::connector::FileConnector;
use konfido_gateway::directory::{Destination, Directory, DirectoryError};
use konfido_gateway::metrics::Metrics;
use konfido_gateway::ncp_b::{Credentials, Facts, NcpB, SignIn};
use konfido_gateway::observer::Unobserved;
use konfido_gateway::policy::Policy;
use konfido_gateway::server::Limits;
use konfido_gateway::tls::Identity;
use konfido_gateway::trail::AtnaTrail;
use konfido_ihe::xca::DocumentRequest;
use konfido_ihe::xcpd::PatientCriteria;
use konfido_ihe::{DocumentClass, Group, Transaction};
use konfido_keys::software::{SoftwareSealer, SystemRng};
use konfido_keys::{KeyError, Rng, SignatureAlgorithm, Signer};
use konfido_saml::vocabulary::{FacilityType, Operation, Permission, PurposeOfUse, Role};
use konfido_saml::{Hcp, NameId, Profile, names};
use rustls_pki_types::CertificateDer;
use secrecy::{ExposeSecretMut, SecretBox};
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::GROUP;
use crate::node::{Answering, Asking, Common, Node};

const PATIENT: (&str, &str) = ("2.999.380.1", "SYN-0002");

/// Both countries, and a doctor who has found a document.
#[derive(Clone, Debug)]
pub(super) struct Stage(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    nodes: std::sync::Mutex<Vec<Node>>,
    ncp_b: NcpB,
    doctor: Credentials,
    patient: PatientId,
    wanted: DocumentRequest,
    signatures: Arc<AtomicU64>,
    trails: [Arc<AtnaTrail>; 2],
    pki: CountryPki,
    document: Vec<u8>,
    directory: TempDir,
}

/// What was done since the start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    pub(super) signatures: u64,
    pub(super) syncs: u64,
    pub(super) audit_bytes: u64,
}

impl Stage {
    /// Starts both, and asks until the document is known and the connection warm.
    pub(super) async fn start(bytes: usize) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let rng: Arc<dyn Rng> = Arc::new(SystemRng);
        let directory = TempDir::new().context("no temporary directory")?;
        let document = samples::summary_of_at_least(bytes)?;
        let store = directory.path().join("store");
        fill(&store, &document)?;
        let (it, dk) = (CountryCode::new("IT")?, CountryCode::new("DK")?);
        let pki_of = |country| CountryPki::generate(&PkiRequest::local(country, clock.now()), rng.as_ref());
        let (italy, denmark) = (pki_of(it)?, pki_of(dk)?);
        let trust = denmark.trusted_by(italy.trusted_by(TrustStore::builder())).build();
        let trust = Arc::new(trust.map_err(|mistakes| anyhow::anyhow!("{mistakes:?}"))?);
        let signatures = Arc::new(AtomicU64::new(0));
        let counted = |signer: Box<dyn Signer>| -> Arc<dyn Signer> {
            Arc::new(Counted { signer, made: Arc::clone(&signatures) })
        };
        let trail = |pki: &CountryPki| -> anyhow::Result<Arc<AtnaTrail>> {
            let mut key = SecretBox::new(Box::new([0; 32]));
            rng.fill(key.expose_secret_mut())?;
            let sealer = SoftwareSealer::new(&key, Arc::clone(&rng))?;
            let place = directory.path().join(format!("audit-{}", pki.country()));
            let spool = Spool::open(&place, SpoolOptions::default(), Arc::new(sealer))?;
            let signer = counted(Box::new(pki.signing_rsa().signer(SignatureAlgorithm::RsaPkcs1Sha256)?));
            Ok(Arc::new(AtnaTrail::new(
                spool,
                signer,
                format!("{}-1", pki.country()),
                "localhost".to_owned(),
            )))
        };
        let trails = [trail(&italy)?, trail(&denmark)?];
        let home =
            |oid: &str| -> anyhow::Result<HomeCommunityId> { Ok(HomeCommunityId::new(Oid::new(oid)?)) };
        let common = |country, name: &str, oid: &str, trail: &Arc<AtnaTrail>| -> anyhow::Result<Common> {
            Ok(Common {
                country,
                country_name: name.to_owned(),
                home: home(oid)?,
                trust: Arc::clone(&trust),
                clock: Arc::clone(&clock),
                rng: Arc::clone(&rng),
                trail: Arc::<AtnaTrail>::clone(trail),
                observer: Arc::new(Unobserved),
                metrics: Arc::new(Metrics::default()),
            })
        };
        let identity = |issued: &konfido_circle::pki::Issued| -> anyhow::Result<Identity> {
            let signer = counted(Box::new(issued.signer(SignatureAlgorithm::EcdsaP256Sha256)?));
            Ok(Identity::new(vec![issued.certificate().clone()], signer)?)
        };
        let [a, b] = &trails;
        let mut answering = Node::new(common(it, "Italy", "2.999.380", a)?);
        let asking = Node::new(common(dk, "Denmark", "2.999.208", b)?);
        let files = Arc::new(FileConnector::open(&store)?);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port")?;
        let address = answering.answer(
            listener,
            Answering {
                identity: identity(italy.tls_server())?,
                repository: home("2.999.380")?.oid().clone(),
                profile: Profile::default(),
                policy: Arc::new(Policy::standard()?),
                connector: Arc::<FileConnector>::clone(&files),
                consent: files,
                limits: Limits::default(),
            },
        )?;
        let ncp_b = asking.ask(Asking {
            identity: identity(denmark.tls_client())?,
            signer: counted(Box::new(denmark.signing_rsa().signer(SignatureAlgorithm::RsaPkcs1Sha256)?)),
            directory: Arc::new(OneCountry(destination(it, home("2.999.380")?, address)?)),
            timeout: Duration::from_secs(60),
        });
        let patient = PatientId::new(Oid::new(PATIENT.0)?, PATIENT.1)?;
        let doctor = ncp_b.sign_in(&doctor())?;
        ncp_b.find_patient(it, &doctor, PatientCriteria::by_ids([&patient])).await?;
        let doctor = ncp_b.confirm_treatment(&doctor, &patient, PurposeOfUse::Treatment).await?;
        let list = ncp_b.list(it, &doctor, &patient, DocumentClass::PatientSummary).await?;
        let wanted = list.answer.best.first().cloned().context("the list is empty")?;
        Ok(Self(Arc::new(Inner {
            nodes: std::sync::Mutex::new(vec![asking, answering]),
            ncp_b,
            doctor,
            patient,
            wanted,
            signatures,
            trails,
            pki: denmark,
            document,
            directory,
        })))
    }

    /// One exchange.
    pub(super) async fn retrieve(&self) -> anyhow::Result<Facts> {
        let inner = &self.0;
        let reply = inner
            .ncp_b
            .retrieve(CountryCode::new("IT")?, &inner.doctor, &inner.patient, GROUP, &inner.wanted)
            .await?;
        ensure!(reply.answer.bytes == inner.document, "another document came");
        Ok(reply.facts)
    }

    pub(super) fn marks(&self) -> Marks {
        let sum = |of: fn(&Spool) -> u64| self.0.trails.iter().map(|trail| of(trail.spool())).sum();
        Marks {
            signatures: self.0.signatures.load(Ordering::Relaxed),
            syncs: sum(Spool::syncs),
            audit_bytes: sum(Spool::bytes),
        }
    }

    pub(super) fn pki(&self) -> &CountryPki {
        &self.0.pki
    }

    pub(super) fn document(&self) -> &[u8] {
        &self.0.document
    }

    pub(super) fn directory(&self) -> &Path {
        self.0.directory.path()
    }

    /// Stops both.
    pub(super) async fn end(self) {
        let nodes =
            std::mem::take(&mut *self.0.nodes.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        drop(self);
        for node in nodes {
            node.stop().await;
        }
    }
}

fn destination(country: CountryCode, home: HomeCommunityId, at: SocketAddr) -> anyhow::Result<Destination> {
    let endpoint: Uri = format!("https://localhost:{}/services/XCA_Service", at.port()).parse()?;
    Ok(Destination { country, home, endpoint })
}

fn fill(store: &Path, document: &[u8]) -> anyhow::Result<()> {
    for sample in samples::STORE.iter().filter(|sample| sample.path.starts_with("integration/")) {
        put(&store.join(sample.path), sample.bytes)?;
    }
    put(&store.join("psstore/SYN-0002.xml"), document)
}

fn put(place: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    if let Some(parent) = place.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("could not make `{}`", parent.display()))?;
    }
    std::fs::write(place, bytes).with_context(|| format!("could not write `{}`", place.display()))
}

/// Nobody real.
fn doctor() -> SignIn {
    let codes: std::collections::BTreeSet<&str> = [Operation::PatientDiscovery, Operation::PatientSummary]
        .iter()
        .flat_map(|operation| operation.permissions())
        .copied()
        .collect();
    SignIn {
        name_id: NameId {
            value: Personal::new("bench@example.dk".to_owned()),
            format: names::NAMEID_EMAIL.to_owned(),
            sp_provided_id: None,
        },
        authn_context: names::SMARTCARD_PKI.to_owned(),
        claims: Hcp {
            name: Personal::new("Bench Mark".to_owned()),
            role: Role::MedicalDoctor,
            facility: FacilityType::Hospital,
            purpose: PurposeOfUse::Treatment,
            locality: "Aarhus".to_owned(),
            organization: Some("Eksempel Hospital".to_owned()),
            organization_id: Some("urn:oid:2.999.208.7".to_owned()),
            home_community: Some("urn:oid:2.999.208".to_owned()),
            on_behalf_of: None,
            permissions: codes.into_iter().map(Permission::new).collect(),
        },
    }
}

/// Every transaction goes to one place.
#[derive(Debug)]
struct OneCountry(Destination);

impl Directory for OneCountry {
    fn destination(
        &self,
        _country: CountryCode,
        _transaction: Transaction,
        _group: Option<Group>,
    ) -> Result<Destination, DirectoryError> {
        Ok(self.0.clone())
    }
}

/// Counts the signatures made.
struct Counted {
    signer: Box<dyn Signer>,
    made: Arc<AtomicU64>,
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.signer.fmt(f)
    }
}

impl Signer for Counted {
    fn algorithm(&self) -> SignatureAlgorithm {
        self.signer.algorithm()
    }

    fn public_key_der(&self) -> &[u8] {
        self.signer.public_key_der()
    }

    fn certificate(&self) -> Option<&CertificateDer<'static>> {
        self.signer.certificate()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.made.fetch_add(1, Ordering::Relaxed);
        self.signer.sign(message)
    }
}
