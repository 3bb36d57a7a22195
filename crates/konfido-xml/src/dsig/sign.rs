//! Signing: digest the element, write SignedInfo in its canonical form, sign it, insert the Signature.
//!
//! SignedInfo is written the way canonicalisation would write it, so nothing is parsed again: with exclusive
//! canonicalisation it stands for itself; with inclusive canonicalisation the namespaces in scope at the
//! element, and its inherited `xml:` attributes, are written into the signed form (not into the document).

use konfido_keys::{SignatureAlgorithm, Signer};

use super::SignError;
use super::algorithm::{DigestMethod, DigestSink, ENVELOPED, signature_uri};
use super::verify::is_id_name;
use crate::c14n::{self, Method};
use crate::der::{self, PublicKey};
use crate::writer::escape_attribute;
use crate::{Document, Element, Limits, base64, ns};

/// Which element is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The element whose attribute has this value; the Reference is `#value`.
    ById {
        /// Name of the attribute (without namespace).
        attribute: &'static str,
        /// Its value.
        value: String,
    },
    /// The whole document; the Reference is empty.
    WholeDocument,
}

/// What KeyInfo holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyInfoForm {
    /// One X.509 certificate.
    X509,
    /// The bare key.
    KeyValue,
    /// Both, certificate first.
    Both,
}

/// Where in the signed element the Signature stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Position {
    /// Behind the child named Issuer, as the SAML schema demands.
    AfterIssuer,
    /// Behind everything else.
    LastChild,
}

/// How to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOptions {
    /// What is signed.
    pub target: Target,
    /// How SignedInfo is canonicalised.
    pub canonicalization: Method,
    /// How the element is canonicalised; `None`: no transform is named, which means inclusive.
    pub transform: Option<Method>,
    /// PrefixList of an exclusive transform.
    pub inclusive_prefixes: Vec<String>,
    /// What KeyInfo holds.
    pub key_info: KeyInfoForm,
    /// Where the Signature stands.
    pub position: Position,
}

impl SignOptions {
    /// As OpenNCP signs SAML assertions: by ID, exclusive, certificate, behind the Issuer.
    #[must_use]
    pub fn assertion(id: impl Into<String>) -> Self {
        Self {
            target: Target::ById { attribute: "ID", value: id.into() },
            canonicalization: Method::Exclusive,
            transform: Some(Method::Exclusive),
            inclusive_prefixes: Vec::new(),
            key_info: KeyInfoForm::X509,
            position: Position::AfterIssuer,
        }
    }

    /// As OpenNCP signs audit messages: the whole document, inclusive with comments, KeyValue only.
    #[must_use]
    pub const fn audit_message() -> Self {
        Self {
            target: Target::WholeDocument,
            canonicalization: Method::InclusiveWithComments,
            transform: None,
            inclusive_prefixes: Vec::new(),
            key_info: KeyInfoForm::KeyValue,
            position: Position::LastChild,
        }
    }

    /// As OpenNCP signs evidences: the whole document, inclusive, certificate and KeyValue.
    #[must_use]
    pub const fn evidence() -> Self {
        Self {
            target: Target::WholeDocument,
            canonicalization: Method::Inclusive,
            transform: Some(Method::InclusiveWithComments),
            inclusive_prefixes: Vec::new(),
            key_info: KeyInfoForm::Both,
            position: Position::LastChild,
        }
    }

    /// A document of our own: the whole, exclusive, certificate.
    #[must_use]
    pub const fn document() -> Self {
        Self {
            target: Target::WholeDocument,
            canonicalization: Method::Exclusive,
            transform: Some(Method::Exclusive),
            inclusive_prefixes: Vec::new(),
            key_info: KeyInfoForm::X509,
            position: Position::LastChild,
        }
    }

    /// With this PrefixList.
    #[must_use]
    pub fn with_prefixes(mut self, prefixes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.inclusive_prefixes = prefixes.into_iter().map(Into::into).collect();
        self
    }

    /// With this KeyInfo.
    #[must_use]
    pub const fn with_key_info(mut self, key_info: KeyInfoForm) -> Self {
        self.key_info = key_info;
        self
    }

    /// With the Signature here.
    #[must_use]
    pub const fn at(mut self, position: Position) -> Self {
        self.position = position;
        self
    }
}

