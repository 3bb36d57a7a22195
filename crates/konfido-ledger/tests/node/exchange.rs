//! Records become final and provable, alone and among four.

use konfido_ledger::node::Format;
use konfido_ledger::verify::verify;

use crate::circle::{Circle, PATIENCE, exchange};

#[test]
fn four_nodes_make_records_final_and_receipts_verify_offline() {
    let circle = Circle::new(4, 10_000);
    let nodes = circle.start_all();
    let mut ids = vec![];
    for n in 0..5 {
        ids.push((0, exchange(&nodes[0], &nodes[2], &format!("urn:uuid:di-{n}"))));
        ids.push((1, exchange(&nodes[1], &nodes[0], &format!("urn:uuid:ed-{n}"))));
    }
    for node in &nodes {
        node.wait(PATIENCE, |s| s.records == 10 && s.outbox == 0 && s.cosigned >= 10).unwrap();
    }
    let roots: Vec<_> = nodes.iter().map(|n| n.state().frontier().root()).collect();
    assert!(roots.windows(2).all(|w| w[0] == w[1]));
    let trust = nodes[3].trust().unwrap();
    for (at, id) in &ids {
        // Both parties hold the record; a third state's keys judge it.
        for node in [&nodes[*at], &nodes[if *at == 0 { 2 } else { 0 }]] {
            for format in [Format::Tlog, Format::Cose] {
                let receipt = node.receipt(id, format).unwrap();
                let verdict = verify(&receipt, &trust).unwrap();
                let record = verdict.record.unwrap();
                assert!(record.mutual);
                assert_eq!(record.exchange, id.to_string());
                assert!(verdict.members.len() >= 3);
            }
        }
    }
    let certificate = nodes[0].receipt(&ids[0].1, Format::Finalisation).unwrap();
    let verdict = verify(&certificate, &trust).unwrap();
    assert!(verdict.size >= 1);
    assert_eq!(nodes[3].scrub().unwrap() > 0, true);
}

#[test]
fn one_node_alone_is_a_ledger_too() {
    let circle = Circle::new(1, 8);
    let nodes = circle.start_all();
    let body = konfido_ledger::chain::transaction::Body::Anchor {
        kind: "test".to_owned(),
        digest: konfido_ledger::Digest([1; 32]),
    };
    nodes[0].submit(body).unwrap();
    let status = nodes[0].wait(PATIENCE, |s| s.size == 1 && s.cosigned == 1 && s.epoch >= 2).unwrap();
    assert!(status.voting);
}
