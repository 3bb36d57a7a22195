//! Decrypting what was encrypted for us.

use std::fmt;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::agreement::PrivateKey;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use zeroize::Zeroizing;

use super::agreement;
use super::{
    AES128_GCM, AES256_GCM, CONCAT_KDF, ECDH_ES, KW_AES128, KW_AES256, MGF1_SHA256, RSA_OAEP, SHA256,
    TYPE_ELEMENT,
};
use crate::{Document, Element, Limits, base64, ns};

/// An element that was not decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecryptError {
    /// An algorithm that is not accepted. Seen before the private key is used.
    #[error("the algorithm `{0}` is not accepted")]
    Algorithm(String),
    /// EncryptedData or EncryptedKey is put together wrongly. Seen before the private key is used.
    #[error("the encrypted element is malformed: {0}")]
    Malformed(&'static str),
    /// It did not decrypt, and nothing more is said about it.
    #[error("decryption failed")]
    Failed,
}

impl From<Unspecified> for DecryptError {
    fn from(_: Unspecified) -> Self {
        Self::Failed
    }
}

/// A content key as it was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SealedKey {
    /// RSA-OAEP with SHA-256 and MGF1-SHA-256, no label.
    RsaOaep {
        /// The ciphertext.
        ciphertext: Vec<u8>,
    },
    /// AES-KW under a key agreed by ECDH-ES.
    EcdhEs {
        /// URN of the curve.
        curve: String,
        /// The sender's ephemeral public point, uncompressed.
        point: Vec<u8>,
        /// Input of ConcatKDF behind the shared secret.
        other_info: Vec<u8>,
        /// Length of the key-encryption key: 16 or 32 bytes.
        kek_length: usize,
        /// The wrapped key.
        wrapped: Vec<u8>,
    },
}

/// Opens content keys with a private key that its owner never hands out.
pub trait RecipientKey: Send + Sync + fmt::Debug {
    /// The content key inside.
    ///
    /// # Errors
    /// [`DecryptError::Failed`], whatever the reason.
    fn open(&self, sealed: &SealedKey) -> Result<Zeroizing<Vec<u8>>, DecryptError>;
}

/// A recipient's key in this process.
pub struct SoftwareRecipientKey(Kind);

enum Kind {
    Rsa(Box<OaepPrivateDecryptingKey>),
    Ec(PrivateKey, &'static str),
}

impl SoftwareRecipientKey {
    /// Reads a PKCS#8 key: RSA, P-256 or P-384. `None` for anything else.
    #[must_use]
    pub fn from_pkcs8(der: &[u8]) -> Option<Self> {
        if let Ok(key) = PrivateDecryptingKey::from_pkcs8(der) {
            return OaepPrivateDecryptingKey::new(key).ok().map(|k| Self(Kind::Rsa(Box::new(k))));
        }
        ["urn:oid:1.2.840.10045.3.1.7", "urn:oid:1.3.132.0.34"].into_iter().find_map(|urn| {
            let key = PrivateKey::from_private_key_der(agreement::curve(urn)?, der).ok()?;
            Some(Self(Kind::Ec(key, urn)))
        })
    }
}

impl fmt::Debug for SoftwareRecipientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Rsa(_) => "SoftwareRecipientKey(RSA)",
            Kind::Ec(..) => "SoftwareRecipientKey(EC)",
        })
    }
}

impl RecipientKey for SoftwareRecipientKey {
    fn open(&self, sealed: &SealedKey) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
        match (&self.0, sealed) {
            (Kind::Rsa(key), SealedKey::RsaOaep { ciphertext }) => {
                let mut out = Zeroizing::new(vec![0; key.min_output_size()]);
                let length = key.decrypt(&OAEP_SHA256_MGF1SHA256, ciphertext, &mut out, None)?.len();
                out.truncate(length);
                Ok(out)
            }
            (Kind::Ec(key, own), SealedKey::EcdhEs { curve, point, other_info, kek_length, wrapped })
                if own == curve =>
            {
                let kek = agreement::derive(key, point, other_info, *kek_length)?;
                Ok(agreement::unwrap(&kek, wrapped)?)
            }
            _ => Err(DecryptError::Failed),
        }
    }
}