/// Signs `xml` (a document or a single element) and returns it with the Signature inside.
///
/// # Errors
/// When the XML is not accepted, the target is not there, or the key refuses.
pub fn sign_enveloped(xml: &str, options: &SignOptions, signer: &dyn Signer) -> Result<String, SignError> {
    sign_document(&Document::parse(xml.as_bytes(), &Limits::MESSAGE)?, options, signer)
}

/// As [`sign_enveloped`], for what is parsed already.
///
/// # Errors
/// When the target is not there or the key refuses.
pub fn sign_document(
    document: &Document,
    options: &SignOptions,
    signer: &dyn Signer,
) -> Result<String, SignError> {
    let target = find_target(document, &options.target)?;
    if target.child(ns::DSIG, "Signature").is_some() {
        return Err(SignError::Target("it is signed already"));
    }
    let algorithm = signer.algorithm();
    let key_info = key_info(options.key_info, signer)?;
    let method = signature_uri(algorithm).ok_or(SignError::NoIdentifier(algorithm))?;
    let inner = signed_info(&target, options, algorithm, method)?;
    let signed = format!("<ds:SignedInfo{}>{inner}</ds:SignedInfo>", apex(&target, options.canonicalization));
    let value = base64::encode(&signer.sign(signed.as_bytes())?);
    let signature = format!(
        "<ds:Signature xmlns:ds=\"{}\"><ds:SignedInfo>{inner}</ds:SignedInfo><ds:SignatureValue>{value}\
         </ds:SignatureValue><ds:KeyInfo>{key_info}</ds:KeyInfo></ds:Signature>",
        ns::DSIG
    );
    insert(document, &target, options.position, &signature)
}

fn find_target<'d>(document: &'d Document, target: &Target) -> Result<Element<'d>, SignError> {
    let root = document.root();
    let Target::ById { attribute, value } = target else { return Ok(root) };
    let bears = |e: &Element<'_>| e.attributes().any(|(_, l, v)| is_id_name(l) && v == value);
    let mut found = std::iter::once(root).chain(root.descendants()).filter(bears);
    let element = found.next().ok_or(SignError::Target("no element has the id"))?;
    if found.next().is_some() || element.attribute(attribute) != Some(value) {
        return Err(SignError::Target("the id is not unique, or not in the attribute named"));
    }
    Ok(element)
}

/// The content of SignedInfo in canonical form.
fn signed_info(
    target: &Element<'_>,
    options: &SignOptions,
    algorithm: SignatureAlgorithm,
    method: &str,
) -> Result<String, SignError> {
    let digest_method = DigestMethod::of(algorithm);
    let whole = options.target == Target::WholeDocument;
    let mut sink = DigestSink::new(digest_method);
    let transform = options.transform.unwrap_or(Method::Inclusive);
    c14n::reference(target, whole, None, transform, &options.inclusive_prefixes, &mut sink)?;
    let digest = base64::encode(&sink.finish());

    let mut uri = String::new();
    if let Target::ById { value, .. } = &options.target {
        uri.push('#');
        escape_attribute(value, &mut uri);
    }
    let transform = options.transform.map_or_else(String::new, |transform| {
        let mut list = String::new();
        if transform.is_exclusive() && !options.inclusive_prefixes.is_empty() {
            let mut prefixes = String::new();
            escape_attribute(&options.inclusive_prefixes.join(" "), &mut prefixes);
            list = format!(
                "<ec:InclusiveNamespaces xmlns:ec=\"{}\" PrefixList=\"{prefixes}\"></ec:InclusiveNamespaces>",
                ns::EXC_C14N
            );
        }
        format!("<ds:Transform Algorithm=\"{}\">{list}</ds:Transform>", transform.uri())
    });
    Ok(format!(
        "<ds:CanonicalizationMethod Algorithm=\"{}\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"{method}\"></ds:SignatureMethod>\
         <ds:Reference URI=\"{uri}\"><ds:Transforms><ds:Transform Algorithm=\"{ENVELOPED}\"></ds:Transform>\
         {transform}</ds:Transforms><ds:DigestMethod Algorithm=\"{}\"></ds:DigestMethod>\
         <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>",
        options.canonicalization.uri(),
        digest_method.uri()
    ))
}

