//! Attested TLS: after the mutual TLS 1.3 handshake, and before any byte of the application, both sides prove what they run.
//!
//! The certificates say *who* is there, the evidence says *what*. The evidence is bound to this one connection by the TLS
//! exporter (RFC 8446 section 7.5), so that it cannot be fetched elsewhere and forwarded:
//!
//! ```text
//! report data = SHA-512( "KONFIDO-ATTEST-v1" || role || exporter(64 bytes, context = role)
//!                        || SHA-256(own SPKI) || SHA-256(peer's SPKI) || the verifier's nonce || SHA-256(policy) )
//! ```
//!
//! Each side, in both directions at once, one frame each:
//! 1. sends a fresh nonce of 32 bytes and the fingerprint of its policy;
//! 2. on the peer's nonce, sends evidence over the report data with *its own* role and the *peer's* nonce;
//! 3. on the peer's evidence, computes what the report data must be, verifies, and sends its verdict;
//! 4. on the peer's verdict `accepted`, hands the connection to the application. Anything else ends the connection.
//!
//! INVARIANT (binding): report data is computed here from the connection; no caller ever chooses it. A frame of the wrong
//! kind, length or turn ends the connection. A connection that is resumed or carries early data is refused before step 1.
//! The post-handshake form and its reasons: `docs/adr/0010-attested-tls.md`; what an exhaustive search over an attacker's
//! moves shows, and what it does not: `tests/it/model.rs`.

use std::fmt;
use std::io::{self, Read, Write};

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use jiff::Timestamp;
use konfido_keys::{KeyError, Rng, SignatureAlgorithm, Signer, verify as verify_signature};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::attest::{self, Assurance, At, Policy};

const LABEL: &[u8] = b"KONFIDO-ATTEST-v1";
/// The exporter label, in the name space of experimental labels (RFC 5705 section 4).
pub const EXPORTER_LABEL: &[u8] = b"EXPERIMENTAL-konfido-attest-v1";
/// The media type of evidence that a software vault signs itself.
pub const SOFTWARE: &str = "application/vnd.konfido.software-vault+cbor";
/// The media type of evidence in a platform's own binary form.
pub const PLATFORM: &str = "application/vnd.konfido.platform-evidence";
const MAX_FRAME: usize = 256 << 10;

/// Which side of the TLS connection somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It connected.
    Client,
    /// It accepted.
    Server,
}

impl Role {
    /// The other side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// The context of the exporter, and the role inside the report data.
    pub fn context(self) -> &'static [u8] {
        match self {
            Self::Client => b"client",
            Self::Server => b"server",
        }
    }
}

/// What of a TLS connection goes into the binding. Made by whoever holds the TLS state.
pub struct Channel {
    /// Our side.
    pub role: Role,
    /// Exporter for the client's evidence.
    pub client_exporter: [u8; 64],
    /// Exporter for the server's evidence.
    pub server_exporter: [u8; 64],
    /// Our SubjectPublicKeyInfo, DER.
    pub own_spki: Vec<u8>,
    /// The peer's, from its verified certificate.
    pub peer_spki: Vec<u8>,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("role", &self.role).finish_non_exhaustive()
    }
}

impl Channel {
    /// The report data of the evidence of `side`, for a verifier that sent `nonce` and holds `policy`.
    fn report_data(&self, side: Role, nonce: &[u8; 32], policy: &[u8; 32]) -> [u8; 64] {
        let exporter = match side {
            Role::Client => &self.client_exporter,
            Role::Server => &self.server_exporter,
        };
        let (prover, verifier) = if side == self.role {
            (&self.own_spki, &self.peer_spki)
        } else {
            (&self.peer_spki, &self.own_spki)
        };
        let bytes = [
            LABEL,
            side.context(),
            exporter,
            digest(&SHA256, prover).as_ref(),
            digest(&SHA256, verifier).as_ref(),
            nonce,
            policy,
        ]
        .concat();
        let mut out = [0; 64];
        out.copy_from_slice(digest(&SHA512, &bytes).as_ref());
        out
    }
}

/// Evidence in an envelope that says what it is (RATS conceptual message wrapper).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The media type.
    pub media_type: String,
    /// The evidence itself.
    pub bytes: Vec<u8>,
    /// What the platform's vendor publishes beside it.
    pub collateral: Option<Vec<u8>>,
}

