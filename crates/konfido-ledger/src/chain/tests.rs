//! Every rule of the ledger by an honest and a dishonest transaction.

use std::sync::Arc;

use konfido_circle::CountryCode;
use konfido_keys::SignatureAlgorithm;
use konfido_keys::software::{KeyKind, SoftwareSigner, generate_pkcs8};
use secrecy::ExposeSecret;

use super::governance::{Action, Member, ProposalId};
use super::state::{CheckAll, Genesis, State};
use super::transaction::{Authored, Batch, Body, Pair, Silence, Transaction};
use crate::keys::PartyKey;
use crate::record::statement::ExchangeId;
use crate::{Digest, LedgerError};

struct Circle {
    signers: Vec<Arc<SoftwareSigner>>,
    genesis: Genesis,
}

fn code(text: &str) -> CountryCode {
    CountryCode::new(text).unwrap()
}

const CODES: [&str; 4] = ["DK", "ES", "IT", "PT"];

fn ed25519() -> Arc<SoftwareSigner> {
    let key = generate_pkcs8(KeyKind::Ed25519).unwrap();
    Arc::new(SoftwareSigner::from_pkcs8_der(key.expose_secret(), SignatureAlgorithm::Ed25519, None).unwrap())
}

fn member(country: &str, signer: &SoftwareSigner) -> Member {
    let key = PartyKey::of(signer).unwrap();
    let raw = key.raw_ed25519().unwrap();
    Member {
        country: code(country),
        consensus: raw,
        address: "127.0.0.1:1".parse().unwrap(),
        cosigner: raw,
        evidence: vec![key.clone()],
        governance: key,
        suspended: false,
    }
}

impl Circle {
    fn new() -> Self {
        let signers: Vec<_> = CODES.iter().map(|_| ed25519()).collect();
        let members = CODES.iter().zip(&signers).map(|(c, s)| member(c, s)).collect();
        let genesis = Genesis { origin: "test".to_owned(), epoch_length: 4, deadline_ms: 1_000, members };
        Self { signers, genesis }
    }

    fn signer(&self, country: &str) -> &SoftwareSigner {
        &self.signers[CODES.iter().position(|c| *c == country).unwrap()]
    }

    fn say(&self, author: &str, body: Body) -> Transaction {
        let signed = Authored::sign(&self.genesis.circle(), code(author), body, self.signer(author)).unwrap();
        let encoded = Transaction::Authored(signed).encode();
        Transaction::decode(&encoded).unwrap()
    }

    fn batch(&self, one: &str, other: &str, first_seq: u64, leaves: Vec<Digest>) -> Transaction {
        use konfido_keys::Signer as _;
        let pair = Pair::of(code(one), code(other)).unwrap();
        let message = Batch::message(&self.genesis.circle(), pair, first_seq, &leaves);
        let signatures = pair.countries().map(|c| self.signer(c.as_str()).sign(&message).unwrap());
        let encoded = Transaction::Batch(Batch { pair, first_seq, leaves, signatures }).encode();
        Transaction::decode(&encoded).unwrap()
    }
}

fn leaves(of: std::ops::Range<u8>) -> Vec<Digest> {
    of.map(|n| Digest([n; 32])).collect()
}

fn block(state: &State, time_ms: u64, all: &[Transaction]) -> Result<State, LedgerError> {
    let (next, added) = state.apply(time_ms, all, &CheckAll)?;
    assert_eq!(next.frontier().size(), state.frontier().size() + added.entries.len() as u64);
    let again = State::decode(&next.encode()).unwrap();
    assert_eq!(again.encode(), next.encode());
    Ok(next)
}

#[test]
fn batches_need_both_signatures_and_leave_no_gap() {
    let circle = Circle::new();
    let state = State::genesis(&circle.genesis);
    let first = circle.batch("DK", "IT", 0, leaves(0..5));
    let state = block(&state, 1, &[first.clone(), circle.batch("ES", "IT", 0, leaves(5..7))]).unwrap();
    assert_eq!((state.tally().records, state.frontier().size()), (7, 7));
    for refused in [
        first,
        circle.batch("DK", "IT", 6, leaves(7..8)),
        circle.batch("DK", "IT", 5, vec![Digest([9; 32]), Digest([9; 32])]),
    ] {
        assert!(block(&state, 2, &[refused]).is_err());
    }
    let Transaction::Batch(mut forged) = circle.batch("DK", "IT", 5, leaves(7..8)) else { panic!() };
    forged.signatures[0] = forged.signatures[1].clone();
    assert!(matches!(block(&state, 2, &[Transaction::Batch(forged)]), Err(LedgerError::Signature(_))));
}

fn claim(circle: &Circle, n: u8) -> Transaction {
    circle.say(
        "IT",
        Body::Unilateral {
            exchange: ExchangeId([n; 32]),
            against: code("DK"),
            silence: Silence::NoReceipt,
            statement: Digest([n; 32]),
        },
    )
}

