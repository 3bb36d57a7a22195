//! The machine under every order of messages, repeats and lies.

use std::collections::BTreeMap;
use std::sync::Arc;

use konfido_keys::SignatureAlgorithm;
use konfido_keys::software::{KeyKind, SoftwareSigner, generate_pkcs8};
use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;
use crate::Digest;
use crate::keys::PartyKey;
use crate::record::statement::{Content, Service};

struct World {
    b: Arc<SoftwareSigner>,
    a: Arc<SoftwareSigner>,
    keys: BTreeMap<CountryCode, Vec<PartyKey>>,
}

fn signer(kind: KeyKind, algorithm: SignatureAlgorithm) -> Arc<SoftwareSigner> {
    let key = generate_pkcs8(kind).unwrap();
    Arc::new(SoftwareSigner::from_pkcs8_der(key.expose_secret(), algorithm, None).unwrap())
}

fn world() -> World {
    let b = signer(KeyKind::Ed25519, SignatureAlgorithm::Ed25519);
    let a = signer(KeyKind::EcdsaP256, SignatureAlgorithm::EcdsaP256Sha256);
    let keys = [("DK", &b), ("IT", &a)]
        .into_iter()
        .map(|(c, s)| (CountryCode::new(c).unwrap(), vec![PartyKey::of(s.as_ref()).unwrap()]))
        .collect();
    World { b, a, keys }
}

impl World {
    fn request(&self, variant: u8) -> Signed<Request> {
        let content = Request {
            exchange: ExchangeId([7; 32]),
            requester: CountryCode::new("DK").unwrap(),
            provider: CountryCode::new("IT").unwrap(),
            service: Service::Retrieve,
            c_request: Digest([variant; 32]),
            c_fields: Digest([2; 32]),
            t_request_ms: 1,
            policy: "urn:konfido:policy:1".to_owned(),
        };
        Signed::sign(content, self.b.as_ref()).unwrap()
    }

    fn answer(&self, request: Signed<Request>, variant: u8) -> Signed<Answer> {
        let outcome = if variant == 9 { Outcome::Refused } else { Outcome::Delivered };
        let content = Answer { request, outcome, c_response: Digest([variant; 32]), t_response_ms: 2 };
        Signed::sign(content, self.a.as_ref()).unwrap()
    }

    fn receipt(&self, answer: Signed<Answer>, time: u64) -> Signed<Receipt> {
        Signed::sign(Receipt { answer, t_received_ms: time }, self.b.as_ref()).unwrap()
    }

    /// Statement number `n`: 0 to 1 requests, 2 to 5 answers, 6 to 9 receipts, of two variants a layer.
    fn statement(&self, n: u8) -> Statement {
        let request = self.request(n % 2);
        if n < 2 {
            return Statement::Requested(request);
        }
        let answer = self.answer(request, (n / 2) % 2);
        if n < 6 {
            return Statement::Answered(answer);
        }
        Statement::Received(self.receipt(answer, u64::from(n)))
    }
}

#[test]
fn the_three_statements_become_one_record_that_both_signed() {
    let w = world();
    let request = w.request(1);
    let answer = w.answer(request.clone(), 1);
    let receipt = w.receipt(answer.clone(), 3);
    let mut exchange = Exchange::open(Statement::Requested(request));
    assert_eq!(exchange.waiting_for(), CountryCode::new("IT").ok());
    for statement in [Statement::Answered(answer), Statement::Received(receipt.clone())] {
        let Step::Advanced(next) = exchange.on(statement) else { panic!("must advance") };
        exchange = next;
    }
    assert_eq!(exchange.stage(), Stage::Received);
    let read = Signed::<Receipt>::verify(exchange.record().unwrap().bytes(), &w.keys).unwrap();
    assert_eq!(read, receipt);
    assert!(read.bytes().len() < 1024, "{} bytes", read.bytes().len());
}

#[test]
fn a_refusal_is_a_stage_of_its_own() {
    let w = world();
    let answer = w.answer(w.request(1), 9);
    assert_eq!(Exchange::open(Statement::Answered(answer)).stage(), Stage::Refused);
}

