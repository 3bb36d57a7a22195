//! Between the engine's traits and [`Application`]: proposing and verifying, delivery in order, proofs of faults.

use std::sync::Arc;
use std::time::Duration;

use commonware_actor::Feedback;
use commonware_codec::{Encode, ReadExt};
use commonware_consensus::{
    self as consensus, Heightable, Reporter,
    marshal::{Update, ancestry::Ancestry},
    simplex::{
        scheme::ed25519::Scheme,
        types::{Activity, Context, Finalize, Notarize, Nullify},
    },
    types::Round,
};
use commonware_cryptography::{Digested, certificate::Attestation, ed25519, sha256};
use commonware_parallel::Sequential;
use commonware_runtime::{Clock, Metrics, Spawner};
use commonware_utils::{channel::mpsc, ordered::Set, union, union_unique};
use futures_util::StreamExt;
use rand::CryptoRng;

use crate::application::{Application, Fault, FaultKind, SignedVote};
use crate::{Block, MAX_HEADER, MAX_PAYLOAD};

type Digest = sha256::Digest;
type Key = ed25519::PublicKey;

/// A leader that has nothing to say asks its application again after this time.
const POLL: Duration = Duration::from_millis(4);
/// A vote waits until the block's time is no further ahead of the local clock.
const MAX_AHEAD: Duration = Duration::from_secs(2);

const NOTARIZE: &[u8] = b"_NOTARIZE";
const NULLIFY: &[u8] = b"_NULLIFY";
const FINALIZE: &[u8] = b"_FINALIZE";

/// The application as consensus wants it.
#[derive(Clone, Debug)]
pub(crate) struct Consensus {
    pub(crate) application: Arc<dyn Application>,
    pub(crate) heartbeat: Duration,
}

impl Consensus {
    /// Shows the application every ancestor it does not know, oldest first, down to the first it knows.
    async fn teach(&self, mut ancestry: impl Ancestry<Block>) -> bool {
        let mut unknown = Vec::new();
        while let Some(block) = ancestry.next().await {
            let block = block.inner();
            if self.application.knows(&block.digest()) {
                break;
            }
            if block.height() == 0 {
                return false;
            }
            unknown.push(block.clone());
        }
        unknown.iter().rev().all(|block| self.application.verify(block))
    }
}

fn millis<E: Clock>(context: &E) -> u64 {
    let since = context.current().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl<E: CryptoRng + Spawner + Metrics + Clock> consensus::Application<E> for Consensus {
    type SigningScheme = Scheme;
    type Context = Context<Digest, Key>;
    type Block = Block;
    type Input = ();

    async fn propose(
        &mut self,
        (context, _): (E, Self::Context),
        ancestry: impl Ancestry<Block>,
        (): (),
    ) -> Option<Digested<Block>> {
        let parent = ancestry.peek()?.inner().clone();
        if !self.teach(ancestry).await {
            return None;
        }
        let started = context.current();
        loop {
            let time_ms = millis(&context).max(parent.time_ms().saturating_add(1));
            let waited = context.current().duration_since(started).unwrap_or_default();
            if let Some(content) = self.application.propose(&parent, time_ms, waited >= self.heartbeat) {
                if content.header.len() > MAX_HEADER || content.payload.len() > MAX_PAYLOAD {
                    tracing::error!(
                        header = content.header.len(),
                        payload = content.payload.len(),
                        "block too large"
                    );
                    return None;
                }
                let height = Heightable::height(&parent).next();
                let block = Block::new(
                    Digest::from(parent.digest()),
                    height,
                    time_ms,
                    content.header,
                    content.payload,
                );
                if !self.application.verify(&block) {
                    tracing::error!(height = block.height(), "own proposal is not valid");
                    return None;
                }
                let digest = Digest::from(block.digest());
                return Some(Digested::precomputed(block, digest));
            }
            context.sleep(POLL).await;
        }
    }

    async fn verify(&mut self, (context, _): (E, Self::Context), mut ancestry: impl Ancestry<Block>) -> bool {
        let Some(block) = ancestry.next().await else { return false };
        let block = block.inner().clone();
        let Some(parent_time) = ancestry.peek().map(|parent| parent.inner().time_ms()) else { return false };
        if block.time_ms() <= parent_time {
            return false;
        }
        let limit = u64::try_from(MAX_AHEAD.as_millis()).unwrap_or(u64::MAX);
        while let Some(ahead) = block.time_ms().checked_sub(millis(&context).saturating_add(limit))
            && ahead > 0
        {
            context.sleep(Duration::from_millis(ahead)).await;
        }
        self.teach(ancestry).await && self.application.verify(&block)
    }
}

/// Takes what marshal reports and hands it to the delivery task.
#[derive(Clone, Debug)]
pub(crate) struct Delivery(pub(crate) mpsc::UnboundedSender<Update<Block>>);

impl Reporter for Delivery {
    type Activity = Update<Block>;

    fn report(&mut self, update: Update<Block>) -> Feedback {
        if self.0.send(update).is_err() {
            return Feedback::Closed;
        }
        Feedback::Ok
    }
}

/// Passes every activity on, and proofs of misbehaviour to the application as well.
pub(crate) struct Watch<E, R> {
    pub(crate) inner: R,
    pub(crate) application: Arc<dyn Application>,
    pub(crate) namespace: Vec<u8>,
    pub(crate) members: Set<Key>,
    pub(crate) scheme: Scheme,
    pub(crate) rng: Arc<std::sync::Mutex<E>>,
}

impl<E, R: Clone> Clone for Watch<E, R> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            application: Arc::clone(&self.application),
            namespace: self.namespace.clone(),
            members: self.members.clone(),
            scheme: self.scheme.clone(),
            rng: Arc::clone(&self.rng),
        }
    }
}

