//! Which certificates the circle believes, at a given instant.
//!
//! One question is answered here, the same way for every use: does this leaf certificate belong to a member, for
//! this usage, now? The rules, in the order in which they refuse:
//!
//! 1. It reads as X.509 v3, one certificate, no trailing bytes.
//! 2. Its key is RSA of at least 2048 bits, ECDSA on P-256 or P-384, or Ed25519.
//! 3. It is valid at `now`; not a CA; its chain ends in a root of the store, by signatures without SHA-1; the root
//!    is valid at `now` too.
//! 4. It is not revoked: the CRL of each issuer in the chain is present, signed by that issuer and not past its
//!    `nextUpdate`. A member without CRL must be marked `danger_without_revocation`.
//! 5. Key usage and extended key usage are those of [`Usage`].
//! 6. Its subject has exactly one `C=`, and the root is one of that country's (an OpenNCP reads the country from
//!    there, and so do we, but never without the root's consent).
//! 7. Where its country lists its certificates for this usage, it is one of the list.
//!
//! Path building and signatures are rustls-webpki's; fields it does not show are read with x509-parser from the same
//! bytes. A store never changes: who reloads CRLs builds a new one.

mod builder;
mod certificate;
mod error;
mod folder;

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, ExtendedKeyUsageValidator, KeyPurposeIdIter,
    RevocationCheckDepth, RevocationOptionsBuilder, UnknownStatusPolicy, aws_lc_rs as algs,
};

pub use self::builder::{TrustStoreBuilder, TrustStoreMistake};
pub use self::certificate::CheckedCertificate;
pub use self::error::CertificateError;
pub use self::folder::{TrustFolderError, crls_in_folder};

use self::certificate::Facts;
use crate::CountryCode;

/// Whether `der` reads as one certificate with a key that we use. Says nothing about trust.
pub(crate) fn is_certificate(der: &CertificateDer<'_>) -> Result<(), CertificateError> {
    Facts::read(der)?.require_strong_key()
}

/// The one country that a certificate's subject names. Says nothing about trust.
pub fn country_of(der: &CertificateDer<'_>) -> Result<CountryCode, CertificateError> {
    Facts::read(der)?.only_country()
}

/// What a certificate is to be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Usage {
    /// A TLS server: extended key usage `serverAuth`.
    TlsServer,
    /// A TLS client: extended key usage `clientAuth`.
    TlsClient,
    /// A signer of assertions, audit messages and receipts: key usage `digitalSignature`, no TLS purpose.
    Signing,
}

impl Usage {
    /// The name as configuration and reports write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TlsServer => "tls-server",
            Self::TlsClient => "tls-client",
            Self::Signing => "signing",
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Usage {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::TlsServer, Self::TlsClient, Self::Signing]
            .into_iter()
            .find(|u| u.name() == name)
            .ok_or_else(|| format!("`{name}` is no usage, only `tls-server`, `tls-client` and `signing` are"))
    }
}

/// The roots, revocation lists and listed certificates of all members.
#[derive(Debug)]
pub struct TrustStore {
    anchors: Vec<Anchor>,
    crls: Vec<CertRevocationList<'static>>,
    listed: Vec<Listed>,
}

#[derive(Debug)]
struct Anchor {
    trust: TrustAnchor<'static>,
    facts: Facts,
    countries: BTreeSet<CountryCode>,
    revocation_required: bool,
}

#[derive(Debug)]
struct Listed {
    country: CountryCode,
    usage: Usage,
    certificate: CertificateDer<'static>,
}

/// Signature algorithms of certificates and CRLs. No SHA-1, no RSA below 2048 bits.
static ALGORITHMS: &[&dyn rustls_pki_types::SignatureVerificationAlgorithm] = &[
    algs::ECDSA_P256_SHA256,
    algs::ECDSA_P256_SHA384,
    algs::ECDSA_P384_SHA256,
    algs::ECDSA_P384_SHA384,
    algs::ED25519,
    algs::RSA_PKCS1_2048_8192_SHA256,
    algs::RSA_PKCS1_2048_8192_SHA384,
    algs::RSA_PKCS1_2048_8192_SHA512,
    algs::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    algs::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    algs::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
];

/// Leaves the purposes to rule 5, which sees key usage as well.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, _purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        Ok(())
    }
}

impl TrustStore {
    /// Starts an empty store.
    #[must_use]
    pub fn builder() -> TrustStoreBuilder {
        TrustStoreBuilder::default()
    }

