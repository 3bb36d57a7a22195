//! Starting a vault: open the store, bind the socket, give every other right away, serve.
//!
//! Order matters. The root secret and the store are read while files can still be read; the socket is bound while there is
//! a right to bind; then [`konfido_vault_sys::Confinement`] takes effect for good, and only then is the first request read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::hkdf;
use aws_lc_rs::hmac;
use konfido_circle::{Clock, CountryCode, SystemClock};
use konfido_keys::software::{KeyKind, SoftwareSealer, SystemRng, generate_pkcs8};
use konfido_keys::{KeyError, Rng, SignatureAlgorithm};
use konfido_vault_sys::{ConfineError, Confinement, Measure, Measures};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::attest::Assurance;
use crate::backend::Backend;
use crate::keystore::{Keys, algorithm_number};
use crate::protocol::{KeyName, Refusal};
use crate::server::{Admission, serve};
use crate::service::{Fixed, Journal, Service};
use crate::session::{Limits, Sessions};
use crate::store::{Freshness, KeyUse, Store, StoreError, StoredKey};

const STORE_PURPOSE: &[u8] = b"konfido-vault-store";
const CALLER_PURPOSE: &[u8] = b"konfido-vault-callers";
const PSEUDONYM_PURPOSE: &[u8] = b"konfido-vault-pseudonym";

/// What a vault is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Folder of the sealed store and the vault's own journal.
    pub folder: PathBuf,
    /// The socket to listen on.
    pub socket: PathBuf,
    /// The country whose assertions are issued.
    pub country: CountryCode,
    /// User ids that may use the socket; the vault's own is always one.
    pub users: Vec<u32>,
    /// Become this user and group; needs root.
    pub become_user: Option<(u32, u32)>,
    /// Whether development logins are taken.
    pub development: bool,
    /// Fail unless hardware stands behind the vault.
    pub hardware_required: bool,
    /// Measures without which the vault does not start.
    pub demanded: Vec<Measure>,
    /// Operations a second and connection.
    pub per_second: u32,
}

