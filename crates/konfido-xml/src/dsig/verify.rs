//! Verification: the rules of the parent module, in their order.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use konfido_keys::{KeyError, SignatureAlgorithm, VerifyingKey};

use super::algorithm::{DigestMethod, DigestSink, signature_from_uri};
use super::structure::{Signature, signature_of};
use super::{KeyInfo, KeyResolver, SignatureError};
use crate::{Document, Element, c14n, der};

/// What a caller accepts.
#[derive(Debug, Clone)]
pub struct VerifyPolicy {
    id_attribute: &'static str,
    whole_document: bool,
    inclusive_c14n: bool,
    algorithms: Vec<SignatureAlgorithm>,
    min_rsa_bits: usize,
}

impl VerifyPolicy {
    /// SAML assertions and protocol messages: the attribute `ID`, exclusive canonicalisation only.
    #[must_use]
    pub fn assertion() -> Self {
        Self {
            id_attribute: "ID",
            whole_document: false,
            inclusive_c14n: false,
            algorithms: SignatureAlgorithm::ALL.to_vec(),
            min_rsa_bits: 3072,
        }
    }

    /// Records that are documents of their own (audit messages, evidences, circle files, metadata): `URI=""`
    /// or the attribute `Id`, inclusive canonicalisation too, as OpenNCP signs them.
    #[must_use]
    pub fn record() -> Self {
        Self { id_attribute: "Id", whole_document: true, inclusive_c14n: true, ..Self::assertion() }
    }

    /// Accepts only these algorithms.
    #[must_use]
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = SignatureAlgorithm>) -> Self {
        self.algorithms = algorithms.into_iter().collect();
        self
    }

    /// The least RSA modulus; 3072 unless set, and never below 2048, whatever is set.
    #[must_use]
    pub fn min_rsa_bits(mut self, bits: usize) -> Self {
        self.min_rsa_bits = bits.max(2048);
        self
    }

    /// The name of the id attribute (without namespace).
    #[must_use]
    pub fn id_attribute(mut self, local: &'static str) -> Self {
        self.id_attribute = local;
        self
    }
}

/// An element that a trusted key signed, whole. Only [`verify_enveloped`] makes one.
#[derive(Debug, Clone)]
pub struct Verified<'d> {
    element: Element<'d>,
    algorithm: SignatureAlgorithm,
    key: super::TrustedKey,
    digest: Vec<u8>,
    value: Vec<u8>,
}

impl<'d> Verified<'d> {
    /// Exactly the covered element.
    #[must_use]
    pub fn element(&self) -> Element<'d> {
        self.element
    }

    /// The signer's certificate in DER, where the resolver gave one.
    #[must_use]
    pub fn certificate_der(&self) -> Option<&[u8]> {
        self.key.certificate.as_deref()
    }

    /// The signer's key as DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.key.spki
    }

    /// The algorithm of the signature.
    #[must_use]
    pub fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The digest of the covered element.
    #[must_use]
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// The signature value.
    #[must_use]
    pub fn signature_value(&self) -> &[u8] {
        &self.value
    }
}

