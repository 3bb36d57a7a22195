//! Two parties from asking to the complete record, with lies and restarts between.

use konfido_circle::FixedClock;
use konfido_keys::SignatureAlgorithm;
use konfido_keys::software::{KeyKind, SoftwareSealer, SoftwareSigner, SystemRng, generate_pkcs8};
use secrecy::{ExposeSecret, SecretBox};

use super::*;
use crate::keys::PartyKey;
use crate::record::exchange::Stage;

struct Two {
    dir: tempfile::TempDir,
    signers: [Arc<SoftwareSigner>; 2],
    keys: std::collections::BTreeMap<CountryCode, Vec<PartyKey>>,
}

fn code(text: &str) -> CountryCode {
    CountryCode::new(text).unwrap()
}

impl Two {
    fn new() -> Self {
        let signer = || {
            let key = generate_pkcs8(KeyKind::Ed25519).unwrap();
            Arc::new(
                SoftwareSigner::from_pkcs8_der(key.expose_secret(), SignatureAlgorithm::Ed25519, None)
                    .unwrap(),
            )
        };
        let signers = [signer(), signer()];
        let keys = ["DK", "IT"]
            .iter()
            .zip(&signers)
            .map(|(c, s)| (code(c), vec![PartyKey::of(s.as_ref()).unwrap()]))
            .collect();
        Self { dir: tempfile::tempdir().unwrap(), signers, keys }
    }

    fn open(&self, country: &str) -> Party {
        let signer = Arc::clone(&self.signers[usize::from(country == "IT")]);
        let sealer = SoftwareSealer::new(&SecretBox::new(Box::new([9; 32])), Arc::new(SystemRng)).unwrap();
        let clock = FixedClock::new("2026-11-23T12:00:00Z".parse().unwrap());
        let path = self.dir.path().join(country);
        Party::open(&path, code(country), signer, Arc::new(sealer), Arc::new(SystemRng), Arc::new(clock))
            .unwrap()
    }
}

fn draft<'a>() -> Draft<'a> {
    Draft {
        reference: "urn:uuid:1",
        provider: code("IT"),
        service: Service::Retrieve,
        request: b"request",
        fields: &[(Field::Patient, b"pseudonym"), (Field::Purpose, b"TREATMENT")],
    }
}

fn advanced(taken: Taken) -> Exchange {
    match taken {
        Taken::Advanced(exchange) => *exchange,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_exchange_becomes_a_record_in_both_outboxes_and_survives_restarts() {
    let two = Two::new();
    let asked = two.open("DK").ask(&draft()).unwrap();
    let asked = Handover::decode(&asked.encode()).unwrap();
    // Each step in a fresh process: nothing lives in memory alone.
    let exchange = advanced(two.open("IT").take(&asked, &two.keys).unwrap()).id();
    let answered = two.open("IT").answer(&exchange, b"request", Outcome::Delivered, b"document").unwrap();
    advanced(two.open("DK").take(&answered, &two.keys).unwrap());
    let confirmed = two.open("DK").confirm(&exchange, b"document").unwrap();
    let done = advanced(two.open("IT").take(&confirmed, &two.keys).unwrap());
    assert_eq!(done.stage(), Stage::Received);
    for country in ["DK", "IT"] {
        let party = two.open(country);
        let pending = party.store().pending(10).unwrap();
        assert_eq!(pending.len(), 1, "{country}");
        assert_eq!(pending[0].entry, done.statement().entry());
        assert_eq!(
            party.disclose(&exchange, Field::Purpose).unwrap().check(&done.request().c_fields).unwrap(),
            b"TREATMENT"
        );
        assert_eq!(party.store().located(&[(pending[0].entry, 7, 3)]).unwrap(), vec![exchange]);
        assert!(party.store().pending(10).unwrap().is_empty());
        assert_eq!(party.store().leaf(&exchange).unwrap(), Some((7, 3)));
    }
}

#[test]
fn neither_side_signs_what_it_did_not_see() {
    let two = Two::new();
    let (b, a) = (two.open("DK"), two.open("IT"));
    let exchange = advanced(a.take(&b.ask(&draft()).unwrap(), &two.keys).unwrap()).id();
    assert!(a.answer(&exchange, b"another request", Outcome::Delivered, b"document").is_err());
    let answered = a.answer(&exchange, b"request", Outcome::Delivered, b"document").unwrap();
    b.take(&answered, &two.keys).unwrap();
    assert!(b.confirm(&exchange, b"another document").is_err());
    assert!(b.store().pending(10).unwrap().is_empty());
}

#[test]
fn openings_that_open_nothing_are_refused() {
    let two = Two::new();
    let mut asked = two.open("DK").ask(&draft()).unwrap();
    if let Some((_, bytes)) = &mut asked.openings.request {
        bytes.push(0);
    }
    assert!(two.open("IT").take(&asked, &two.keys).is_err());
}

#[test]
fn erasure_takes_every_opening_and_leaves_the_record() {
    let two = Two::new();
    let (b, a) = (two.open("DK"), two.open("IT"));
    let exchange = advanced(a.take(&b.ask(&draft()).unwrap(), &two.keys).unwrap()).id();
    let answered = a.answer(&exchange, b"request", Outcome::Delivered, b"document").unwrap();
    b.take(&answered, &two.keys).unwrap();
    b.confirm(&exchange, b"document").unwrap();
    let entry = b.erase(&exchange).unwrap();
    assert_eq!(b.statement(&exchange).unwrap().statement().entry(), entry);
    assert!(b.disclose(&exchange, Field::Purpose).is_err());
    assert!(b.openings(&exchange).unwrap().request.is_none());
    assert!(b.store().by_reference("urn:uuid:1").unwrap().is_none());
}

#[test]
fn who_is_left_waiting_is_overdue() {
    let two = Two::new();
    let b = two.open("DK");
    let asked = b.ask(&draft()).unwrap();
    let exchange = b.store().by_reference(&asked.reference).unwrap().unwrap();
    let since = b.statement(&exchange).unwrap().request().t_request_ms;
    assert!(b.store().overdue(since - 1).unwrap().is_empty());
    assert_eq!(b.store().overdue(since).unwrap(), vec![exchange]);
}
