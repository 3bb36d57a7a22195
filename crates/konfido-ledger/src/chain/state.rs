//! The state every member computes for itself, and the rules of each transaction.
//!
//! On a block: first the deadlines that its time has passed become facts, in the order of their instants; then its
//! transactions take effect one after the other; then, if it is the last of its epoch, accepted proposals apply.
//! - Batch: both signatures hold with evidence keys of the pair; `first_seq` is the pair's next number; no leaf twice.
//! - Unilateral: its author is a member, `against` another; the exchange has no dispute yet. It opens one, with a
//!   deadline in block time.
//! - Deny, Resolve: by the one the dispute is against, before the deadline. They close it.
//! - Equivocation, DoubleVote: the two signatures hold and exclude each other. It convicts once.
//! - Propose, Vote: by members, signed by governance keys. A quorum of yes accepts; it applies at the epoch's end.
//! - Any transaction of a suspended or unknown member is refused, and with it the block that carries it.
//!
//! Each transaction adds leaves: a batch its own, any other one the hash of itself; a fact the hash of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use konfido_circle::CountryCode;

use crate::cbor::{Reader, Writer};
use crate::chain::governance::{Action, Member, Proposal, ProposalId};
use crate::chain::transaction::{Authored, Batch, Body, Pair, Silence, Transaction, fact};
use crate::hash::entry;
use crate::keys::{EvidenceKeys, PartyKey};
use crate::log::tree::Frontier;
use crate::record::exchange::Equivocation;
use crate::record::statement::ExchangeId;
use crate::trust::quorum;
use crate::{Digest, LedgerError};

/// Days a party may stay silent unless governance says otherwise.
const DEADLINE_MS: u64 = 24 * 3600 * 1000;
/// Deadlines that become facts in one block at most.
const MAX_FACTS: usize = 4096;

/// From what all members start: the genesis document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// Name of the log.
    pub origin: String,
    /// Blocks in an epoch.
    pub epoch_length: u64,
    /// How long a party may stay silent, in milliseconds.
    pub deadline_ms: u64,
    /// The first members.
    pub members: Vec<Member>,
}

impl Genesis {
    /// Encoded; its hash names the circle.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Writer::new()
            .array(4)
            .text(&self.origin)
            .uint(self.epoch_length)
            .uint(self.deadline_ms)
            .array(self.members.len());
        for member in &self.members {
            out = member.write(out);
        }
        out.done()
    }

    /// Reads it.
    ///
    /// # Errors
    /// If the bytes are something else.
    pub fn decode(bytes: &[u8]) -> Result<Self, LedgerError> {
        let mut input = Reader::new(bytes);
        input.tuple(4)?;
        let origin = input.text(256)?.to_owned();
        let epoch_length = input.uint()?;
        let deadline_ms = input.uint()?;
        let count = input.array(64)?;
        let members = (0..count).map(|_| Member::read(&mut input)).collect::<Result<_, _>>()?;
        input.end()?;
        Ok(Self { origin, epoch_length, deadline_ms, members })
    }

    /// The circle's name: everything signed in it carries this.
    #[must_use]
    pub fn circle(&self) -> Digest {
        Digest::of(&[b"KONFIDO/v1/genesis", &self.encode()])
    }

    /// The default deadline.
    #[must_use]
    pub fn default_deadline_ms() -> u64 {
        DEADLINE_MS
    }
}

/// An open claim that a party is silent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// Who claims.
    pub by: CountryCode,
    /// Who is silent.
    pub against: CountryCode,
    /// What is missing.
    pub silence: Silence,
    /// Block time of the claim.
    pub filed_ms: u64,
    /// Block time at which it becomes a fact.
    pub due_ms: u64,
}

/// How disputes ended, and who was convicted: small counters for people, not needed by the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records in batches.
    pub records: u64,
    /// Claims that became facts.
    pub facts: u64,
    /// Claims denied.
    pub denied: u64,
    /// Claims resolved late.
    pub resolved: u64,
}

