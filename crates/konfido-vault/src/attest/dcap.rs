//! Intel SGX and TDX quotes (DCAP, quote versions 3 to 5) with their collateral (PCS version 4).
//!
//! The chain, the signatures, the revocation lists and the TCB level are `dcap-qvl`'s work, on the cryptography of
//! aws-lc; what a node does with the result is [`Policy`]. Its verdict on the platform is asked for without a policy of
//! its own, so that every refusal of ours has a type.

use aws_lc_rs::digest;
use dcap_qvl::config::{Config, CryptoProvider};
use dcap_qvl::quote::{Quote, Report};
use dcap_qvl::signature::DerSigEncoder;
use dcap_qvl::tcb_info::TcbStatus;
use dcap_qvl::verify::QuoteVerifier;
use dcap_qvl::x509::X509CertBackend;
use dcap_qvl::{PckCertFlag, QuoteClaims, QuoteCollateralV3, QuotePolicy};
use jiff::Timestamp;
use rustls_pki_types::SignatureVerificationAlgorithm;
use x509_parser::prelude::{CertificateRevocationList, FromDer, Pem};

use super::anchors::{INTEL_SGX_ROOT, fingerprint};
use super::bytes::array;
use super::{Assurance, At, Claims, Policy, Refusal, TeeKind};

const HEADER: usize = 48;
const ENCLAVE_REPORT: usize = 384;
const TD_REPORT_10: usize = 584;
const TEE_SGX: u32 = 0;
const TEE_TDX: u32 = 0x81;
const DAY: i64 = 86_400;

/// dcap-qvl on the one cryptographic library of the project.
struct AwsLc;

impl CryptoProvider for AwsLc {
    fn sig_algo() -> &'static dyn SignatureVerificationAlgorithm {
        webpki::aws_lc_rs::ECDSA_P256_SHA256
    }

    fn sha256(data: &[u8]) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(digest::digest(&digest::SHA256, data).as_ref());
        out
    }

    fn sha384(data: &[u8]) -> [u8; 48] {
        let mut out = [0; 48];
        out.copy_from_slice(digest::digest(&digest::SHA384, data).as_ref());
        out
    }
}

impl Config for AwsLc {
    type X509 = X509CertBackend;
    type SigEncoder = DerSigEncoder;
    type Crypto = Self;
}

/// SGX or TDX by the quote header; `None` when it is no quote.
pub(super) fn recognise(evidence: &[u8]) -> Option<TeeKind> {
    let version = u16::from_le_bytes(array(evidence, 0).ok()?);
    let tee = u32::from_le_bytes(array(evidence, 4).ok()?);
    match (version, tee) {
        (3, TEE_SGX) | (4 | 5, TEE_SGX) => Some(TeeKind::Sgx),
        (4 | 5, TEE_TDX) => Some(TeeKind::Tdx),
        _ => None,
    }
}

/// Verifies a quote; see [`super::verify`].
pub(super) fn verify(
    quote: &[u8],
    collateral: Option<&[u8]>,
    at: At,
    now: Timestamp,
    policy: &Policy,
) -> Result<Claims, Refusal> {
    let parsed = Quote::parse(quote).map_err(|error| Refusal::Unreadable(format!("quote: {error}")))?;
    let collateral = collateral.ok_or_else(|| {
        Refusal::Collateral("an SGX or TDX quote is judged with its collateral (JSON)".to_owned())
    })?;
    let collateral: QuoteCollateralV3 = serde_json::from_slice(collateral)
        .map_err(|error| Refusal::Collateral(format!("not readable: {error}")))?;
    let at = match at {
        At::Now => now,
        At::Time(time) => time,
        At::Issue => latest_issue(&collateral)?,
    };
    let seconds = u64::try_from(at.as_second()).map_err(|_| Refusal::Expired("before 1970".to_owned()))?;

    let (claims, anchor, test_root) = verdict(quote, &collateral, seconds, policy)?;
    appraise(&claims, policy)?;

    let (measurement, signer, svn, report_data) = measured(&claims.report);
    let signed = signed_range(quote, &parsed)?;
    if !policy.measurements.is_empty() && !policy.measurements.contains(&measurement) {
        return Err(Refusal::Measurement(measurement));
    }
    Ok(Claims {
        kind: if claims.tee_type == TEE_SGX { TeeKind::Sgx } else { TeeKind::Tdx },
        assurance: if test_root { Assurance::SoftwareIsolated } else { Assurance::HardwareTee },
        measurement,
        signer,
        svn,
        tcb_status: claims.tcb.status.to_string(),
        advisories: claims.tcb.advisory_ids.clone(),
        report_data,
        evidence_id: fingerprint(signed),
        anchor,
        test_root,
        notes: notes(&claims),
        at: at.to_string(),
    })
}

