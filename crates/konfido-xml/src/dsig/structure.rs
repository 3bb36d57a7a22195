//! The shape of a Signature: what is taken out of it, and what it may not contain.

use super::SignatureError;
use super::algorithm::ENVELOPED;
use crate::c14n::Method;
use crate::{Element, base64, ns};

/// A Signature whose shape is accepted. Algorithms are still only names.
#[derive(Debug)]
pub(super) struct Signature<'d> {
    pub(super) element: Element<'d>,
    pub(super) signed_info: Element<'d>,
    pub(super) canonicalization: Canonicalization,
    pub(super) signature_method: &'d str,
    pub(super) reference: Reference<'d>,
    pub(super) value: Vec<u8>,
    pub(super) key_info: Option<Element<'d>>,
}

/// The one Reference of a SignedInfo.
#[derive(Debug)]
pub(super) struct Reference<'d> {
    pub(super) uri: &'d str,
    pub(super) canonicalization: Canonicalization,
    pub(super) digest_method: &'d str,
    pub(super) digest: Vec<u8>,
}

/// A canonicalisation with its PrefixList.
#[derive(Debug)]
pub(super) struct Canonicalization {
    pub(super) method: Method,
    pub(super) prefixes: Vec<String>,
}

const fn malformed(what: &'static str) -> SignatureError {
    SignatureError::Malformed(what)
}

/// The one Signature that is a direct child of `element`.
pub(super) fn signature_of<'d>(element: &Element<'d>) -> Result<Signature<'d>, SignatureError> {
    let mut signatures = element.children_named(ns::DSIG, "Signature");
    let signature = signatures.next().ok_or(SignatureError::Missing)?;
    if signatures.next().is_some() {
        return Err(malformed("several Signatures"));
    }
    // KeyInfo is open to foreign content and is not covered by the signature: a reader who looks for something
    // anywhere below the verified element would find it there.
    let known = [ns::DSIG, ns::DSIG11, ns::EXC_C14N];
    if signature.descendants().any(|e| !known.contains(&e.namespace())) {
        return Err(malformed("something foreign stands in the Signature"));
    }
    let mut parts = signature.children();
    let signed_info = take(&mut parts, "SignedInfo", "SignedInfo is missing")?;
    let value = take(&mut parts, "SignatureValue", "SignatureValue is missing")?;
    let key_info = match parts.next() {
        None => None,
        Some(e) if e.is(ns::DSIG, "KeyInfo") => Some(e),
        Some(_) => return Err(malformed("an Object or something unknown stands in the Signature")),
    };
    if parts.next().is_some() {
        return Err(malformed("an Object or something unknown stands in the Signature"));
    }
    let value = base64::decode(&value.text()).ok_or(malformed("SignatureValue is not base64"))?;

    let mut parts = signed_info.children();
    let canonicalization = read_canonicalization(&take(
        &mut parts,
        "CanonicalizationMethod",
        "CanonicalizationMethod is missing",
    )?)?;
    let method = take(&mut parts, "SignatureMethod", "SignatureMethod is missing")?;
    if method.children().next().is_some() {
        return Err(malformed("SignatureMethod has parameters"));
    }
    let signature_method =
        method.attribute("Algorithm").ok_or(malformed("SignatureMethod has no algorithm"))?;
    let reference = take(&mut parts, "Reference", "Reference is missing")?;
    if parts.next().is_some() {
        return Err(malformed("several References"));
    }
    let reference = read_reference(&reference)?;
    Ok(Signature {
        element: signature,
        signed_info,
        canonicalization,
        signature_method,
        reference,
        value,
        key_info,
    })
}

fn take<'d>(
    parts: &mut impl Iterator<Item = Element<'d>>,
    local: &str,
    missing: &'static str,
) -> Result<Element<'d>, SignatureError> {
    parts.next().filter(|e| e.is(ns::DSIG, local)).ok_or(malformed(missing))
}

fn read_reference<'d>(reference: &Element<'d>) -> Result<Reference<'d>, SignatureError> {
    let uri = reference.attribute("URI").ok_or(malformed("the Reference has no URI"))?;
    if reference.attribute("Type").is_some_and(|t| t.ends_with("#Manifest") || t.ends_with("#Object")) {
        return Err(malformed("the Reference is to a Manifest or Object"));
    }
    let mut parts = reference.children();
    let transforms = take(&mut parts, "Transforms", "the Reference has no Transforms")?;
    let canonicalization = read_transforms(&transforms)?;
    let method = take(&mut parts, "DigestMethod", "DigestMethod is missing")?;
    if method.children().next().is_some() {
        return Err(malformed("DigestMethod has parameters"));
    }
    let digest_method = method.attribute("Algorithm").ok_or(malformed("DigestMethod has no algorithm"))?;
    let digest = take(&mut parts, "DigestValue", "DigestValue is missing")?;
    if parts.next().is_some() {
        return Err(malformed("something unknown stands in the Reference"));
    }
    let digest = base64::decode(&digest.text()).ok_or(malformed("DigestValue is not base64"))?;
    Ok(Reference { uri, canonicalization, digest_method, digest })
}

/// `enveloped-signature`, then at most one canonicalisation. Without one, the node-set becomes bytes by
/// Canonical XML 1.0 without comments (XML Signature 1.1, section 4.4.3.2).
fn read_transforms(transforms: &Element<'_>) -> Result<Canonicalization, SignatureError> {
    let mut parts = transforms.children();
    let first = take(&mut parts, "Transform", "there is no Transform")?;
    if first.attribute("Algorithm") != Some(ENVELOPED) || first.children().next().is_some() {
        return Err(malformed("the first Transform is not enveloped-signature"));
    }
    let canonicalization = match parts.next() {
        None => Canonicalization { method: Method::Inclusive, prefixes: Vec::new() },
        Some(second) if second.is(ns::DSIG, "Transform") => read_canonicalization(&second)?,
        Some(_) => return Err(malformed("something unknown stands in Transforms")),
    };
    if parts.next().is_some() {
        return Err(malformed("there are more than two Transforms"));
    }
    Ok(canonicalization)
}

fn read_canonicalization(element: &Element<'_>) -> Result<Canonicalization, SignatureError> {
    let uri = element.attribute("Algorithm").ok_or(malformed("a canonicalisation has no algorithm"))?;
    let method = Method::from_uri(uri)
        .ok_or_else(|| SignatureError::WeakAlgorithm(uri.chars().take(120).collect()))?;
    let mut parts = element.children();
    let prefixes = match parts.next() {
        None => Vec::new(),
        Some(list) if method.is_exclusive() && list.is(ns::EXC_C14N, "InclusiveNamespaces") => {
            let prefixes = list.attribute("PrefixList").unwrap_or("");
            prefixes.split_ascii_whitespace().map(str::to_owned).collect()
        }
        Some(_) => return Err(malformed("a canonicalisation has unknown parameters")),
    };
    if parts.next().is_some() {
        return Err(malformed("a canonicalisation has unknown parameters"));
    }
    Ok(Canonicalization { method, prefixes })
}
