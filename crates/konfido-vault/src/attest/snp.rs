//! AMD SEV-SNP attestation reports (firmware ABI, "Attestation Report") with their VCEK.
//!
//! Every check is made here on the bytes as they came; of the `sev` crate only the type of the report is used, because its
//! own verification re-encodes the report first and so overlooks changes in reserved bytes inside the signed range. The
//! checks, in order: length and version, signature algorithm, VCEK (not VLEK) as the signer, chain VCEK to ASK to ARK with
//! RSA-PSS SHA-384, dates of all three, the chip and the TCB that the VCEK names against those of the report, the signature
//! over bytes 0 to 0x29F, debug off, VMPL 0, least TCB.

use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_FIXED, RSA_PSS_2048_8192_SHA384, UnparsedPublicKey, VerificationAlgorithm,
};
use jiff::Timestamp;
use sev::firmware::guest::AttestationReport;
use sev::parser::ByteParser;
use x509_parser::prelude::{Pem, X509Certificate};
use x509_parser::x509::X509Name;

use super::anchors::{AMD_FAMILIES, AmdFamily, fingerprint};
use super::bytes::array;
use super::{Assurance, At, Claims, Policy, Refusal, TeeKind};

const REPORT: usize = 0x4A0;
const SIGNED: usize = 0x2A0;
/// Each half of the signature is a little-endian number in 72 bytes, of which P-384 uses 48.
const HALF: usize = 72;
const P384: usize = 48;
const ECDSA_P384_SHA384: u32 = 1;
const OID_BOOT_LOADER: &str = "1.3.6.1.4.1.3704.1.3.1";
const OID_TEE: &str = "1.3.6.1.4.1.3704.1.3.2";
const OID_SNP: &str = "1.3.6.1.4.1.3704.1.3.3";
const OID_MICROCODE: &str = "1.3.6.1.4.1.3704.1.3.8";
const OID_HARDWARE_ID: &str = "1.3.6.1.4.1.3704.1.4";
const DAY: i64 = 86_400;

/// A report is told by its length and version alone; it has no magic number.
pub(super) fn looks_like(evidence: &[u8]) -> bool {
    evidence.len() == REPORT
        && array(evidence, 0).is_ok_and(|version| (2..=5).contains(&u32::from_le_bytes(version)))
}

/// Verifies a report; see [`super::verify`].
pub(super) fn verify(
    raw: &[u8],
    collateral: Option<&[u8]>,
    at: At,
    now: Timestamp,
    policy: &Policy,
) -> Result<Claims, Refusal> {
    let report = AttestationReport::from_bytes(raw)
        .map_err(|error| Refusal::Unreadable(format!("SNP report: {error}")))?;
    if report.sig_algo != ECDSA_P384_SHA384 {
        return Err(Refusal::Unreadable(format!(
            "signature algorithm {} is not ECDSA P-384",
            report.sig_algo
        )));
    }
    if report.key_info.signing_key() != 0 {
        return Err(Refusal::Policy("signed by a VLEK, which names no chip".to_owned()));
    }
    let collateral = collateral.ok_or_else(|| {
        Refusal::Collateral("an SNP report is judged with its VCEK (DER or PEM)".to_owned())
    })?;
    let der = first_certificate(collateral)?;
    let (rest, vcek) = x509_parser::parse_x509_certificate(&der)
        .map_err(|_| Refusal::Collateral("the VCEK is not readable".to_owned()))?;
    if !rest.is_empty() {
        return Err(Refusal::Collateral("bytes behind the VCEK".to_owned()));
    }
    let at = match at {
        At::Now => now,
        At::Time(time) => time,
        At::Issue => Timestamp::from_second(vcek.validity().not_before.timestamp().saturating_add(DAY))
            .map_err(|_| Refusal::Collateral("the VCEK has no issue date".to_owned()))?,
    };
    let family = family(&vcek)?;
    let anchor = chain(&vcek, family, at)?;
    chip_and_tcb(&vcek, raw, &report)?;
    signature(&vcek, raw)?;
    appraise(&report, policy)?;

    let measurement = hex::encode(report.measurement);
    if !policy.measurements.is_empty() && !policy.measurements.contains(&measurement) {
        return Err(Refusal::Measurement(measurement));
    }
    let signed = raw.get(..SIGNED).ok_or_else(|| Refusal::Unreadable("ends inside the report".to_owned()))?;
    let mut notes = vec![format!("amd-{}", family.name.to_ascii_lowercase())];
    if report.policy.smt_allowed() {
        notes.push("hyper-threading".to_owned());
    }
    if report.policy.migrate_ma_allowed() {
        notes.push("migration-allowed".to_owned());
    }
    Ok(Claims {
        kind: TeeKind::Snp,
        assurance: Assurance::HardwareTee,
        measurement,
        signer: hex::encode(report.id_key_digest),
        svn: report.guest_svn,
        tcb_status: "UpToDate".to_owned(),
        advisories: Vec::new(),
        report_data: hex::encode(report.report_data),
        evidence_id: fingerprint(signed),
        anchor,
        test_root: false,
        notes,
        at: at.to_string(),
    })
}

