//! Nodes that fall, are wiped, stay silent, and members that come and go.

use konfido_ledger::chain::governance::{Action, ProposalId};
use konfido_ledger::chain::transaction::Body;

use crate::circle::{CODES, Circle, PATIENCE, ask, code, exchange, seen};

#[test]
fn a_fallen_node_catches_up_and_a_wiped_one_follows_without_a_vote() {
    let circle = Circle::new(4, 40);
    let mut nodes = circle.start_all();
    exchange(&nodes[0], &nodes[2], "urn:uuid:1");
    for node in &nodes {
        node.wait(PATIENCE, |s| s.records == 1).unwrap();
    }
    // Falls and comes back with its disk: votes again.
    nodes.pop().unwrap().stop();
    exchange(&nodes[0], &nodes[2], "urn:uuid:2");
    nodes[0].wait(PATIENCE, |s| s.records == 2).unwrap();
    let back = circle.start(3, false);
    let status = back.wait(PATIENCE, |s| s.records == 2).unwrap();
    assert!(status.voting);
    back.stop();
    // Loses its disk: fetches everything, and has no vote until the epoch is over.
    std::fs::remove_dir_all(circle.dir.path().join(CODES[3])).unwrap();
    let wiped = circle.start(3, false);
    let status = wiped.wait(PATIENCE, |s| s.records == 2).unwrap();
    assert!(!status.voting, "{status:?}");
    let epoch = status.epoch;
    let later = wiped.wait(PATIENCE, |s| s.epoch > epoch).unwrap();
    assert!(later.voting);
    assert_eq!(wiped.state().frontier().root(), nodes[0].state().frontier().root());
}

#[test]
fn silence_is_claimed_resolved_or_becomes_a_fact() {
    let mut circle = Circle::new(4, 10_000);
    circle.pace.claim = std::time::Duration::from_millis(600);
    let nodes = circle.start_all();
    // IT never says what it did: silence becomes a fact at the deadline.
    ask(&nodes[0], "IT", "urn:uuid:silent");
    nodes[3].wait(PATIENCE, |s| s.disputes[0] == 1).unwrap();
    let status = nodes[3].wait(PATIENCE, |s| s.disputes[1] == 1).unwrap();
    assert_eq!(status.records, 0);
    // ES answers late, after the claim: it is resolved, and the record follows.
    ask(&nodes[0], "ES", "urn:uuid:late");
    nodes[3].wait(PATIENCE, |s| s.disputes[0] == 1).unwrap();
    seen(&nodes[1], "urn:uuid:late");
    seen(&nodes[0], "urn:uuid:late");
    let status = nodes[3].wait(PATIENCE, |s| s.records == 1 && s.disputes[0] == 0).unwrap();
    assert_eq!(status.disputes[1], 1, "{status:?}");
}

#[test]
fn members_vote_another_out_at_the_epochs_end() {
    let circle = Circle::new(4, 12);
    let nodes = circle.start_all();
    let action = Action::Suspend(code("PT"));
    let id = ProposalId::of(code("DK"), 7, &action);
    nodes[0].submit(Body::Propose { action, nonce: 7 }).unwrap();
    for node in &nodes[1..3] {
        node.wait(PATIENCE, |_| node.state().proposals().count() == 1).unwrap();
        node.submit(Body::Vote { proposal: id }).unwrap();
    }
    let status = nodes[0]
        .wait(PATIENCE, |_| nodes[0].state().members().any(|m| m.country == code("PT") && m.suspended))
        .unwrap();
    // Three of three go on without it.
    exchange(&nodes[0], &nodes[2], "urn:uuid:after");
    nodes[1].wait(PATIENCE, |s| s.records == 1 && s.epoch > status.epoch).unwrap();
}
