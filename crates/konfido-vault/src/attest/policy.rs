//! What a node demands of another's evidence, beyond that it verifies.

use jiff::Timestamp;
use serde::Deserialize;

/// At what time evidence is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Now, by the caller's clock.
    Now,
    /// At a given instant: an auditor looking back.
    Time(Timestamp),
    /// A day after the latest issue date within the collateral: the moment for which it was fetched.
    Issue,
}

/// Demands on evidence. Unknown keys in a policy file are errors.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// TCB states taken, in Intel's words. For AMD, `UpToDate` means: at least [`Policy::min_snp_tcb`].
    pub tcb_status: Vec<String>,
    /// Advisories that make a platform unacceptable whatever its state.
    pub rejected_advisories: Vec<String>,
    /// Whether a platform may change its hardware composition at run time (Intel's dynamic platform).
    pub allow_dynamic_platform: bool,
    /// Whether keys may be cached outside of the processor's own provisioning.
    pub allow_cached_keys: bool,
    /// Whether hyper-threading may be on.
    pub allow_smt: bool,
    /// Least patch levels of an AMD platform: boot loader, TEE, SNP firmware, microcode.
    pub min_snp_tcb: [u8; 4],
    /// Measurements taken, in hexadecimal; empty takes any, for looking at evidence rather than admitting a peer.
    pub measurements: Vec<String>,
    /// SHA-256 of test roots that are trusted too. Evidence under one is marked, and proves nothing about hardware.
    pub danger_test_roots: Vec<String>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            tcb_status: vec!["UpToDate".to_owned()],
            rejected_advisories: Vec::new(),
            allow_dynamic_platform: true,
            allow_cached_keys: true,
            allow_smt: true,
            min_snp_tcb: [0; 4],
            measurements: Vec::new(),
            danger_test_roots: Vec::new(),
        }
    }
}

/// A policy that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the policy file is wrong\n{0}")]
pub struct PolicyError(#[from] toml::de::Error);

impl Policy {
    /// Up to date, and nothing about the platform left open: no dynamic platform, no cached keys, no hyper-threading.
    pub fn strict() -> Self {
        Self { allow_dynamic_platform: false, allow_cached_keys: false, allow_smt: false, ..Self::default() }
    }

    /// Reads a policy file.
    ///
    /// # Errors
    /// [`PolicyError`] with the line that is wrong.
    pub fn from_toml(text: &str) -> Result<Self, PolicyError> {
        Ok(toml::from_str(text)?)
    }
}
