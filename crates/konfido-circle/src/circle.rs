//! The circle file: who is a member, where, with which certificates and keys.
//!
//! One TOML file common to all members, format version 1, signed by them in a file beside it (`<name>.jws`, see
//! [`signature`]). The rules:
//!
//! * The signed bytes are the exact bytes of the file. Nothing is normalised; a changed comment is a changed file.
//! * Each file has a `serial`. A node takes a file in place of another only when its serial is higher
//!   ([`AcceptedCircle`]); two different files of one serial are a fork and refused.
//! * It counts only with the signatures of `quorum` of its own members, and, where it follows another, of that one's
//!   quorum among that one's members as well. A quorum is more than half of the members, so that two files of one
//!   serial cannot both have it unless a member signs twice.
//! * An unknown key is a mistake. All mistakes of a file are reported at once, each with its line.
//! * Endpoints are `https` addresses; certificates stand in the file as PEM.

mod accept;
mod mistakes;
mod read;
pub mod signature;
mod table;
mod write;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use http::Uri;
use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer};

pub use self::accept::{AcceptedCircle, CircleError, Trust, fingerprint};
pub use self::mistakes::CircleMistake;
use self::signature::{KeyId, SignatureSet};

use crate::endpoint::{EndpointError, EndpointSource, Service};
use crate::pki::{CountryPki, PkiError};
use crate::trust::{TrustStore, TrustStoreMistake, Usage};
use crate::{CountryCode, HomeCommunityId, Oid};

/// The format this code reads and writes.
pub const FORMAT: u64 = 1;
/// Largest circle file that is read, in bytes.
pub const MAX_FILE: usize = 1 << 20;
/// Most members a circle may have.
pub const MAX_MEMBERS: usize = 64;

/// Which edition of a circle a file is. Serials only grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CircleSerial(u64);

impl CircleSerial {
    /// The serial of a new circle.
    pub const FIRST: Self = Self(1);

    /// Reads a serial; zero is none.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number == 0 { None } else { Some(Self(number)) }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The serial after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for CircleSerial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a circle file says. Whether it may be believed, [`AcceptedCircle`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Circle {
    /// The circle's name; the same in every edition.
    pub name: String,
    /// The edition.
    pub serial: CircleSerial,
    /// When the edition was written.
    pub issued: Timestamp,
    /// From when on the edition is not to be used any more.
    pub expires: Option<Timestamp>,
    /// How many members must sign.
    pub quorum: usize,
    /// The members.
    pub members: BTreeMap<CountryCode, Member>,
    /// The TEE measurements that members accept from each other.
    pub measurements: Vec<Measurement>,
}

/// A member state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The country.
    pub country: CountryCode,
    /// Its name for people.
    pub name: String,
    /// Its community in IHE's profiles.
    pub home_community: HomeCommunityId,
    /// The roots of its patient identifiers.
    pub patient_authorities: BTreeSet<Oid>,
    /// The key by which it signs the circle file: P-256, as DER `SubjectPublicKeyInfo`.
    pub circle_key: Vec<u8>,
    /// Where it offers which service.
    pub endpoints: BTreeMap<Service, Uri>,
    /// The certificates by which the others know it.
    pub certificates: MemberCertificates,
    /// Its validators of the common ledger.
    pub validators: Vec<Validator>,
}

/// The certificates of a member.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberCertificates {
    /// The CAs that issue its certificates.
    pub roots: Vec<CertificateDer<'static>>,
    /// The certificates themselves. Of a usage with any listed here, only the listed are believed.
    pub listed: BTreeMap<Usage, Vec<CertificateDer<'static>>>,
    /// Its CAs publish no CRL: revoked certificates are believed.
    pub danger_without_revocation: bool,
}

/// A validator of the common ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validator {
    /// Its Ed25519 public key.
    pub key: [u8; 32],
    /// Where the other validators reach it: `host:port`.
    pub address: String,
}

/// A measurement of a trusted execution environment that members accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// The kind of environment.
    pub tee: Tee,
    /// What runs in it, such as `vault`.
    pub role: String,
    /// The measurement: MRENCLAVE, MRTD, the launch digest of SEV-SNP, or a TPM PCR digest.
    pub value: Vec<u8>,
    /// The lowest security version that is accepted.
    pub min_svn: Option<u64>,
    /// From when on it is not accepted any more.
    pub until: Option<Timestamp>,
}

/// A kind of trusted execution environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Tee {
    /// Intel SGX; MRENCLAVE of 32 bytes.
    Sgx,
    /// Intel TDX; MRTD of 48 bytes.
    Tdx,
    /// AMD SEV-SNP; launch digest of 48 bytes.
    SevSnp,
    /// A TPM 2.0; digest over PCRs of 32 bytes.
    Tpm,
}

impl Tee {
    const ALL: [Self; 4] = [Self::Sgx, Self::Tdx, Self::SevSnp, Self::Tpm];

