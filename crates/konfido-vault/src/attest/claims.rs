//! The one neutral result of verification, and the reasons for a refusal.

use std::fmt;

use serde::Serialize;

/// What kind of environment made the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TeeKind {
    /// Intel SGX enclave.
    Sgx,
    /// Intel TDX trust domain.
    Tdx,
    /// AMD SEV-SNP guest.
    Snp,
    /// A TPM 2.0: measured boot and sealing, no isolation at run time.
    Tpm,
    /// A software vault: isolated by the operating system alone; its evidence proves nothing about the platform.
    SoftwareVault,
}

/// What an environment holds against, in steps that each include the one before.
///
/// The text of each step is what interfaces, logs and evidence print; nothing below [`Assurance::HardwareTee`] may be called
/// a trusted execution environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "u8")]
pub enum Assurance {
    /// Level 0: keys in the process that uses them.
    InProcess,
    /// Level 1: a process of its own, closed off by the kernel; holds against other users, core dumps, a stolen disk and
    /// passive reads by root. Not against root that acts, the kernel, or the hypervisor.
    SoftwareIsolated,
    /// Level 2: and sealed to a TPM's measured boot.
    TpmSealed,
    /// Level 3: and keys in a hardware security module.
    HsmCustody,
    /// Level 4: a hardware environment whose evidence was verified; holds against the operating system and hypervisor. Not
    /// against physical attacks on the memory bus.
    HardwareTee,
    /// Level 5: split over environments of at least two vendors.
    SplitVendors,
}

impl Assurance {
    /// The name of the level, as every interface prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::InProcess => "in-process",
            Self::SoftwareIsolated => "software-isolated",
            Self::TpmSealed => "tpm-sealed",
            Self::HsmCustody => "hsm-custody",
            Self::HardwareTee => "hardware-tee",
            Self::SplitVendors => "split-over-vendors",
        }
    }
}

impl From<Assurance> for u8 {
    fn from(level: Assurance) -> Self {
        match level {
            Assurance::InProcess => 0,
            Assurance::SoftwareIsolated => 1,
            Assurance::TpmSealed => 2,
            Assurance::HsmCustody => 3,
            Assurance::HardwareTee => 4,
            Assurance::SplitVendors => 5,
        }
    }
}

impl fmt::Display for Assurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "level {} ({})", u8::from(*self), self.name())
    }
}

/// What verified evidence says, whatever platform made it. Byte strings are lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// The platform.
    pub kind: TeeKind,
    /// What it holds against.
    pub assurance: Assurance,
    /// What runs there: MRENCLAVE, MRTD, the launch measurement, or the digest of the selected PCRs.
    pub measurement: String,
    /// Who signed what runs there: MRSIGNER, or the ID key digest; empty where the platform has none.
    pub signer: String,
    /// The security version of what runs there.
    pub svn: u32,
    /// The platform's patch level in its vendor's words; `UpToDate` is the only one that the default policy takes.
    pub tcb_status: String,
    /// Advisories that apply at that level.
    pub advisories: Vec<String>,
    /// The bytes that the environment bound into its evidence: report data, or the TPM's qualifying data.
    pub report_data: String,
    /// SHA-256 over the signed range: the identity of this evidence for logs and replay checks.
    pub evidence_id: String,
    /// SHA-256 of the trust anchor that the evidence chains to.
    pub anchor: String,
    /// Set when the anchor is a test root that the policy named; such evidence proves nothing about hardware.
    pub test_root: bool,
    /// Facts of the platform that a policy may object to, such as `dynamic-platform`.
    pub notes: Vec<String>,
    /// The instant at which it was judged.
    pub at: String,
}

/// Why evidence was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The bytes are no evidence of the kind they claim to be.
    #[error("unreadable evidence: {0}")]
    Unreadable(String),
    /// What the vendor publishes beside it is missing, unreadable, or contradicts the evidence.
    #[error("collateral: {0}")]
    Collateral(String),
    /// Collateral or a certificate is outside its window at the time of judgement.
    #[error("outside its validity: {0}")]
    Expired(String),
    /// A signature or a certificate chain does not hold.
    #[error("does not verify: {0}")]
    Signature(String),
    /// It chains to an anchor that the policy does not name.
    #[error("untrusted root: {0}")]
    UntrustedRoot(String),
    /// The environment was started in debug mode.
    #[error("debug mode is on: whoever runs the platform can read everything in it")]
    Debug,
    /// The platform is genuine, and the policy refuses it.
    #[error("refused by policy: {0}")]
    Policy(String),
    /// It verifies, and what runs there is not on the list of allowed measurements.
    #[error("measurement `{0}` is not an allowed one")]
    Measurement(String),
}

impl Refusal {
    /// A stable word for scripts.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::Collateral(_) => "collateral",
            Self::Expired(_) => "expired",
            Self::Signature(_) => "signature",
            Self::UntrustedRoot(_) => "untrusted-root",
            Self::Debug => "debug",
            Self::Policy(_) => "policy",
            Self::Measurement(_) => "measurement",
        }
    }
}