#[test]
fn silence_becomes_a_fact_in_block_time_and_not_before() {
    let circle = Circle::new();
    let state = block(&State::genesis(&circle.genesis), 10, &[claim(&circle, 1)]).unwrap();
    assert_eq!(state.dispute(&ExchangeId([1; 32])).unwrap().due_ms, 1_010);
    let early = block(&state, 1_009, &[]).unwrap();
    assert_eq!(early.tally().facts, 0);
    let (late, added) = state.apply(1_010, &[], &CheckAll).unwrap();
    assert_eq!((late.tally().facts, added.facts.len()), (1, 1));
    assert!(late.dispute(&ExchangeId([1; 32])).is_none());
    // Settled once is settled.
    let again = circle.say(
        "IT",
        Body::Unilateral {
            exchange: ExchangeId([1; 32]),
            against: code("DK"),
            silence: Silence::NoAnswer,
            statement: Digest([2; 32]),
        },
    );
    assert!(block(&late, 1_011, &[again]).is_err());
}

#[test]
fn only_the_accused_may_deny_or_resolve_and_only_in_time() {
    let circle = Circle::new();
    let state = block(&State::genesis(&circle.genesis), 10, &[claim(&circle, 1), claim(&circle, 2)]).unwrap();
    let deny = |who| circle.say(who, Body::Deny { exchange: ExchangeId([1; 32]), received: Digest([0; 32]) });
    assert!(block(&state, 11, &[deny("ES")]).is_err());
    let denied = block(&state, 11, &[deny("DK")]).unwrap();
    assert_eq!(denied.tally().denied, 1);
    let resolve =
        circle.say("DK", Body::Resolve { exchange: ExchangeId([2; 32]), statement: Digest([3; 32]) });
    let resolved = block(&denied, 12, std::slice::from_ref(&resolve)).unwrap();
    assert_eq!((resolved.tally().resolved, resolved.disputes().count()), (1, 0));
    let late = block(&denied, 2_000, &[]).unwrap();
    assert!(block(&late, 2_001, &[resolve]).is_err());
}

#[test]
fn what_was_said_is_not_said_again() {
    let circle = Circle::new();
    let anchor = circle.say("ES", Body::Anchor { kind: "rem".to_owned(), digest: Digest([1; 32]) });
    let state = block(&State::genesis(&circle.genesis), 1, std::slice::from_ref(&anchor)).unwrap();
    assert!(block(&state, 2, &[anchor]).is_err());
}

#[test]
fn a_quorum_admits_a_member_at_the_end_of_the_epoch() {
    let circle = Circle::new();
    let newcomer = member("SE", &ed25519());
    let action = Action::Admit(Box::new(newcomer));
    let id = ProposalId::of(code("DK"), 1, &action);
    let propose = circle.say("DK", Body::Propose { action, nonce: 1 });
    let vote = |who| circle.say(who, Body::Vote { proposal: id });
    let state = block(&State::genesis(&circle.genesis), 1, &[propose]).unwrap();
    assert!(block(&state, 2, &[vote("DK")]).is_err(), "the author has voted by proposing");
    let state = block(&state, 2, &[vote("ES"), vote("IT")]).unwrap();
    assert!(state.proposals().next().unwrap().1.accepted);
    assert_eq!(state.members().count(), 4);
    let state = block(&state, 3, &[]).unwrap();
    assert_eq!((state.height(), state.members().count()), (3, 5));
    assert_eq!((state.validators(0).len(), state.validators(1).len()), (4, 5));
    assert_eq!(state.epoch(), 1);
}

#[test]
fn two_of_four_votes_change_nothing_and_a_suspended_member_is_silent() {
    let circle = Circle::new();
    let action = Action::Suspend(code("PT"));
    let id = ProposalId::of(code("DK"), 1, &action);
    let propose = circle.say("DK", Body::Propose { action, nonce: 1 });
    let vote = |who| circle.say(who, Body::Vote { proposal: id });
    let mut state = block(&State::genesis(&circle.genesis), 1, &[propose, vote("ES")]).unwrap();
    for time in 2..4 {
        state = block(&state, time, &[]).unwrap();
    }
    assert_eq!(state.validators(1).len(), 4);
    state = block(&state, 4, &[vote("IT")]).unwrap();
    for time in 5..8 {
        state = block(&state, time, &[]).unwrap();
    }
    assert_eq!(state.validators(2).len(), 3);
    let anchor = circle.say("PT", Body::Anchor { kind: "x".to_owned(), digest: Digest([1; 32]) });
    assert!(matches!(block(&state, 9, &[anchor]), Err(LedgerError::Standing(..))));
}

#[test]
fn two_votes_of_one_validator_in_one_view_convict_it() {
    use konfido_keys::Signer as _;
    let circle = Circle::new();
    let state = State::genesis(&circle.genesis);
    let domain = [crate::trust::namespace(&circle.genesis.circle()), b"_NOTARIZE".to_vec()].concat();
    let vote = |digest: u8| {
        let message = [&[domain.len() as u8], domain.as_slice(), &[0, 7, 6], &[digest; 32]].concat();
        let signature: [u8; 64] = circle.signer("PT").sign(&message).unwrap().try_into().unwrap();
        (message, signature)
    };
    let culprit = PartyKey::of(circle.signer("PT")).unwrap().raw_ed25519().unwrap();
    let accuse = |a, b| circle.say("DK", Body::DoubleVote { culprit, votes: [vote(a), vote(b)] });
    assert!(block(&state, 1, &[accuse(1, 1)]).is_err());
    let state = block(&state, 1, &[accuse(1, 2)]).unwrap();
    assert_eq!(state.convicted().next().unwrap().0, code("PT"));
}