impl<E: CryptoRng, R> Watch<E, R> {
    /// A proof counts only when both signatures hold; an unverified one could come from anybody.
    fn fault(&self, activity: &Activity<Scheme, Digest>) -> Option<Fault> {
        let mut rng = self.rng.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match activity {
            Activity::ConflictingNotarize(proof) if proof.verify(&mut *rng, &self.scheme, &Sequential) => {
                let mut encoded = proof.encode();
                let first = Notarize::<Scheme, Digest>::read(&mut encoded).ok()?;
                let second = Notarize::<Scheme, Digest>::read(&mut encoded).ok()?;
                let votes = [
                    self.vote(NOTARIZE, &first.proposal, &first.attestation)?,
                    self.vote(NOTARIZE, &second.proposal, &second.attestation)?,
                ];
                self.proof(FaultKind::ConflictingNotarize, &first.attestation, first.proposal.round, votes)
            }
            Activity::ConflictingFinalize(proof) if proof.verify(&mut *rng, &self.scheme, &Sequential) => {
                let mut encoded = proof.encode();
                let first = Finalize::<Scheme, Digest>::read(&mut encoded).ok()?;
                let second = Finalize::<Scheme, Digest>::read(&mut encoded).ok()?;
                let votes = [
                    self.vote(FINALIZE, &first.proposal, &first.attestation)?,
                    self.vote(FINALIZE, &second.proposal, &second.attestation)?,
                ];
                self.proof(FaultKind::ConflictingFinalize, &first.attestation, first.proposal.round, votes)
            }
            Activity::NullifyFinalize(proof) if proof.verify(&mut *rng, &self.scheme, &Sequential) => {
                let mut encoded = proof.encode();
                let first = Nullify::<Scheme>::read(&mut encoded).ok()?;
                let second = Finalize::<Scheme, Digest>::read(&mut encoded).ok()?;
                let votes = [
                    self.vote(NULLIFY, &first.round, &first.attestation)?,
                    self.vote(FINALIZE, &second.proposal, &second.attestation)?,
                ];
                self.proof(FaultKind::NullifyFinalize, &first.attestation, first.round, votes)
            }
            _ => None,
        }
    }

    fn vote(&self, suffix: &[u8], subject: &impl Encode, by: &Attestation<Scheme>) -> Option<SignedVote> {
        Some(SignedVote {
            message: union_unique(&union(&self.namespace, suffix), &subject.encode()),
            signature: by.signature.encode().as_ref().try_into().ok()?,
        })
    }

    fn proof(
        &self,
        kind: FaultKind,
        by: &Attestation<Scheme>,
        round: Round,
        votes: [SignedVote; 2],
    ) -> Option<Fault> {
        let culprit = self.members.iter().nth(by.signer.get() as usize)?;
        let (epoch, view) = (round.epoch().get(), round.view().get());
        Some(Fault { kind, culprit: culprit.as_ref().try_into().ok()?, epoch, view, votes })
    }
}

impl<E, R> Reporter for Watch<E, R>
where
    E: CryptoRng + Send + 'static,
    R: Reporter<Activity = Activity<Scheme, Digest>>,
{
    type Activity = Activity<Scheme, Digest>;

    fn report(&mut self, activity: Self::Activity) -> Feedback {
        if let Some(fault) = self.fault(&activity) {
            self.application.fault(fault);
        }
        self.inner.report(activity)
    }
}
