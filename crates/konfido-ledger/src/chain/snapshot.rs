//! The state as bytes, so that a node need not begin at the genesis each time. Version 1; read back exactly or refused.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use konfido_circle::CountryCode;

use crate::cbor::{Reader, Writer};
use crate::chain::governance::{Action, Member, Proposal, ProposalId};
use crate::chain::state::{Dispute, State, Tally};
use crate::chain::transaction::{Pair, Silence};
use crate::log::tree::Frontier;
use crate::record::statement::ExchangeId;
use crate::{Digest, LedgerError};

/// Items of any list in a snapshot at most.
const MAX_ITEMS: usize = 1 << 24;

fn country(input: &mut Reader<'_>) -> Result<CountryCode, LedgerError> {
    CountryCode::new(input.text(2)?).map_err(|e| LedgerError::malformed("country", e))
}

impl State {
    /// The snapshot.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new().array(18).uint(1).bytes(&self.circle.0).text(&self.origin);
        out = out.uint(self.epoch_length).uint(self.height).uint(self.time_ms).uint(self.deadline_ms);
        out = out.uint(self.frontier.size()).array(self.frontier.peaks().len());
        for peak in self.frontier.peaks() {
            out = out.bytes(&peak.0);
        }
        out = out.array(self.members.len());
        for member in self.members.values() {
            out = member.write(out);
        }
        out = out.array(self.validators.len());
        for set in self.validators.iter() {
            out = set.iter().fold(out.array(set.len()), |out, member| member.write(out));
        }
        out = out.array(self.pairs.len());
        for (pair, seq) in self.pairs.iter() {
            let [one, other] = pair.countries();
            out = out.array(3).text(one.as_str()).text(other.as_str()).uint(*seq);
        }
        out = out.array(self.disputes.len());
        for (exchange, dispute) in self.disputes.iter() {
            out = out
                .array(6)
                .bytes(&exchange.0)
                .text(dispute.by.as_str())
                .text(dispute.against.as_str())
                .uint(dispute.silence.code())
                .uint(dispute.filed_ms)
                .uint(dispute.due_ms);
        }
        out = out.array(self.settled.len());
        out = self.settled.iter().fold(out, |out, exchange| out.bytes(&exchange.0));
        out = out.array(self.seen.len());
        out = self.seen.iter().fold(out, |out, digest| out.bytes(&digest.0));
        out = out.array(self.convicted.len());
        for (culprit, evidence) in self.convicted.iter() {
            out = out.array(2).text(culprit.as_str()).bytes(&evidence.0);
        }
        out = out.array(self.proposals.len());
        for (id, proposal) in self.proposals.iter() {
            out = proposal.action.write(out.array(4).bytes(&id.0.0)).array(proposal.votes.len());
            out = proposal.votes.iter().fold(out, |out, voter| out.text(voter.as_str()));
            out = out.uint(u64::from(proposal.accepted));
        }
        let Tally { records, facts, denied, resolved } = self.tally;
        out.array(4).uint(records).uint(facts).uint(denied).uint(resolved).done()
    }

    /// Reads a snapshot.
    ///
    /// # Errors
    /// If the bytes are something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let mut reader = Reader::new(bytes);
        let input = &mut reader;
        input.tuple(18)?;
        if input.uint()? != 1 {
            return Err(LedgerError::malformed("snapshot", "unknown version"));
        }
        let (circle, origin) = (Digest(input.fixed()?), input.text(256)?.into());
        let (epoch_length, height, time_ms, deadline_ms) =
            (input.uint()?, input.uint()?, input.uint()?, input.uint()?);
        let size = input.uint()?;
        let peaks = list(input, |input| Ok(Digest(input.fixed()?)))?;
        let members = list(input, Member::read)?;
        let validators = list(input, |input| list(input, Member::read))?;
        let pairs = list(input, |input| {
            input.tuple(3)?;
            let pair = Pair::of(country(input)?, country(input)?);
            let pair = pair.ok_or_else(|| LedgerError::malformed("snapshot", "a pair of one"))?;
            Ok((pair, input.uint()?))
        })?;
        let disputes = list(input, |input| {
            input.tuple(6)?;
            let exchange = ExchangeId(input.fixed()?);
            let dispute = Dispute {
                by: country(input)?,
                against: country(input)?,
                silence: Silence::from_code(input.uint()?)?,
                filed_ms: input.uint()?,
                due_ms: input.uint()?,
            };
            Ok((exchange, dispute))
        })?;
        let settled = list(input, |input| Ok(ExchangeId(input.fixed()?)))?;
        let seen = list(input, |input| Ok(Digest(input.fixed()?)))?;
        let convicted = list(input, |input| {
            input.tuple(2)?;
            Ok((country(input)?, Digest(input.fixed()?)))
        })?;
        let proposals = list(input, |input| {
            input.tuple(4)?;
            let id = ProposalId(Digest(input.fixed()?));
            let action = Action::read(input)?;
            let votes = list(input, country)?;
            Ok((id, Proposal { action, votes, accepted: input.uint()? == 1 }))
        })?;
        input.tuple(4)?;
        let tally = Tally {
            records: input.uint()?,
            facts: input.uint()?,
            denied: input.uint()?,
            resolved: input.uint()?,
        };
        reader.end()?;
        let disputes: BTreeMap<_, _> = disputes.into_iter().collect();
        let due: BTreeSet<_> =
            disputes.iter().map(|(exchange, dispute)| (dispute.due_ms, *exchange)).collect();
        Ok(Self {
            circle,
            origin,
            epoch_length,
            height,
            time_ms,
            deadline_ms,
            frontier: Frontier::restore(size, peaks)?,
            members: Arc::new(members.into_iter().map(|member| (member.country, member)).collect()),
            validators: Arc::new(validators),
            pairs: Arc::new(pairs.into_iter().collect()),
            disputes: Arc::new(disputes),
            due: Arc::new(due),
            settled: Arc::new(settled.into_iter().collect()),
            seen: Arc::new(seen.into_iter().collect()),
            convicted: Arc::new(convicted.into_iter().collect()),
            proposals: Arc::new(proposals.into_iter().collect()),
            tally,
        })
    }
}

fn list<'a, T>(
    input: &mut Reader<'a>,
    mut item: impl FnMut(&mut Reader<'a>) -> Result<T, LedgerError>,
) -> Result<Vec<T>, LedgerError> {
    let count = input.array(MAX_ITEMS)?;
    (0..count).map(|_| item(input)).collect()
}
