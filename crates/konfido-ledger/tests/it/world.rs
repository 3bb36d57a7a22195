//! A circle of n members with software keys, and exchanges between two of them.

use std::sync::Arc;

use konfido_circle::CountryCode;
use konfido_keys::software::{KeyKind, SoftwareSigner, SystemRng, generate_pkcs8};
use konfido_keys::{SignatureAlgorithm, Signer};
use konfido_ledger::Digest;
use konfido_ledger::keys::PartyKey;
use konfido_ledger::log::checkpoint::{Checkpoint, Cosignature, SignedCheckpoint, cosigner_name};
use konfido_ledger::log::cose;
use konfido_ledger::log::proof::TlogProof;
use konfido_ledger::log::tree::Log;
use konfido_ledger::record::commitment::{Salt, Subject, commit};
use konfido_ledger::record::fields::{Field, FieldOpenings};
use konfido_ledger::record::statement::{Answer, ExchangeId, Outcome, Receipt, Request, Service, Signed};
use konfido_ledger::trust::{Trust, TrustedMember};
use secrecy::ExposeSecret;

pub(crate) struct Member {
    pub(crate) country: CountryCode,
    pub(crate) evidence: Arc<SoftwareSigner>,
    pub(crate) cosigner: Arc<SoftwareSigner>,
}

pub(crate) struct World {
    pub(crate) members: Vec<Member>,
    pub(crate) trust: Trust,
}

pub(crate) fn signer(kind: KeyKind, algorithm: SignatureAlgorithm) -> Arc<SoftwareSigner> {
    let key = generate_pkcs8(kind).unwrap();
    Arc::new(SoftwareSigner::from_pkcs8_der(key.expose_secret(), algorithm, None).unwrap())
}

pub(crate) fn ed25519() -> Arc<SoftwareSigner> {
    signer(KeyKind::Ed25519, SignatureAlgorithm::Ed25519)
}

impl World {
    pub(crate) fn new(n: usize) -> Self {
        let mut members = vec![];
        for i in 0..n {
            let letters = [b'A' + (i / 26) as u8, b'A' + (i % 26) as u8];
            let country = CountryCode::new(std::str::from_utf8(&letters).unwrap()).unwrap();
            let evidence = signer(KeyKind::EcdsaP256, SignatureAlgorithm::EcdsaP256Sha256);
            members.push(Member { country, evidence, cosigner: ed25519() });
        }
        let raw = |s: &SoftwareSigner| PartyKey::of(s).unwrap().raw_ed25519().unwrap();
        let trusted = members
            .iter()
            .map(|m| TrustedMember {
                country: m.country,
                consensus: raw(&ed25519()),
                cosigner: raw(&m.cosigner),
                evidence: vec![PartyKey::of(m.evidence.as_ref()).unwrap()],
                governance: PartyKey::of(m.cosigner.as_ref()).unwrap(),
            })
            .collect();
        let trust = Trust::new("konfido.example/ledger/test".to_owned(), Digest([5; 32]), trusted).unwrap();
        let trust = Trust::from_toml(&trust.to_toml().unwrap()).unwrap();
        Self { members, trust }
    }

    /// A complete record between the first two members, with its openings.
    pub(crate) fn record(&self, n: u8) -> (Signed<Receipt>, FieldOpenings, Salt) {
        let [b, a] = [&self.members[0], &self.members[1]];
        let fields =
            FieldOpenings::commit(&[(Field::Patient, b"p-1"), (Field::Purpose, b"TREATMENT")], &SystemRng)
                .unwrap();
        let salt = Salt::draw(&SystemRng).unwrap();
        let request = Request {
            exchange: ExchangeId([n; 32]),
            requester: b.country,
            provider: a.country,
            service: Service::Retrieve,
            c_request: commit(Subject::Request, &salt, b"<request/>"),
            c_fields: fields.root(),
            t_request_ms: 1_000,
            policy: "urn:konfido:evidence:1".to_owned(),
        };
        let request = Signed::sign(request, b.evidence.as_ref()).unwrap();
        let c_response = commit(Subject::Response, &salt, b"<response/>");
        let answer = Answer { request, outcome: Outcome::Delivered, c_response, t_response_ms: 2_000 };
        let answer = Signed::sign(answer, a.evidence.as_ref()).unwrap();
        let receipt = Signed::sign(Receipt { answer, t_received_ms: 3_000 }, b.evidence.as_ref()).unwrap();
        (receipt, fields, salt)
    }

    pub(crate) fn tlog(&self, log: &Log, index: u64, record: &[u8], signers: usize) -> String {
        let head = Checkpoint {
            origin: self.trust.origin.clone(),
            size: log.frontier().size(),
            root: log.frontier().root(),
        };
        let cosignatures = self.members[..signers]
            .iter()
            .map(|m| {
                let name = cosigner_name(&head.origin, m.country);
                let raw = PartyKey::of(m.cosigner.as_ref()).unwrap().raw_ed25519().unwrap();
                (Cosignature::sign(&head, &name, m.cosigner.as_ref(), 1_700_000_000).unwrap(), raw)
            })
            .collect();
        let path = log.inclusion(index, head.size).unwrap();
        let checkpoint = SignedCheckpoint { head, cosignatures }.to_note().unwrap();
        TlogProof { extra: Some(record.to_vec()), index, path, checkpoint }.to_text()
    }

    pub(crate) fn cose(&self, log: &Log, index: u64, record: &[u8], signers: usize) -> Vec<u8> {
        let (size, root) = (log.frontier().size(), log.frontier().root());
        let path = log.inclusion(index, size).unwrap();
        let receipts = self.members[..signers]
            .iter()
            .map(|m| {
                let signature =
                    cose::sign_root(&root, m.country, m.evidence.as_ref() as &dyn Signer).unwrap();
                let key = PartyKey::of(m.evidence.as_ref()).unwrap();
                cose::check_root(&root, m.country, &key, &signature).unwrap();
                cose::receipt(m.country, &key, &signature, size, index, &path).unwrap()
            })
            .collect();
        cose::transparent_statement(record, receipts).unwrap()
    }
}

/// A log with `record` at `index` among strangers.
pub(crate) fn log_with(record: &[u8], index: u64, size: u64) -> Log {
    let mut log = Log::in_memory();
    for n in 0..size {
        let entry =
            if n == index { konfido_ledger::entry(record) } else { konfido_ledger::entry(&n.to_be_bytes()) };
        log.append(&[entry]).unwrap();
    }
    log
}