/// Decrypts an EncryptedData, or the one inside a wrapper such as SAML's EncryptedAssertion, and parses what
/// comes out.
///
/// # Errors
/// [`DecryptError::Failed`] for everything that depends on the private key.
pub fn decrypt(
    element: &Element<'_>,
    key: &dyn RecipientKey,
    limits: &Limits,
) -> Result<Document, DecryptError> {
    let data = encrypted_data(element)?;
    if data.attribute("Type").is_some_and(|t| t != TYPE_ELEMENT) {
        return Err(DecryptError::Malformed("what is encrypted is no element"));
    }
    let (algorithm, key_length) = match algorithm(&data)? {
        AES128_GCM => (&AES_128_GCM, 16),
        AES256_GCM => (&AES_256_GCM, 32),
        other => return Err(refused(other)),
    };
    let bytes = cipher_value(&data)?;
    let sealed_key = sealed_key(&encrypted_key(element, &data)?)?;

    let content_key = key.open(&sealed_key).map_err(|_| DecryptError::Failed)?;
    if content_key.len() != key_length {
        return Err(DecryptError::Failed);
    }
    let (nonce, sealed) = bytes.split_at_checked(NONCE_LEN).ok_or(DecryptError::Failed)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce)?;
    let mut sealed = sealed.to_vec();
    let plain = LessSafeKey::new(UnboundKey::new(algorithm, &content_key)?).open_in_place(
        nonce,
        Aad::empty(),
        &mut sealed,
    )?;
    Document::parse(plain, limits).map_err(|_| DecryptError::Failed)
}

fn refused(algorithm: &str) -> DecryptError {
    DecryptError::Algorithm(algorithm.chars().take(120).collect())
}

/// The only child of that name.
fn only<'d>(
    parent: &Element<'d>,
    namespace: &str,
    local: &str,
    otherwise: &'static str,
) -> Result<Element<'d>, DecryptError> {
    let mut found = parent.children_named(namespace, local);
    match (found.next(), found.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(DecryptError::Malformed(otherwise)),
    }
}

fn encrypted_data<'d>(element: &Element<'d>) -> Result<Element<'d>, DecryptError> {
    if element.is(ns::XENC, "EncryptedData") {
        return Ok(*element);
    }
    only(element, ns::XENC, "EncryptedData", "there is not exactly one EncryptedData")
}

/// The EncryptedKey: in the KeyInfo of the data, or beside the data (SAML core, section 2.3.4).
fn encrypted_key<'d>(wrapper: &Element<'d>, data: &Element<'d>) -> Result<Element<'d>, DecryptError> {
    const NOT_ONE: &str = "there is not exactly one EncryptedKey";
    let inside = data.child(ns::DSIG, "KeyInfo").filter(|k| k.child(ns::XENC, "EncryptedKey").is_some());
    match inside {
        Some(_) if wrapper != data && wrapper.child(ns::XENC, "EncryptedKey").is_some() => {
            Err(DecryptError::Malformed(NOT_ONE))
        }
        Some(key_info) => only(&key_info, ns::XENC, "EncryptedKey", NOT_ONE),
        None => only(wrapper, ns::XENC, "EncryptedKey", NOT_ONE),
    }
}

fn encryption_method<'d>(element: &Element<'d>) -> Result<Element<'d>, DecryptError> {
    only(element, ns::XENC, "EncryptionMethod", "there is not exactly one EncryptionMethod")
}

fn algorithm<'d>(element: &Element<'d>) -> Result<&'d str, DecryptError> {
    encryption_method(element)?
        .attribute("Algorithm")
        .ok_or(DecryptError::Malformed("EncryptionMethod has no algorithm"))
}

fn cipher_value(element: &Element<'_>) -> Result<Vec<u8>, DecryptError> {
    let data = only(element, ns::XENC, "CipherData", "there is not exactly one CipherData")?;
    let value = only(&data, ns::XENC, "CipherValue", "there is not exactly one CipherValue")?;
    base64::decode(&value.text()).ok_or(DecryptError::Malformed("CipherValue is not base64"))
}

