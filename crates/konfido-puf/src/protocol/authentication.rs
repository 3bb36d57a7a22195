//! Challenge-response authentication through a controlled interface.
//!
//! * Enrolment: the token enrols fresh challenge sets; the verifier keeps helper data and `K_i = HKDF(W_i)`.
//! * On a request: the verifier takes an unused record, marks it used, sends its helper data and a nonce.
//! * The prover regenerates `K_i`. Only genuine helper data passes its tag, so the asker cannot choose what the token
//!   is lit with (controlled PUF); a refused helper is answered by nothing but the opaque error, under the attempt
//!   limit.
//! * The proof is `HMAC(K_i, label || id || nonce || transcript)`. No frame, bit or soft value crosses the line, and
//!   each record serves once.

use aws_lc_rs::hmac;
use konfido_keys::Rng;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox};
use zeroize::{Zeroize, Zeroizing};

use crate::device::SpeckleDevice;
use crate::error::{PufError, Result};
use crate::extractor::{self, EnrolOptions};
use crate::hash::Projection;
use crate::helper::HelperData;
use crate::store::Store;

/// The context authentication records are enrolled for.
const CONTEXT: &[u8] = b"konfido token authentication";
const LABEL_MAC: &str = "konfido/puf/v1/mac";
const LABEL_PROOF: &[u8] = b"konfido/puf/v1/proof";

/// One record of the verifier. Its key is a secret of the verifier.
pub struct Record {
    id: u32,
    helper: HelperData,
    key: SecretBox<[u8; 32]>,
}

/// What the verifier sends.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which record.
    pub id: u32,
    /// Fresh for each request.
    pub nonce: [u8; 32],
    /// The record's helper data, encoded.
    pub helper: Vec<u8>,
}

/// What the prover answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof(pub [u8; 32]);

/// Enrols `count` records on the token.
pub fn enrol(
    store: &Store,
    device: &mut dyn SpeckleDevice,
    projection: &dyn Projection,
    rng: &dyn Rng,
    count: u32,
) -> Result<Vec<Record>> {
    let options = EnrolOptions { context: CONTEXT, ..EnrolOptions::default() };
    (0..count)
        .map(|id| {
            let enrolled = store.enrol_set(device, projection, rng, &options)?;
            Ok(Record { id, helper: enrolled.helper, key: enrolled.key.derive(LABEL_MAC)? })
        })
        .collect()
}

/// Answers a request with the token, under the store's attempt limit.
pub fn prove(
    store: &Store,
    device: &mut dyn SpeckleDevice,
    projection: &dyn Projection,
    request: &Request,
    transcript: &[u8],
    now: i64,
) -> Result<Proof> {
    // A helper that does not even parse is answered like one whose tag is wrong.
    let again = store.guarded(now, || {
        let helper = HelperData::from_bytes(&request.helper).map_err(|_| PufError::NotRegenerated)?;
        extractor::regenerate(device, projection, &helper, CONTEXT).map_err(|error| match error {
            PufError::Malformed { .. } => PufError::NotRegenerated,
            other => other,
        })
    })?;
    let tag = mac(&again.key.derive(LABEL_MAC)?, request, transcript);
    let mut proof = [0; 32];
    for (to, from) in proof.iter_mut().zip(tag.sign().as_ref()) {
        *to = *from;
    }
    Ok(Proof(proof))
}

/// The verifier's side: unused records.
#[derive(Default)]
pub struct Verifier {
    unused: Vec<Record>,
    open: Vec<(Request, SecretBox<[u8; 32]>)>,
}

impl Verifier {
    /// A verifier with fresh records.
    #[must_use]
    pub const fn new(records: Vec<Record>) -> Self {
        Self { unused: records, open: Vec::new() }
    }

    /// Records left.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.unused.len()
    }

    /// Opens a request; the record it uses is spent whatever comes of it.
    pub fn request(&mut self, rng: &dyn Rng) -> Result<Request> {
        let record =
            self.unused.pop().ok_or_else(|| PufError::Device("no unused record: enrol more".into()))?;
        let mut nonce = [0; 32];
        rng.fill(&mut nonce).map_err(|_| PufError::Crypto("no randomness"))?;
        let request = Request { id: record.id, nonce, helper: record.helper.to_bytes() };
        self.open.push((request.clone(), record.key));
        Ok(request)
    }

    /// Judges a proof; a request is judged once.
    pub fn judge(&mut self, id: u32, transcript: &[u8], proof: &Proof) -> bool {
        let Some(at) = self.open.iter().position(|(request, _)| request.id == id) else { return false };
        let (request, key) = self.open.swap_remove(at);
        let expected = mac(&key, &request, transcript).sign();
        aws_lc_rs::constant_time::verify_slices_are_equal(expected.as_ref(), &proof.0).is_ok()
    }
}

fn mac(key: &SecretBox<[u8; 32]>, request: &Request, transcript: &[u8]) -> hmac::Context {
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.expose_secret()));
    mac.update(LABEL_PROOF);
    mac.update(&request.id.to_le_bytes());
    mac.update(&request.nonce);
    mac.update(transcript);
    mac
}

/// A verifier's record as stored. The file is the verifier's secret.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredRecord {
    id: u32,
    helper: String,
    key: String,
}

impl Drop for StoredRecord {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl Verifier {
    /// The unused records as a file of the verifier. Contains its keys: for its owner's eyes only.
    pub fn to_secret_file(&self) -> Result<Zeroizing<Vec<u8>>> {
        let stored: Vec<StoredRecord> = self
            .unused
            .iter()
            .map(|record| StoredRecord {
                id: record.id,
                helper: hex::encode(record.helper.to_bytes()),
                key: hex::encode(record.key.expose_secret()),
            })
            .collect();
        serde_json::to_vec(&stored)
            .map(Zeroizing::new)
            .map_err(|error| PufError::malformed("verifier's records", error.to_string()))
    }

    /// Reads such a file.
    pub fn from_secret_file(bytes: &[u8]) -> Result<Self> {
        let fault = |reason: String| PufError::malformed("verifier's records", reason);
        let stored: Vec<StoredRecord> =
            serde_json::from_slice(bytes).map_err(|error| fault(error.to_string()))?;
        let records = stored
            .into_iter()
            .map(|record| {
                let helper = hex::decode(&record.helper).map_err(|error| fault(error.to_string()))?;
                let mut key = SecretBox::new(Box::new([0; 32]));
                hex::decode_to_slice(&record.key, key.expose_secret_mut())
                    .map_err(|error| fault(error.to_string()))?;
                Ok(Record { id: record.id, helper: HelperData::from_bytes(&helper)?, key })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self::new(records))
    }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Record({}, [secret])", self.id)
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Verifier({} unused)", self.unused.len())
    }
}