#[test]
fn one_flipped_bit_anywhere_is_refused() {
    let w = world();
    let bytes = w.receipt(w.answer(w.request(1), 1), 3).bytes().to_vec();
    for at in 0..bytes.len() {
        let mut broken = bytes.clone();
        broken[at] ^= 1;
        assert!(Statement::verify(&broken, &w.keys).is_err(), "byte {at}");
    }
    assert!(Statement::verify(&[bytes.as_slice(), &[0]].concat(), &w.keys).is_err());
}

#[test]
fn a_statement_by_the_wrong_country_is_refused() {
    let w = world();
    let forged = Signed::sign(w.request(1).content().clone(), w.a.as_ref()).unwrap();
    assert!(Statement::verify(forged.bytes(), &w.keys).is_err());
}

#[test]
fn two_answers_convict_the_provider_and_two_requests_the_requester() {
    let w = world();
    let request = w.request(1);
    let (one, two) = (w.answer(request.clone(), 1), w.answer(request, 2));
    let Step::Equivocation(_, proof) = Exchange::open(Statement::Answered(one)).on(Statement::Answered(two))
    else {
        panic!("two answers")
    };
    let [first, second] = proof.statements();
    let checked = Equivocation::verify(first, second, &w.keys).unwrap();
    assert_eq!(checked.culprit().as_str(), "IT");

    let exchange = Exchange::open(Statement::Requested(w.request(1)));
    let Step::Equivocation(_, proof) = exchange.on(Statement::Answered(w.answer(w.request(2), 1))) else {
        panic!("two requests")
    };
    let [first, second] = proof.statements();
    assert_eq!(Equivocation::verify(first, second, &w.keys).unwrap().culprit().as_str(), "DK");
}

#[test]
fn nobody_is_convicted_for_what_another_showed_him() {
    let w = world();
    // B asked twice differently; A answered each. That is B's fault alone.
    let (one, two) = (w.answer(w.request(1), 1), w.answer(w.request(2), 1));
    assert!(Equivocation::verify(one.bytes(), two.bytes(), &w.keys).is_err());
}

#[test]
fn signing_the_same_statement_twice_is_no_contradiction() {
    let w = world();
    let request = w.request(1);
    // ECDSA makes another signature each time.
    let (one, two) = (w.answer(request.clone(), 1), w.answer(request, 1));
    assert_ne!(one.bytes(), two.bytes());
    assert_eq!(one.content().meaning(), two.content().meaning());
    let step = Exchange::open(Statement::Answered(one.clone())).on(Statement::Answered(two.clone()));
    assert!(matches!(step, Step::Repeated(_)));
    assert!(Equivocation::verify(one.bytes(), two.bytes(), &w.keys).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes in whatever order: the stage never falls, a record appears only with both signatures, and each
    /// accusation holds before a stranger.
    #[test]
    fn any_order_of_statements_keeps_the_invariants(order in proptest::collection::vec(0u8..10, 1..12)) {
        let w = world();
        let mut exchange: Option<Exchange> = None;
        for n in order {
            let statement = w.statement(n);
            let Some(held) = exchange.take() else {
                exchange = Some(Exchange::open(statement));
                continue;
            };
            let (before, meaning) = (held.stage(), held.statement().meaning());
            let next = match held.on(statement) {
                Step::Advanced(next) => {
                    prop_assert!(next.stage() > before);
                    next
                }
                Step::Repeated(next) => {
                    prop_assert_eq!(next.statement().meaning(), meaning);
                    next
                }
                Step::Equivocation(next, proof) => {
                    prop_assert_eq!(next.stage(), before);
                    let [first, second] = proof.statements();
                    prop_assert!(Equivocation::verify(first, second, &w.keys).is_ok());
                    next
                }
                Step::Foreign(_) => return Err(TestCaseError::fail("same exchange")),
            };
            if let Some(record) = next.record() {
                prop_assert!(Signed::<Receipt>::verify(record.bytes(), &w.keys).is_ok());
            }
            exchange = Some(next);
        }
    }
}