/// Chain, signatures, revocation and TCB level under Intel's root, or under the test root that the policy names.
fn verdict(
    quote: &[u8],
    collateral: &QuoteCollateralV3,
    at: u64,
    policy: &Policy,
) -> Result<(QuoteClaims, String, bool), Refusal> {
    let everything = QuotePolicy::claims_only(at);
    let judge = |root: &[u8]| {
        QuoteVerifier::<AwsLc>::new_with_config(root.to_vec()).verify_with_policy(
            quote,
            collateral.clone(),
            at,
            &everything,
        )
    };
    let refusal = match judge(INTEL_SGX_ROOT) {
        Ok(claims) => return Ok((claims, fingerprint(INTEL_SGX_ROOT), false)),
        Err(error) => error,
    };
    for root in roots_inside(collateral) {
        let name = fingerprint(&root);
        if policy.danger_test_roots.contains(&name) {
            let claims = judge(&root).map_err(|error| classify(&format!("{error:#}")))?;
            return Ok((claims, name, true));
        }
        if name != fingerprint(INTEL_SGX_ROOT) {
            return Err(Refusal::UntrustedRoot(name));
        }
    }
    Err(classify(&format!("{refusal:#}")))
}

/// What the policy says of a genuine platform.
fn appraise(claims: &QuoteClaims, policy: &Policy) -> Result<(), Refusal> {
    let status = claims.tcb.status.to_string();
    if claims.tcb.status == TcbStatus::Revoked || !policy.tcb_status.contains(&status) {
        let advisories = claims.tcb.advisory_ids.join(", ");
        return Err(Refusal::Policy(format!("TCB status is {status} ({advisories})")));
    }
    if let Some(advisory) = claims
        .tcb
        .advisory_ids
        .iter()
        .find(|id| policy.rejected_advisories.iter().any(|r| r.eq_ignore_ascii_case(id)))
    {
        return Err(Refusal::Policy(format!("advisory {advisory} applies")));
    }
    let pck = &claims.platform.pck;
    for (flag, allowed, what) in [
        (pck.dynamic_platform, policy.allow_dynamic_platform, "the platform is dynamic"),
        (pck.cached_keys, policy.allow_cached_keys, "its keys may be cached"),
        (pck.smt_enabled, policy.allow_smt, "hyper-threading is on"),
    ] {
        if flag == PckCertFlag::True && !allowed {
            return Err(Refusal::Policy(what.to_owned()));
        }
    }
    Ok(())
}

fn notes(claims: &QuoteClaims) -> Vec<String> {
    let pck = &claims.platform.pck;
    [
        (pck.dynamic_platform, "dynamic-platform"),
        (pck.cached_keys, "cached-keys"),
        (pck.smt_enabled, "hyper-threading"),
    ]
    .into_iter()
    .filter(|(flag, _)| *flag == PckCertFlag::True)
    .map(|(_, note)| note.to_owned())
    .collect()
}

