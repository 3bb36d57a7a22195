//! XML Encryption 1.1 of one element for one recipient.
//!
//! Accepted, on both sides, and nothing else: AES-128-GCM or AES-256-GCM for the element; its key transported
//! by RSA-OAEP with SHA-256 and MGF1-SHA-256 (no label), or wrapped with AES-KW under a key agreed by
//! ECDH-ES on P-256 or P-384 with ConcatKDF-SHA-256. No CBC, no PKCS#1 v1.5, no references to bytes elsewhere.
//!
//! Everything is checked before the private key is used; from then on there is one error,
//! [`DecryptError::Failed`], whatever went wrong, up to and including the parse of the plaintext. What comes
//! out is parsed anew with limits, and it proves nothing about who encrypted it: verify its signature.

mod agreement;
mod decrypt;
mod encrypt;

pub use decrypt::{DecryptError, RecipientKey, SealedKey, SoftwareRecipientKey, decrypt};
pub use encrypt::{EncryptError, Recipient, encrypt};

/// `Type` of an encrypted element.
const TYPE_ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";
const AES128_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes128-gcm";
const AES256_GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
const RSA_OAEP: &str = "http://www.w3.org/2009/xmlenc11#rsa-oaep";
const MGF1_SHA256: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha256";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const ECDH_ES: &str = "http://www.w3.org/2009/xmlenc11#ECDH-ES";
const CONCAT_KDF: &str = "http://www.w3.org/2009/xmlenc11#ConcatKDF";
const KW_AES128: &str = "http://www.w3.org/2001/04/xmlenc#kw-aes128";
const KW_AES256: &str = "http://www.w3.org/2001/04/xmlenc#kw-aes256";

/// Length of the nonce in front of GCM ciphertext.
const NONCE: usize = 12;
