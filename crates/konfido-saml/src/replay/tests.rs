//! Re-sends pass, replays do not, memory stays bounded.

use konfido_circle::FixedClock;

use super::*;

struct Case {
    guard: ReplayGuard,
    clock: FixedClock,
    hcp: AssertionId,
    trc: AssertionId,
}

impl Case {
    fn new(quota: usize) -> Self {
        Self {
            guard: ReplayGuard::new(quota, SignedDuration::from_secs(60)),
            clock: FixedClock::new("2026-11-23T18:00:00Z".parse().unwrap()),
            hcp: AssertionId::new("_hcp").unwrap(),
            trc: AssertionId::new("_trc").unwrap(),
        }
    }

    fn show(&self, peer: &str, message: Option<&str>, body: u8, with_trc: bool) -> Result<Seen, Replay> {
        let all = [&self.hcp, &self.trc];
        let assertions = if with_trc { &all[..] } else { &all[..1] };
        let shown = Presentation {
            peer: CountryCode::new(peer).unwrap(),
            message_id: message,
            body: [body; 32],
            assertions,
            until: "2026-11-23T20:00:00Z".parse().unwrap(),
        };
        self.guard.observe(&shown, &self.clock)
    }
}

#[test]
fn the_one_resend_of_openncp_is_served_again() {
    let case = Case::new(100);
    assert_eq!(case.show("DK", Some("urn:uuid:1"), 1, true), Ok(Seen::First));
    assert_eq!(case.show("DK", Some("1"), 1, true), Ok(Seen::Again { times: 2 }));
    assert_eq!(case.show("DK", Some("urn:uuid:2"), 1, true), Ok(Seen::First));
}

#[test]
fn another_body_other_assertions_or_another_peer_is_a_replay() {
    let case = Case::new(100);
    assert_eq!(case.show("DK", Some("1"), 1, true), Ok(Seen::First));
    assert_eq!(case.show("DK", Some("1"), 2, true), Err(Replay::OtherBody));
    assert_eq!(case.show("DK", Some("1"), 1, false), Err(Replay::OtherAssertions));
    assert_eq!(case.show("PT", Some("9"), 9, true), Err(Replay::AssertionOfOtherPeer));
    // The refusals have changed nothing.
    assert_eq!(case.show("DK", Some("1"), 1, true), Ok(Seen::Again { times: 2 }));
}

#[test]
fn a_message_id_belongs_to_its_first_peer() {
    let mut case = Case::new(100);
    assert_eq!(case.show("DK", Some("1"), 1, true), Ok(Seen::First));
    case.hcp = AssertionId::new("_other").unwrap();
    assert_eq!(case.show("PT", Some("1"), 1, false), Err(Replay::MessageOfOtherPeer));
}

#[test]
fn without_message_id_the_digests_decide() {
    let case = Case::new(100);
    assert_eq!(case.show("DK", None, 1, true), Ok(Seen::First));
    assert_eq!(case.show("DK", None, 1, true), Ok(Seen::Again { times: 2 }));
    assert_eq!(case.show("DK", None, 2, true), Ok(Seen::First));
}

#[test]
fn entries_expire_by_the_clock() {
    let case = Case::new(100);
    assert_eq!(case.show("DK", Some("1"), 1, true), Ok(Seen::First));
    assert_eq!(case.guard.len(), 3);
    case.clock.set("2026-11-23T20:00:59Z".parse().unwrap());
    assert_eq!(case.show("DK", Some("1"), 1, true), Ok(Seen::Again { times: 2 }));
    case.clock.set("2026-11-23T20:01:00Z".parse().unwrap());
    assert_eq!(case.show("DK", Some("1"), 1, true), Ok(Seen::First));
    assert_eq!(case.guard.len(), 3);
}

#[test]
fn a_flood_pushes_out_only_its_own_past() {
    let case = Case::new(8);
    assert_eq!(case.show("DK", Some("dk"), 1, false), Ok(Seen::First));
    let mut other = AssertionId::new("_pt").unwrap();
    let mut flood = case;
    std::mem::swap(&mut flood.hcp, &mut other);
    for i in 0..1000 {
        assert_eq!(flood.show("PT", Some(&format!("pt{i}")), 1, false), Ok(Seen::First));
    }
    assert!(flood.guard.len() <= 8 + 2, "{}", flood.guard.len());
    std::mem::swap(&mut flood.hcp, &mut other);
    assert_eq!(flood.show("DK", Some("dk"), 1, false), Ok(Seen::Again { times: 2 }));
}
