//! Heads of the log with the signatures of members under them: for each member a note cosignature by its cosigner key
//! and a COSE signature over the root by its evidence key.

use std::collections::BTreeMap;

use konfido_circle::CountryCode;

use crate::cbor::{Reader, Writer};
use crate::chain::state::State;
use crate::keys::PartyKey;
use crate::log::checkpoint::{Checkpoint, Cosignature, SignedCheckpoint, cosigner_name};
use crate::log::cose;
use crate::trust::quorum;
use crate::{Digest, LedgerError};

/// One member's signatures under one head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) country: CountryCode,
    pub(crate) size: u64,
    pub(crate) root: Digest,
    pub(crate) time_s: u64,
    pub(crate) cosignature: [u8; 64],
    pub(crate) cose: Vec<u8>,
}

impl Share {
    pub(crate) fn write(&self, out: Writer) -> Writer {
        out.array(6)
            .text(self.country.as_str())
            .uint(self.size)
            .bytes(&self.root.0)
            .uint(self.time_s)
            .bytes(&self.cosignature)
            .bytes(&self.cose)
    }

    pub(crate) fn read(input: &mut Reader<'_>) -> Result<Self, LedgerError> {
        input.tuple(6)?;
        Ok(Self {
            country: CountryCode::new(input.text(2)?).map_err(|e| LedgerError::malformed("share", e))?,
            size: input.uint()?,
            root: Digest(input.fixed()?),
            time_s: input.uint()?,
            cosignature: input.fixed()?,
            cose: input.bytes(512)?.to_vec(),
        })
    }

    /// Both signatures must hold with the member's keys.
    pub(crate) fn check(&self, state: &State) -> Result<(), LedgerError> {
        let member = state
            .members()
            .find(|member| member.country == self.country)
            .ok_or(LedgerError::Standing(self.country, "not a member"))?;
        let head = Checkpoint { origin: state.origin().to_owned(), size: self.size, root: self.root };
        self.cosignature(&head.origin).verify(&head, &PartyKey::ed25519(&member.cosigner)?)?;
        let holds = member
            .evidence
            .iter()
            .any(|key| cose::check_root(&self.root, self.country, key, &self.cose).is_ok());
        if holds { Ok(()) } else { Err(LedgerError::Signature(self.country.to_string())) }
    }

    fn cosignature(&self, origin: &str) -> Cosignature {
        Cosignature {
            name: cosigner_name(origin, self.country),
            time_s: self.time_s,
            signature: self.cosignature,
        }
    }
}

/// A head that a quorum has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignedHead {
    pub(crate) size: u64,
    pub(crate) root: Digest,
    pub(crate) shares: Vec<Share>,
}

impl SignedHead {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let out = Writer::new().array(3).uint(self.size).bytes(&self.root.0).array(self.shares.len());
        self.shares.iter().fold(out, |out, share| share.write(out)).done()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let mut input = Reader::new(bytes);
        input.tuple(3)?;
        let (size, root) = (input.uint()?, Digest(input.fixed()?));
        let count = input.array(64)?;
        let shares = (0..count).map(|_| Share::read(&mut input)).collect::<Result<_, _>>()?;
        input.end()?;
        Ok(Self { size, root, shares })
    }

    /// The signed note of the head.
    pub(crate) fn note(&self, state: &State) -> Result<String, LedgerError> {
        let head = Checkpoint { origin: state.origin().to_owned(), size: self.size, root: self.root };
        let keys: BTreeMap<_, _> = state.members().map(|member| (member.country, member.cosigner)).collect();
        let cosignatures = self
            .shares
            .iter()
            .filter_map(|share| Some((share.cosignature(&head.origin), *keys.get(&share.country)?)))
            .collect();
        SignedCheckpoint { head, cosignatures }.to_note()
    }

    /// A COSE receipt of each signer.
    pub(crate) fn receipts(
        &self,
        state: &State,
        index: u64,
        path: &[Digest],
    ) -> Result<Vec<Vec<u8>>, LedgerError> {
        let mut all = Vec::with_capacity(self.shares.len());
        for share in &self.shares {
            let member = state.members().find(|member| member.country == share.country);
            let key = member.and_then(|member| {
                let holds =
                    |key: &&PartyKey| cose::check_root(&self.root, share.country, key, &share.cose).is_ok();
                member.evidence.iter().find(holds)
            });
            if let Some(key) = key {
                all.push(cose::receipt(share.country, key, &share.cose, self.size, index, path)?);
            }
        }
        Ok(all)
    }
}

/// Gathers shares until a quorum stands behind a head.
#[derive(Debug, Default)]
pub(crate) struct Gathering(BTreeMap<(u64, Digest), BTreeMap<CountryCode, Share>>);

/// Heads gathered at a time; older ones are forgotten.
const MOST: usize = 64;

impl Gathering {
    /// Adds a checked share; gives the head each time one more member than a quorum or a quorum itself stands behind it.
    pub(crate) fn add(&mut self, share: Share, members: usize) -> Option<SignedHead> {
        let (size, root) = (share.size, share.root);
        let shares = self.0.entry((size, root)).or_default();
        shares.insert(share.country, share);
        let full = (shares.len() >= quorum(members)).then(|| SignedHead {
            size,
            root,
            shares: shares.values().cloned().collect(),
        });
        while self.0.len() > MOST {
            self.0.pop_first();
        }
        full
    }
}
