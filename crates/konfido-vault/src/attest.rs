//! Attestation evidence and its verdict (RATS, RFC 9334: this is the Verifier).
//!
//! Evidence is opaque per platform; what comes out is one neutral [`Claims`] value, or one typed [`Refusal`]. Each
//! platform has its own file. Rules that hold for all of them:
//!
//! - **What was signed is what is read.** No claim comes from bytes outside the signed range, and the identity of a piece
//!   of evidence is the hash of that range, never of the whole file (trailing certificates are malleable).
//! - **Time is an argument.** Collateral has a window; outside of it the answer is a refusal.
//! - **Debug is never accepted.** No policy can allow it.

pub mod anchors;
mod bytes;
mod claims;
mod dcap;
mod policy;
mod snp;
mod tpm;

use jiff::Timestamp;

pub use claims::{Assurance, Claims, Refusal, TeeKind};
pub use policy::{At, Policy, PolicyError};
pub use tpm::TpmCollateral;

/// The largest evidence or collateral that is looked at, in bytes.
pub const MAX_EVIDENCE: usize = 1 << 20;

/// Which platform made a piece of evidence, judged by its first bytes alone; `None` when it is none that we know.
pub fn recognise(evidence: &[u8]) -> Option<TeeKind> {
    if tpm::looks_like(evidence) {
        Some(TeeKind::Tpm)
    } else if snp::looks_like(evidence) {
        Some(TeeKind::Snp)
    } else {
        dcap::recognise(evidence)
    }
}

/// Judges evidence against collateral at a time under a policy.
///
/// `evidence` is the platform's own binary form (hexadecimal text is accepted too), `collateral` what its vendor publishes
/// beside it: Intel's collateral as JSON, AMD's certificates as DER or PEM, a TPM's attestation key and signature as JSON.
///
/// # Errors
/// [`Refusal`] says which check failed; unreadable evidence is [`Refusal::Unreadable`].
pub fn verify(
    evidence: &[u8],
    collateral: Option<&[u8]>,
    at: At,
    now: Timestamp,
    policy: &Policy,
) -> Result<Claims, Refusal> {
    if evidence.len() > MAX_EVIDENCE || collateral.is_some_and(|c| c.len() > MAX_EVIDENCE) {
        return Err(Refusal::Unreadable("larger than any evidence is".to_owned()));
    }
    let raw = bytes::from_hex_text(evidence);
    let evidence = raw.as_deref().unwrap_or(evidence);
    match recognise(evidence) {
        Some(TeeKind::Sgx | TeeKind::Tdx) => dcap::verify(evidence, collateral, at, now, policy),
        Some(TeeKind::Snp) => snp::verify(evidence, collateral, at, now, policy),
        Some(TeeKind::Tpm) => tpm::verify(evidence, collateral, policy),
        Some(TeeKind::SoftwareVault) | None => {
            Err(Refusal::Unreadable("neither an SGX or TDX quote, an SNP report nor a TPM quote".to_owned()))
        }
    }
}