/// The state after a block. Cheap to clone: its parts are shared until one changes.
#[derive(Clone, Debug)]
pub struct State {
    pub(crate) circle: Digest,
    pub(crate) origin: Arc<str>,
    pub(crate) epoch_length: u64,
    pub(crate) height: u64,
    pub(crate) time_ms: u64,
    pub(crate) deadline_ms: u64,
    pub(crate) frontier: Frontier,
    pub(crate) members: Arc<BTreeMap<CountryCode, Member>>,
    /// Validators of each epoch so far: consensus key, address. Blocks of old epochs must stay checkable.
    pub(crate) validators: Arc<Vec<Vec<Member>>>,
    pub(crate) pairs: Arc<BTreeMap<Pair, u64>>,
    pub(crate) disputes: Arc<BTreeMap<ExchangeId, Dispute>>,
    pub(crate) due: Arc<BTreeSet<(u64, ExchangeId)>>,
    /// Exchanges whose dispute ended: no second one.
    pub(crate) settled: Arc<BTreeSet<ExchangeId>>,
    /// Hashes of all authored transactions: none counts twice.
    pub(crate) seen: Arc<BTreeSet<Digest>>,
    pub(crate) convicted: Arc<BTreeSet<(CountryCode, Digest)>>,
    pub(crate) proposals: Arc<BTreeMap<ProposalId, Proposal>>,
    pub(crate) tally: Tally,
}

/// Checks signatures. A node remembers those it has checked; the rule is the same.
pub trait Check {
    /// Whether the signature holds.
    fn holds(&self, key: &PartyKey, message: &[u8], signature: &[u8]) -> bool;
}

/// Checks every signature each time.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckAll;

impl Check for CheckAll {
    fn holds(&self, key: &PartyKey, message: &[u8], signature: &[u8]) -> bool {
        key.verify(message, signature).is_ok()
    }
}

/// What a block adds to the log, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Added {
    /// The entries.
    pub entries: Vec<Digest>,
    /// The facts among them, encoded.
    pub facts: Vec<Vec<u8>>,
}

impl EvidenceKeys for State {
    fn evidence_keys(&self, country: CountryCode) -> &[PartyKey] {
        self.members.get(&country).map_or(&[], |member| member.evidence.as_slice())
    }
}

impl State {
    /// The state before the first block.
    #[must_use]
    pub fn genesis(genesis: &Genesis) -> Self {
        let members: BTreeMap<_, _> = genesis.members.iter().map(|m| (m.country, m.clone())).collect();
        let validators = voters(&members);
        Self {
            circle: genesis.circle(),
            origin: genesis.origin.as_str().into(),
            epoch_length: genesis.epoch_length.max(2),
            height: 0,
            time_ms: 0,
            deadline_ms: genesis.deadline_ms,
            frontier: Frontier::default(),
            members: Arc::new(members),
            validators: Arc::new(vec![validators]),
            pairs: Arc::default(),
            disputes: Arc::default(),
            due: Arc::default(),
            settled: Arc::default(),
            seen: Arc::default(),
            convicted: Arc::default(),
            proposals: Arc::default(),
            tally: Tally::default(),
        }
    }

    /// Height of the last block.
    #[must_use]
    pub fn height(&self) -> u64 {
        self.height
    }

    /// Time of the last block.
    #[must_use]
    pub fn time_ms(&self) -> u64 {
        self.time_ms
    }

    /// The right edge of the log.
    #[must_use]
    pub fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// The circle's name.
    #[must_use]
    pub fn circle(&self) -> &Digest {
        &self.circle
    }

