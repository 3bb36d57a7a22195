//! The steps of the demo.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, ensure};
use konfido_audit::{Spool, SpoolOptions};
use konfido_cda::{ClinicalDocument, html, samples};
use konfido_circle::pki::CountryPki;
use konfido_circle::{Clock, CountryCode, Oid, PatientId, Personal, SystemClock};
use konfido_gateway::connector::FileConnector;
use konfido_gateway::directory::CircleDirectory;
use konfido_gateway::metrics::Metrics;
use konfido_gateway::ncp_b::{Credentials, NcpB, Received, Reply, SignIn};
use konfido_gateway::observer::{ExchangeEvent, ExchangeObserver, Fingerprint, Happening};
use konfido_gateway::policy::Policy;
use konfido_gateway::server::Limits;
use konfido_gateway::tls::Identity;
use konfido_gateway::trail::AtnaTrail;
use konfido_ihe::xcpd::PatientCriteria;
use konfido_ihe::{DocumentClass, Group};
use konfido_keys::software::{SoftwareSealer, SystemRng};
use konfido_keys::{Rng, SignatureAlgorithm};
use konfido_saml::vocabulary::{FacilityType, Operation, Permission, PurposeOfUse, Role};
use konfido_saml::{Hcp, NameId, Profile};
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox};
use tokio::net::TcpListener;

use super::circle::{Country, DENMARK, ITALY, Keys};
use super::report::{Exchange, Report};
use crate::node::{Answering, Asking, Common, Node};

/// The patient of the story: Lucia Esempi, who does not exist.
const PATIENT: (&str, &str) = ("2.999.380.1", "SYN-0001");

/// What stands when the play is over.
#[derive(Debug)]
pub(super) struct Stage {
    italy: Node,
    denmark: Node,
    trails: BTreeMap<String, Arc<AtnaTrail>>,
    pub(super) address: SocketAddr,
    pub(super) page: PathBuf,
}

impl Stage {
    pub(super) fn audit(&self) -> BTreeMap<String, usize> {
        self.trails.iter().map(|(country, trail)| (country.clone(), trail.kept())).collect()
    }

    /// Writes what the sealed spools hold as readable files.
    pub(super) fn export_audit(&self, dir: &Path) -> anyhow::Result<PathBuf> {
        let place = dir.join("audit");
        for (country, trail) in &self.trails {
            for (number, record) in trail.spool().read_unconfirmed(10_000)?.iter().enumerate() {
                let file = place.join(format!("{}-{:03}.xml", country.to_lowercase(), number + 1));
                std::fs::write(&file, record.message.expose_secret())
                    .with_context(|| format!("could not write `{}`", file.display()))?;
            }
        }
        Ok(place)
    }

    pub(super) async fn end(self) {
        self.denmark.stop().await;
        self.italy.stop().await;
    }
}