/// What makes evidence: a TEE's device, or a software vault's own key.
pub trait Attester: Send + Sync + fmt::Debug {
    /// Evidence over report data that this module computed.
    ///
    /// # Errors
    /// When the platform does not give any.
    fn evidence(&self, report_data: &[u8; 64]) -> Result<Evidence, KeyError>;
}

/// Evidence of a software vault: a signature of its own key, which proves possession of that key and nothing about the
/// platform; it says so in its media type and in its level.
#[derive(Debug)]
pub struct SoftwareAttester<S> {
    signer: S,
    measurement: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct SoftwareStatement {
    algorithm: u8,
    public_key: Vec<u8>,
    measurement: [u8; 32],
    signature: Vec<u8>,
}

impl<S: Signer> SoftwareAttester<S> {
    /// An attester with a key of its own and the SHA-256 of the program that runs.
    pub fn new(signer: S, measurement: [u8; 32]) -> Self {
        Self { signer, measurement }
    }
}

/// What a software vault signs: a prefix of its own, the measurement, the report data.
fn software_statement(measurement: &[u8; 32], report_data: &[u8; 64]) -> Vec<u8> {
    [b"konfido-software-evidence-1\0".as_slice(), measurement, report_data].concat()
}

impl<S: Signer> Attester for SoftwareAttester<S> {
    fn evidence(&self, report_data: &[u8; 64]) -> Result<Evidence, KeyError> {
        let algorithm = crate::keystore::algorithm_number(self.signer.algorithm())
            .ok_or_else(|| KeyError::Unavailable("no number for this algorithm".to_owned()))?;
        let statement = SoftwareStatement {
            algorithm,
            public_key: self.signer.public_key_der().to_vec(),
            measurement: self.measurement,
            signature: self.signer.sign(&software_statement(&self.measurement, report_data))?,
        };
        let bytes =
            postcard::to_allocvec(&statement).map_err(|error| KeyError::Unavailable(error.to_string()))?;
        Ok(Evidence { media_type: SOFTWARE.to_owned(), bytes, collateral: None })
    }
}

/// What a node demands of its peers.
#[derive(Debug, Clone)]
pub struct PeerPolicy {
    /// Demands on platform evidence.
    pub platform: Policy,
    /// SHA-256 of the programs that a software vault may say it runs; empty takes any.
    pub software_measurements: Vec<[u8; 32]>,
    /// The least level.
    pub least: Assurance,
}

impl PeerPolicy {
    fn fingerprint(&self) -> [u8; 32] {
        let text = format!("{:?}{:?}{:?}", self.platform, self.software_measurements, self.least);
        let mut out = [0; 32];
        out.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        out
    }
}

/// What was proven about the peer. Holding it is the proof that the handshake ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// What its environment holds against.
    pub assurance: Assurance,
    /// What runs there, in hexadecimal.
    pub measurement: String,
}