/// Verifies the signature enveloped in `element` and hands out the covered element.
///
/// `document` must be the one that `element` is of.
///
/// # Errors
/// The first rule broken, in the order of the module's description.
pub fn verify_enveloped<'d>(
    document: &'d Document,
    element: Element<'d>,
    policy: &VerifyPolicy,
    keys: &dyn KeyResolver,
) -> Result<Verified<'d>, SignatureError> {
    if !std::ptr::eq(document.as_str(), element.tree().input_text()) {
        return Err(SignatureError::Wrapped("the element is of another document"));
    }
    let signature = signature_of(&element)?;
    let algorithm = signature_from_uri(signature.signature_method)
        .filter(|a| policy.algorithms.contains(a))
        .ok_or_else(|| weak(signature.signature_method))?;
    let digest_method = DigestMethod::from_uri(signature.reference.digest_method)
        .filter(|d| *d != DigestMethod::Sha1)
        .ok_or_else(|| weak(signature.reference.digest_method))?;
    for canonicalization in [&signature.canonicalization, &signature.reference.canonicalization] {
        if !policy.inclusive_c14n && !canonicalization.method.is_exclusive() {
            return Err(weak(canonicalization.method.uri()));
        }
    }
    let whole = covers(document, &element, signature.reference.uri, policy)?;

    let key_info = KeyInfo::parse(signature.key_info.as_ref())?;
    let key = keys.resolve(&key_info)?;
    if let Some(bits) = der::rsa_bits(&key.spki).filter(|bits| *bits < policy.min_rsa_bits) {
        return Err(SignatureError::WeakKey { bits, least: policy.min_rsa_bits });
    }
    let verifying = VerifyingKey::from_spki(algorithm, &key.spki).map_err(key_error)?;

    let digest = digest_of(&element, whole, &signature, digest_method)?;
    verify_slices_are_equal(&digest, &signature.reference.digest).map_err(|_| SignatureError::WrongDigest)?;
    let signed = signed_bytes(&signature)?;
    verifying.verify(&signed, &signature.value).map_err(key_error)?;
    Ok(Verified { element, algorithm, key, digest, value: signature.value })
}

fn weak(uri: &str) -> SignatureError {
    SignatureError::WeakAlgorithm(uri.chars().take(120).collect())
}

fn key_error(error: KeyError) -> SignatureError {
    match error {
        KeyError::BadSignature(_) => SignatureError::WrongValue,
        KeyError::WeakKey { bits } => SignatureError::WeakKey { bits, least: 2048 },
        _ => SignatureError::Malformed("the key does not fit the algorithm"),
    }
}

/// Rule 4: says whether the whole document is covered (`URI=""`) rather than the element by its id.
fn covers(
    document: &Document,
    element: &Element<'_>,
    uri: &str,
    policy: &VerifyPolicy,
) -> Result<bool, SignatureError> {
    if uri.is_empty() {
        return if policy.whole_document && *element == document.root() {
            Ok(true)
        } else {
            Err(SignatureError::Wrapped("the Reference is to the whole document"))
        };
    }
    let id = element.attribute(policy.id_attribute).filter(|id| !id.is_empty());
    if id.is_none() || uri.strip_prefix('#') != id {
        return Err(SignatureError::Wrapped("the Reference is to another element"));
    }
    let root = document.root();
    let bearers = std::iter::once(root)
        .chain(root.descendants())
        .flat_map(|e| e.attributes())
        .filter(|(_, local, value)| is_id_name(local) && Some(*value) == id)
        .count();
    if bearers == 1 { Ok(false) } else { Err(SignatureError::Wrapped("the id is not unique")) }
}

/// Attributes that some reader could take for an id, in whatever namespace (`wsu:Id`, `xml:id`).
pub(super) fn is_id_name(local: &str) -> bool {
    local.eq_ignore_ascii_case("id") || local == "AssertionID"
}

pub(super) fn digest_of(
    element: &Element<'_>,
    whole: bool,
    signature: &Signature<'_>,
    method: DigestMethod,
) -> Result<Vec<u8>, SignatureError> {
    let canonicalization = &signature.reference.canonicalization;
    let mut sink = DigestSink::new(method);
    c14n::reference(
        element,
        whole,
        Some(&signature.element),
        canonicalization.method,
        &canonicalization.prefixes,
        &mut sink,
    )
    .map_err(|_| SignatureError::Malformed("the element cannot be canonicalised"))?;
    Ok(sink.finish())
}

pub(super) fn signed_bytes(signature: &Signature<'_>) -> Result<Vec<u8>, SignatureError> {
    let canonicalization = &signature.canonicalization;
    c14n::element(&signature.signed_info, canonicalization.method, &canonicalization.prefixes)
        .map_err(|_| SignatureError::Malformed("SignedInfo cannot be canonicalised"))
}
