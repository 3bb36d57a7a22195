//! The signatures of a circle file: a detached JWS in JSON serialisation with unencoded payload.
//!
//! RFC 7515 section 7.2.1 (general JSON serialisation), RFC 7797 (`b64: false`, payload detached), RFC 7518 section 3.4
//! (ES256). The file beside `circle.toml` is `circle.toml.jws`:
//!
//! ```json
//! { "signatures": [ { "protected": "eyJhbGci…", "signature": "MEUC…" } ] }
//! ```
//!
//! Each protected header is exactly `{"alg":"ES256","b64":false,"crit":["b64"],"kid":…,"typ":"konfido-circle"}`, with
//! `kid` the base64url SHA-256 of the key's `SubjectPublicKeyInfo`. The algorithm is fixed by this text, never chosen by
//! the header; any other header is refused. What is signed: `BASE64URL(protected) || "." || file`.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use konfido_keys::{KeyError, SignatureAlgorithm, Signer, verify};
use serde::{Deserialize, Serialize};

const ALGORITHM: SignatureAlgorithm = SignatureAlgorithm::EcdsaP256Sha256;
const TYPE: &str = "konfido-circle";
/// Largest signature file that is read, in bytes.
pub const MAX_FILE: usize = 128 * 1024;
/// Most signatures of one file. A member that changes its key signs with both.
const MAX_SIGNATURES: usize = 2 * super::MAX_MEMBERS;

/// The id of a key in signatures: base64url SHA-256 of its `SubjectPublicKeyInfo`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// The id of a public key.
    #[must_use]
    pub fn of(spki_der: &[u8]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(digest(&SHA256, spki_der)))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a signature file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signature file: {0}")]
pub struct SignatureFileError(String);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    b64: bool,
    crit: Vec<String>,
    kid: KeyId,
    typ: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    protected: String,
    signature: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    signatures: Vec<Entry>,
}

/// Signatures over one circle file, read but not yet verified.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignatureSet {
    signatures: Vec<(KeyId, Entry, Vec<u8>)>,
}

impl SignatureSet {
    /// Reads a signature file. Every header must be the one of the module's head, and no key signs twice.
    pub fn read(bytes: &[u8]) -> Result<Self, SignatureFileError> {
        let bad = |why: &str| SignatureFileError(why.to_owned());
        if bytes.len() > MAX_FILE {
            return Err(bad("too large"));
        }
        let file: File = serde_json::from_slice(bytes).map_err(|e| bad(&e.to_string()))?;
        if file.signatures.len() > MAX_SIGNATURES {
            return Err(bad("too many signatures"));
        }
        let mut signatures: Vec<(KeyId, Entry, Vec<u8>)> = Vec::new();
        for entry in file.signatures {
            let header =
                URL_SAFE_NO_PAD.decode(&entry.protected).map_err(|_| bad("`protected` is not base64url"))?;
            let header: Header =
                serde_json::from_slice(&header).map_err(|e| bad(&format!("protected header: {e}")))?;
            let as_stated =
                header.alg == "ES256" && !header.b64 && header.crit == ["b64"] && header.typ == TYPE;
            if !as_stated {
                return Err(bad("protected header is not the one of a circle file"));
            }
            let value =
                URL_SAFE_NO_PAD.decode(&entry.signature).map_err(|_| bad("`signature` is not base64url"))?;
            if signatures.iter().any(|(kid, _, _)| *kid == header.kid) {
                return Err(bad("a key signs twice"));
            }
            signatures.push((header.kid, entry, value));
        }
        Ok(Self { signatures })
    }

    /// Signs `file` and puts the signature in place of an older one by the same key.
    pub fn sign(&mut self, file: &[u8], signer: &dyn Signer) -> Result<KeyId, KeyError> {
        if signer.algorithm() != ALGORITHM {
            return Err(KeyError::WrongKeyKind(ALGORITHM));
        }
        let kid = KeyId::of(signer.public_key_der());
        let header = Header {
            alg: "ES256".into(),
            b64: false,
            crit: vec!["b64".into()],
            kid: kid.clone(),
            typ: TYPE.into(),
        };
        let header = serde_json::to_vec(&header).map_err(|e| KeyError::Unavailable(e.to_string()))?;
        let protected = URL_SAFE_NO_PAD.encode(header);
        let value = signer.sign(&signing_input(&protected, file))?;
        let entry = Entry { protected, signature: URL_SAFE_NO_PAD.encode(&value) };
        self.signatures.retain(|(known, _, _)| *known != kid);
        self.signatures.push((kid.clone(), entry, value));
        Ok(kid)
    }

    /// The keys of whose signatures over `file` each verifies, out of the keys given.
    pub fn valid<'k>(&self, file: &[u8], keys: impl IntoIterator<Item = &'k [u8]>) -> BTreeSet<KeyId> {
        let mut valid = BTreeSet::new();
        for key in keys {
            let kid = KeyId::of(key);
            let found = self.signatures.iter().find(|(known, _, _)| *known == kid);
            if let Some((_, entry, value)) = found
                && verify(ALGORITHM, key, &signing_input(&entry.protected, file), value).is_ok()
            {
                valid.insert(kid);
            }
        }
        valid
    }

    /// Keeps only the signatures by these keys: drops those over an older edition.
    pub fn retain(&mut self, keys: &BTreeSet<KeyId>) {
        self.signatures.retain(|(kid, _, _)| keys.contains(kid));
    }

    /// The keys that claim to have signed.
    pub fn claimed(&self) -> impl Iterator<Item = &KeyId> {
        self.signatures.iter().map(|(kid, _, _)| kid)
    }

    /// The signature file.
    pub fn to_json(&self) -> Result<String, SignatureFileError> {
        let file = File { signatures: self.signatures.iter().map(|(_, entry, _)| entry.clone()).collect() };
        let mut text = serde_json::to_string_pretty(&file).map_err(|e| SignatureFileError(e.to_string()))?;
        text.push('\n');
        Ok(text)
    }
}

fn signing_input(protected: &str, file: &[u8]) -> Vec<u8> {
    [protected.as_bytes(), b".", file].concat()
}
