//! The token as key-encryption key of a node's root secret, and the escrow that survives the token.
//!
//! The root secret is random, not derived: a broken token is replaced by recovering the secret from k of n shares
//! and sealing it under the new token, without touching what the secret protects. At rest lies only the sealed
//! secret; shares leave the node once, to their keepers.

use std::sync::{Arc, Mutex};

use konfido_keys::software::SoftwareSealer;
use konfido_keys::{KeyError, RootSource, Sealer};
use rand_core::SeedableRng;
use secrecy::{ExposeSecret, SecretBox};
use subtle::ConstantTimeEq;
use vsss_rs::Gf256;
use zeroize::Zeroizing;

use crate::device::SpeckleDevice;
use crate::error::{PufError, Result};
use crate::extractor::RootKey;
use crate::hash::Projection;
use crate::store::Store;

/// The context that a root key is enrolled for.
pub const ROOT_CONTEXT: &[u8] = b"konfido node root";
const LABEL_KEK: &str = "konfido/puf/v1/kek";
const SEAL_CONTEXT: &[u8] = b"konfido/puf/v1/sealed-root";
/// File of the sealed root in a [`Store`].
pub const SEALED_ROOT_FILE: &str = "sealed-root.json";

/// A root secret wrapped by the token's key. Public.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedRoot {
    /// Format version: 1.
    pub version: u32,
    /// AES-256-GCM under the token's key-encryption key, hexadecimal.
    pub sealed: String,
    /// Shares that recover it.
    pub threshold: usize,
    /// Shares handed out.
    pub shares: usize,
}

/// One keeper's share of a root secret.
pub struct EscrowShare(SecretBox<Vec<u8>>);

impl EscrowShare {
    /// The text a keeper writes down: `konfido-share-1-<index>-<hex>-<check>`.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let bytes = self.0.expose_secret();
        let index = bytes.first().copied().unwrap_or_default();
        let body = Zeroizing::new(hex::encode(bytes.get(1..).unwrap_or_default()));
        Zeroizing::new(format!("konfido-share-1-{index}-{}-{}", body.as_str(), check(bytes)))
    }

    /// Reads that text.
    pub fn from_text(text: &str) -> Result<Self> {
        let fault = |reason: &str| PufError::malformed("escrow share", reason);
        let rest = text.trim().strip_prefix("konfido-share-1-").ok_or_else(|| fault("not a share"))?;
        let mut parts = rest.split('-');
        let (Some(index), Some(body), Some(sum), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(fault("three parts"));
        };
        let index: u8 = index.parse().ok().filter(|&i| i > 0).ok_or_else(|| fault("index of 1 to 255"))?;
        let mut bytes = Zeroizing::new(vec![index]);
        bytes.extend_from_slice(&Zeroizing::new(hex::decode(body).map_err(|_| fault("not hexadecimal"))?));
        if bytes.len() != 33 || check(&bytes) != sum {
            return Err(fault("mistyped: the check does not agree"));
        }
        Ok(Self(SecretBox::new(Box::new(std::mem::take(&mut *bytes)))))
    }
}

/// Eight digits that find a typing error; says nothing about the secret that the share does not.
fn check(share: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, share);
    hex::encode(digest.as_ref().get(..4).unwrap_or_default())
}

impl std::fmt::Debug for EscrowShare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EscrowShare([secret])")
    }
}

/// Draws a fresh root secret and seals it; returns the shares for the keepers.
pub fn create(
    key: &RootKey,
    rng: &Arc<dyn konfido_keys::Rng>,
    threshold: usize,
    shares: usize,
) -> Result<(SealedRoot, Vec<EscrowShare>)> {
    if threshold < 2 || threshold > shares || shares > 255 {
        return Err(PufError::EnrolmentRefused("escrow: 2 <= threshold <= shares <= 255".into()));
    }
    let mut secret = Zeroizing::new([0; 32]);
    rng.fill(secret.as_mut_slice()).map_err(|_| PufError::Crypto("no randomness"))?;
    let mut seed = Zeroizing::new([0; 32]);
    rng.fill(seed.as_mut_slice()).map_err(|_| PufError::Crypto("no randomness"))?;
    let polynomial = chacha20::ChaCha20Rng::from_seed(*seed);
    let parts = Gf256::split_bytes(threshold, shares, secret.as_slice(), polynomial)
        .map_err(|_| PufError::Crypto("secret sharing"))?;
    let sealed = seal(key, &SecretBox::new(Box::new(*secret)), rng, threshold, shares)?;
    Ok((sealed, parts.into_iter().map(|part| EscrowShare(SecretBox::new(Box::new(part)))).collect()))
}