/// What canonicalisation writes into the start tag of SignedInfo below `target`.
fn apex(target: &Element<'_>, method: Method) -> String {
    let mut bindings = vec![("ds", ns::DSIG)];
    let mut inherited: Vec<(&str, &str)> = Vec::new();
    if !method.is_exclusive() {
        bindings
            .extend(target.namespaces_in_scope().into_iter().filter(|(p, _)| !matches!(*p, "ds" | "xml")));
        for ancestor in std::iter::successors(Some(*target), Element::parent) {
            for (_, local, value) in ancestor.attributes().filter(|(n, _, _)| *n == ns::XML) {
                if !inherited.iter().any(|(l, _)| *l == local) {
                    inherited.push((local, value));
                }
            }
        }
    }
    bindings.sort_unstable();
    inherited.sort_unstable();
    let mut out = String::new();
    let mut push = |name: &str, value: &str| {
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        escape_attribute(value, &mut out);
        out.push('"');
    };
    for (prefix, uri) in bindings {
        if prefix.is_empty() {
            push("xmlns", uri);
        } else {
            push(&format!("xmlns:{prefix}"), uri);
        }
    }
    for (local, value) in inherited {
        push(&format!("xml:{local}"), value);
    }
    out
}

fn key_info(form: KeyInfoForm, signer: &dyn Signer) -> Result<String, SignError> {
    let certificate = || {
        let der = signer.certificate().ok_or(SignError::NoCertificate)?;
        Ok::<_, SignError>(format!(
            "<ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>",
            base64::encode(der)
        ))
    };
    match form {
        KeyInfoForm::X509 => certificate(),
        KeyInfoForm::KeyValue => key_value(signer),
        KeyInfoForm::Both => Ok(certificate()? + &key_value(signer)?),
    }
}

fn key_value(signer: &dyn Signer) -> Result<String, SignError> {
    match der::public_key(signer.public_key_der()) {
        Some(PublicKey::Rsa { modulus, exponent }) => Ok(format!(
            "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{}</ds:Modulus><ds:Exponent>{}</ds:Exponent>\
             </ds:RSAKeyValue></ds:KeyValue>",
            base64::encode(modulus),
            base64::encode(exponent)
        )),
        Some(PublicKey::Ec { curve, point }) => Ok(format!(
            "<ds:KeyValue><dsig11:ECKeyValue xmlns:dsig11=\"{}\"><dsig11:NamedCurve URI=\"{curve}\"/>\
             <dsig11:PublicKey>{}</dsig11:PublicKey></dsig11:ECKeyValue></ds:KeyValue>",
            ns::DSIG11,
            base64::encode(point)
        )),
        _ => Err(SignError::NoKeyValue(signer.algorithm())),
    }
}

fn insert(
    document: &Document,
    target: &Element<'_>,
    position: Position,
    signature: &str,
) -> Result<String, SignError> {
    const LOST: SignError = SignError::Target("it has no place in the text");
    let text = document.as_str();
    let range = target.tree().node_range(target.node()).ok_or(LOST)?;
    let issuer =
        target.children().find(|c| c.local() == "Issuer").filter(|_| position == Position::AfterIssuer);
    if position == Position::AfterIssuer && issuer.is_none() {
        return Err(SignError::Target("it has no Issuer"));
    }
    let source = text.get(range.clone()).ok_or(LOST)?;
    let (at, closing) = if let Some(issuer) = issuer {
        (issuer.tree().node_range(issuer.node()).ok_or(LOST)?.end, None)
    } else if source.ends_with("/>") {
        let name_end = source.find(|c: char| c.is_ascii_whitespace() || c == '/').ok_or(LOST)?;
        (range.end.checked_sub(2).ok_or(LOST)?, source.get(1..name_end))
    } else {
        (range.start.checked_add(source.rfind("</").ok_or(LOST)?).ok_or(LOST)?, None)
    };
    let (head, tail) = text.split_at_checked(at).ok_or(LOST)?;
    let mut out = String::with_capacity(text.len().saturating_add(signature.len()).saturating_add(64));
    out.push_str(head);
    match closing {
        None => {
            out.push_str(signature);
            out.push_str(tail);
        }
        Some(name) => {
            out.push('>');
            out.push_str(signature);
            out.push_str("</");
            out.push_str(name);
            out.push_str(tail.strip_prefix('/').ok_or(LOST)?);
        }
    }
    Ok(out)
}
