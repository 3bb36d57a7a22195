//! Revocation lists of a development root.

use jiff::Timestamp;
use rcgen::{
    CertificateRevocationListParams, KeyIdMethod, RevocationReason, RevokedCertParams, SerialNumber,
};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};
use time::OffsetDateTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::revocation_list::CertificateRevocationList;

use super::issue::{at, issuer};
use super::{BACKDATE, CRL_LIFE, Issued, PkiError};

pub(super) fn empty(
    root: &Issued,
    now: Timestamp,
) -> Result<CertificateRevocationListDer<'static>, PkiError> {
    sign(root, 1, Vec::new(), now)
}

pub(super) fn renewed(
    root: &Issued,
    before: &CertificateRevocationListDer<'_>,
    now: Timestamp,
) -> Result<CertificateRevocationListDer<'static>, PkiError> {
    let (number, entries) = read(before)?;
    sign(root, number.saturating_add(1), entries, now)
}

pub(super) fn with_revoked(
    root: &Issued,
    before: &CertificateRevocationListDer<'_>,
    certificate: &CertificateDer<'_>,
    now: Timestamp,
) -> Result<CertificateRevocationListDer<'static>, PkiError> {
    let (number, mut entries) = read(before)?;
    let (_, leaf) = X509Certificate::from_der(certificate)
        .map_err(|e| PkiError::Request(format!("certificate to revoke cannot be read: {e}")))?;
    let (_, issuing) = X509Certificate::from_der(&root.certificate)
        .map_err(|e| PkiError::Request(format!("root cannot be read: {e}")))?;
    if leaf.issuer().as_raw() != issuing.subject().as_raw() {
        return Err(PkiError::Request(format!("`{}` is not of this root", leaf.subject())));
    }
    let serial_number = SerialNumber::from_slice(leaf.raw_serial());
    if !entries.iter().any(|e| e.serial_number == serial_number) {
        entries.push(RevokedCertParams {
            serial_number,
            revocation_time: at(now)?,
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        });
    }
    sign(root, number.saturating_add(1), entries, now)
}

fn sign(
    root: &Issued,
    number: u64,
    revoked_certs: Vec<RevokedCertParams>,
    now: Timestamp,
) -> Result<CertificateRevocationListDer<'static>, PkiError> {
    let params = CertificateRevocationListParams {
        this_update: at(now - BACKDATE)?,
        next_update: at(now + CRL_LIFE)?,
        crl_number: SerialNumber::from(number),
        issuing_distribution_point: None,
        revoked_certs,
        key_identifier_method: KeyIdMethod::Sha256,
    };
    Ok(params.signed_by(&issuer(root)?)?.der().clone())
}

fn read(crl: &CertificateRevocationListDer<'_>) -> Result<(u64, Vec<RevokedCertParams>), PkiError> {
    let (_, crl) = CertificateRevocationList::from_der(crl)
        .map_err(|e| PkiError::Request(format!("CRL cannot be read: {e}")))?;
    let number = crl.crl_number().and_then(|n| n.to_string().parse().ok()).unwrap_or(0);
    let entries = crl
        .iter_revoked_certificates()
        .map(|entry| {
            let seconds = entry.revocation_date.timestamp();
            Ok(RevokedCertParams {
                serial_number: SerialNumber::from_slice(entry.raw_serial()),
                revocation_time: OffsetDateTime::from_unix_timestamp(seconds)
                    .map_err(|e| PkiError::Request(e.to_string()))?,
                reason_code: Some(RevocationReason::KeyCompromise),
                invalidity_date: None,
            })
        })
        .collect::<Result<_, PkiError>>()?;
    Ok((number, entries))
}
