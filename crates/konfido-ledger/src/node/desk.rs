//! The thread that speaks with the other nodes.
//!
//! - Statements go to the other party at once and again until its next one is here.
//! - Batches: the country whose code comes first gathers what is complete in the pair's outbox, signs and offers it;
//!   the other signs too if it holds every record, and hands the batch in. If no offer comes in time, the second
//!   country offers. Two batches with one number cannot both take effect, whatever the two do.
//! - Heads: this node's signatures go to all; a quorum of them makes a head that receipts can stand on.
//! - Claims: who owes a statement for too long is claimed silent. A claim against this country is resolved by saying
//!   the missing statement again and noting it on the ledger.
//! - Faults: double votes that the engine proves, and contradictions that a party proves, are handed in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use konfido_circle::{Clock, CountryCode, SystemClock};
use konfido_ledger_engine::{Engine, Fault};

use super::heads::{Gathering, Share};
use super::replica::Replica;
use super::wire::{Message, Offer};
use super::{NodeKeys, Pace};
use crate::chain::state::{Added, State};
use crate::chain::transaction::{Authored, Batch, Body, MAX_BATCH, Pair, Silence, Transaction};
use crate::log::checkpoint::{Checkpoint, Cosignature, cosigner_name};
use crate::log::cose;
use crate::party::{Handover, Party, Taken};
use crate::record::exchange::{Equivocation, Stage};
use crate::record::statement::ExchangeId;
use crate::{Digest, LedgerError};

/// A transaction of this node is said again when it is not final after this time.
const REPEAT: Duration = Duration::from_secs(1);
/// An offer that led to nothing is made anew after this time.
const OFFER_AGAIN: Duration = Duration::from_millis(1500);
/// The second country of a pair waits this much longer for an offer before it makes its own.
const OFFER_SECOND: Duration = Duration::from_secs(3);

/// What the desk is told.
#[derive(Debug)]
pub(super) enum Note {
    /// A block is final.
    Final { height: u64, first: u64, added: Arc<Added>, head: Option<(u64, Digest)> },
    /// A message of another node came.
    Heard([u8; 32], Bytes),
    /// The engine proved a double vote.
    Fault(Box<Fault>),
    /// Hand a statement to a country.
    Hand(CountryCode, Handover),
    /// Something was seen under a reference.
    Advance(String),
    /// Hand a transaction in.
    Submit(Transaction),
    /// End.
    Stop,
}

struct Said {
    transaction: Transaction,
    entry: Digest,
    at: Instant,
}

pub(super) struct Desk {
    replica: Arc<Replica>,
    party: Arc<Party>,
    engine: Arc<Engine>,
    keys: NodeKeys,
    pace: Pace,
    me: [u8; 32],
    gathering: Gathering,
    said: Vec<Said>,
    offered: BTreeMap<Pair, (u64, Instant)>,
    /// Since when a pair has had records waiting.
    waiting: BTreeMap<Pair, Instant>,
    outbox_changed: bool,
    reminded: Instant,
    batched: Instant,
}

impl Desk {
    pub(super) fn new(
        replica: Arc<Replica>,
        party: Arc<Party>,
        engine: Arc<Engine>,
        keys: NodeKeys,
        pace: Pace,
        me: [u8; 32],
    ) -> Self {
        let now = Instant::now();
        Self {
            replica,
            party,
            engine,
            keys,
            pace,
            me,
            gathering: Gathering::default(),
            said: Vec::new(),
            offered: BTreeMap::new(),
            waiting: BTreeMap::new(),
            outbox_changed: true,
            reminded: now,
            batched: now,
        }
    }

