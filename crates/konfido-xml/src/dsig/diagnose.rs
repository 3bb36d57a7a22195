//! What is wrong with a signature, all of it, for reports (`konfido xml verify`) and for old material.
//!
//! Believes the key that the signature itself brings along and computes SHA-1 where it says SHA-1: a
//! diagnosis is no verification, and nothing in it lets anything pass.

use aws_lc_rs::signature::{
    RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    UnparsedPublicKey,
};
use jiff::Timestamp;

use super::algorithm::{DigestMethod, signature_from_uri};
use super::structure::signature_of;
use super::verify::{digest_of, is_id_name, signed_bytes};
use super::{KeyInfo, SignatureError};
use crate::{Document, Element, der};

const RSA_SHA1: &str = "http://www.w3.org/2000/09/xmldsig#rsa-sha1";
const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/// The outcome of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// It matches.
    Good,
    /// It does not match.
    Wrong,
    /// It cannot be told (unknown algorithm, no key).
    Unknown,
}

/// All findings about one signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// Identifier of the signature algorithm.
    pub signature_method: String,
    /// Identifier of the digest algorithm.
    pub digest_method: String,
    /// Algorithms and keys that are not accepted today.
    pub weak: Vec<String>,
    /// Whether the digest is that of the element.
    pub digest: Check,
    /// Whether the value was made with the key in KeyInfo.
    pub value: Check,
    /// Whether the Reference is to the element that the Signature stands in.
    pub covers_parent: bool,
    /// Length of the RSA key in KeyInfo.
    pub rsa_bits: Option<usize>,
    /// The certificate in KeyInfo, DER.
    pub certificate: Option<Vec<u8>>,
    /// From when on that certificate is valid.
    pub not_before: Option<Timestamp>,
    /// Until when that certificate is valid.
    pub not_after: Option<Timestamp>,
}

impl Diagnosis {
    /// The one word for it at `now`: the gravest finding first, `good` when there is none.
    #[must_use]
    pub fn verdict(&self, now: Timestamp) -> &'static str {
        if !self.covers_parent {
            SignatureError::Wrapped("").name()
        } else if self.digest == Check::Wrong {
            SignatureError::WrongDigest.name()
        } else if self.value == Check::Wrong {
            SignatureError::WrongValue.name()
        } else if !self.weak.is_empty() || self.digest == Check::Unknown || self.value == Check::Unknown {
            SignatureError::WeakAlgorithm(String::new()).name()
        } else if self.not_after.is_some_and(|t| t < now) {
            SignatureError::Expired.name()
        } else if self.not_before.is_some_and(|t| t > now) {
            SignatureError::NotYetValid.name()
        } else {
            "good"
        }
    }
}

/// Looks at the signature enveloped in `element`.
///
/// # Errors
/// When there is none, or its shape is not accepted.
pub fn diagnose(document: &Document, element: Element<'_>) -> Result<Diagnosis, SignatureError> {
    let signature = signature_of(&element)?;
    let key_info = KeyInfo::parse(signature.key_info.as_ref())?;
    let spki = key_info.claimed_spki();
    let rsa_bits = spki.as_deref().and_then(der::rsa_bits);

    let uri = signature.reference.uri;
    let whole = uri.is_empty();
    let is_target = |e: &Element<'_>| {
        e.attributes().any(|(_, local, value)| is_id_name(local) && Some(value) == uri.strip_prefix('#'))
    };
    let covers_parent = if whole { element == document.root() } else { is_target(&element) };

    let mut weak = Vec::new();
    let algorithm = signature_from_uri(signature.signature_method);
    if algorithm.is_none() {
        weak.push(signature.signature_method.chars().take(120).collect());
    }
    let digest_method = DigestMethod::from_uri(signature.reference.digest_method);
    if matches!(digest_method, None | Some(DigestMethod::Sha1)) {
        weak.push(signature.reference.digest_method.chars().take(120).collect());
    }
    if let Some(bits) = rsa_bits.filter(|b| *b < 2048) {
        weak.push(format!("RSA-{bits}"));
    }

    let digest = match digest_method {
        Some(method) if covers_parent => {
            good_when(digest_of(&element, whole, &signature, method)? == signature.reference.digest)
        }
        _ => Check::Unknown,
    };
    let signed = signed_bytes(&signature)?;
    let value = match (&spki, algorithm) {
        (Some(spki), _) if signature.signature_method == RSA_SHA1 => {
            let key = UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, spki);
            good_when(key.verify(&signed, &signature.value).is_ok())
        }
        (Some(spki), _) if signature.signature_method == RSA_SHA256 => {
            let key = UnparsedPublicKey::new(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, spki);
            good_when(key.verify(&signed, &signature.value).is_ok())
        }
        (Some(spki), Some(algorithm)) => {
            good_when(konfido_keys::verify(algorithm, spki, &signed, &signature.value).is_ok())
        }
        _ => Check::Unknown,
    };
    let certificate = key_info.certificates.into_iter().next();
    let facts = certificate.as_deref().and_then(der::certificate);
    Ok(Diagnosis {
        signature_method: signature.signature_method.to_owned(),
        digest_method: signature.reference.digest_method.to_owned(),
        weak,
        digest,
        value,
        covers_parent,
        rsa_bits,
        not_before: facts.and_then(|f| f.not_before),
        not_after: facts.and_then(|f| f.not_after),
        certificate,
    })
}

const fn good_when(matches: bool) -> Check {
    if matches { Check::Good } else { Check::Wrong }
}
