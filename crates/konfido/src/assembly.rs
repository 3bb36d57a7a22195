//! From a checked configuration to everything that a node works with: files are read, keys become signers, the circle
//! becomes a trust store. Nothing listens yet.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use konfido_audit::{Shipper, ShipperOptions, Spool, SpoolOptions};
use konfido_circle::circle::Trust;
use konfido_circle::{AcceptedCircle, Clock, SystemClock, TrustStore};
use konfido_gateway::connector::FileConnector;
use konfido_gateway::directory::CircleDirectory;
use konfido_gateway::metrics::Metrics;
use konfido_gateway::ncp_b::NcpB;
use konfido_gateway::observer::Unobserved;
use konfido_gateway::policy::Policy;
use konfido_gateway::tls::{Identity, RustlsConnector};
use konfido_gateway::trail::AtnaTrail;
use konfido_keys::software::{SoftwareSealer, SoftwareSigner, SystemRng};
use konfido_keys::{Rng, SignatureAlgorithm, Signer};
use konfido_saml::Profile;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, ServerName};
use secrecy::{ExposeSecretMut, SecretBox};

use crate::config::{CircleFiles, KeyFiles, Settings};
use crate::exit::UsageError;
use crate::node::{Answering, Asking, Common, Node};

/// Everything that was put together.
#[derive(Debug)]
pub(crate) struct Assembly {
    pub(crate) settings: Settings,
    pub(crate) circle: AcceptedCircle,
    pub(crate) common: Common,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) trail: Arc<AtnaTrail>,
}

impl Assembly {
    /// Reads what the settings name. `spool` is the directory of the audit spool below the state directory: a node and
    /// a client command beside it each have their own.
    pub(crate) fn new(settings: Settings, spool: &str) -> anyhow::Result<Self> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let rng: Arc<dyn Rng> = Arc::new(SystemRng);
        let (circle, trust) = load_circle(&settings.circle, clock.as_ref())?;
        let Some(member) = circle.circle().member(settings.country) else {
            return Err(UsageError(format!("`{}` is no member of the circle", settings.country)).into());
        };
        let (country_name, home) = (member.name.clone(), member.home_community.clone());
        let signer: Arc<dyn Signer> = Arc::new(signing_key(&settings.signing)?);
        let trail = Arc::new(open_trail(&settings, spool, &rng, Arc::clone(&signer))?);
        let common = Common {
            country: settings.country,
            country_name,
            home,
            trust,
            clock,
            rng,
            trail: Arc::<AtnaTrail>::clone(&trail),
            observer: Arc::new(Unobserved),
            metrics: Arc::new(Metrics::default()),
        };
        Ok(Self { settings, circle, common, signer, trail })
    }

    /// What NCP-A needs.
    pub(crate) fn answering(&self) -> anyhow::Result<Option<Answering>> {
        let (Some(ncp_a), Some(keys)) = (&self.settings.ncp_a, &self.settings.tls_server) else {
            return Ok(None);
        };
        let connector = Arc::new(FileConnector::open(&ncp_a.store)?);
        let policy = match &ncp_a.policies {
            Some(directory) => Policy::from_directory(directory)?,
            None => Policy::standard()?,
        };
        Ok(Some(Answering {
            identity: identity(keys)?,
            repository: ncp_a.repository.clone().unwrap_or_else(|| self.common.home.oid().clone()),
            profile: Profile::default(),
            policy: Arc::new(policy),
            connector: Arc::<FileConnector>::clone(&connector),
            consent: connector,
            limits: ncp_a.limits.clone(),
        }))
    }

    /// Our TLS server's certificate and key, where there are any.
    pub(crate) fn server_identity(&self) -> anyhow::Result<Option<Identity>> {
        self.settings.tls_server.as_ref().map(identity).transpose()
    }

    /// NCP-B, of a node or of a client command.
    pub(crate) fn ncp_b(&self) -> anyhow::Result<NcpB> {
        let Some(keys) = &self.settings.tls_client else {
            return Err(UsageError("`keys.tls_client` is needed to ask other countries".into()).into());
        };
        Ok(Node::new(self.common.clone()).ask(Asking {
            identity: identity(keys)?,
            signer: Arc::clone(&self.signer),
            directory: Arc::new(CircleDirectory(self.circle.circle().clone())),
            timeout: self.settings.ncp_b.timeout,
        }))
    }

    /// What carries the audit messages to the collector, where one is set.
    pub(crate) fn shipper(&self) -> anyhow::Result<Option<Shipper>> {
        let Some(audit) = &self.settings.audit else { return Ok(None) };
        let Some(keys) = &self.settings.tls_client else {
            return Err(UsageError("`keys.tls_client` is needed to reach the audit collector".into()).into());
        };
        let connector = RustlsConnector::new(
            identity(keys)?,
            Arc::clone(&self.common.trust),
            Arc::clone(&self.common.clock),
        );
        let name = ServerName::try_from(audit.server_name.clone())
            .map_err(|_| UsageError(format!("`{}` is no host name", audit.server_name)))?;
        let options = ShipperOptions::new(audit.address.clone(), name, self.common.country.to_string());
        let tls = connector.client_config(self.common.country)?;
        Ok(Some(Shipper::new(self.trail.spool().clone(), options, tls, Arc::clone(&self.common.clock))))
    }
}

