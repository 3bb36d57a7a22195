//! Store, root secret, identity and authentication on one token.
use std::sync::Arc;

use konfido_keys::software::SystemRng;
use konfido_keys::{RootSource, Signer};
use konfido_puf::device::simulated::SimulatedDevice;
use konfido_puf::extractor::EnrolOptions;
use konfido_puf::protocol::authentication::{self, Proof, Verifier};
use konfido_puf::protocol::identity::Identity;
use konfido_puf::protocol::root::{self, EscrowShare, PufRoot, ROOT_CONTEXT, SEALED_ROOT_FILE};
use konfido_puf::sim::{Surroundings, TokenModel};
use konfido_puf::store::Store;
use konfido_puf::{PufError, hash};

fn token(name: &str) -> SimulatedDevice {
    let noise = SimulatedDevice::seed_from_name(&format!("{name} noise"));
    SimulatedDevice::new(
        TokenModel::PATTERN,
        SimulatedDevice::seed_from_name(name),
        Surroundings::FIELD,
        noise,
    )
}

fn projection() -> Box<dyn hash::Projection> {
    hash::by_model("sim-pattern-256").unwrap()
}

#[test]
fn a_vault_root_comes_back_from_the_token_or_from_the_escrow_only() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let rng: Arc<dyn konfido_keys::Rng> = Arc::new(SystemRng);
    let options = EnrolOptions { context: ROOT_CONTEXT, ..EnrolOptions::default() };
    let enrolled = store.enrol(&mut token("node"), &*projection(), &*rng, &options).unwrap();
    assert!(enrolled.account.residual_bits >= 256.0);
    let (sealed, shares) = root::create(&enrolled.key, &rng, 3, 5).unwrap();
    store.write(SEALED_ROOT_FILE, &serde_json::to_vec(&sealed).unwrap()).unwrap();
    let again = store.enrol(&mut token("node"), &*projection(), &*rng, &options);
    assert!(matches!(again, Err(PufError::EnrolmentRefused(_))), "an enrolment is never overwritten");

    let source = |name: &str, production| {
        let store = Store::open(directory.path()).unwrap();
        PufRoot::new(store, Box::new(token(name)), projection(), Arc::clone(&rng), Box::new(|| 0), production)
    };
    let first = source("node", false).unwrap().root().unwrap();
    let second = source("node", false).unwrap().root().unwrap();
    assert!(root::same(&first, &second));
    assert!(source("other", false).unwrap().root().is_err(), "another token opens nothing");
    assert!(matches!(source("node", true), Err(PufError::ProvenanceRefused { .. })));

    // Any three shares, through their written form; two are not enough.
    let texts: Vec<_> = shares.iter().map(EscrowShare::to_text).collect();
    let read = |i: usize| EscrowShare::from_text(&texts[i]).unwrap();
    assert!(root::same(&first, &root::recover(&[read(4), read(0), read(2)]).unwrap()));
    assert!(!root::recover(&[read(4), read(0)]).is_ok_and(|wrong| root::same(&first, &wrong)));
    let mut typo = texts[0].to_string();
    let digit = typo.len() - 20;
    typo.replace_range(digit..=digit, if &typo[digit..=digit] == "0" { "1" } else { "0" });
    assert!(EscrowShare::from_text(&typo).is_err());

    // A new token takes over the recovered secret.
    let fresh_place = tempfile::tempdir().unwrap();
    let fresh = Store::open(fresh_place.path()).unwrap();
    let replaced = fresh.enrol(&mut token("replacement"), &*projection(), &*rng, &options).unwrap();
    let resealed = root::seal(&replaced.key, &first, &rng, 3, 5).unwrap();
    assert!(root::same(&first, &root::open(&replaced.key, &resealed, &rng).unwrap()));
    assert!(root::open(&replaced.key, &sealed, &rng).is_err());
}

#[test]
fn identity_is_the_same_each_time_and_signs_its_request() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let mut device = token("identity");
    let enrolled = store.enrol(&mut device, &*projection(), &SystemRng, &EnrolOptions::default()).unwrap();
    let first = Identity::of(&enrolled.key).unwrap();
    let again = store.regenerate(&mut device, &*projection(), b"", 0).unwrap();
    let second = Identity::of(&again.key).unwrap();
    assert_eq!(first.key_id(), second.key_id());
    let signature = second.signer().sign(b"message").unwrap();
    konfido_keys::verify(second.signer().algorithm(), first.public_key_der(), b"message", &signature)
        .unwrap();
    let request = first.certificate_request("token reader 7", &["puf.example".to_owned()]).unwrap();
    assert!(request.starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(16).any(|w| first.public_key_der().windows(16).any(|k| k == w)));
    }
}

#[test]
fn authentication_is_answered_once_and_only_for_genuine_requests() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    let mut device = token("prover");
    let records = authentication::enrol(&store, &mut device, &*projection(), &SystemRng, 3).unwrap();
    assert_eq!(store.state().unwrap().patterns, 12);
    let mut verifier = Verifier::new(records);
    let request = verifier.request(&SystemRng).unwrap();
    let proof = authentication::prove(&store, &mut device, &*projection(), &request, b"session", 0).unwrap();
    assert!(!verifier.judge(9, b"session", &proof));
    assert!(verifier.judge(request.id, b"session", &proof));
    assert!(!verifier.judge(request.id, b"session", &proof), "a proof is good once");

    let mut tampered = verifier.request(&SystemRng).unwrap();
    let genuine = tampered.clone();
    tampered.helper[40] ^= 1;
    let refused = authentication::prove(&store, &mut device, &*projection(), &tampered, b"s", 0).unwrap_err();
    assert!(matches!(refused, PufError::NotRegenerated));
    let mut impostor = token("impostor");
    let refused =
        authentication::prove(&store, &mut impostor, &*projection(), &genuine, b"s", 0).unwrap_err();
    assert!(matches!(refused, PufError::NotRegenerated));
    assert!(!verifier.judge(genuine.id, b"s", &Proof([0; 32])));
    assert_eq!(verifier.left(), 1);
    assert_eq!(store.state().unwrap().failures, 2);
}
