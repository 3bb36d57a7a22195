//! Who belongs to the ledger and by which rules: changed by signed votes of a quorum, applied at an epoch's end.

use std::net::SocketAddr;

use konfido_circle::CountryCode;

use crate::cbor::{Reader, Writer};
use crate::keys::PartyKey;
use crate::{Digest, LedgerError};

/// A member with its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Which country.
    pub country: CountryCode,
    /// Its consensus and peer key, valid for one epoch unless prolonged.
    pub consensus: [u8; 32],
    /// Where its validator listens.
    pub address: SocketAddr,
    /// Its checkpoint cosigner key (ed25519).
    pub cosigner: [u8; 32],
    /// Its evidence keys, newest first.
    pub evidence: Vec<PartyKey>,
    /// Its governance key.
    pub governance: PartyKey,
    /// Suspended members are no validators and may not write.
    pub suspended: bool,
}

impl Member {
    pub(crate) fn write(&self, out: Writer) -> Writer {
        let mut out = out
            .array(7)
            .text(self.country.as_str())
            .bytes(&self.consensus)
            .text(&self.address.to_string())
            .bytes(&self.cosigner)
            .uint(u64::from(self.suspended))
            .array(2);
        out = self.governance.write(out).array(self.evidence.len());
        for key in &self.evidence {
            out = key.write(out.array(2));
        }
        out
    }

    pub(crate) fn read(input: &mut Reader<'_>) -> Result<Self, LedgerError> {
        let malformed = |reason: String| LedgerError::malformed("member", reason);
        input.tuple(7)?;
        let country = CountryCode::new(input.text(2)?).map_err(|e| malformed(e.to_string()))?;
        let consensus = input.fixed()?;
        let address = input.text(64)?.parse().map_err(|e| malformed(format!("address: {e}")))?;
        let cosigner = input.fixed()?;
        let suspended = input.uint()? == 1;
        input.tuple(2)?;
        let governance = PartyKey::read(input)?;
        let count = input.array(64)?;
        let mut evidence = Vec::with_capacity(count);
        for _ in 0..count {
            input.tuple(2)?;
            evidence.push(PartyKey::read(input)?);
        }
        Ok(Self { country, consensus, address, cosigner, evidence, governance, suspended })
    }
}

/// What members can vote on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Take a new member in.
    Admit(Box<Member>),
    /// Take a member's vote and voice for the time being.
    Suspend(CountryCode),
    /// Give them back.
    Restore(CountryCode),
    /// Let a member go.
    Remove(CountryCode),
    /// Replace a member's consensus key and address: after a loss, or for the next epoch.
    Rotate {
        /// Whose.
        country: CountryCode,
        /// The new key.
        consensus: [u8; 32],
        /// The new address.
        address: SocketAddr,
    },
    /// How long a party may stay silent, in milliseconds of block time.
    Deadline(u64),
}

impl Action {
    pub(crate) fn write(&self, out: Writer) -> Writer {
        match self {
            Self::Admit(member) => member.write(out.array(2).uint(1)),
            Self::Suspend(country) => out.array(2).uint(2).text(country.as_str()),
            Self::Restore(country) => out.array(2).uint(3).text(country.as_str()),
            Self::Remove(country) => out.array(2).uint(4).text(country.as_str()),
            Self::Rotate { country, consensus, address } => {
                out.array(4).uint(5).text(country.as_str()).bytes(consensus).text(&address.to_string())
            }
            Self::Deadline(ms) => out.array(2).uint(6).uint(*ms),
        }
    }

    pub(crate) fn read(input: &mut Reader<'_>) -> Result<Self, LedgerError> {
        let malformed = |reason: String| LedgerError::malformed("governance action", reason);
        let country =
            |input: &mut Reader<'_>| CountryCode::new(input.text(2)?).map_err(|e| malformed(e.to_string()));
        Ok(match (input.array(4)?, input.uint()?) {
            (2, 1) => Self::Admit(Box::new(Member::read(input)?)),
            (2, 2) => Self::Suspend(country(input)?),
            (2, 3) => Self::Restore(country(input)?),
            (2, 4) => Self::Remove(country(input)?),
            (4, 5) => Self::Rotate {
                country: country(input)?,
                consensus: input.fixed()?,
                address: input.text(64)?.parse().map_err(|e| malformed(format!("address: {e}")))?,
            },
            (2, 6) => Self::Deadline(input.uint()?),
            (_, kind) => return Err(malformed(format!("kind {kind}"))),
        })
    }
}

/// Names a proposal: the hash of author, nonce and action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProposalId(pub Digest);

impl ProposalId {
    /// The name of a proposal.
    #[must_use]
    pub fn of(author: CountryCode, nonce: u64, action: &Action) -> Self {
        let body = action.write(Writer::new().array(3).text(author.as_str()).uint(nonce)).done();
        Self(Digest::of(&[b"KONFIDO/v1/proposal", &body]))
    }
}

/// A proposal under vote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What.
    pub action: Action,
    /// Who said yes; the author first.
    pub votes: Vec<CountryCode>,
    /// Whether a quorum did: it takes effect at the end of the epoch.
    pub accepted: bool,
}
