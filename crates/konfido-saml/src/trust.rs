//! Whose signatures on assertions we believe: certificates for signing under the roots of the circle, valid and not
//! revoked at this moment.
//!
//! `KeyInfo` must carry exactly one certificate, as the profile has it: a receiver that picks one of several can
//! be made to check one and to report another.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use konfido_circle::{CertificateError, Clock, CountryCode, TrustStore, Usage};
use konfido_xml::dsig::{KeyInfo, KeyResolver, SignatureError, TrustedKey};
use rustls_pki_types::CertificateDer;

/// The holder of a signing certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signatory {
    /// Country in the certificate's subject.
    pub country: CountryCode,
    /// The certificate's subject.
    pub subject: String,
}

/// The signers of one message, checked against the circle at one instant.
///
/// A certificate is checked once, however many assertions of the message it signed.
#[derive(Debug)]
pub struct TrustedSigners<'a> {
    store: &'a TrustStore,
    now: Timestamp,
    checked: Mutex<Vec<Checked>>,
}

#[derive(Clone, Debug)]
struct Checked {
    certificate: Vec<u8>,
    spki: Vec<u8>,
    signatory: Signatory,
}

impl<'a> TrustedSigners<'a> {
    /// Signers that `store` vouches for now.
    #[must_use]
    pub fn new(store: &'a TrustStore, clock: &dyn Clock) -> Self {
        Self { store, now: clock.now(), checked: Mutex::new(Vec::new()) }
    }

    /// The holder of a certificate that resolved a key before.
    pub(crate) fn signatory_of(&self, certificate: Option<&[u8]>) -> Option<Signatory> {
        let certificate = certificate?;
        let checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        checked.iter().find(|c| c.certificate == certificate).map(|c| c.signatory.clone())
    }
}

impl KeyResolver for TrustedSigners<'_> {
    fn resolve(&self, key_info: &KeyInfo) -> Result<TrustedKey, SignatureError> {
        let [certificate] = key_info.certificates.as_slice() else {
            return Err(SignatureError::Malformed("KeyInfo does not hold exactly one certificate"));
        };
        let trusted = |spki| TrustedKey { spki, certificate: Some(certificate.clone()) };
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = checked.iter().find(|c| &c.certificate == certificate) {
            return Ok(trusted(known.spki.clone()));
        }
        let found = self
            .store
            .verify_certificate(&CertificateDer::from(certificate.as_slice()), Usage::Signing, self.now)
            .map_err(|e| not_good(&e))?;
        checked.push(Checked {
            certificate: certificate.clone(),
            spki: found.spki_der().to_vec(),
            signatory: Signatory { country: found.country(), subject: found.subject().to_owned() },
        });
        Ok(trusted(found.spki_der().to_vec()))
    }
}

fn not_good(error: &CertificateError) -> SignatureError {
    match error {
        CertificateError::Expired { .. } => SignatureError::Expired,
        CertificateError::NotYetValid { .. } => SignatureError::NotYetValid,
        CertificateError::Revoked => SignatureError::Revoked,
        other => SignatureError::Untrusted(other.to_string()),
    }
}