/// Why a vault did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The policy demands hardware, and this backend is none.
    #[error(
        "the policy demands hardware, but backend `{0}` is software\nset `hardware = \"optional\"`, or use a machine with SGX, TDX, SEV-SNP, a TPM or an HSM"
    )]
    NoHardware(&'static str),
    /// The root secret or a key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system.
    #[error(transparent)]
    Confine(#[from] ConfineError),
    /// A file or the socket.
    #[error("`{path}`: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Puts a key into the store of a folder; the vault must not be running.
///
/// # Errors
/// [`RunError`].
pub fn add_key(
    folder: &Path,
    backend: &dyn Backend,
    freshness: &dyn Freshness,
    key: StoredKey,
) -> Result<u64, RunError> {
    let sealer = SoftwareSealer::from_root(backend, STORE_PURPOSE, Arc::new(SystemRng))?;
    let _only = lock(folder)?;
    let (mut store, mut keys) = Store::open(folder, &sealer, freshness)?;
    keys.retain(|known| known.name != key.name);
    keys.push(key);
    Keys::load(&keys)?;
    store.replace(&keys, &sealer, freshness)?;
    Ok(store.epoch())
}

/// Makes a fresh statement key.
///
/// # Errors
/// [`KeyError`] without randomness.
pub fn new_statement_key(name: KeyName, prefix: &[u8], kind: KeyKind) -> Result<StoredKey, KeyError> {
    let algorithm = match kind {
        KeyKind::Rsa3072 => SignatureAlgorithm::RsaPkcs1Sha256,
        KeyKind::EcdsaP384 => SignatureAlgorithm::EcdsaP384Sha384,
        KeyKind::Ed25519 => SignatureAlgorithm::Ed25519,
        _ => SignatureAlgorithm::EcdsaP256Sha256,
    };
    let number = algorithm_number(algorithm).unwrap_or_default();
    let pkcs8 = generate_pkcs8(kind)?.expose_secret().to_vec();
    Ok(StoredKey {
        name,
        usage: KeyUse::Statement(prefix.to_vec()),
        algorithm: number,
        pkcs8,
        certificate: None,
    })
}

/// Runs a vault until its socket fails; `ready` is called once it serves confined.
///
/// # Errors
/// [`RunError`]; nothing is served before every demanded measure is in force.
pub fn run(
    settings: &Settings,
    backend: &dyn Backend,
    freshness: &dyn Freshness,
    ready: impl FnOnce(&Measures),
) -> Result<(), RunError> {
    if settings.hardware_required && backend.assurance() < Assurance::TpmSealed {
        return Err(RunError::NoHardware(backend.name()));
    }
    let rng: Arc<dyn Rng> = Arc::new(SystemRng);
    let _only = lock(&settings.folder)?;
    let store_sealer = SoftwareSealer::from_root(backend, STORE_PURPOSE, Arc::clone(&rng))?;
    let (store, stored) = Store::open(&settings.folder, &store_sealer, freshness)?;
    let keys = Keys::load(&stored)?;
    drop(stored);
    let callers = SoftwareSealer::from_root(backend, CALLER_PURPOSE, Arc::clone(&rng))?;
    let pseudonym = pseudonym_key(backend)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let journal = FileJournal::open(&settings.folder.join("journal.jsonl"), Arc::clone(&clock))?;
    let listener = bind(&settings.socket)?;

    let measures = Confinement {
        read_write: vec![settings.folder.clone()],
        read: Vec::new(),
        user: settings.become_user,
        demanded: settings.demanded.clone(),
    }
    .apply()?;

    let fixed = Fixed {
        country: settings.country,
        development: settings.development,
        backend: backend.name().to_owned(),
        assurance: level(backend.assurance(), &measures),
        measures: measures.held.iter().map(Measure::to_string).collect(),
        missing: measures.missing.iter().map(|(measure, why)| format!("{measure}: {why}")).collect(),
        rollback: freshness.describe().to_owned(),
        store_epoch: store.epoch(),
        sealer: Arc::new(callers),
        pseudonym,
        clock,
        rng,
        journal: Arc::new(journal),
    };
    ready(&measures);
    let service = Arc::new(Service::new(fixed, keys, Sessions::new(Limits::default())));
    let mut users = settings.users.clone();
    users.push(rustix::process::getuid().as_raw());
    let admission = Admission { users, per_second: settings.per_second, connections: 256 };
    serve(&listener, &service, &admission)
        .map_err(|source| RunError::File { path: settings.socket.clone(), source })
}

/// A vault that others of the same machine can look into is worth no more than keys in the process itself.
fn level(backend: Assurance, measures: &Measures) -> Assurance {
    let isolated = [Measure::NoDump, Measure::OnlyNamedFiles, Measure::OnlyNeededCalls]
        .iter()
        .all(|measure| measures.held.contains(measure));
    if isolated { backend } else { Assurance::InProcess }
}

fn pseudonym_key(backend: &dyn Backend) -> Result<hmac::Key, KeyError> {
    let root = backend.root()?;
    let failed = |_| KeyError::Unavailable("key derivation failed".to_owned());
    let mut key = zeroize::Zeroizing::new([0; 32]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, PSEUDONYM_PURPOSE)
        .extract(root.expose_secret())
        .expand(&[b"hmac-sha256"], hkdf::HKDF_SHA256)
        .map_err(failed)?
        .fill(key.as_mut())
        .map_err(failed)?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()))
}

/// One vault a folder: the lock lives as long as the process.
fn lock(folder: &Path) -> Result<File, RunError> {
    let path = folder.join("lock");
    let fail = |source| RunError::File { path: path.clone(), source };
    fs::create_dir_all(folder).map_err(fail)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(fail)?;
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(fail)?;
    file.try_lock().map_err(|error| fail(io::Error::other(format!("in use by another vault ({error})"))))?;
    Ok(file)
}

fn bind(path: &Path) -> Result<UnixListener, RunError> {
    let fail = |source| RunError::File { path: path.to_owned(), source };
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(fail)?;
    // Who may use it is judged by the kernel's word on each connection, not by the mode.
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).map_err(fail)?;
    Ok(listener)
}

/// The vault's own audit stream as JSON lines.
struct FileJournal {
    file: Mutex<File>,
    clock: Arc<dyn Clock>,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    operation: &'a str,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    caller: u32,
}

impl FileJournal {
    fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, RunError> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(|source| RunError::File { path: path.to_owned(), source })?;
        Ok(Self { file: Mutex::new(file), clock })
    }
}

impl Journal for FileJournal {
    fn line(&self, operation: &'static str, refusal: Option<Refusal>, caller: u32) {
        let line = Line {
            time: self.clock.now().to_string(),
            operation,
            outcome: if refusal.is_some() { "refused" } else { "done" },
            reason: refusal.map(|refusal| refusal.to_string()),
            caller,
        };
        if let Ok(mut text) = serde_json::to_vec(&line) {
            text.push(b'\n');
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            // A full disk must not stop signatures; the operator sees the gap in the journal's times.
            let _gap = file.write_all(&text);
        }
    }
}
