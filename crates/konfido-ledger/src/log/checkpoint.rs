//! Signed heads of the log: C2SP tlog-checkpoint with a tlog-cosignature (`cosignature/v1`, ed25519) of each member
//! state. No single key speaks for the log: a head counts when a quorum of its members has cosigned it.
//!
//! A cosignature states that its signer has applied, in final blocks, every leaf below `size`, and that this head
//! extends all heads it cosigned before. Signers keep that promise by writing the head down before they sign it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use konfido_keys::Signer;
use signed_note::{Note, Signature};

use crate::keys::PartyKey;
use crate::{Digest, LedgerError};

const COSIGNATURE_V1: u8 = 4;

/// A head of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// Number of leaves.
    pub size: u64,
    /// Merkle tree hash.
    pub root: Digest,
}

impl Checkpoint {
    /// The three lines that are signed.
    #[must_use]
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64_STANDARD.encode(self.root.0))
    }

    fn from_body(text: &[u8]) -> Result<Self, LedgerError> {
        let read =
            tlog_tiles::Checkpoint::from_bytes(text).map_err(|e| LedgerError::malformed("checkpoint", e))?;
        Ok(Self { origin: read.origin().to_owned(), size: read.size(), root: Digest(read.hash().0) })
    }
}

/// The line a member state puts under a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// Name of the cosigner's key.
    pub name: String,
    /// Seconds since 1970 on the cosigner's clock.
    pub time_s: u64,
    /// The ed25519 signature.
    pub signature: [u8; 64],
}

/// The name of a country's cosigner key in a log.
#[must_use]
pub fn cosigner_name(origin: &str, country: konfido_circle::CountryCode) -> String {
    format!("{origin}/{country}")
}

fn message(body: &str, time_s: u64) -> Vec<u8> {
    format!("cosignature/v1\ntime {time_s}\n{body}").into_bytes()
}

fn key_id(name: &str, key: &[u8; 32]) -> u32 {
    let digest = Digest::of(&[name.as_bytes(), b"\n", &[COSIGNATURE_V1], key]);
    digest.0.iter().take(4).fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
}

impl Cosignature {
    /// Cosigns a head.
    ///
    /// # Errors
    /// If the key is not ed25519 or its owner refuses.
    pub fn sign(
        head: &Checkpoint,
        name: &str,
        signer: &dyn Signer,
        time_s: u64,
    ) -> Result<Self, LedgerError> {
        let signature = signer.sign(&message(&head.body(), time_s))?;
        let signature = signature
            .try_into()
            .map_err(|_| LedgerError::malformed("cosignature", "a cosigner's key must be ed25519"))?;
        Ok(Self { name: name.to_owned(), time_s, signature })
    }

    /// Checks it.
    ///
    /// # Errors
    /// If it does not hold.
    pub fn verify(&self, head: &Checkpoint, key: &PartyKey) -> Result<(), LedgerError> {
        key.verify(&message(&head.body(), self.time_s), &self.signature)
            .map_err(|_| LedgerError::Signature(self.name.clone()))
    }

    fn line(&self, key: &[u8; 32]) -> Result<Signature, LedgerError> {
        let blob = [&self.time_s.to_be_bytes(), self.signature.as_slice()].concat();
        Signature::new(self.name.clone(), key_id(&self.name, key), blob)
            .map_err(|e| LedgerError::malformed("cosignature", e))
    }
}

/// A head with the cosignatures of member states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// The head.
    pub head: Checkpoint,
    /// Who stands behind it, with the key each claims.
    pub cosignatures: Vec<(Cosignature, [u8; 32])>,
}

impl SignedCheckpoint {
    /// The signed note.
    ///
    /// # Errors
    /// If a name cannot stand in a note.
    pub fn to_note(&self) -> Result<String, LedgerError> {
        let lines = self.cosignatures.iter().map(|(c, key)| c.line(key)).collect::<Result<Vec<_>, _>>()?;
        let note =
            Note::new(self.head.body().as_bytes(), &lines).map_err(|e| LedgerError::malformed("note", e))?;
        String::from_utf8(note.to_bytes()).map_err(|e| LedgerError::malformed("note", e))
    }
}

/// A head that a quorum of known keys stands behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    /// The head.
    pub head: Checkpoint,
    /// Names of the cosigners whose signatures hold.
    pub cosigners: Vec<String>,
    /// The time by which a quorum had signed: the latest of the earliest `needed` times.
    pub time_s: u64,
}

/// Reads a signed note and counts the cosignatures that hold.
///
/// `keys` are the cosigners that count, by name. A known cosigner's line that does not hold refuses the whole note;
/// unknown lines are passed over, as tlog-checkpoint asks.
///
/// # Errors
/// If the note is none, speaks of another log, or fewer than `needed` known cosigners signed.
pub fn verify_note(
    note: &str,
    origin: &str,
    keys: &[(String, [u8; 32])],
    needed: usize,
) -> Result<VerifiedCheckpoint, LedgerError> {
    let malformed = |e: &dyn std::fmt::Display| LedgerError::malformed("signed note", e);
    Note::from_bytes(note.as_bytes()).map_err(|e| malformed(&e))?;
    let (text, lines) = note.rsplit_once("\n\n").ok_or_else(|| malformed(&"no signatures"))?;
    let text = format!("{text}\n");
    let head = Checkpoint::from_body(text.as_bytes())?;
    if head.origin != origin || head.body() != text {
        return Err(malformed(&format!("origin is `{}`, expected `{origin}` and three lines", head.origin)));
    }
    let mut signed: Vec<(String, u64)> = Vec::new();
    for line in lines.lines() {
        let line = Signature::from_bytes(line.as_bytes()).map_err(|e| malformed(&e))?;
        let known = keys.iter().find(|(name, key)| name == line.name() && key_id(name, key) == line.id());
        let Some((name, key)) = known else { continue };
        let (time, signature) =
            line.signature().split_first_chunk::<8>().ok_or_else(|| malformed(&"short cosignature"))?;
        let cosignature = Cosignature {
            name: name.clone(),
            time_s: u64::from_be_bytes(*time),
            signature: signature.try_into().map_err(|_| malformed(&"cosignature of a wrong length"))?,
        };
        cosignature.verify(&head, &PartyKey::ed25519(key)?)?;
        if !signed.iter().any(|(seen, _)| seen == name) {
            signed.push((name.clone(), cosignature.time_s));
        }
    }
    if signed.len() < needed {
        return Err(LedgerError::Quorum { found: signed.len(), needed });
    }
    let mut times: Vec<u64> = signed.iter().map(|(_, time)| *time).collect();
    times.sort_unstable();
    let time_s = times.get(needed.saturating_sub(1)).copied().unwrap_or(0);
    Ok(VerifiedCheckpoint { head, cosigners: signed.into_iter().map(|(name, _)| name).collect(), time_s })
}