/// Plays it.
pub(super) async fn play(
    dir: &Path,
    fixtures: Option<&Path>,
    report: &mut Report<'_>,
) -> anyhow::Result<Stage> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let rng: Arc<dyn Rng> = Arc::new(SystemRng);
    let now = clock.now();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("no free port")?;
    let address = listener.local_addr().context("no address")?;
    let (keys, circle, trust) = report
        .step("circle", async {
            let keys = Keys::load(&dir.join("pki"), now, rng.as_ref())?;
            let circle = keys.circle(dir, address, now)?;
            let trust = keys.trust(&circle)?;
            let how = if keys.made == 0 { "keys of an earlier run" } else { "fresh keys" };
            let signers: Vec<&str> = circle.signers().iter().map(CountryCode::as_str).collect();
            let detail =
                format!("{how}; circle file signed by {}; revocation lists checked", signers.join(", "));
            Ok(((keys, circle, trust), detail))
        })
        .await?;
    let sent = Arc::new(Sent::default());
    let audit = dir.join("audit");
    if audit.exists() {
        std::fs::remove_dir_all(&audit).with_context(|| format!("could not clear `{}`", audit.display()))?;
    }
    let mut trails = BTreeMap::new();
    let mut common = |country: Country| -> anyhow::Result<Common> {
        let trail = Arc::new(trail(&dir.join("audit"), keys.of(country)?, country, &rng)?);
        trails.insert(country.code.to_owned(), Arc::clone(&trail));
        Ok(Common {
            country: country.code()?,
            country_name: country.name.to_owned(),
            home: country.home()?,
            trust: Arc::clone(&trust),
            clock: Arc::clone(&clock),
            rng: Arc::clone(&rng),
            trail,
            observer: Arc::<Sent>::clone(&sent),
            metrics: Arc::new(Metrics::default()),
        })
    };
    let (mut italy, denmark) = (Node::new(common(ITALY)?), Node::new(common(DENMARK)?));
    let store = dir.join("store");
    let foreign = report
        .step("nodes", async {
            let foreign = fill_store(&store, fixtures)?;
            let connector = FileConnector::open(&store)?;
            let (persons, documents) = connector.counts();
            let connector = Arc::new(connector);
            let pki = keys.of(ITALY)?;
            italy.answer(
                listener,
                Answering {
                    identity: identity(pki.tls_server())?,
                    repository: ITALY.home()?.oid().clone(),
                    profile: Profile::default(),
                    policy: Arc::new(Policy::standard()?),
                    connector: Arc::<FileConnector>::clone(&connector),
                    consent: Arc::<FileConnector>::clone(&connector),
                    limits: Limits::default(),
                },
            )?;
            let detail = format!(
                "NCP-A of Italy at {address}: {persons} persons, {documents} documents; NCP-B of Denmark"
            );
            Ok((foreign, detail))
        })
        .await?;
    let pki = keys.of(DENMARK)?;
    let ncp_b = denmark.ask(Asking {
        identity: identity(pki.tls_client())?,
        signer: Arc::new(pki.signing_rsa().signer(SignatureAlgorithm::RsaPkcs1Sha256)?),
        directory: Arc::new(CircleDirectory(circle.circle().clone())),
        timeout: Duration::from_secs(30),
    });

    let it = ITALY.code()?;
    let doctor = report
        .step("sign in", async {
            let doctor = ncp_b.sign_in(&doctor())?;
            Ok((doctor, "Dr Anne Prøve, Aarhus: identity assertion issued and signed (RSA-SHA256)".into()))
        })
        .await?;
    let asked = PatientId::new(Oid::new(PATIENT.0)?, PATIENT.1)?;
    let patient = report
        .step("identify the patient", async {
            let reply = ncp_b.find_patient(it, &doctor, PatientCriteria::by_ids([&asked])).await?;
            ensure!(reply.answer.id == asked, "another patient came back");
            let detail = format!("ITI-55 over {}; one match, same identifier", reply.facts.agreed);
            Ok((reply.answer.id, detail))
        })
        .await?;
    let doctor = report
        .step("confirm the treatment", async {
            let confirmed = ncp_b.confirm_treatment(&doctor, &patient, PurposeOfUse::Treatment).await?;
            Ok((confirmed, "assertion bound to session, patient and purpose".into()))
        })
        .await?;
    let wanted = report
        .step("list the summaries", async {
            let reply = ncp_b.list(it, &doctor, &patient, DocumentClass::PatientSummary).await?;
            let wanted = reply.answer.best.first().cloned().context("the list is empty")?;
            Ok((wanted, format!("ITI-38; {} forms of one document", reply.answer.entries.len())))
        })
        .await?;
    let received = report
        .step("retrieve the summary", async {
            let reply = ncp_b.retrieve(it, &doctor, &patient, Group::PatientSummary, &wanted).await?;
            let detail = format!(
                "ITI-39, MTOM; {} bytes{}",
                reply.answer.bytes.len(),
                if reply.facts.reused { ", same connection" } else { "" }
            );
            Ok((reply.answer, detail))
        })
        .await?;
    report
        .step("compare the digests", async {
            let exchange = Exchange::new(sent.last(), received.sha256, received.bytes.len());
            ensure!(exchange.is_whole(), "the bytes that left Italy are not those that came to Denmark");
            Ok((exchange, format!("SHA-256 {} on both sides", short(&received.sha256))))
        })
        .await
        .map(|exchange| report.exchanged(exchange))?;
    let page = report
        .step("render the summary", async {
            let document = ClinicalDocument::read(&received.bytes)?;
            let page = dir.join("summary.html");
            std::fs::write(&page, html::render(&document))
                .with_context(|| format!("could not write `{}`", page.display()))?;
            let count = document.sections().len();
            Ok((page, format!("{count} sections, as an accessible page")))
        })
        .await?;
    report.page(&page);
    if !foreign.is_empty() {
        cross(&ncp_b, it, &doctor, &foreign, &sent, report).await?;
    }
    Ok(Stage { italy, denmark, trails, address, page })
}