    /// The name in the circle file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sgx => "sgx",
            Self::Tdx => "tdx",
            Self::SevSnp => "sev-snp",
            Self::Tpm => "tpm",
        }
    }

    const fn measurement_len(self) -> usize {
        match self {
            Self::Sgx | Self::Tpm => 32,
            Self::Tdx | Self::SevSnp => 48,
        }
    }
}

impl Circle {
    /// A circle without members yet.
    #[must_use]
    pub fn new(name: impl Into<String>, issued: Timestamp) -> Self {
        Self {
            name: name.into(),
            serial: CircleSerial::FIRST,
            issued,
            expires: None,
            quorum: 1,
            members: BTreeMap::new(),
            measurements: Vec::new(),
        }
    }

    /// Adds or replaces a member, and raises the quorum where it is no more than [`Circle::default_quorum`] of the
    /// new number.
    pub fn add(&mut self, member: Member) {
        self.members.insert(member.country, member);
        self.quorum = self.quorum.max(Self::default_quorum(self.members.len()));
    }

    /// More than two thirds: with it a third of the members may lie or be away.
    #[must_use]
    pub const fn default_quorum(members: usize) -> usize {
        members * 2 / 3 + 1
    }

    /// Reads a file. All mistakes are reported at once.
    pub fn read(bytes: &[u8]) -> Result<Self, Vec<CircleMistake>> {
        read::read(bytes, read::Completeness::Required)
    }

    /// Reads a file that may still lack members, to add them.
    pub fn read_draft(bytes: &[u8]) -> Result<Self, Vec<CircleMistake>> {
        read::read(bytes, read::Completeness::Draft)
    }

    /// Writes the file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        write::write(self)
    }

    /// A member by its country.
    #[must_use]
    pub fn member(&self, country: CountryCode) -> Option<&Member> {
        self.members.get(&country)
    }

    /// The member with this home community.
    #[must_use]
    pub fn member_of_community(&self, home: &HomeCommunityId) -> Option<&Member> {
        self.members.values().find(|m| m.home_community == *home)
    }

    /// The members whose signature over `file` (this circle as bytes) verifies.
    #[must_use]
    pub fn signed_by(&self, file: &[u8], signatures: &SignatureSet) -> Vec<CountryCode> {
        let valid = signatures.valid(file, self.members.values().map(|m| m.circle_key.as_slice()));
        let signed = |m: &&Member| valid.contains(&KeyId::of(&m.circle_key));
        self.members.values().filter(signed).map(|m| m.country).collect()
    }

    /// The trust store of the members' roots and listed certificates, with the CRLs that the node has fetched.
    pub fn trust_store(
        &self,
        crls: impl IntoIterator<Item = CertificateRevocationListDer<'static>>,
    ) -> Result<TrustStore, Vec<TrustStoreMistake>> {
        let mut store = TrustStore::builder();
        for (country, member) in &self.members {
            let certificates = &member.certificates;
            for root in &certificates.roots {
                store = store.root(*country, root.clone());
            }
            for (usage, listed) in &certificates.listed {
                for certificate in listed {
                    store = store.listed(*country, *usage, certificate.clone());
                }
            }
            if certificates.danger_without_revocation {
                store = store.danger_without_revocation(*country);
            }
        }
        crls.into_iter().fold(store, |store, crl| store.crl(crl)).build()
    }
}

impl EndpointSource for Circle {
    fn endpoint(&self, country: CountryCode, service: Service) -> Result<Uri, EndpointError> {
        let member = self.member(country).ok_or(EndpointError::NoMember(country))?;
        member.endpoints.get(&service).cloned().ok_or(EndpointError::NotOffered { country, service })
    }
}

impl Member {
    /// A member with the certificates of a development PKI, all of them listed, and no endpoints yet.
    pub fn of_pki(
        pki: &CountryPki,
        name: impl Into<String>,
        home_community: HomeCommunityId,
    ) -> Result<Self, PkiError> {
        use konfido_keys::Signer;
        let listed = [
            (Usage::TlsServer, vec![pki.tls_server()]),
            (Usage::TlsClient, vec![pki.tls_client()]),
            (Usage::Signing, vec![pki.signing_rsa(), pki.signing()]),
        ];
        let certificates = MemberCertificates {
            roots: vec![pki.root().certificate().clone()],
            listed: listed
                .into_iter()
                .map(|(usage, issued)| (usage, issued.iter().map(|i| i.certificate().clone()).collect()))
                .collect(),
            danger_without_revocation: false,
        };
        Ok(Self {
            country: pki.country(),
            name: name.into(),
            home_community,
            patient_authorities: BTreeSet::new(),
            circle_key: pki.circle_signer()?.public_key_der().to_vec(),
            endpoints: BTreeMap::new(),
            certificates,
            validators: Vec::new(),
        })
    }

    /// The same with one more endpoint; `None` when `url` is no `https` address.
    #[must_use]
    pub fn with_endpoint(mut self, service: Service, url: &str) -> Option<Self> {
        let url = crate::endpoint::parse_endpoint(url).ok()?;
        self.endpoints.insert(service, url);
        Some(self)
    }
}