    /// Checks a leaf certificate that a root of the store has issued itself.
    pub fn verify_certificate(
        &self,
        leaf: &CertificateDer<'_>,
        usage: Usage,
        now: Timestamp,
    ) -> Result<CheckedCertificate, CertificateError> {
        self.verify_chain(leaf, &[], usage, now)
    }

    /// Checks a TLS server's certificate: its chain and the name it was called by.
    pub fn verify_tls_server(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: Timestamp,
    ) -> Result<CheckedCertificate, CertificateError> {
        let checked = self.verify_chain(leaf, intermediates, Usage::TlsServer, now)?;
        let parsed = EndEntityCert::try_from(leaf).map_err(|e| CertificateError::Malformed(e.to_string()))?;
        parsed
            .verify_is_valid_for_subject_name(name)
            .map_err(|_| CertificateError::WrongName { wanted: name.to_str().into_owned() })?;
        Ok(checked)
    }

    /// Checks a leaf certificate together with the intermediates that came with it.
    pub fn verify_chain(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        usage: Usage,
        now: Timestamp,
    ) -> Result<CheckedCertificate, CertificateError> {
        let facts = Facts::read(leaf)?;
        facts.require_strong_key()?;
        let parsed = EndEntityCert::try_from(leaf).map_err(|e| CertificateError::Malformed(e.to_string()))?;
        let anchor =
            self.find_anchor(&parsed, intermediates, now).map_err(|e| error::of_webpki(e, &facts))?;
        anchor.facts.require_valid_at(now)?;
        facts.require_usage(usage)?;
        let country = facts.country(&anchor.countries)?;
        let mut listed = self.listed(country, usage).peekable();
        if listed.peek().is_some() && !listed.any(|known| known.as_ref() == leaf.as_ref()) {
            return Err(CertificateError::NotListed { country });
        }
        Ok(CheckedCertificate::new(facts, country, usage))
    }

    /// The certificates that a country lists for a usage: for signatures that carry only a key, and for showing.
    pub fn listed(
        &self,
        country: CountryCode,
        usage: Usage,
    ) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.listed.iter().filter(move |l| l.country == country && l.usage == usage).map(|l| &l.certificate)
    }

    /// The listed certificates of a usage whose `SubjectPublicKeyInfo` is `spki_der`, with their countries. Each
    /// still has to pass [`TrustStore::verify_certificate`].
    pub fn listed_with_key<'a>(
        &'a self,
        usage: Usage,
        spki_der: &'a [u8],
    ) -> impl Iterator<Item = (CountryCode, &'a CertificateDer<'static>)> {
        self.listed.iter().filter(move |l| l.usage == usage).filter_map(move |l| {
            let leaf = EndEntityCert::try_from(&l.certificate).ok()?;
            (leaf.subject_public_key_info().as_ref() == spki_der).then_some((l.country, &l.certificate))
        })
    }

    /// The countries that have a root here.
    #[must_use]
    pub fn countries(&self) -> BTreeSet<CountryCode> {
        self.anchors.iter().flat_map(|a| a.countries.iter().copied()).collect()
    }

    /// The subjects of the roots in DER, as a TLS server names them to its clients.
    pub fn root_subjects(&self) -> impl Iterator<Item = &[u8]> {
        self.anchors.iter().map(|a| a.facts.subject_der())
    }

    /// The first root that accepts, or else the most telling refusal of any.
    fn find_anchor(
        &self,
        leaf: &EndEntityCert<'_>,
        intermediates: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<&Anchor, webpki::Error> {
        let crls: Vec<&CertRevocationList<'_>> = self.crls.iter().collect();
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let time = UnixTime::since_unix_epoch(Duration::from_secs(seconds));
        let mut refusal = webpki::Error::UnknownIssuer;
        for anchor in &self.anchors {
            let unknown = if anchor.revocation_required {
                UnknownStatusPolicy::Deny
            } else {
                UnknownStatusPolicy::Allow
            };
            let revocation = match RevocationOptionsBuilder::new(&crls) {
                Ok(options) => Some(
                    options
                        .with_depth(RevocationCheckDepth::Chain)
                        .with_status_policy(unknown)
                        .with_expiration_policy(ExpirationPolicy::Enforce)
                        .build(),
                ),
                // INVARIANT (crl-present): the builder refuses a root that needs a CRL and has none.
                Err(_) => None,
            };
            let path = leaf.verify_for_usage(
                ALGORITHMS,
                std::slice::from_ref(&anchor.trust),
                intermediates,
                time,
                AnyPurpose,
                revocation,
                None,
            );
            match path {
                Ok(_) => return Ok(anchor),
                Err(webpki::Error::UnknownIssuer) => {}
                Err(other) => refusal = other,
            }
        }
        Err(refusal)
    }
}
