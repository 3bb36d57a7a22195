//! What a certificate says, and a certificate that was believed.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use konfido_keys::{SignatureAlgorithm, VerifyingKey};
use rustls_pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

use super::{CertificateError, Usage};
use crate::CountryCode;

/// The fields of a certificate that our rules ask for. Says nothing about trust.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    subject: String,
    subject_der: Vec<u8>,
    common_name: Option<String>,
    countries: Vec<String>,
    serial: Vec<u8>,
    spki_der: Vec<u8>,
    not_before: Timestamp,
    not_after: Timestamp,
    digital_signature: Option<bool>,
    purposes: Option<Purposes>,
    sha256: [u8; 32],
}

#[derive(Clone, Copy, Debug)]
struct Purposes {
    server: bool,
    client: bool,
}

impl Facts {
    pub(super) fn read(der: &CertificateDer<'_>) -> Result<Self, CertificateError> {
        let malformed = |e: &dyn std::fmt::Display| CertificateError::Malformed(e.to_string());
        let (rest, cert) = X509Certificate::from_der(der.as_ref()).map_err(|e| malformed(&e))?;
        if !rest.is_empty() {
            return Err(CertificateError::Malformed("bytes after the certificate".into()));
        }
        let text =
            |value: &x509_parser::x509::AttributeTypeAndValue<'_>| value.as_str().ok().map(str::to_owned);
        let key_usage = cert.key_usage().map_err(|e| malformed(&e))?;
        let purposes = cert.extended_key_usage().map_err(|e| malformed(&e))?;
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(digest(&SHA256, der.as_ref()).as_ref());
        Ok(Self {
            subject: cert.subject().to_string(),
            subject_der: cert.subject().as_raw().to_vec(),
            common_name: cert.subject().iter_common_name().next().and_then(text),
            countries: cert.subject().iter_country().map(|c| text(c).unwrap_or_default()).collect(),
            serial: cert.raw_serial().to_vec(),
            spki_der: cert.public_key().raw.to_vec(),
            not_before: timestamp(cert.validity().not_before)?,
            not_after: timestamp(cert.validity().not_after)?,
            digital_signature: key_usage.map(|k| k.value.digital_signature()),
            purposes: purposes.map(|p| Purposes { server: p.value.server_auth, client: p.value.client_auth }),
            sha256,
        })
    }

    pub(super) fn not_before(&self) -> Timestamp {
        self.not_before
    }

    pub(super) fn not_after(&self) -> Timestamp {
        self.not_after
    }

    pub(super) fn subject_der(&self) -> &[u8] {
        &self.subject_der
    }

    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    pub(super) fn require_valid_at(&self, now: Timestamp) -> Result<(), CertificateError> {
        if now < self.not_before {
            return Err(CertificateError::NotYetValid { not_before: self.not_before });
        }
        if now > self.not_after {
            return Err(CertificateError::Expired { not_after: self.not_after });
        }
        Ok(())
    }

    /// Rule 2 of the module's head.
    pub(super) fn require_strong_key(&self) -> Result<(), CertificateError> {
        let kinds = [
            SignatureAlgorithm::EcdsaP256Sha256,
            SignatureAlgorithm::RsaPkcs1Sha256,
            SignatureAlgorithm::EcdsaP384Sha384,
            SignatureAlgorithm::Ed25519,
        ];
        let mut why = "RSA, P-256, P-384 or Ed25519 is needed".to_owned();
        for kind in kinds {
            match VerifyingKey::from_spki(kind, &self.spki_der) {
                Ok(_) => return Ok(()),
                Err(weak @ konfido_keys::KeyError::WeakKey { .. }) => why = weak.to_string(),
                Err(_) => {}
            }
        }
        Err(CertificateError::WeakKey(why))
    }

    /// Rule 5 of the module's head.
    pub(super) fn require_usage(&self, usage: Usage) -> Result<(), CertificateError> {
        let needs = |ok: bool, why| if ok { Ok(()) } else { Err(CertificateError::WrongUsage(why)) };
        match usage {
            Usage::TlsServer => {
                needs(self.digital_signature != Some(false), "key usage lacks digitalSignature")?;
                needs(self.purposes.is_some_and(|p| p.server), "extended key usage lacks serverAuth")
            }
            Usage::TlsClient => {
                needs(self.digital_signature != Some(false), "key usage lacks digitalSignature")?;
                needs(self.purposes.is_some_and(|p| p.client), "extended key usage lacks clientAuth")
            }
            Usage::Signing => {
                needs(self.digital_signature == Some(true), "key usage lacks digitalSignature")?;
                needs(
                    self.purposes.is_none_or(|p| !p.server && !p.client),
                    "a key for TLS signs nothing else",
                )
            }
        }
    }

    /// The one country the subject names.
    pub(super) fn only_country(&self) -> Result<CountryCode, CertificateError> {
        match self.countries.as_slice() {
            [one] => {
                CountryCode::new(one).map_err(|_| CertificateError::WrongCountry { found: Some(one.clone()) })
            }
            [] => Err(CertificateError::WrongCountry { found: None }),
            many => Err(CertificateError::WrongCountry { found: Some(many.join("+")) }),
        }
    }

    /// Rule 6 of the module's head.
    pub(super) fn country(&self, allowed: &BTreeSet<CountryCode>) -> Result<CountryCode, CertificateError> {
        let country = self.only_country()?;
        if allowed.contains(&country) {
            Ok(country)
        } else {
            Err(CertificateError::WrongCountry { found: Some(country.to_string()) })
        }
    }
}

fn timestamp(time: ASN1Time) -> Result<Timestamp, CertificateError> {
    Timestamp::from_second(time.timestamp()).map_err(|e| CertificateError::Malformed(e.to_string()))
}

/// A certificate that a [`super::TrustStore`] has believed; only the store makes these.
#[derive(Clone, Debug)]
pub struct CheckedCertificate {
    facts: Facts,
    country: CountryCode,
    usage: Usage,
}

impl CheckedCertificate {
    pub(super) fn new(facts: Facts, country: CountryCode, usage: Usage) -> Self {
        Self { facts, country, usage }
    }

    /// The member state it belongs to.
    #[must_use]
    pub fn country(&self) -> CountryCode {
        self.country
    }

    /// The usage it was checked for.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// The subject as text, for audit and display.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.facts.subject
    }

    /// The first common name of the subject; audit records name a TLS client by it.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.facts.common_name.as_deref()
    }

    /// The serial number's bytes.
    #[must_use]
    pub fn serial(&self) -> &[u8] {
        &self.facts.serial
    }

    /// Its key as DER `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn spki_der(&self) -> &[u8] {
        &self.facts.spki_der
    }

    /// The end of its validity.
    #[must_use]
    pub fn not_after(&self) -> Timestamp {
        self.facts.not_after
    }

    /// SHA-256 over its DER.
    #[must_use]
    pub fn sha256(&self) -> &[u8; 32] {
        &self.facts.sha256
    }
}
