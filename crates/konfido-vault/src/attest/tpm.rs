//! TPM 2.0 quotes (TPM 2.0 Library, part 2, 10.12.8 TPMS_ATTEST with TPMS_QUOTE_INFO).
//!
//! The evidence file is the attestation structure as `tpm2_quote -m` writes it; its collateral is a small JSON object with
//! the attestation key, the signature (`tpm2_quote -s`), and optionally the nonce that was sent and the PCR values that are
//! expected. A TPM measures a boot chain; it isolates nothing at run time, and the claims say so.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
    VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use x509_parser::prelude::{FromDer as _, Pem, SubjectPublicKeyInfo};

use super::anchors::fingerprint;
use super::bytes::BigEndian;
use super::{Assurance, Claims, Policy, Refusal, TeeKind};

const MAGIC: u32 = 0xFF54_4347;
const ST_ATTEST_QUOTE: u16 = 0x8018;
const ALG_SHA256: u16 = 0x000B;
const ALG_RSASSA: u16 = 0x0014;
const ALG_RSAPSS: u16 = 0x0016;
const ALG_ECDSA: u16 = 0x0018;
const P256: usize = 32;

/// What is needed beside a TPM quote to judge it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TpmCollateral {
    /// The attestation key's public half, PEM (`tpm2_readpublic -f pem`); trust in it is the operator's.
    pub ak_public_pem: String,
    /// TPMT_SIGNATURE, base64.
    pub signature: String,
    /// The nonce that was sent, hexadecimal; when given, the quote must carry it.
    pub nonce: Option<String>,
    /// The SHA-256 over the selected PCR values that is expected, hexadecimal.
    pub pcr_digest: Option<String>,
}

/// The magic number of every structure that a TPM generates.
pub(super) fn looks_like(evidence: &[u8]) -> bool {
    evidence.starts_with(&MAGIC.to_be_bytes())
}

/// Verifies a quote; see [`super::verify`].
pub(super) fn verify(attest: &[u8], collateral: Option<&[u8]>, policy: &Policy) -> Result<Claims, Refusal> {
    let quote = Quote::parse(attest)?;
    let collateral = collateral.ok_or_else(|| {
        Refusal::Collateral("a TPM quote is judged with its attestation key and signature (JSON)".to_owned())
    })?;
    let collateral: TpmCollateral = serde_json::from_slice(collateral)
        .map_err(|error| Refusal::Collateral(format!("not readable: {error}")))?;
    let key = check_signature(attest, &collateral)?;
    let differs = |wanted: &str, got: &[u8]| hex::decode(wanted).map_or(true, |w| !bool::from(w.ct_eq(got)));
    if collateral.nonce.as_deref().is_some_and(|nonce| differs(nonce, &quote.nonce)) {
        return Err(Refusal::Signature("the nonce is not the one that was sent".to_owned()));
    }
    if collateral.pcr_digest.as_deref().is_some_and(|expected| differs(expected, &quote.pcr_digest)) {
        return Err(Refusal::Measurement(hex::encode(&quote.pcr_digest)));
    }
    let measurement = hex::encode(&quote.pcr_digest);
    if !policy.measurements.is_empty() && !policy.measurements.contains(&measurement) {
        return Err(Refusal::Measurement(measurement));
    }
    Ok(Claims {
        kind: TeeKind::Tpm,
        assurance: Assurance::TpmSealed,
        measurement,
        signer: String::new(),
        svn: 0,
        tcb_status: "UpToDate".to_owned(),
        advisories: Vec::new(),
        report_data: hex::encode(&quote.nonce),
        evidence_id: fingerprint(attest),
        anchor: key,
        test_root: false,
        notes: vec![format!("firmware-{:016x}", quote.firmware), format!("pcr-banks-{}", quote.banks)],
        at: String::new(),
    })
}

#[derive(Debug)]
struct Quote {
    nonce: Vec<u8>,
    firmware: u64,
    banks: u32,
    pcr_digest: Vec<u8>,
}

impl Quote {
    fn parse(attest: &[u8]) -> Result<Self, Refusal> {
        let mut fields = BigEndian::new(attest);
        if fields.u32()? != MAGIC || fields.u16()? != ST_ATTEST_QUOTE {
            return Err(Refusal::Unreadable("a TPM structure, but not a quote".to_owned()));
        }
        fields.sized()?; // qualified signer
        let nonce = fields.sized()?.to_vec();
        fields.take(17)?; // clock, reset and restart counts, safe
        let firmware = fields.u64()?;
        let banks = fields.u32()?;
        if banks > 16 {
            return Err(Refusal::Unreadable("more PCR banks than a TPM has".to_owned()));
        }
        for _ in 0..banks {
            fields.u16()?; // hash algorithm
            let bitmap = fields.u8()?;
            fields.take(bitmap.into())?;
        }
        let pcr_digest = fields.sized()?.to_vec();
        fields.end()?;
        Ok(Self { nonce, firmware, banks, pcr_digest })
    }
}

/// Checks the signature over the attestation structure; gives the fingerprint of the key that made it.
fn check_signature(attest: &[u8], collateral: &TpmCollateral) -> Result<String, Refusal> {
    let pem = Pem::iter_from_buffer(collateral.ak_public_pem.as_bytes())
        .next()
        .and_then(Result::ok)
        .ok_or_else(|| Refusal::Collateral("the attestation key is no PEM".to_owned()))?;
    let (_, spki) = SubjectPublicKeyInfo::from_der(&pem.contents)
        .map_err(|_| Refusal::Collateral("the attestation key is not readable".to_owned()))?;
    let key = spki.subject_public_key.data.as_ref();
    let encoded = STANDARD
        .decode(collateral.signature.trim())
        .map_err(|_| Refusal::Collateral("the signature is no base64".to_owned()))?;
    let mut fields = BigEndian::new(&encoded);
    let scheme = fields.u16()?;
    let hash = fields.u16()?;
    if hash != ALG_SHA256 {
        return Err(Refusal::Policy(format!("hash algorithm {hash:#06x} is not SHA-256")));
    }
    let (algorithm, value): (&'static dyn VerificationAlgorithm, Vec<u8>) = match scheme {
        ALG_RSASSA => (&RSA_PKCS1_2048_8192_SHA256, fields.sized()?.to_vec()),
        ALG_RSAPSS => (&RSA_PSS_2048_8192_SHA256, fields.sized()?.to_vec()),
        ALG_ECDSA => {
            let mut fixed = Vec::with_capacity(2 * P256);
            for _ in 0..2 {
                let number = fields.sized()?;
                let padding = P256
                    .checked_sub(number.len())
                    .ok_or_else(|| Refusal::Signature("a number larger than the curve".to_owned()))?;
                fixed.resize(fixed.len() + padding, 0);
                fixed.extend_from_slice(number);
            }
            (&ECDSA_P256_SHA256_FIXED, fixed)
        }
        other => return Err(Refusal::Policy(format!("signature scheme {other:#06x} is not taken"))),
    };
    fields.end()?;
    UnparsedPublicKey::new(algorithm, key)
        .verify(attest, &value)
        .map_err(|_| Refusal::Signature("the TPM quote".to_owned()))?;
    Ok(hex::encode(digest(&SHA256, &pem.contents)))
}
