//! Encrypting for one recipient.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::PrivateKey;
use aws_lc_rs::encoding::{AsBigEndian as _, EcPublicKeyUncompressedBin};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use konfido_keys::{KeyError, Rng};
use zeroize::Zeroizing;

use super::agreement;
use super::{AES256_GCM, CONCAT_KDF, ECDH_ES, KW_AES256, MGF1_SHA256, NONCE, RSA_OAEP, SHA256, TYPE_ELEMENT};
use crate::der::{self, PublicKey};
use crate::{El, Fragment, base64, ns};

/// AlgorithmID of ConcatKDF: the name of the key wrap behind a byte that says "no padding bits".
const KDF_ALGORITHM: &str = KW_AES256;

/// For whom an element is encrypted.
#[derive(Debug, Clone)]
pub struct Recipient {
    spki: Vec<u8>,
    certificate: Option<Vec<u8>>,
}

impl Recipient {
    /// The owner of a certificate (DER) that the caller has checked; `None` when it cannot be read.
    #[must_use]
    pub fn of_certificate(der: &[u8]) -> Option<Self> {
        let facts = der::certificate(der)?;
        Some(Self { spki: facts.spki.to_vec(), certificate: Some(der.to_vec()) })
    }

    /// The owner of a bare key (DER `SubjectPublicKeyInfo`).
    #[must_use]
    pub fn of_key(spki: &[u8]) -> Self {
        Self { spki: spki.to_vec(), certificate: None }
    }
}

/// An element that could not be encrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptError {
    /// A key that is neither RSA of 2048 bits or more nor on P-256 or P-384.
    #[error("the recipient's key is of a kind that is not accepted")]
    Recipient,
    /// The random source failed.
    #[error(transparent)]
    Random(#[from] KeyError),
    /// The cryptographic library failed.
    #[error("encryption failed")]
    Failed,
}

impl From<Unspecified> for EncryptError {
    fn from(_: Unspecified) -> Self {
        Self::Failed
    }
}

/// Encrypts `element` with AES-256-GCM under a fresh key for `recipient`; returns the EncryptedData.
///
/// # Errors
/// When the recipient's key is not accepted, or randomness is not to be had.
pub fn encrypt(element: &Fragment, recipient: &Recipient, rng: &dyn Rng) -> Result<El, EncryptError> {
    let mut content_key = Zeroizing::new([0_u8; 32]);
    rng.fill(content_key.as_mut())?;
    let mut nonce = [0_u8; NONCE];
    rng.fill(&mut nonce)?;
    let mut sealed = element.as_str().as_bytes().to_vec();
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, content_key.as_ref())?).seal_in_place_append_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::empty(),
        &mut sealed,
    )?;
    let encrypted_key = match der::public_key(&recipient.spki) {
        Some(PublicKey::Rsa { .. }) => transport(recipient, content_key.as_ref())?,
        Some(PublicKey::Ec { curve, point }) => agree(recipient, curve, point, content_key.as_ref())?,
        _ => return Err(EncryptError::Recipient),
    };
    let bytes = [&nonce[..], &sealed].concat();
    Ok(El::new(ns::XENC, "EncryptedData")
        .prefix("xenc")
        .attr("Type", TYPE_ELEMENT)
        .child(method(AES256_GCM))
        .child(El::new(ns::DSIG, "KeyInfo").prefix("ds").child(encrypted_key))
        .child(cipher_data(&bytes)))
}

fn method(algorithm: &'static str) -> El {
    El::new(ns::XENC, "EncryptionMethod").attr("Algorithm", algorithm)
}

fn cipher_data(bytes: &[u8]) -> El {
    El::new(ns::XENC, "CipherData").child(El::new(ns::XENC, "CipherValue").text(base64::encode(bytes)))
}

fn digest_method() -> El {
    El::new(ns::DSIG, "DigestMethod").prefix("ds").attr("Algorithm", SHA256)
}

fn x509_data(certificate: &[u8]) -> El {
    El::new(ns::DSIG, "X509Data")
        .child(El::new(ns::DSIG, "X509Certificate").text(base64::encode(certificate)))
}

fn transport(recipient: &Recipient, content_key: &[u8]) -> Result<El, EncryptError> {
    let key = PublicEncryptingKey::from_der(&recipient.spki).map_err(|_| EncryptError::Recipient)?;
    let key = OaepPublicEncryptingKey::new(key)?;
    let mut out = vec![0; key.ciphertext_size()];
    let ciphertext = key.encrypt(&OAEP_SHA256_MGF1SHA256, content_key, &mut out, None)?;
    let mgf = El::new(ns::XENC11, "MGF").prefix("xenc11").attr("Algorithm", MGF1_SHA256);
    let key_info = recipient
        .certificate
        .as_deref()
        .map(|certificate| El::new(ns::DSIG, "KeyInfo").prefix("ds").child(x509_data(certificate)));
    Ok(El::new(ns::XENC, "EncryptedKey")
        .child(method(RSA_OAEP).child(digest_method()).child(mgf))
        .opt_child(key_info)
        .child(cipher_data(ciphertext)))
}

fn agree(
    recipient: &Recipient,
    curve: &'static str,
    point: &[u8],
    content_key: &[u8],
) -> Result<El, EncryptError> {
    let ephemeral = PrivateKey::generate(agreement::curve(curve).ok_or(EncryptError::Recipient)?)?;
    let public = ephemeral.compute_public_key()?;
    let public: EcPublicKeyUncompressedBin<'_> = public.as_be_bytes()?;
    let key = agreement::derive(&ephemeral, point, KDF_ALGORITHM.as_bytes(), 32)?;
    let wrapped = agreement::wrap(&key, content_key)?;

    let algorithm_id: String =
        std::iter::once(0).chain(KDF_ALGORITHM.bytes()).map(|b| format!("{b:02X}")).collect();
    let kdf =
        El::new(ns::XENC11, "KeyDerivationMethod").prefix("xenc11").attr("Algorithm", CONCAT_KDF).child(
            El::new(ns::XENC11, "ConcatKDFParams")
                .attr("AlgorithmID", algorithm_id)
                .attr("PartyUInfo", "00")
                .attr("PartyVInfo", "00")
                .child(digest_method()),
        );
    let ec_key = El::new(ns::DSIG11, "ECKeyValue")
        .prefix("dsig11")
        .child(El::new(ns::DSIG11, "NamedCurve").attr("URI", curve))
        .child(El::new(ns::DSIG11, "PublicKey").text(base64::encode(public.as_ref())));
    let originator = El::new(ns::XENC, "OriginatorKeyInfo")
        .child(El::new(ns::DSIG, "KeyValue").prefix("ds").child(ec_key));
    let recipient_info = recipient
        .certificate
        .as_deref()
        .map(|certificate| El::new(ns::XENC, "RecipientKeyInfo").child(x509_data(certificate).prefix("ds")));
    let agreement_method = El::new(ns::XENC, "AgreementMethod")
        .attr("Algorithm", ECDH_ES)
        .child(kdf)
        .child(originator)
        .opt_child(recipient_info);
    Ok(El::new(ns::XENC, "EncryptedKey")
        .child(method(KW_AES256))
        .child(El::new(ns::DSIG, "KeyInfo").prefix("ds").child(agreement_method))
        .child(cipher_data(&wrapped)))
}