    pub(super) fn run(mut self, inbox: &Receiver<Note>) {
        loop {
            match inbox.recv_timeout(self.pace.batch) {
                Ok(Note::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(note) => {
                    if let Err(reason) = self.on(note) {
                        tracing::debug!(country = %self.party.country(), %reason, "ledger desk");
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.batched.elapsed() >= self.pace.batch {
                self.batched = Instant::now();
                if let Err(reason) = self.tick() {
                    tracing::debug!(country = %self.party.country(), %reason, "ledger desk");
                }
            }
        }
    }

    fn on(&mut self, note: Note) -> Result<(), LedgerError> {
        match note {
            Note::Final { height, first, added, head } => self.on_final(height, first, &added, head),
            Note::Heard(from, bytes) => self.on_message(&from, &bytes),
            Note::Fault(fault) => {
                let votes = fault.votes.map(|vote| (vote.message, vote.signature));
                self.say(Body::DoubleVote { culprit: fault.culprit, votes })
            }
            Note::Hand(to, handover) => {
                self.hand(to, handover);
                Ok(())
            }
            Note::Advance(reference) => self.advance(&reference),
            Note::Submit(transaction) => {
                self.submit(transaction);
                Ok(())
            }
            Note::Stop => Ok(()),
        }
    }

    fn on_final(
        &mut self,
        height: u64,
        first: u64,
        added: &Added,
        head: Option<(u64, Digest)>,
    ) -> Result<(), LedgerError> {
        if !added.entries.is_empty() {
            let leaves: Vec<_> =
                added.entries.iter().zip(first..).map(|(entry, index)| (*entry, index, height)).collect();
            self.party.store().located(&leaves)?;
            self.said.retain(|said| !added.entries.contains(&said.entry));
            let state = self.replica.state();
            self.offered.retain(|pair, (seq, _)| state.next_seq(*pair) <= *seq);
            self.outbox_changed = true;
            self.answer_claims(&state)?;
        }
        if let Some((size, root)) = head.filter(|(size, _)| *size > 0) {
            self.cosign(size, root)?;
        }
        Ok(())
    }

    /// The head is in the journal on disk, and the log only grows: nothing else can be signed for this size later.
    fn cosign(&mut self, size: u64, root: Digest) -> Result<(), LedgerError> {
        let state = self.replica.state();
        let country = self.party.country();
        if !state.members().any(|member| member.country == country && !member.suspended) {
            return Ok(());
        }
        let head = Checkpoint { origin: state.origin().to_owned(), size, root };
        let time_s = u64::try_from(SystemClock.now().as_second()).unwrap_or(0);
        let name = cosigner_name(&head.origin, country);
        let cosignature = Cosignature::sign(&head, &name, self.keys.cosigner.as_ref(), time_s)?;
        let cose = cose::sign_root(&root, country, self.party.signer().as_ref())?;
        let share = Share { country, size, root, time_s, cosignature: cosignature.signature, cose };
        self.engine.send(None, Message::Share(share.clone()).encode().into());
        self.gather(share, &state)
    }

    fn gather(&mut self, share: Share, state: &State) -> Result<(), LedgerError> {
        match self.gathering.add(share, state.members().filter(|m| !m.suspended).count()) {
            Some(head) => self.replica.keep_head(head),
            None => Ok(()),
        }
    }

    fn on_message(&mut self, from: &[u8; 32], bytes: &[u8]) -> Result<(), LedgerError> {
        let state = self.replica.state();
        let sender = state.members().find(|member| member.consensus == *from).map(|member| member.country);
        let sender = sender.ok_or(LedgerError::Refused("a message of no member"))?;
        match Message::decode(bytes)? {
            Message::Transaction(transaction) => {
                self.replica.pool(*transaction);
                Ok(())
            }
            Message::Share(share) => {
                share.check(&state)?;
                self.gather(share, &state)
            }
            Message::Offer(offer) => self.on_offer(&state, sender, offer),
            Message::Handover(handover) => self.on_handover(&state, sender, &handover),
            Message::Missing(entries) => {
                for entry in entries {
                    if let Some(exchange) = self.party.store().by_entry(&entry)? {
                        self.hand(sender, self.party.handover(&exchange)?);
                    }
                }
                Ok(())
            }
        }
    }

    fn on_handover(
        &mut self,
        state: &State,
        sender: CountryCode,
        handover: &Handover,
    ) -> Result<(), LedgerError> {
        match self.party.take(handover, state)? {
            Taken::Advanced(exchange) => {
                self.outbox_changed |= exchange.stage() == Stage::Received;
                self.advance(&handover.reference)
            }
            Taken::Repeated => {
                // The other side is behind: it has not heard what this side said last.
                let exchange = crate::record::statement::Statement::verify(&handover.statement, state)?;
                let id = exchange.request().exchange;
                if self.party.statement(&id)?.statement().kind() > exchange.kind() {
                    self.hand(sender, self.party.handover(&id)?);
                }
                Ok(())
            }
            Taken::Equivocation(proof) => self.accuse(&proof),
        }
    }

    fn accuse(&mut self, proof: &Equivocation) -> Result<(), LedgerError> {
        let [first, second] = proof.statements();
        self.say(Body::Equivocation { first: first.to_vec(), second: second.to_vec() })
    }

    fn advance(&mut self, reference: &str) -> Result<(), LedgerError> {
        let Some(handover) = self.party.advance(reference)? else { return Ok(()) };
        let Some(exchange) = self.party.store().by_reference(reference)? else { return Ok(()) };
        let held = self.party.statement(&exchange)?;
        let request = held.request();
        let other =
            if request.requester == self.party.country() { request.provider } else { request.requester };
        self.outbox_changed |= held.stage() == Stage::Received;
        self.hand(other, handover);
        Ok(())
    }

    fn hand(&self, to: CountryCode, handover: Handover) {
        let state = self.replica.state();
        if let Some(member) = state.members().find(|member| member.country == to) {
            self.engine.send(Some(member.consensus), Message::Handover(Box::new(handover)).encode().into());
        }
    }

    fn on_offer(&mut self, state: &State, sender: CountryCode, offer: Offer) -> Result<(), LedgerError> {
        let me = self.party.country();
        if !offer.pair.contains(me) || offer.pair.other(me) != sender || offer.leaves.len() > MAX_BATCH {
            return Err(LedgerError::Refused("an offer for others"));
        }
        if offer.first_seq != state.next_seq(offer.pair) {
            return Err(LedgerError::Refused("an offer that does not follow the last batch"));
        }
        let mut missing = Vec::new();
        for entry in &offer.leaves {
            match self.party.store().by_entry(entry)? {
                None => missing.push(*entry),
                Some(exchange) if self.party.store().leaf(&exchange)?.is_some() => {
                    return Err(LedgerError::Refused("an offer of a record that is in the log"));
                }
                Some(_) => {}
            }
        }
        if !missing.is_empty() {
            let to = state.members().find(|member| member.country == sender).map(|member| member.consensus);
            self.engine.send(to, Message::Missing(missing).encode().into());
            return Ok(());
        }
        let message = Batch::message(state.circle(), offer.pair, offer.first_seq, &offer.leaves);
        let mine = self.party.signer().sign(&message)?;
        let [first, _] = offer.pair.countries();
        let signatures = if first == me { [mine, offer.signature] } else { [offer.signature, mine] };
        let batch = Batch { pair: offer.pair, first_seq: offer.first_seq, leaves: offer.leaves, signatures };
        self.offered.insert(offer.pair, (offer.first_seq, Instant::now()));
        self.spread(&Transaction::Batch(batch));
        Ok(())
    }

    fn spread(&self, transaction: &Transaction) {
        self.replica.pool(transaction.clone());
        self.engine.send(None, Message::Transaction(Box::new(transaction.clone())).encode().into());
    }

    fn submit(&mut self, transaction: Transaction) {
        self.spread(&transaction);
        if let Transaction::Authored(_) = &transaction {
            let entry = crate::hash::entry(&transaction.encode());
            self.said.push(Said { transaction, entry, at: Instant::now() });
        }
    }

    fn say(&mut self, body: Body) -> Result<(), LedgerError> {
        let circle = *self.replica.circle();
        let authored = Authored::sign(&circle, self.party.country(), body, self.party.signer().as_ref())?;
        self.submit(Transaction::Authored(authored));
        Ok(())
    }

    fn tick(&mut self) -> Result<(), LedgerError> {
        self.repeat();
        if self.outbox_changed || !self.waiting.is_empty() {
            self.offer()?;
        }
        if self.reminded.elapsed() >= self.pace.remind {
            self.reminded = Instant::now();
            self.remind()?;
        }
        Ok(())
    }

    fn repeat(&mut self) {
        let now = Instant::now();
        let due: Vec<_> = self
            .said
            .iter_mut()
            .filter(|said| now.duration_since(said.at) >= REPEAT)
            .map(|said| {
                said.at = now;
                said.transaction.clone()
            })
            .collect();
        for transaction in due {
            self.spread(&transaction);
        }
    }

    fn offer(&mut self) -> Result<(), LedgerError> {
        self.outbox_changed = false;
        let mut pairs: BTreeMap<Pair, Vec<Digest>> = BTreeMap::new();
        for pending in self.party.store().pending(2 * MAX_BATCH)? {
            pairs.entry(pending.pair).or_default().push(pending.entry);
        }
        self.waiting.retain(|pair, _| pairs.contains_key(pair));
        let state = self.replica.state();
        let me = self.party.country();
        for (pair, mut leaves) in pairs {
            let since = *self.waiting.entry(pair).or_insert_with(Instant::now);
            let [first, _] = pair.countries();
            let busy = self.offered.get(&pair).is_some_and(|(_, at)| at.elapsed() < OFFER_AGAIN);
            if busy || (first != me && since.elapsed() < OFFER_SECOND) {
                continue;
            }
            leaves.truncate(MAX_BATCH);
            let first_seq = state.next_seq(pair);
            let message = Batch::message(state.circle(), pair, first_seq, &leaves);
            let signature = self.party.signer().sign(&message)?;
            let to = state.members().find(|m| m.country == pair.other(me)).map(|m| m.consensus);
            if to.is_some_and(|to| to != self.me) {
                self.offered.insert(pair, (first_seq, Instant::now()));
                self.engine
                    .send(to, Message::Offer(Offer { pair, first_seq, leaves, signature }).encode().into());
            }
        }
        Ok(())
    }

    fn remind(&mut self) -> Result<(), LedgerError> {
        let state = self.replica.state();
        let now_ms = u64::try_from(SystemClock.now().as_millisecond()).unwrap_or(0);
        let before =
            |pause: Duration| now_ms.saturating_sub(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        let me = self.party.country();
        for exchange in self.party.store().overdue(before(self.pace.remind))? {
            let held = self.party.statement(&exchange)?;
            let (reference, other) = {
                let request = held.request();
                let other = if request.requester == me { request.provider } else { request.requester };
                (self.party.handover(&exchange)?, other)
            };
            if held.waiting_for() == Some(me) {
                self.advance(&reference.reference)?;
            } else {
                self.hand(other, reference);
            }
        }
        for exchange in self.party.store().overdue(before(self.pace.claim))? {
            let held = self.party.statement(&exchange)?;
            let Some(against) = held.waiting_for().filter(|country| *country != me) else { continue };
            if state.dispute(&exchange).is_some() || state.is_settled(&exchange) || self.claimed(&exchange) {
                continue;
            }
            let silence =
                if held.stage() == Stage::Requested { Silence::NoAnswer } else { Silence::NoReceipt };
            let statement = held.statement().entry();
            self.say(Body::Unilateral { exchange, against, silence, statement })?;
        }
        Ok(())
    }

    fn claimed(&self, exchange: &ExchangeId) -> bool {
        self.said.iter().any(|said| {
            matches!(&said.transaction, Transaction::Authored(Authored {
                body: Body::Unilateral { exchange: other, .. }, ..
            }) if other == exchange)
        })
    }

    /// Claims against this country: if it holds the missing statement, it says so on the ledger and hands it over.
    fn answer_claims(&mut self, state: &State) -> Result<(), LedgerError> {
        let me = self.party.country();
        let claims: Vec<_> = state
            .disputes()
            .filter(|(_, dispute)| dispute.against == me)
            .map(|(exchange, dispute)| (*exchange, dispute.silence, dispute.by))
            .collect();
        for (exchange, silence, by) in claims {
            let Ok(held) = self.party.statement(&exchange) else { continue };
            let done = match silence {
                Silence::NoAnswer => held.answer().is_some(),
                Silence::NoReceipt => held.record().is_some(),
            };
            let resolving = self.said.iter().any(|said| {
                matches!(&said.transaction, Transaction::Authored(Authored {
                    body: Body::Resolve { exchange: other, .. }, ..
                }) if *other == exchange)
            });
            if done && !resolving {
                self.say(Body::Resolve { exchange, statement: held.statement().entry() })?;
                self.hand(by, self.party.handover(&exchange)?);
            }
        }
        Ok(())
    }
}
