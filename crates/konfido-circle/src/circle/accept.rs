//! From bytes to a circle that may be believed.
//!
//! A node believes a file for one of three reasons ([`Trust`]): it follows the one believed before, somebody compared
//! its fingerprint by another way, or nobody did (first use). In each case the file must carry the signatures of its
//! own quorum; in the first also those of its predecessor's.

use aws_lc_rs::digest::{SHA256, digest};
use http::Uri;
use jiff::Timestamp;

use super::mistakes::CircleMistake;
use super::signature::{SignatureFileError, SignatureSet};
use super::{Circle, CircleSerial};
use crate::CountryCode;
use crate::endpoint::{EndpointError, EndpointSource, Service};

/// Why a file may be believed.
#[derive(Clone, Copy, Debug)]
pub enum Trust<'a> {
    /// It follows a file that is believed already.
    Successor(&'a AcceptedCircle),
    /// Its SHA-256 was compared by a way that an attacker does not hold.
    Fingerprint([u8; 32]),
    /// Nobody compared anything: its own members vouch for it, whoever they are.
    DangerFirstUse,
}

/// Why a circle file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CircleError {
    /// The file has mistakes.
    #[error("circle file has {} mistakes", .0.len())]
    Mistakes(Vec<CircleMistake>),
    /// The signature file cannot be read.
    #[error(transparent)]
    SignatureFile(#[from] SignatureFileError),
    /// Too few members have signed this very file.
    #[error("signed by {} of the {needed} members needed{}", .signed.len(), whose(*.predecessor))]
    Quorum {
        /// How many are needed.
        needed: usize,
        /// Who has signed.
        signed: Vec<CountryCode>,
        /// Whether the members of the file before are meant.
        predecessor: bool,
    },
    /// An older edition than the one believed.
    #[error("serial {found} is older than {known}, which is in use")]
    Rollback {
        /// The edition believed.
        known: CircleSerial,
        /// The edition offered.
        found: CircleSerial,
    },
    /// Another file of the same edition.
    #[error("another file of serial {0} is in use")]
    Fork(CircleSerial),
    /// A file of another circle.
    #[error("the file is of the circle `{found}`, not of `{known}`")]
    OtherCircle {
        /// The circle believed.
        known: String,
        /// The circle offered.
        found: String,
    },
    /// Not the file that was compared.
    #[error("the file's fingerprint is another")]
    Fingerprint,
    /// Past its `expires`.
    #[error("the file expired at {0}")]
    Expired(Timestamp),
}

impl CircleError {
    /// The verdict in one word, for scripts. Never changes once released.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Mistakes(_) => "mistakes",
            Self::SignatureFile(_) => "signature-file",
            Self::Quorum { .. } => "quorum",
            Self::Rollback { .. } => "rollback",
            Self::Fork(_) => "fork",
            Self::OtherCircle { .. } => "other-circle",
            Self::Fingerprint => "fingerprint",
            Self::Expired(_) => "expired",
        }
    }
}

fn whose(predecessor: bool) -> &'static str {
    if predecessor { ", of those of the file before" } else { "" }
}

/// SHA-256 of a circle file, to be compared by people.
#[must_use]
pub fn fingerprint(file: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, file).as_ref());
    out
}

/// A circle that was checked: read without mistakes, signed by its quorum, not older than the one before.
#[derive(Clone, Debug)]
pub struct AcceptedCircle {
    circle: Circle,
    fingerprint: [u8; 32],
    signers: Vec<CountryCode>,
}

impl AcceptedCircle {
    /// Checks a file and its signature file at `now`.
    pub fn accept(
        file: &[u8],
        signatures: &[u8],
        trust: Trust<'_>,
        now: Timestamp,
    ) -> Result<Self, CircleError> {
        let fingerprint = fingerprint(file);
        if let Trust::Fingerprint(known) = trust
            && known != fingerprint
        {
            return Err(CircleError::Fingerprint);
        }
        let circle = Circle::read(file).map_err(CircleError::Mistakes)?;
        if let Trust::Successor(before) = trust {
            follows(&circle, &fingerprint, before)?;
        }
        let signatures = SignatureSet::read(signatures)?;
        let signers = circle.signed_by(file, &signatures);
        require_quorum(&signers, circle.quorum, false)?;
        if let Trust::Successor(before) = trust {
            require_quorum(&before.circle.signed_by(file, &signatures), before.circle.quorum, true)?;
        }
        if let Some(expires) = circle.expires
            && now >= expires
        {
            return Err(CircleError::Expired(expires));
        }
        Ok(Self { circle, fingerprint, signers })
    }

    /// What it says.
    #[must_use]
    pub fn circle(&self) -> &Circle {
        &self.circle
    }

    /// SHA-256 of the file.
    #[must_use]
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// The members that have signed it.
    #[must_use]
    pub fn signers(&self) -> &[CountryCode] {
        &self.signers
    }
}

impl EndpointSource for AcceptedCircle {
    fn endpoint(&self, country: CountryCode, service: Service) -> Result<Uri, EndpointError> {
        self.circle.endpoint(country, service)
    }
}

fn follows(circle: &Circle, fingerprint: &[u8; 32], before: &AcceptedCircle) -> Result<(), CircleError> {
    let known = &before.circle;
    if circle.name != known.name {
        return Err(CircleError::OtherCircle { known: known.name.clone(), found: circle.name.clone() });
    }
    if circle.serial < known.serial {
        return Err(CircleError::Rollback { known: known.serial, found: circle.serial });
    }
    if circle.serial == known.serial && *fingerprint != before.fingerprint {
        return Err(CircleError::Fork(circle.serial));
    }
    Ok(())
}

fn require_quorum(signed: &[CountryCode], needed: usize, predecessor: bool) -> Result<(), CircleError> {
    if signed.len() < needed {
        return Err(CircleError::Quorum { needed, signed: signed.to_vec(), predecessor });
    }
    Ok(())
}
