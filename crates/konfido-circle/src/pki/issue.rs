//! Roots and leaves.

use jiff::Timestamp;
use konfido_keys::Rng;
use konfido_keys::software::{KeyKind, generate_pkcs8};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber,
};
use rustls_pki_types::PrivatePkcs8KeyDer;
use secrecy::{ExposeSecret, SecretSlice};
use time::OffsetDateTime;

use super::{BACKDATE, Issued, LEAF_LIFE, PkiError, PkiRequest, ROOT_LIFE};
use crate::CountryCode;
use crate::trust::Usage;

/// What a leaf is to say. Every field may be set wrong on purpose, to have a bad certificate for a test.
#[derive(Clone, Debug)]
pub struct LeafRequest {
    /// The subject's `C=`; `None` leaves it out.
    pub country: Option<CountryCode>,
    /// The subject's `CN=`.
    pub common_name: String,
    /// What it is for.
    pub usage: Usage,
    /// The kind of its key.
    pub kind: KeyKind,
    /// Host names and IP addresses in its alternative names.
    pub hosts: Vec<String>,
    /// Start of its validity.
    pub not_before: Timestamp,
    /// End of its validity.
    pub not_after: Timestamp,
}

impl LeafRequest {
    /// A sound leaf with a P-256 key, made now.
    #[must_use]
    pub fn new(country: CountryCode, usage: Usage, now: Timestamp) -> Self {
        Self {
            country: Some(country),
            common_name: format!("extra-{}.{}", usage.name(), country.as_str().to_ascii_lowercase()),
            usage,
            kind: KeyKind::EcdsaP256,
            hosts: if usage == Usage::TlsServer { vec!["localhost".into()] } else { Vec::new() },
            not_before: now - BACKDATE,
            not_after: now + LEAF_LIFE,
        }
    }

    /// The same with an RSA-3072 key.
    #[must_use]
    pub fn rsa(self) -> Self {
        Self { kind: KeyKind::Rsa3072, ..self }
    }

    /// The same, expired a minute before `now`.
    #[must_use]
    pub fn expired(self, now: Timestamp) -> Self {
        Self { not_before: now - LEAF_LIFE, not_after: now - jiff::SignedDuration::from_mins(1), ..self }
    }

    /// The same, valid from an hour after `now`.
    #[must_use]
    pub fn not_yet_valid(self, now: Timestamp) -> Self {
        Self { not_before: now + jiff::SignedDuration::from_hours(1), ..self }
    }

    /// The same with another country in its subject.
    #[must_use]
    pub fn of_country(self, country: Option<CountryCode>) -> Self {
        Self { country, ..self }
    }
}

pub(super) fn root(request: &PkiRequest, rng: &dyn Rng) -> Result<Issued, PkiError> {
    let kind = KeyKind::EcdsaP256;
    let key = generate_pkcs8(kind)?;
    let pair = key_pair(&key, kind)?;
    let name = format!("Konfido development root {}", request.country);
    let mut params = params(Some(request.country), &request.organisation, &name, rng)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = at(request.now - BACKDATE)?;
    params.not_after = at(request.now + ROOT_LIFE)?;
    let certificate = params.self_signed(&pair)?.der().clone();
    Ok(Issued { certificate, key, kind })
}

pub(super) fn leaf(
    request: &LeafRequest,
    organisation: &str,
    root: &Issued,
    rng: &dyn Rng,
) -> Result<Issued, PkiError> {
    if request.usage == Usage::TlsServer && request.hosts.is_empty() {
        return Err(PkiError::Request("a TLS server needs at least one host name or IP address".into()));
    }
    let key = generate_pkcs8(request.kind)?;
    let pair = key_pair(&key, request.kind)?;
    let mut params = params(request.country, organisation, &request.common_name, rng)?;
    params.subject_alt_names = CertificateParams::new(request.hosts.clone())?.subject_alt_names;
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    match request.usage {
        Usage::TlsServer => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth],
        Usage::TlsClient => params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth],
        // Audit messages and receipts are evidence: nonRepudiation (contentCommitment) beside digitalSignature.
        Usage::Signing => params.key_usages.push(KeyUsagePurpose::ContentCommitment),
    }
    params.not_before = at(request.not_before)?;
    params.not_after = at(request.not_after)?;
    let certificate = params.signed_by(&pair, &issuer(root)?)?.der().clone();
    Ok(Issued { certificate, key, kind: request.kind })
}

/// The root as rcgen's issuer, of certificates and of CRLs.
pub(super) fn issuer(root: &Issued) -> Result<Issuer<'static, KeyPair>, PkiError> {
    Ok(Issuer::from_ca_cert_der(&root.certificate, key_pair(&root.key, root.kind)?)?)
}

fn key_pair(pkcs8: &SecretSlice<u8>, kind: KeyKind) -> Result<KeyPair, PkiError> {
    let algorithm = match kind {
        KeyKind::Rsa3072 => &rcgen::PKCS_RSA_SHA256,
        KeyKind::EcdsaP256 => &rcgen::PKCS_ECDSA_P256_SHA256,
        KeyKind::EcdsaP384 => &rcgen::PKCS_ECDSA_P384_SHA384,
        KeyKind::Ed25519 => &rcgen::PKCS_ED25519,
        other => return Err(PkiError::Request(format!("no certificates for keys of kind {other:?}"))),
    };
    let der = PrivatePkcs8KeyDer::from(pkcs8.expose_secret());
    Ok(KeyPair::from_pkcs8_der_and_sign_algo(&der, algorithm)?)
}

fn params(
    country: Option<CountryCode>,
    organisation: &str,
    common_name: &str,
    rng: &dyn Rng,
) -> Result<CertificateParams, PkiError> {
    let mut params = CertificateParams::default();
    let name = &mut params.distinguished_name;
    *name = rcgen::DistinguishedName::new();
    if let Some(country) = country {
        // RFC 5280 appendix A: X520countryName is a PrintableString.
        name.push(DnType::CountryName, DnValue::PrintableString(country.as_str().try_into()?));
    }
    name.push(DnType::OrganizationName, organisation);
    name.push(DnType::CommonName, common_name);
    params.serial_number = Some(serial(rng)?);
    Ok(params)
}

/// 127 random bits, positive and never zero (RFC 5280 section 4.1.2.2).
fn serial(rng: &dyn Rng) -> Result<SerialNumber, PkiError> {
    let mut bytes = [0u8; 16];
    rng.fill(&mut bytes)?;
    if let Some(first) = bytes.first_mut() {
        *first = (*first & 0x7f) | 0x40;
    }
    Ok(SerialNumber::from_slice(&bytes))
}

pub(super) fn at(time: Timestamp) -> Result<OffsetDateTime, PkiError> {
    OffsetDateTime::from_unix_timestamp(time.as_second()).map_err(|e| PkiError::Request(e.to_string()))
}
