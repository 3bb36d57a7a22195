//! The floor: what one retrieve can't do without, done bare.

use std::fmt;
use std::fs::File;
use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use konfido_gateway::ncp_b::Facts;
use konfido_gateway::observer::Fingerprint;
use konfido_keys::software::{SoftwareSealer, SoftwareSigner, SystemRng};
use konfido_keys::{Rng, Sealer, SignatureAlgorithm, Signer};
use konfido_xml::{Document, Limits, c14n};
use secrecy::{ExposeSecretMut, SecretBox};

use super::stage::{Marks, Stage};

/// Plaintext of one TLS record at most (RFC 8446 section 5.1).
const RECORD: usize = 16 * 1024;
/// XML signatures under the assertions.
const XML_VERIFIED: u32 = 2;
/// Certificates judged: each side's peer, and the signer of each assertion.
const CERTIFICATES: u32 = 4;
/// Signatures that judging one certificate verifies: its own and its issuer's revocation list's.
const EACH: u32 = 2;

/// What one exchange did.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    signatures: u64,
    syncs: u64,
    audit_bytes: u64,
    /// Bytes of the request and of the answer.
    travelled: [usize; 2],
}

impl Counts {
    pub(super) fn between(before: &Marks, after: &Marks, facts: &Facts) -> Self {
        Self {
            signatures: after.signatures.saturating_sub(before.signatures),
            syncs: after.syncs.saturating_sub(before.syncs),
            audit_bytes: after.audit_bytes.saturating_sub(before.audit_bytes),
            travelled: [facts.sent, facts.received],
        }
    }

    fn records(&self) -> usize {
        self.travelled.iter().map(|bytes| bytes.div_ceil(RECORD)).sum()
    }

    fn audit_record(&self) -> usize {
        usize::try_from(self.audit_bytes.checked_div(self.syncs).unwrap_or(0)).unwrap_or(0)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} RSA-3072 signatures made, {XML_VERIFIED} verified, {} ECDSA P-256 verified, {} TLS records sealed and \
             opened, {} syncs of {} bytes, 2 digests, 1 parse and C14N",
            self.signatures,
            CERTIFICATES * EACH,
            self.records(),
            self.syncs,
            self.audit_record(),
        )
    }
}

/// The operations, ready to be done.
pub(super) struct Floor {
    counts: Counts,
    rsa: SoftwareSigner,
    rsa_signature: Vec<u8>,
    ecdsa: SoftwareSigner,
    ecdsa_signature: Vec<u8>,
    sealer: SoftwareSealer,
    file: File,
    document: Vec<u8>,
    message: Vec<u8>,
    parts: [Duration; 5],
}

const NAMES: [&str; 5] =
    ["floor_signed_ms", "floor_verified_ms", "floor_records_ms", "floor_durable_ms", "floor_xml_ms"];

impl Floor {
    pub(super) fn new(stage: &Stage, counts: Counts) -> anyhow::Result<Self> {
        let rng: Arc<dyn Rng> = Arc::new(SystemRng);
        let mut key = SecretBox::new(Box::new([0; 32]));
        rng.fill(key.expose_secret_mut())?;
        let rsa = stage.pki().signing_rsa().signer(SignatureAlgorithm::RsaPkcs1Sha256)?;
        let ecdsa = stage.pki().signing().signer(SignatureAlgorithm::EcdsaP256Sha256)?;
        let place = stage.directory().join("floor");
        let message = vec![b'x'; 1024];
        Ok(Self {
            rsa_signature: rsa.sign(&message)?,
            ecdsa_signature: ecdsa.sign(&message)?,
            rsa,
            ecdsa,
            sealer: SoftwareSealer::new(&key, rng)?,
            file: File::create(&place).with_context(|| format!("could not make `{}`", place.display()))?,
            document: stage.document().to_vec(),
            message,
            counts,
            parts: [Duration::ZERO; 5],
        })
    }

    /// Everything once.
    pub(super) fn round(&mut self) -> anyhow::Result<()> {
        let steps: [fn(&mut Self) -> anyhow::Result<()>; 5] =
            [Self::sign, Self::verify, Self::records, Self::keep, Self::read];
        for (place, step) in steps.into_iter().enumerate() {
            let begun = Instant::now();
            step(self)?;
            if let Some(part) = self.parts.get_mut(place) {
                *part += begun.elapsed();
            }
        }
        Ok(())
    }

    /// What each part took over all rounds.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        NAMES.into_iter().zip(self.parts)
    }

    fn sign(&mut self) -> anyhow::Result<()> {
        for _ in 0..self.counts.signatures {
            black_box(self.rsa.sign(&self.message)?);
        }
        Ok(())
    }

    fn verify(&mut self) -> anyhow::Result<()> {
        for _ in 0..XML_VERIFIED {
            let key = self.rsa.public_key_der();
            konfido_keys::verify(self.rsa.algorithm(), key, &self.message, &self.rsa_signature)?;
        }
        for _ in 0..CERTIFICATES * EACH {
            let key = self.ecdsa.public_key_der();
            konfido_keys::verify(self.ecdsa.algorithm(), key, &self.message, &self.ecdsa_signature)?;
        }
        Ok(())
    }

    /// AES-256-GCM over each record, once at either end; and the document's digest, once at either end.
    fn records(&mut self) -> anyhow::Result<()> {
        for bytes in self.counts.travelled {
            let mut left = bytes;
            while left > 0 {
                let now = left.min(RECORD);
                let record = self.document.get(..now).unwrap_or(&self.document);
                black_box(self.sealer.open(b"", &self.sealer.seal(b"", record)?)?);
                left -= now;
            }
        }
        for _ in 0..2 {
            black_box(Fingerprint::of(&self.document));
        }
        Ok(())
    }

    fn keep(&mut self) -> anyhow::Result<()> {
        let record = vec![b'x'; self.counts.audit_record()];
        for _ in 0..self.counts.syncs {
            let sealed = self.sealer.seal(b"", &record)?;
            self.file.write_all(&sealed).and_then(|()| self.file.sync_data()).context("could not sync")?;
        }
        Ok(())
    }

    fn read(&mut self) -> anyhow::Result<()> {
        let document = Document::parse(&self.document, &Limits::DOCUMENT)?;
        black_box(c14n::document(&document, c14n::Method::Exclusive)?);
        Ok(())
    }
}
