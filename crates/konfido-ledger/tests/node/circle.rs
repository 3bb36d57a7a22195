//! A circle of n countries, each a node with software keys and a directory of its own.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use konfido_circle::{CountryCode, SystemClock};
use konfido_keys::software::{KeyKind, SoftwareSealer, SoftwareSigner, SystemRng, generate_pkcs8};
use konfido_keys::{Rng as _, SignatureAlgorithm};
use konfido_ledger::chain::governance::Member;
use konfido_ledger::chain::state::Genesis;
use konfido_ledger::keys::PartyKey;
use konfido_ledger::node::{ConsensusSeed, Node, NodeConfig, NodeKeys, Pace};
use konfido_ledger::party::{Draft, Observation, Party};
use konfido_ledger::record::fields::Field;
use konfido_ledger::record::statement::{ExchangeId, Outcome, Service};
use secrecy::{ExposeSecret, SecretBox};

pub(crate) const CODES: [&str; 4] = ["DK", "ES", "IT", "PT"];
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn code(text: &str) -> CountryCode {
    CountryCode::new(text).unwrap()
}

struct Keys {
    consensus: ConsensusSeed,
    evidence: Arc<SoftwareSigner>,
    cosigner: Arc<SoftwareSigner>,
}

pub(crate) struct Circle {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) genesis: Genesis,
    pub(crate) pace: Pace,
    keys: Vec<Keys>,
}

fn signer() -> Arc<SoftwareSigner> {
    let key = generate_pkcs8(KeyKind::Ed25519).unwrap();
    Arc::new(SoftwareSigner::from_pkcs8_der(key.expose_secret(), SignatureAlgorithm::Ed25519, None).unwrap())
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

impl Circle {
    pub(crate) fn new(n: usize, epoch_length: u64) -> Self {
        let mut members = vec![];
        let mut keys = vec![];
        for country in &CODES[..n] {
            let mut seed = [0; 32];
            SystemRng.fill(&mut seed).unwrap();
            let k = Keys { consensus: ConsensusSeed::new(seed), evidence: signer(), cosigner: signer() };
            members.push(Member {
                country: code(country),
                consensus: k.consensus.public_key().unwrap(),
                address: free_address(),
                cosigner: PartyKey::of(k.cosigner.as_ref()).unwrap().raw_ed25519().unwrap(),
                evidence: vec![PartyKey::of(k.evidence.as_ref()).unwrap()],
                governance: PartyKey::of(k.evidence.as_ref()).unwrap(),
                suspended: false,
            });
            keys.push(k);
        }
        let origin = "konfido.example/ledger/test".to_owned();
        let genesis = Genesis { origin, epoch_length, deadline_ms: 3_000, members };
        let mut pace = Pace { head: Duration::from_millis(100), ..Pace::default() };
        pace.timing.heartbeat = Duration::from_millis(200);
        pace.remind = Duration::from_millis(500);
        Self { dir: tempfile::tempdir().unwrap(), genesis, pace, keys }
    }

    pub(crate) fn start(&self, i: usize, fresh: bool) -> Node {
        let keys = &self.keys[i];
        let directory = self.dir.path().join(CODES[i]);
        std::fs::create_dir_all(&directory).unwrap();
        let sealer = SoftwareSealer::new(&SecretBox::new(Box::new([7; 32])), Arc::new(SystemRng)).unwrap();
        let party = Party::open(
            &directory.join("party.redb"),
            code(CODES[i]),
            keys.evidence.clone(),
            Arc::new(sealer),
            Arc::new(SystemRng),
            Arc::new(SystemClock),
        )
        .unwrap();
        let config = NodeConfig {
            genesis: self.genesis.clone(),
            directory,
            listen: self.genesis.members[i].address,
            keys: NodeKeys {
                consensus: keys.consensus.clone(),
                cosigner: keys.cosigner.clone(),
                governance: Some(keys.evidence.clone()),
            },
            pace: self.pace,
            fresh,
        };
        Node::start(config, Arc::new(party)).unwrap()
    }

    pub(crate) fn start_all(&self) -> Vec<Node> {
        (0..self.keys.len()).map(|i| self.start(i, true)).collect()
    }
}

pub(crate) fn ask(b: &Node, a: &str, reference: &str) -> ExchangeId {
    b.ask(&Draft {
        reference,
        provider: code(a),
        service: Service::Retrieve,
        request: b"request",
        fields: &[(Field::Patient, b"pseudonym"), (Field::Purpose, b"TREATMENT")],
    })
    .unwrap()
}

pub(crate) fn seen(node: &Node, reference: &str) {
    let seen = Observation {
        request: b"request".to_vec(),
        outcome: Outcome::Delivered,
        response: b"document".to_vec(),
    };
    node.observe(reference, &seen).unwrap();
}

/// A whole exchange: B asks, A answers, B receives, as two gateways would report it.
pub(crate) fn exchange(b: &Node, a: &Node, reference: &str) -> ExchangeId {
    let id = ask(b, a.party().country().as_str(), reference);
    seen(a, reference);
    seen(b, reference);
    id
}