    /// Name of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The epoch of the next block.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.height.saturating_add(1) / self.epoch_length
    }

    /// The members.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// The validators of an epoch that has begun.
    #[must_use]
    pub fn validators(&self, epoch: u64) -> &[Member] {
        let index = usize::try_from(epoch).unwrap_or(usize::MAX);
        self.validators.get(index).or(self.validators.last()).map_or(&[], Vec::as_slice)
    }

    /// The next sequence number of a pair.
    #[must_use]
    pub fn next_seq(&self, pair: Pair) -> u64 {
        self.pairs.get(&pair).copied().unwrap_or(0)
    }

    /// The open dispute about an exchange.
    #[must_use]
    pub fn dispute(&self, exchange: &ExchangeId) -> Option<&Dispute> {
        self.disputes.get(exchange)
    }

    /// Whether the exchange had its dispute already.
    #[must_use]
    pub fn is_settled(&self, exchange: &ExchangeId) -> bool {
        self.settled.contains(exchange)
    }

    /// Open disputes.
    pub fn disputes(&self) -> impl Iterator<Item = (&ExchangeId, &Dispute)> {
        self.disputes.iter()
    }

    /// Who was convicted of speaking with two tongues, and over which evidence.
    pub fn convicted(&self) -> impl Iterator<Item = &(CountryCode, Digest)> {
        self.convicted.iter()
    }

    /// Proposals under vote or waiting for the epoch's end.
    pub fn proposals(&self) -> impl Iterator<Item = (&ProposalId, &Proposal)> {
        self.proposals.iter()
    }

    /// The counters.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// How long a party may stay silent.
    #[must_use]
    pub fn deadline_ms(&self) -> u64 {
        self.deadline_ms
    }

    /// The state after a block at `time_ms` with these transactions.
    ///
    /// # Errors
    /// If one of them breaks its rule; then the block is invalid.
    pub fn apply(
        &self,
        time_ms: u64,
        transactions: &[Transaction],
        check: &dyn Check,
    ) -> Result<(Self, Added), LedgerError> {
        let (mut next, mut added) = self.begin(time_ms);
        for transaction in transactions {
            let entries = next.take(transaction, check)?;
            added.entries.extend(entries);
        }
        next.end();
        Ok((next, added))
    }

    /// Opens the block: time passes and deadlines become facts.
    pub(crate) fn begin(&self, time_ms: u64) -> (Self, Added) {
        let mut next = self.clone();
        next.height = next.height.saturating_add(1);
        next.time_ms = time_ms;
        let mut added = Added::default();
        let passed: Vec<_> =
            next.due.iter().take_while(|(due, _)| *due <= time_ms).take(MAX_FACTS).copied().collect();
        for (due, exchange) in passed {
            Arc::make_mut(&mut next.due).remove(&(due, exchange));
            let Some(dispute) = Arc::make_mut(&mut next.disputes).remove(&exchange) else { continue };
            Arc::make_mut(&mut next.settled).insert(exchange);
            next.tally.facts = next.tally.facts.saturating_add(1);
            let fact = fact(&exchange, dispute.silence, dispute.against, dispute.filed_ms, time_ms);
            let leaf = entry(&fact);
            next.frontier.append(&leaf);
            added.entries.push(leaf);
            added.facts.push(fact);
        }
        (next, added)
    }

    /// Takes one transaction and gives its leaves. On an error the state is as before.
    pub(crate) fn take(
        &mut self,
        transaction: &Transaction,
        check: &dyn Check,
    ) -> Result<Vec<Digest>, LedgerError> {
        let entries = match transaction {
            Transaction::Batch(batch) => self.batch(batch, check)?,
            Transaction::Authored(authored) => {
                let leaf = entry(&transaction.encode());
                let message = Authored::message(&self.circle, authored.author, &authored.body);
                let body = Digest::of(&[&message]);
                if self.seen.contains(&body) {
                    return Err(LedgerError::Refused("said already"));
                }
                self.authored(authored, &message, check)?;
                Arc::make_mut(&mut self.seen).insert(body);
                vec![leaf]
            }
        };
        for entry in &entries {
            self.frontier.append(entry);
        }
        Ok(entries)
    }

    /// Closes the block: at an epoch's last block what was accepted takes effect.
    pub(crate) fn end(&mut self) {
        if !self.height.saturating_add(1).is_multiple_of(self.epoch_length) {
            return;
        }
        let accepted: Vec<_> = self
            .proposals
            .iter()
            .filter(|(_, p)| p.accepted)
            .map(|(id, p)| (*id, p.action.clone()))
            .collect();
        for (id, action) in accepted {
            Arc::make_mut(&mut self.proposals).remove(&id);
            self.enact(action);
        }
        let voters = voters(&self.members);
        Arc::make_mut(&mut self.validators).push(voters);
    }

    fn standing(&self, country: CountryCode) -> Result<&Member, LedgerError> {
        match self.members.get(&country) {
            None => Err(LedgerError::Standing(country, "not a member")),
            Some(member) if member.suspended => Err(LedgerError::Standing(country, "suspended")),
            Some(member) => Ok(member),
        }
    }

    fn batch(&mut self, batch: &Batch, signatures: &dyn Check) -> Result<Vec<Digest>, LedgerError> {
        if batch.first_seq != self.next_seq(batch.pair) {
            return Err(LedgerError::Refused("the batch does not follow the pair's last one"));
        }
        let distinct: BTreeSet<_> = batch.leaves.iter().collect();
        if distinct.len() != batch.leaves.len() {
            return Err(LedgerError::Refused("a leaf stands twice in the batch"));
        }
        let message = Batch::message(&self.circle, batch.pair, batch.first_seq, &batch.leaves);
        for (country, signature) in batch.pair.countries().into_iter().zip(&batch.signatures) {
            check(signatures, &self.standing(country)?.evidence, &message, signature, country)?;
        }
        let count = batch.leaves.len() as u64;
        *Arc::make_mut(&mut self.pairs).entry(batch.pair).or_default() += count;
        self.tally.records = self.tally.records.saturating_add(count);
        Ok(batch.leaves.clone())
    }

    fn authored(&mut self, tx: &Authored, message: &[u8], signatures: &dyn Check) -> Result<(), LedgerError> {
        let member = self.standing(tx.author)?;
        let keys = if tx.body.is_governance() {
            std::slice::from_ref(&member.governance)
        } else {
            member.evidence.as_slice()
        };
        check(signatures, keys, message, &tx.signature, tx.author)?;
        match &tx.body {
            Body::Unilateral { exchange, against, silence, .. } => {
                self.standing(*against)?;
                if *against == tx.author {
                    return Err(LedgerError::Refused("a claim against oneself"));
                }
                if self.disputes.contains_key(exchange) || self.settled.contains(exchange) {
                    return Err(LedgerError::Refused("the exchange already has its dispute"));
                }
                let due_ms = self.time_ms.saturating_add(self.deadline_ms);
                let dispute = Dispute {
                    by: tx.author,
                    against: *against,
                    silence: *silence,
                    filed_ms: self.time_ms,
                    due_ms,
                };
                Arc::make_mut(&mut self.disputes).insert(*exchange, dispute);
                Arc::make_mut(&mut self.due).insert((due_ms, *exchange));
            }
            Body::Deny { exchange, .. } => {
                self.settle(exchange, tx.author)?;
                self.tally.denied = self.tally.denied.saturating_add(1);
            }
            Body::Resolve { exchange, .. } => {
                self.settle(exchange, tx.author)?;
                self.tally.resolved = self.tally.resolved.saturating_add(1);
            }
            Body::Equivocation { first, second } => {
                let proof = Equivocation::verify(first, second, self)?;
                self.convict(proof.culprit(), Digest::of(&[&proof.exchange().0]))?;
            }
            Body::DoubleVote { culprit, votes } => {
                let country = self.double_vote(culprit, votes)?;
                let [(message, _), _] = votes;
                self.convict(country, Digest::of(&[message]))?;
            }
            Body::Propose { action, nonce } => self.propose(tx.author, action, *nonce)?,
            Body::Vote { proposal } => self.vote(tx.author, proposal)?,
            Body::EvidenceKey { key } => {
                let members = Arc::make_mut(&mut self.members);
                if let Some(member) = members.get_mut(&tx.author) {
                    member.evidence.insert(0, key.clone());
                    member.evidence.truncate(16);
                }
            }
            Body::Erased { .. } | Body::Anchor { .. } => {}
        }
        Ok(())
    }

    fn settle(&mut self, exchange: &ExchangeId, author: CountryCode) -> Result<(), LedgerError> {
        let dispute = self.disputes.get(exchange).ok_or(LedgerError::Refused("no open dispute"))?;
        if dispute.against != author {
            return Err(LedgerError::Standing(author, "the dispute is not against it"));
        }
        let due = dispute.due_ms;
        Arc::make_mut(&mut self.disputes).remove(exchange);
        Arc::make_mut(&mut self.due).remove(&(due, *exchange));
        Arc::make_mut(&mut self.settled).insert(*exchange);
        Ok(())
    }

    fn convict(&mut self, culprit: CountryCode, evidence: Digest) -> Result<(), LedgerError> {
        if Arc::make_mut(&mut self.convicted).insert((culprit, evidence)) {
            Ok(())
        } else {
            Err(LedgerError::Refused("already convicted of this"))
        }
    }

    /// Two votes convict when both are signed by one validator key, and are of the same epoch and view but differ.
    fn double_vote(
        &self,
        culprit: &[u8; 32],
        votes: &[(Vec<u8>, [u8; 64]); 2],
    ) -> Result<CountryCode, LedgerError> {
        let member = self.validators.iter().flatten().find(|member| member.consensus == *culprit);
        let member = member.ok_or(LedgerError::Refused("the key is no validator's"))?;
        let key = PartyKey::ed25519(culprit)?;
        let domain = crate::trust::namespace(&self.circle);
        let [one, other] = votes;
        let (one_kind, one_view) = vote_of(&one.0, &domain)?;
        let (other_kind, other_view) = vote_of(&other.0, &domain)?;
        // A skip excludes a finalisation of the same view; two votes of one kind exclude each other.
        let excludes =
            one_kind == other_kind || matches!((one_kind, other_kind), (b'U', b'F') | (b'F', b'U'));
        if one.0 == other.0 || one_view != other_view || !excludes {
            return Err(LedgerError::Refused("the two votes do not exclude each other"));
        }
        for (message, signature) in votes {
            key.verify(message, signature).map_err(|_| LedgerError::Signature(member.country.to_string()))?;
        }
        Ok(member.country)
    }

    fn propose(&mut self, author: CountryCode, action: &Action, nonce: u64) -> Result<(), LedgerError> {
        let known = |country: &CountryCode| self.members.contains_key(country);
        let sensible = match action {
            Action::Admit(member) => !known(&member.country) && !member.evidence.is_empty(),
            Action::Suspend(c) | Action::Restore(c) | Action::Remove(c) => known(c),
            Action::Rotate { country, .. } => known(country),
            Action::Deadline(ms) => *ms > 0,
        };
        let id = ProposalId::of(author, nonce, action);
        if !sensible || self.proposals.contains_key(&id) {
            return Err(LedgerError::Refused("the proposal changes nothing, or stands already"));
        }
        let proposal = Proposal { action: action.clone(), votes: Vec::new(), accepted: false };
        Arc::make_mut(&mut self.proposals).insert(id, proposal);
        self.vote(author, &id)
    }

    fn vote(&mut self, author: CountryCode, id: &ProposalId) -> Result<(), LedgerError> {
        let voters = self.members.values().filter(|member| !member.suspended).count();
        let proposals = Arc::make_mut(&mut self.proposals);
        let proposal = proposals.get_mut(id).ok_or(LedgerError::Refused("no such proposal"))?;
        if proposal.votes.contains(&author) {
            return Err(LedgerError::Refused("voted already"));
        }
        proposal.votes.push(author);
        proposal.accepted = proposal.votes.len() >= quorum(voters);
        Ok(())
    }

    fn enact(&mut self, action: Action) {
        let members = Arc::make_mut(&mut self.members);
        match action {
            Action::Admit(member) => {
                members.entry(member.country).or_insert(*member);
            }
            Action::Suspend(country) => {
                members.entry(country).and_modify(|member| member.suspended = true);
            }
            Action::Restore(country) => {
                members.entry(country).and_modify(|member| member.suspended = false);
            }
            Action::Remove(country) => {
                // A ledger without members could never decide to have one again.
                if members.len() > 1 {
                    members.remove(&country);
                }
            }
            Action::Rotate { country, consensus, address } => {
                members.entry(country).and_modify(|m| (m.consensus, m.address) = (consensus, address));
            }
            Action::Deadline(ms) => self.deadline_ms = ms,
        }
    }
}