/// The VCEK: DER as AMD serves it, or the first certificate of a PEM file.
fn first_certificate(collateral: &[u8]) -> Result<Vec<u8>, Refusal> {
    if collateral.first() == Some(&0x30) {
        return Ok(collateral.to_vec());
    }
    Pem::iter_from_buffer(collateral)
        .next()
        .and_then(Result::ok)
        .map(|pem| pem.contents)
        .ok_or_else(|| Refusal::Collateral("no certificate in it".to_owned()))
}

fn common_name<'a>(name: &'a X509Name<'_>) -> &'a str {
    name.iter_common_name().next().and_then(|cn| cn.as_str().ok()).unwrap_or_default()
}

/// The processor family whose ASK issued this VCEK.
fn family(vcek: &X509Certificate<'_>) -> Result<&'static AmdFamily, Refusal> {
    let issuer = common_name(vcek.issuer());
    if common_name(vcek.subject()) != "SEV-VCEK" {
        return Err(Refusal::Collateral("the certificate is not a VCEK".to_owned()));
    }
    AMD_FAMILIES
        .iter()
        .find(|family| issuer.strip_prefix("SEV-") == Some(family.name))
        .ok_or_else(|| Refusal::UntrustedRoot(issuer.to_owned()))
}

/// VCEK under ASK under ARK, all of them inside their dates; gives the fingerprint of the ARK.
fn chain(vcek: &X509Certificate<'_>, family: &AmdFamily, at: Timestamp) -> Result<String, Refusal> {
    let broken = |_| Refusal::Collateral("a compiled-in anchor is not readable".to_owned());
    let ark = Pem::iter_from_buffer(family.ark).next().and_then(Result::ok).unwrap_or_else(empty);
    let ask = Pem::iter_from_buffer(family.ask).next().and_then(Result::ok).unwrap_or_else(empty);
    let (_, ark_certificate) = x509_parser::parse_x509_certificate(&ark.contents).map_err(broken)?;
    let (_, ask_certificate) = x509_parser::parse_x509_certificate(&ask.contents).map_err(broken)?;
    for (certificate, issuer, what) in [
        (&ark_certificate, &ark_certificate, "ARK"),
        (&ask_certificate, &ark_certificate, "ASK"),
        (vcek, &ask_certificate, "VCEK"),
    ] {
        let validity = certificate.validity();
        let second = at.as_second();
        if second < validity.not_before.timestamp() || second > validity.not_after.timestamp() {
            return Err(Refusal::Expired(format!("the {what} certificate")));
        }
        let key = issuer.public_key().subject_public_key.data.as_ref();
        holds(
            &RSA_PSS_2048_8192_SHA384,
            key,
            certificate.tbs_certificate.as_ref(),
            &certificate.signature_value.data,
        )
        .map_err(|()| Refusal::Signature(format!("the {what} certificate")))?;
    }
    Ok(fingerprint(&ark.contents))
}

fn empty() -> Pem {
    Pem { label: String::new(), contents: Vec::new() }
}

/// The VCEK names one chip at one TCB: both must be the report's.
fn chip_and_tcb(vcek: &X509Certificate<'_>, raw: &[u8], report: &AttestationReport) -> Result<(), Refusal> {
    let chip: [u8; 64] = array(raw, 0x1A0)?;
    let hardware_id = extension(vcek, OID_HARDWARE_ID)?;
    if hardware_id != chip {
        return Err(Refusal::Collateral("the VCEK belongs to another chip".to_owned()));
    }
    let tcb = report.reported_tcb;
    for (oid, level, what) in [
        (OID_BOOT_LOADER, tcb.bootloader, "boot loader"),
        (OID_TEE, tcb.tee, "TEE"),
        (OID_SNP, tcb.snp, "SNP firmware"),
        (OID_MICROCODE, tcb.microcode, "microcode"),
    ] {
        if small_integer(extension(vcek, oid)?) != Some(level) {
            return Err(Refusal::Collateral(format!("the VCEK is for another level of the {what}")));
        }
    }
    Ok(())
}

fn extension<'c>(certificate: &'c X509Certificate<'_>, oid: &str) -> Result<&'c [u8], Refusal> {
    let mut found = certificate.extensions().iter().filter(|e| e.oid.to_id_string() == oid);
    match (found.next(), found.next()) {
        (Some(extension), None) => Ok(extension.value),
        _ => Err(Refusal::Collateral(format!("the VCEK has no single extension {oid}"))),
    }
}

/// A DER INTEGER of one byte, with or without the leading zero of a large one.
fn small_integer(der: &[u8]) -> Option<u8> {
    match der {
        [0x02, 0x01, value] if *value < 0x80 => Some(*value),
        [0x02, 0x02, 0x00, value] => Some(*value),
        _ => None,
    }
}

/// The signature over bytes 0 to 0x29F, as they came.
fn signature(vcek: &X509Certificate<'_>, raw: &[u8]) -> Result<(), Refusal> {
    let signed = raw.get(..SIGNED).ok_or_else(|| Refusal::Unreadable("ends inside the report".to_owned()))?;
    let mut fixed = Vec::with_capacity(2 * P384);
    for offset in [SIGNED, SIGNED + HALF] {
        let number: [u8; HALF] = array(raw, offset)?;
        let (low, high) = number.split_at(P384);
        if high.iter().any(|byte| *byte != 0) {
            return Err(Refusal::Signature("a number larger than the curve".to_owned()));
        }
        fixed.extend(low.iter().rev());
    }
    let key = vcek.public_key().subject_public_key.data.as_ref();
    holds(&ECDSA_P384_SHA384_FIXED, key, signed, &fixed)
        .map_err(|()| Refusal::Signature("the report".to_owned()))
}

fn holds(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    value: &[u8],
) -> Result<(), ()> {
    UnparsedPublicKey::new(algorithm, key).verify(message, value).map_err(|_| ())
}

fn appraise(report: &AttestationReport, policy: &Policy) -> Result<(), Refusal> {
    if report.policy.debug_allowed() {
        return Err(Refusal::Debug);
    }
    if report.vmpl != 0 {
        return Err(Refusal::Policy(format!("asked for at VMPL {}, not 0", report.vmpl)));
    }
    let tcb = report.reported_tcb;
    let [boot_loader, tee, snp, microcode] = policy.min_snp_tcb;
    if tcb.bootloader < boot_loader || tcb.tee < tee || tcb.snp < snp || tcb.microcode < microcode {
        return Err(Refusal::Policy("TCB status is OutOfDate".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::small_integer;

    #[test]
    fn a_level_is_one_der_byte() {
        assert_eq!(small_integer(&[2, 1, 0x73]), Some(0x73));
        assert_eq!(small_integer(&[2, 2, 0, 0xD1]), Some(0xD1));
        assert_eq!(small_integer(&[2, 1, 0x80]), None);
        assert_eq!(small_integer(&[4, 1, 1]), None);
    }
}