/// Sends every foreign summary across.
async fn cross(
    ncp_b: &NcpB,
    country: CountryCode,
    doctor: &Credentials,
    foreign: &[(String, PatientId)],
    sent: &Sent,
    report: &mut Report<'_>,
) -> anyhow::Result<()> {
    let crossings = report
        .step("OpenNCP's summaries", async {
            let mut crossings = Vec::new();
            for (name, patient) in foreign {
                let crossed = cross_one(ncp_b, country, doctor, patient, sent).await;
                crossings.extend(
                    crossed
                        .with_context(|| format!("`{name}`"))?
                        .into_iter()
                        .map(|(form, exchange)| (format!("{name} {form}"), exchange)),
                );
            }
            let whole = crossings.iter().filter(|(_, exchange)| exchange.is_whole()).count();
            ensure!(whole == crossings.len(), "{whole} of {} documents came whole", crossings.len());
            Ok((crossings, format!("{whole} documents of {} patients, each whole", foreign.len())))
        })
        .await?;
    for (name, exchange) in crossings {
        report.crossed(name, exchange);
    }
    Ok(())
}

async fn cross_one(
    ncp_b: &NcpB,
    country: CountryCode,
    doctor: &Credentials,
    patient: &PatientId,
    sent: &Sent,
) -> anyhow::Result<Vec<(String, Exchange)>> {
    let found = ncp_b.find_patient(country, doctor, PatientCriteria::by_ids([patient])).await?;
    let doctor = ncp_b.confirm_treatment(doctor, &found.answer.id, PurposeOfUse::Treatment).await?;
    let list = ncp_b.list(country, &doctor, &found.answer.id, DocumentClass::PatientSummary).await?;
    let mut crossed = Vec::new();
    for entry in &list.answer.entries {
        let Reply { answer: Received { bytes, sha256, .. }, .. } = ncp_b
            .retrieve(country, &doctor, &found.answer.id, Group::PatientSummary, &entry.request())
            .await?;
        crossed.push((entry.format.code().to_owned(), Exchange::new(sent.last(), sha256, bytes.len())));
    }
    Ok(crossed)
}