/// Why there is no attested connection.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The connection failed.
    #[error("the connection ended during attestation: {0}")]
    Io(#[from] io::Error),
    /// A frame of the wrong kind, size or turn.
    #[error("the peer does not speak the attestation of version 1: {0}")]
    Protocol(&'static str),
    /// We have no evidence to give.
    #[error("no evidence of our own: {0}")]
    OwnEvidence(#[source] KeyError),
    /// Its evidence is for another connection, role, key, nonce or policy.
    #[error("the peer's evidence belongs to another connection")]
    NotBound,
    /// Its evidence does not verify, or our policy refuses it.
    #[error("the peer's evidence: {0}")]
    Evidence(String),
    /// Its level is under what the policy demands.
    #[error("the peer is at {found}, and {least} is demanded")]
    TooLow {
        /// What it proved.
        found: Assurance,
        /// What is demanded.
        least: Assurance,
    },
    /// The peer refused ours.
    #[error("the peer refuses our evidence")]
    RefusedByPeer,
}

#[derive(Serialize, Deserialize)]
enum Frame {
    Hello([u8; 32], [u8; 32]),
    Evidence(Evidence),
    Verdict(bool),
}

/// Proves and demands proof over a fresh TLS connection; on success not one byte beyond the frames was read.
///
/// # Errors
/// [`HandshakeError`]; the connection must then be closed.
pub fn handshake(
    stream: &mut (impl Read + Write),
    channel: &Channel,
    attester: &dyn Attester,
    policy: &PeerPolicy,
    rng: &dyn Rng,
    now: Timestamp,
) -> Result<Peer, HandshakeError> {
    let mut nonce = [0; 32];
    rng.fill(&mut nonce).map_err(HandshakeError::OwnEvidence)?;
    let own_policy = policy.fingerprint();
    send(stream, &Frame::Hello(nonce, own_policy))?;
    let Frame::Hello(peer_nonce, peer_policy) = receive(stream)? else {
        return Err(HandshakeError::Protocol("no nonce"));
    };
    let own = channel.report_data(channel.role, &peer_nonce, &peer_policy);
    send(stream, &Frame::Evidence(attester.evidence(&own).map_err(HandshakeError::OwnEvidence)?))?;
    let Frame::Evidence(evidence) = receive(stream)? else {
        return Err(HandshakeError::Protocol("no evidence"));
    };
    let expected = channel.report_data(channel.role.other(), &nonce, &own_policy);
    let judged = judge(&evidence, &expected, policy, now);
    // A peer that was refused may have hung up already: our own verdict is what the caller must hear.
    let told = send(stream, &Frame::Verdict(judged.is_ok()));
    let peer = judged?;
    told?;
    match receive(stream)? {
        Frame::Verdict(true) => Ok(peer),
        Frame::Verdict(false) => Err(HandshakeError::RefusedByPeer),
        _ => Err(HandshakeError::Protocol("no verdict")),
    }
}

/// Judges a peer's evidence against the report data that it must carry.
fn judge(
    evidence: &Evidence,
    expected: &[u8; 64],
    policy: &PeerPolicy,
    now: Timestamp,
) -> Result<Peer, HandshakeError> {
    let peer = match evidence.media_type.as_str() {
        SOFTWARE => judge_software(&evidence.bytes, expected, policy)?,
        PLATFORM => {
            let collateral = evidence.collateral.as_deref();
            let claims = attest::verify(&evidence.bytes, collateral, At::Now, now, &policy.platform)
                .map_err(|refusal| HandshakeError::Evidence(refusal.to_string()))?;
            let carried = hex::decode(&claims.report_data).unwrap_or_default();
            if !bool::from(carried.as_slice().ct_eq(expected)) {
                return Err(HandshakeError::NotBound);
            }
            Peer { assurance: claims.assurance, measurement: claims.measurement }
        }
        _ => return Err(HandshakeError::Protocol("an unknown kind of evidence")),
    };
    if peer.assurance < policy.least {
        return Err(HandshakeError::TooLow { found: peer.assurance, least: policy.least });
    }
    Ok(peer)
}

fn judge_software(bytes: &[u8], expected: &[u8; 64], policy: &PeerPolicy) -> Result<Peer, HandshakeError> {
    let statement: SoftwareStatement =
        postcard::from_bytes(bytes).map_err(|_| HandshakeError::Protocol("unreadable evidence"))?;
    let algorithm: SignatureAlgorithm = crate::keystore::ALGORITHMS
        .get(usize::from(statement.algorithm))
        .copied()
        .ok_or(HandshakeError::Protocol("an unknown algorithm"))?;
    let signed = software_statement(&statement.measurement, expected);
    verify_signature(algorithm, &statement.public_key, &signed, &statement.signature)
        .map_err(|_| HandshakeError::NotBound)?;
    let known = &policy.software_measurements;
    if !known.is_empty() && !known.contains(&statement.measurement) {
        return Err(HandshakeError::Evidence("its program is not an allowed one".to_owned()));
    }
    Ok(Peer { assurance: Assurance::SoftwareIsolated, measurement: hex::encode(statement.measurement) })
}

fn send(stream: &mut impl Write, frame: &Frame) -> Result<(), HandshakeError> {
    let body = postcard::to_allocvec(frame).map_err(io::Error::other)?;
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(&body)?;
    Ok(stream.flush()?)
}

fn receive(stream: &mut impl Read) -> Result<Frame, HandshakeError> {
    let mut prefix = [0; 4];
    stream.read_exact(&mut prefix)?;
    let length = usize::try_from(u32::from_be_bytes(prefix)).map_err(io::Error::other)?;
    if length > MAX_FRAME {
        return Err(HandshakeError::Protocol("an oversized frame"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    match postcard::take_from_bytes(&body) {
        Ok((frame, [])) => Ok(frame),
        _ => Err(HandshakeError::Protocol("an unreadable frame")),
    }
}