fn sealed_key(encrypted_key: &Element<'_>) -> Result<SealedKey, DecryptError> {
    let method = encryption_method(encrypted_key)?;
    match algorithm(encrypted_key)? {
        RSA_OAEP => {
            let named =
                |namespace, local| method.child(namespace, local).and_then(|e| e.attribute("Algorithm"));
            let digest = named(ns::DSIG, "DigestMethod").unwrap_or("SHA-1 by default");
            let mgf = named(ns::XENC11, "MGF").unwrap_or("MGF1 with SHA-1 by default");
            if digest != SHA256 {
                return Err(refused(digest));
            }
            if mgf != MGF1_SHA256 {
                return Err(refused(mgf));
            }
            if method.child(ns::XENC, "OAEPparams").is_some_and(|p| !p.text().trim().is_empty()) {
                return Err(DecryptError::Malformed("OAEPparams are not accepted"));
            }
            Ok(SealedKey::RsaOaep { ciphertext: cipher_value(encrypted_key)? })
        }
        KW_AES128 => agreed(encrypted_key, 16),
        KW_AES256 => agreed(encrypted_key, 32),
        other => Err(refused(other)),
    }
}

fn agreed(encrypted_key: &Element<'_>, kek_length: usize) -> Result<SealedKey, DecryptError> {
    let key_info = only(encrypted_key, ns::DSIG, "KeyInfo", "the wrapped key has no KeyInfo")?;
    let agreement = only(&key_info, ns::XENC, "AgreementMethod", "there is not exactly one AgreementMethod")?;
    let attribute = |e: &Element<'_>, name: &str| e.attribute(name).unwrap_or_default().to_owned();
    let name = attribute(&agreement, "Algorithm");
    if name != ECDH_ES {
        return Err(refused(&name));
    }
    let kdf = only(&agreement, ns::XENC11, "KeyDerivationMethod", "there is no key derivation")?;
    let name = attribute(&kdf, "Algorithm");
    if name != CONCAT_KDF {
        return Err(refused(&name));
    }
    let params = only(&kdf, ns::XENC11, "ConcatKDFParams", "there are no ConcatKDFParams")?;
    let digest = only(&params, ns::DSIG, "DigestMethod", "ConcatKDF has no DigestMethod")?;
    let name = attribute(&digest, "Algorithm");
    if name != SHA256 {
        return Err(refused(&name));
    }
    let mut other_info = Vec::new();
    for part in ["AlgorithmID", "PartyUInfo", "PartyVInfo", "SuppPubInfo", "SuppPrivInfo"] {
        other_info.extend(bit_string(params.attribute(part).unwrap_or_default())?);
    }
    let originator = only(&agreement, ns::XENC, "OriginatorKeyInfo", "there is no originator key")?;
    let key_value = only(&originator, ns::DSIG, "KeyValue", "the originator has no KeyValue")?;
    let ec = only(&key_value, ns::DSIG11, "ECKeyValue", "the originator has no ECKeyValue")?;
    let curve = only(&ec, ns::DSIG11, "NamedCurve", "the originator's key has no curve")?;
    let curve = attribute(&curve, "URI");
    if agreement::curve(&curve).is_none() {
        return Err(refused(&curve));
    }
    let point = only(&ec, ns::DSIG11, "PublicKey", "the originator's key has no point")?;
    let point = base64::decode(&point.text()).ok_or(DecryptError::Malformed("the point is not base64"))?;
    Ok(SealedKey::EcdhEs { curve, point, other_info, kek_length, wrapped: cipher_value(encrypted_key)? })
}

/// A hexadecimal bit string whose first byte says how many bits of the last one are padding; only none.
fn bit_string(hex: &str) -> Result<Vec<u8>, DecryptError> {
    const MALFORMED: DecryptError = DecryptError::Malformed("a parameter of ConcatKDF cannot be read");
    let digits: Option<Vec<u8>> =
        hex.trim().chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let digits = digits.ok_or(MALFORMED)?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Ok((high << 4) | low),
            _ => Err(MALFORMED),
        })
        .collect::<Result<_, _>>()?;
    match bytes.split_first() {
        None => Ok(Vec::new()),
        Some((0, rest)) => Ok(rest.to_vec()),
        Some(_) => Err(MALFORMED),
    }
}