/// Seals a root secret that exists: a recovered one under a new token.
pub fn seal(
    key: &RootKey,
    secret: &SecretBox<[u8; 32]>,
    rng: &Arc<dyn konfido_keys::Rng>,
    threshold: usize,
    shares: usize,
) -> Result<SealedRoot> {
    let sealed = sealer(key, rng)?
        .seal(SEAL_CONTEXT, secret.expose_secret())
        .map_err(|_| PufError::Crypto("sealing the root secret"))?;
    Ok(SealedRoot { version: 1, sealed: hex::encode(sealed), threshold, shares })
}

/// Opens a sealed root secret.
pub fn open(
    key: &RootKey,
    sealed: &SealedRoot,
    rng: &Arc<dyn konfido_keys::Rng>,
) -> Result<SecretBox<[u8; 32]>> {
    if sealed.version != 1 {
        return Err(PufError::malformed("sealed root", "unknown version"));
    }
    let bytes =
        hex::decode(&sealed.sealed).map_err(|_| PufError::malformed("sealed root", "not hexadecimal"))?;
    let opened = sealer(key, rng)?.open(SEAL_CONTEXT, &bytes).map_err(|_| PufError::NotRegenerated)?;
    secret_of(opened.expose_secret())
}

/// Recovers a root secret from at least `threshold` shares. Fewer shares, or shares of different secrets, give a
/// wrong secret: whoever recovers proves it by opening what the secret protects.
pub fn recover(shares: &[EscrowShare]) -> Result<SecretBox<[u8; 32]>> {
    let parts = Zeroizing::new(shares.iter().map(|s| s.0.expose_secret().clone()).collect::<Vec<_>>());
    let secret = Zeroizing::new(
        Gf256::combine_bytes(parts.as_slice())
            .map_err(|_| PufError::malformed("escrow shares", "too few, or of different secrets"))?,
    );
    secret_of(&secret)
}

fn sealer(key: &RootKey, rng: &Arc<dyn konfido_keys::Rng>) -> Result<SoftwareSealer> {
    SoftwareSealer::new(&key.derive(LABEL_KEK)?, Arc::clone(rng)).map_err(|_| PufError::Crypto("AES-256-GCM"))
}

fn secret_of(bytes: &[u8]) -> Result<SecretBox<[u8; 32]>> {
    let array: [u8; 32] = bytes.try_into().map_err(|_| PufError::malformed("root secret", "not 32 bytes"))?;
    Ok(SecretBox::new(Box::new(array)))
}

/// The vault's view: a root secret that exists only while the token answers.
pub struct PufRoot {
    store: Store,
    device: Mutex<Box<dyn SpeckleDevice>>,
    projection: Box<dyn Projection>,
    rng: Arc<dyn konfido_keys::Rng>,
    now: Box<dyn Fn() -> i64 + Send + Sync>,
    description: String,
}

impl PufRoot {
    /// A root source on the enrolment in `store`. `now` gives Unix time for the attempt limit. With `production`, a
    /// token that is not physical is refused.
    pub fn new(
        store: Store,
        device: Box<dyn SpeckleDevice>,
        projection: Box<dyn Projection>,
        rng: Arc<dyn konfido_keys::Rng>,
        now: Box<dyn Fn() -> i64 + Send + Sync>,
        production: bool,
    ) -> Result<Self> {
        let provenance = device.info().provenance;
        if production {
            provenance
                .require_physical("the production profile takes its root from a physical token only")?;
        }
        let description = format!("{provenance} optical token, model {}", device.info().model);
        Ok(Self { store, device: Mutex::new(device), projection, rng, now, description })
    }
}

impl RootSource for PufRoot {
    fn root(&self) -> Result<SecretBox<[u8; 32]>, KeyError> {
        let unavailable = |error: PufError| KeyError::Unavailable(error.to_string());
        let path = self.store.path(SEALED_ROOT_FILE);
        let bytes = std::fs::read(&path).map_err(|error| unavailable(PufError::file(&path, error)))?;
        let sealed: SealedRoot = serde_json::from_slice(&bytes)
            .map_err(|error| unavailable(PufError::malformed("sealed root", error.to_string())))?;
        let mut device =
            self.device.lock().map_err(|_| KeyError::Unavailable("the token reader failed before".into()))?;
        let again = self
            .store
            .regenerate(&mut **device, &*self.projection, ROOT_CONTEXT, (self.now)())
            .map_err(unavailable)?;
        open(&again.key, &sealed, &self.rng).map_err(unavailable)
    }

    fn describe(&self) -> &str {
        &self.description
    }
}

impl std::fmt::Debug for PufRoot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PufRoot({})", self.description)
    }
}

/// Whether two root secrets are the same, in constant time.
#[must_use]
pub fn same(a: &SecretBox<[u8; 32]>, b: &SecretBox<[u8; 32]>) -> bool {
    a.expose_secret().ct_eq(b.expose_secret()).into()
}
