//! The folder behind `--trust`: certificates of signers, roots, and revocation lists.
//!
//! A certificate that is no CA counts as signer by itself while it is valid. A CA certificate counts as root of
//! the country its subject names; who it certified for signing counts, unless revoked. Roots without CRL are
//! used all the same and said aloud.

use std::path::Path;

use anyhow::Context as _;
use jiff::Timestamp;
use konfido_circle::{CountryCode, TrustStore, Usage};
use konfido_xml::dsig::{KeyInfo, KeyResolver, PinnedKeys, SignatureError, TrustedKey, Verified};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivatePkcs8KeyDer};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use crate::exit::UsageError;
use crate::ui::Ui;

/// Whom to believe.
#[derive(Debug)]
pub(in crate::cmd) struct Trust {
    pinned: PinnedKeys,
    store: Option<TrustStore>,
    now: Timestamp,
}

/// The certificates in a PEM or DER file.
pub(super) fn certificates(bytes: &[u8]) -> Vec<CertificateDer<'static>> {
    let pem: Vec<_> = CertificateDer::pem_slice_iter(bytes).filter_map(Result::ok).collect();
    if pem.is_empty() && X509Certificate::from_der(bytes).is_ok() {
        return vec![CertificateDer::from(bytes.to_vec())];
    }
    pem
}

/// The private key in a PEM file, as PKCS#8 DER.
pub(super) fn private_key(bytes: &[u8]) -> Option<Vec<u8>> {
    PrivatePkcs8KeyDer::from_pem_slice(bytes).ok().map(|k| k.secret_pkcs8_der().to_vec())
}

impl Trust {
    pub(in crate::cmd) fn load(folder: &Path, now: Timestamp, ui: &Ui) -> anyhow::Result<Self> {
        let mut signers = Vec::new();
        let mut builder = TrustStore::builder();
        let (mut roots, mut with_crl) = (Vec::new(), Vec::new());
        let entries = std::fs::read_dir(folder)
            .with_context(|| format!("cannot read the folder `{}`", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            if !path.is_file() {
                continue;
            }
            let bytes = std::fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
            for crl in CertificateRevocationListDer::pem_slice_iter(&bytes).filter_map(Result::ok) {
                if let Ok((_, parsed)) =
                    x509_parser::revocation_list::CertificateRevocationList::from_der(&crl)
                {
                    with_crl.push(parsed.tbs_cert_list.issuer.as_raw().to_vec());
                    builder = builder.crl(crl.clone());
                }
            }
            for certificate in certificates(&bytes) {
                let Ok((_, parsed)) = X509Certificate::from_der(&certificate) else { continue };
                if !parsed.is_ca() {
                    signers.push(certificate.clone());
                    continue;
                }
                let country =
                    parsed.subject().iter_country().next().and_then(|c| c.as_str().ok()?.parse().ok());
                match country {
                    Some(country) => {
                        roots.push((
                            country,
                            parsed.subject().as_raw().to_vec(),
                            parsed.subject().to_string(),
                        ));
                        builder = builder.root(country, certificate.clone());
                    }
                    None => ui.note(format!("`{}`: a CA without country is left out", path.display())),
                }
            }
        }
        for (country, subject, name) in &roots {
            let country: CountryCode = *country;
            if !with_crl.contains(subject) {
                ui.note(format!("no revocation list of `{name}`: revocation is not checked"));
                builder = builder.danger_without_revocation(country);
            }
        }
        if signers.is_empty() && roots.is_empty() {
            return Err(UsageError(format!("`{}` holds no certificate", folder.display())).into());
        }
        let store = if roots.is_empty() {
            None
        } else {
            let mistakes = |m: Vec<_>| {
                let lines: Vec<String> =
                    m.iter().map(|m: &konfido_circle::TrustStoreMistake| m.to_string()).collect();
                UsageError(format!("`{}`: {}", folder.display(), lines.join("; ")))
            };
            Some(builder.build().map_err(mistakes)?)
        };
        Ok(Self { pinned: PinnedKeys::new(&signers), store, now })
    }

    /// The roots, where the folder holds any.
    pub(in crate::cmd) fn store(&self) -> Option<&TrustStore> {
        self.store.as_ref()
    }

    /// The subject of the signer, for a reader.
    pub(super) fn name(&self, verified: &Verified<'_>) -> String {
        let subject = verified
            .certificate_der()
            .and_then(|der| X509Certificate::from_der(der).ok())
            .map(|(_, c)| c.subject().to_string());
        subject.unwrap_or_else(|| "a bare key".to_owned())
    }
}

impl KeyResolver for Trust {
    fn resolve(&self, key_info: &KeyInfo) -> Result<TrustedKey, SignatureError> {
        let unpinned = match self.pinned.resolve(key_info) {
            Ok(key) => return self.valid_now(key),
            Err(error) => error,
        };
        let (Some(store), Some(leaf)) = (&self.store, key_info.certificates.first()) else {
            return Err(unpinned);
        };
        let der = CertificateDer::from(leaf.as_slice());
        store
            .verify_certificate(&der, Usage::Signing, self.now)
            .map_err(|e| super::certificate_refusal(&e))?;
        TrustedKey::of_certificate(leaf).ok_or(unpinned)
    }
}

impl Trust {
    fn valid_now(&self, key: TrustedKey) -> Result<TrustedKey, SignatureError> {
        let parsed = key.certificate.as_deref().and_then(|der| X509Certificate::from_der(der).ok());
        if let Some((_, certificate)) = parsed {
            let now = self.now.as_second();
            if certificate.validity().not_after.timestamp() < now {
                return Err(SignatureError::Expired);
            }
            if certificate.validity().not_before.timestamp() > now {
                return Err(SignatureError::NotYetValid);
            }
        }
        Ok(key)
    }
}
