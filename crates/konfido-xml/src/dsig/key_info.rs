//! KeyInfo: a hint which key it was, and the trait by which the caller says which keys count.

use crate::dsig::SignatureError;
use crate::{Element, base64, der, ns};

/// Certificates read from one KeyInfo at most.
const MAX_CERTIFICATES: usize = 10;

/// What a signature says about its key. Nothing in it is to be believed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyInfo {
    /// The X.509 certificates in DER, in document order.
    pub certificates: Vec<Vec<u8>>,
    /// The KeyValue as DER `SubjectPublicKeyInfo`.
    pub key_value: Option<Vec<u8>>,
    /// The KeyName.
    pub key_name: Option<String>,
}

impl KeyInfo {
    pub(super) fn parse(element: Option<&Element<'_>>) -> Result<Self, SignatureError> {
        let mut info = Self::default();
        for child in element.into_iter().flat_map(Element::children) {
            if child.is(ns::DSIG, "X509Data") {
                for certificate in child.children_named(ns::DSIG, "X509Certificate") {
                    let der = base64::decode(&certificate.text())
                        .ok_or(SignatureError::Malformed("a certificate is not base64"))?;
                    info.certificates.push(der);
                }
                if info.certificates.len() > MAX_CERTIFICATES {
                    return Err(SignatureError::Malformed("too many certificates"));
                }
            } else if child.is(ns::DSIG, "KeyValue") {
                if info.key_value.is_some() {
                    return Err(SignatureError::Malformed("several KeyValues"));
                }
                info.key_value = key_value(&child)?;
            } else if child.is(ns::DSIG, "KeyName") {
                info.key_name = Some(child.text());
            }
        }
        Ok(info)
    }

    /// The public key of the first certificate, else of the KeyValue.
    pub(super) fn claimed_spki(&self) -> Option<Vec<u8>> {
        let of_certificate =
            self.certificates.first().and_then(|c| der::certificate(c)).map(|c| c.spki.to_vec());
        of_certificate.or_else(|| self.key_value.clone())
    }
}

/// RSAKeyValue, or the ECKeyValue with a named curve of XML Signature 1.1; `None` for other kinds.
fn key_value(element: &Element<'_>) -> Result<Option<Vec<u8>>, SignatureError> {
    const MALFORMED: SignatureError = SignatureError::Malformed("the KeyValue cannot be read");
    let bytes = |parent: &Element<'_>, namespace: &str, local: &str| {
        parent.child(namespace, local).and_then(|e| base64::decode(&e.text())).ok_or(MALFORMED)
    };
    if let Some(rsa) = element.child(ns::DSIG, "RSAKeyValue") {
        let (modulus, exponent) = (bytes(&rsa, ns::DSIG, "Modulus")?, bytes(&rsa, ns::DSIG, "Exponent")?);
        return der::rsa_spki(&modulus, &exponent).map(Some).ok_or(MALFORMED);
    }
    if let Some(ec) = element.child(ns::DSIG11, "ECKeyValue") {
        let curve = ec.child(ns::DSIG11, "NamedCurve").and_then(|c| c.attribute("URI")).ok_or(MALFORMED)?;
        return Ok(der::ec_spki(curve, &bytes(&ec, ns::DSIG11, "PublicKey")?));
    }
    Ok(None)
}

/// A key that the caller trusts for the signature at hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    /// The public key as DER `SubjectPublicKeyInfo`.
    pub spki: Vec<u8>,
    /// Its certificate in DER, where there is one.
    pub certificate: Option<Vec<u8>>,
}

impl TrustedKey {
    /// The key of a certificate that the caller has checked.
    #[must_use]
    pub fn of_certificate(der: &[u8]) -> Option<Self> {
        let facts = der::certificate(der)?;
        Some(Self { spki: facts.spki.to_vec(), certificate: Some(der.to_vec()) })
    }
}

/// Says which key a signature must have been made with.
pub trait KeyResolver {
    /// The trusted key that `key_info` points to.
    ///
    /// # Errors
    /// When there is none, or its certificate is not good now.
    fn resolve(&self, key_info: &KeyInfo) -> Result<TrustedKey, SignatureError>;
}

/// A fixed set of certificates, compared byte by byte; no chain, no clock.
#[derive(Debug, Clone, Default)]
pub struct PinnedKeys {
    keys: Vec<TrustedKey>,
}

impl PinnedKeys {
    /// Pins these certificates (DER); what is no certificate is left out.
    #[must_use]
    pub fn new(certificates: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let keys = certificates.into_iter().filter_map(|c| TrustedKey::of_certificate(c.as_ref())).collect();
        Self { keys }
    }

    /// Pins bare keys (DER `SubjectPublicKeyInfo`).
    #[must_use]
    pub fn of_keys(keys: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let keys =
            keys.into_iter().map(|k| TrustedKey { spki: k.as_ref().to_vec(), certificate: None }).collect();
        Self { keys }
    }
}

impl KeyResolver for PinnedKeys {
    /// The pinned certificate that KeyInfo holds; without certificate there, the pinned key equal to its
    /// KeyValue; with an empty KeyInfo, the only pinned key.
    fn resolve(&self, key_info: &KeyInfo) -> Result<TrustedKey, SignatureError> {
        let found = if let Some(first) = key_info.certificates.first() {
            let claimed = der::certificate(first).map(|c| c.spki);
            self.keys.iter().find(|k| match &k.certificate {
                Some(pinned) => pinned == first,
                None => claimed == Some(&k.spki),
            })
        } else if let Some(value) = &key_info.key_value {
            self.keys.iter().find(|k| k.spki == *value)
        } else if let [only] = self.keys.as_slice() {
            Some(only)
        } else {
            None
        };
        found
            .cloned()
            .ok_or_else(|| SignatureError::Untrusted("the key is not among the pinned ones".to_owned()))
    }
}