/// Our own samples, and the mock summaries beside them; returns the latter's names and patients.
fn fill_store(store: &Path, fixtures: Option<&Path>) -> anyhow::Result<Vec<(String, PatientId)>> {
    if store.exists() {
        std::fs::remove_dir_all(store).with_context(|| format!("could not clear `{}`", store.display()))?;
    }
    let put = |path: &Path, bytes: &[u8]| -> anyhow::Result<()> {
        let place = store.join(path);
        if let Some(parent) = place.parent() {
            std::fs::create_dir_all(parent)
                .with_context(|| format!("could not make `{}`", parent.display()))?;
        }
        std::fs::write(&place, bytes).with_context(|| format!("could not write `{}`", place.display()))
    };
    for sample in samples::STORE {
        put(Path::new(sample.path), sample.bytes)?;
    }
    let Some(fixtures) = fixtures else { return Ok(Vec::new()) };
    let mock = fixtures.join("openncp/cda/openncp-mock/psstore");
    let mut names: Vec<PathBuf> = std::fs::read_dir(&mock)
        .with_context(|| format!("no mock summaries in `{}`", mock.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    names.sort();
    let mut foreign = Vec::new();
    for path in names {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let bytes = std::fs::read(&path).with_context(|| format!("could not read `{}`", path.display()))?;
        put(&Path::new("psstore").join(&name), &bytes)?;
        if path.extension().is_some_and(|e| e == "xml") {
            let document = ClinicalDocument::read(&bytes)?;
            foreign.push((name, first_patient(&document).context("a mock summary without patient")?));
        }
    }
    Ok(foreign)
}

fn first_patient(document: &ClinicalDocument) -> Option<PatientId> {
    let role =
        document.root().child(konfido_cda::HL7, "recordTarget")?.child(konfido_cda::HL7, "patientRole")?;
    let id = role.child(konfido_cda::HL7, "id")?;
    PatientId::new(Oid::new(id.attribute("root")?).ok()?, id.attribute("extension")?).ok()
}

fn identity(issued: &konfido_circle::pki::Issued) -> anyhow::Result<Identity> {
    let signer = issued.signer(SignatureAlgorithm::EcdsaP256Sha256)?;
    Ok(Identity::new(vec![issued.certificate().clone()], Arc::new(signer))?)
}

/// Dr Anne Prøve, who does not exist either.
fn doctor() -> SignIn {
    let mut permissions: Vec<&str> = [Operation::PatientDiscovery, Operation::PatientSummary]
        .iter()
        .flat_map(|operation| operation.permissions())
        .copied()
        .collect();
    permissions.sort_unstable();
    permissions.dedup();
    SignIn {
        name_id: NameId {
            value: Personal::new("anne.proeve@example.dk".to_owned()),
            format: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress".to_owned(),
            sp_provided_id: None,
        },
        authn_context: "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI".to_owned(),
        claims: Hcp {
            name: Personal::new("Anne Prøve".to_owned()),
            role: Role::MedicalDoctor,
            facility: FacilityType::Hospital,
            purpose: PurposeOfUse::Treatment,
            locality: "Aarhus".to_owned(),
            organization: Some("Eksempel Hospital".to_owned()),
            organization_id: Some("urn:oid:2.999.208.7".to_owned()),
            home_community: DENMARK.home().ok().map(|home| home.urn()),
            on_behalf_of: None,
            permissions: permissions.into_iter().map(Permission::new).collect(),
        },
    }
}

fn short(print: &Fingerprint) -> String {
    print.to_string().chars().take(16).collect::<String>() + "…"
}

/// A country's audit trail: sealed on the disk, under a key that ends with this run.
fn trail(dir: &Path, pki: &CountryPki, country: Country, rng: &Arc<dyn Rng>) -> anyhow::Result<AtnaTrail> {
    let dir = dir.join(country.code.to_ascii_lowercase());
    let mut key = SecretBox::new(Box::new([0; 32]));
    rng.fill(key.expose_secret_mut())?;
    let sealer = SoftwareSealer::new(&key, Arc::clone(rng))?;
    let spool = Spool::open(&dir, SpoolOptions::default(), Arc::new(sealer))?;
    let signer = pki.signing_rsa().signer(SignatureAlgorithm::RsaPkcs1Sha256)?;
    Ok(AtnaTrail::new(spool, Arc::new(signer), format!("{}-1", country.code), "localhost".to_owned()))
}

/// Remembers the digest of the last document that NCP-A put on the wire.
#[derive(Debug, Default)]
struct Sent(Mutex<Option<Fingerprint>>);

impl Sent {
    fn last(&self) -> Option<Fingerprint> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ExchangeObserver for Sent {
    fn observe(&self, event: &ExchangeEvent) {
        if let Happening::Provided { documents } = &event.happening
            && let Some(print) = documents.last()
        {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).replace(*print);
        }
    }
}