/// Kind and round of a vote message: `varint len ‖ namespace ‖ "_KIND" ‖ epoch ‖ view ‖ …`.
fn vote_of<'a>(message: &'a [u8], domain: &[u8]) -> Result<(u8, &'a [u8]), LedgerError> {
    let malformed = || LedgerError::malformed("vote", "not a vote of this circle");
    let rest = message.get(1..).and_then(|m| m.strip_prefix(domain)).ok_or_else(malformed)?;
    let kinds: [(&[u8], u8); 3] = [(b"_NOTARIZE", b'N'), (b"_NULLIFY", b'U'), (b"_FINALIZE", b'F')];
    let (kind, body) = kinds
        .iter()
        .find_map(|(name, kind)| rest.strip_prefix(*name).map(|body| (*kind, body)))
        .ok_or_else(malformed)?;
    // Epoch and view, each a varint, are the round; what follows is what was voted for.
    let ends: Vec<_> =
        body.iter().enumerate().filter(|(_, b)| **b & 0x80 == 0).map(|(i, _)| i).take(2).collect();
    let end = ends.get(1).ok_or_else(malformed)?;
    body.get(..=*end).map(|round| (kind, round)).ok_or_else(malformed)
}

fn check(
    signatures: &dyn Check,
    keys: &[PartyKey],
    message: &[u8],
    signature: &[u8],
    who: CountryCode,
) -> Result<(), LedgerError> {
    if keys.iter().any(|key| signatures.holds(key, message, signature)) {
        Ok(())
    } else {
        Err(LedgerError::Signature(who.to_string()))
    }
}

fn voters(members: &BTreeMap<CountryCode, Member>) -> Vec<Member> {
    members.values().filter(|member| !member.suspended).cloned().collect()
}