/// Measurement, signer, security version and report data.
fn measured(report: &Report) -> (String, String, u32, String) {
    let td = |base: &dcap_qvl::quote::TDReport10| {
        (hex::encode(base.mr_td), hex::encode(base.mr_owner), 0, hex::encode(base.report_data))
    };
    match report {
        Report::SgxEnclave(enclave) => (
            hex::encode(enclave.mr_enclave),
            hex::encode(enclave.mr_signer),
            enclave.isv_svn.into(),
            hex::encode(enclave.report_data),
        ),
        Report::TD10(report) => td(report),
        Report::TD15(report) => td(&report.base),
        Report::TD15Ex(report) => td(&report.base.base),
    }
}

/// Header and report body: what the attestation key signed.
fn signed_range<'q>(quote: &'q [u8], parsed: &Quote) -> Result<&'q [u8], Refusal> {
    let end = match (parsed.header.version, parsed.header.tee_type) {
        (5, _) => {
            let size = u32::from_le_bytes(array(quote, HEADER + 2)?);
            HEADER + 6 + usize::try_from(size).unwrap_or(usize::MAX - HEADER - 6)
        }
        (_, TEE_SGX) => HEADER + ENCLAVE_REPORT,
        _ => HEADER + TD_REPORT_10,
    };
    quote.get(..end).ok_or_else(|| Refusal::Unreadable("ends inside the report".to_owned()))
}

/// dcap-qvl speaks in sentences; the ones about time and debug have types of their own here.
fn classify(sentence: &str) -> Refusal {
    let lower = sentence.to_ascii_lowercase();
    if lower.contains("debug") {
        Refusal::Debug
    } else if lower.contains("tcb level") || lower.contains("tcb status") || lower.contains("revoked") {
        Refusal::Policy(sentence.to_owned())
    } else if ["expired", "not yet valid", "notvalidyet", "in the future"]
        .iter()
        .any(|word| lower.contains(word))
    {
        Refusal::Expired(sentence.to_owned())
    } else {
        Refusal::Signature(sentence.to_owned())
    }
}

/// The self-signed ends of the chains inside the collateral.
fn roots_inside(collateral: &QuoteCollateralV3) -> Vec<Vec<u8>> {
    pem_certificates(&collateral.tcb_info_issuer_chain).pop().into_iter().collect()
}

fn pem_certificates(chain: &str) -> Vec<Vec<u8>> {
    Pem::iter_from_buffer(chain.as_bytes()).filter_map(Result::ok).map(|pem| pem.contents).collect()
}

/// A day after the latest issue date within the collateral.
fn latest_issue(collateral: &QuoteCollateralV3) -> Result<Timestamp, Refusal> {
    let mut dates = Vec::new();
    for signed in [&collateral.tcb_info, &collateral.qe_identity] {
        let json: serde_json::Value = serde_json::from_str(signed)
            .map_err(|error| Refusal::Collateral(format!("TCB information is not JSON: {error}")))?;
        let issued = json.get("issueDate").and_then(serde_json::Value::as_str).unwrap_or_default();
        let issued: Timestamp = issued
            .parse()
            .map_err(|_| Refusal::Collateral("TCB information has no issue date".to_owned()))?;
        dates.push(issued.as_second());
    }
    for crl in [&collateral.root_ca_crl, &collateral.pck_crl] {
        let (_, crl) = CertificateRevocationList::from_der(crl)
            .map_err(|_| Refusal::Collateral("a revocation list is not readable".to_owned()))?;
        dates.push(crl.last_update().timestamp());
    }
    let chains = [
        collateral.tcb_info_issuer_chain.as_str(),
        collateral.qe_identity_issuer_chain.as_str(),
        collateral.pck_crl_issuer_chain.as_str(),
        collateral.pck_certificate_chain.as_deref().unwrap_or_default(),
    ];
    for der in chains.into_iter().flat_map(pem_certificates) {
        let (_, certificate) = x509_parser::parse_x509_certificate(&der)
            .map_err(|_| Refusal::Collateral("a certificate is not readable".to_owned()))?;
        dates.push(certificate.validity().not_before.timestamp());
    }
    let latest = dates.into_iter().max().unwrap_or_default();
    Timestamp::from_second(latest.saturating_add(DAY))
        .map_err(|_| Refusal::Collateral("no issue date".to_owned()))
}