fn load_circle(files: &CircleFiles, clock: &dyn Clock) -> anyhow::Result<(AcceptedCircle, Arc<TrustStore>)> {
    let file = read(&files.file)?;
    let signatures = read(&files.signatures)?;
    let trust = match files.fingerprint {
        Some(fingerprint) => Trust::Fingerprint(fingerprint),
        None => Trust::DangerFirstUse,
    };
    let circle = AcceptedCircle::accept(&file, &signatures, trust, clock.now())
        .with_context(|| format!("the circle file `{}` is refused", files.file.display()))?;
    let crls = files
        .crls
        .iter()
        .map(|path| {
            CertificateRevocationListDer::from_pem_slice(&read(path)?)
                .map_err(|e| anyhow::anyhow!("`{}` is no PEM revocation list: {e}", path.display()))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let store = circle.circle().trust_store(crls).map_err(|mistakes| {
        let all: String = mistakes.iter().map(|mistake| format!("\n  {mistake}")).collect();
        anyhow::anyhow!("the circle's certificates can't be used:{all}")
    })?;
    Ok((circle, Arc::new(store)))
}

/// The algorithms that a TLS key may be of, the usual first.
const TLS_KEYS: [SignatureAlgorithm; 4] = [
    SignatureAlgorithm::EcdsaP256Sha256,
    SignatureAlgorithm::EcdsaP384Sha384,
    SignatureAlgorithm::Ed25519,
    SignatureAlgorithm::RsaPssSha256,
];

/// RSA first: an OpenNCP verifies nothing else.
const SIGNING_KEYS: [SignatureAlgorithm; 3] = [
    SignatureAlgorithm::RsaPkcs1Sha256,
    SignatureAlgorithm::EcdsaP256Sha256,
    SignatureAlgorithm::EcdsaP384Sha384,
];

fn key(files: &KeyFiles, algorithms: &[SignatureAlgorithm]) -> anyhow::Result<SoftwareSigner> {
    let (key, certificate) = (read(&files.key)?, read(&files.certificate)?);
    let mut last = None;
    for algorithm in algorithms {
        match SoftwareSigner::from_pem(&key, *algorithm, Some(&certificate)) {
            Ok(signer) => return Ok(signer),
            Err(error) => last = Some(error),
        }
    }
    match last {
        Some(error) => Err(error).with_context(|| format!("`{}` can't be used", files.key.display())),
        None => bail!("no algorithm for `{}`", files.key.display()),
    }
}

fn signing_key(files: &KeyFiles) -> anyhow::Result<SoftwareSigner> {
    key(files, &SIGNING_KEYS)
}

fn identity(files: &KeyFiles) -> anyhow::Result<Identity> {
    let chain = CertificateDer::pem_slice_iter(&read(&files.certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| anyhow::anyhow!("`{}` is no PEM certificate: {e}", files.certificate.display()))?;
    Ok(Identity::new(chain, Arc::new(key(files, &TLS_KEYS)?))?)
}

fn open_trail(
    settings: &Settings,
    spool: &str,
    rng: &Arc<dyn Rng>,
    signer: Arc<dyn Signer>,
) -> anyhow::Result<AtnaTrail> {
    std::fs::create_dir_all(&settings.state)
        .with_context(|| format!("could not make `{}`", settings.state.display()))?;
    let sealing = sealing_key(&settings.state.join("audit.key"), rng.as_ref())?;
    let sealer = SoftwareSealer::new(&sealing, Arc::clone(rng))?;
    let spool = Spool::open(&settings.state.join(spool), SpoolOptions::default(), Arc::new(sealer))?;
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = if host.trim().is_empty() { "localhost" } else { host.trim() };
    Ok(AtnaTrail::new(spool, signer, format!("{}-1", settings.country), host.to_owned()))
}

/// The key that seals the spool: made once, readable by the owner alone.
fn sealing_key(path: &Path, rng: &dyn Rng) -> anyhow::Result<SecretBox<[u8; 32]>> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut key = SecretBox::new(Box::new([0; 32]));
    match std::fs::read(path) {
        Ok(bytes) => {
            let bytes = zeroize::Zeroizing::new(bytes);
            let known = <[u8; 32]>::try_from(bytes.as_slice())
                .map_err(|_| anyhow::anyhow!("`{}` is no sealing key", path.display()))?;
            *key.expose_secret_mut() = known;
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            rng.fill(key.expose_secret_mut())?;
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(path)
                .with_context(|| format!("could not make `{}`", path.display()))?;
            file.write_all(key.expose_secret_mut()).and_then(|()| file.sync_all())?;
        }
        Err(error) => return Err(error).with_context(|| format!("could not read `{}`", path.display())),
    }
    Ok(key)
}

fn read(path: &PathBuf) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("could not read `{}`", path.display()))
}
