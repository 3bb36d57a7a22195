//! The attestation handshake over real mutual TLS 1.3, with its attackers: a relay that ends TLS on both sides with a leaked
//! key, a replayer, a mirror, and one that speaks something else.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use jiff::Timestamp;
use konfido_circle::pki::{CountryPki, Issued, PkiRequest};
use konfido_keys::SignatureAlgorithm;
use konfido_keys::software::{KeyKind, SoftwareSigner, SystemRng, generate_pkcs8};
use konfido_vault::attest::{Assurance, Policy};
use konfido_vault::attested::{
    Channel, EXPORTER_LABEL, HandshakeError, Peer, PeerPolicy, Role, SoftwareAttester, handshake,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use secrecy::ExposeSecret as _;

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

struct Party {
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
    server_spki: Vec<u8>,
    client_spki: Vec<u8>,
}

fn key(issued: &Issued) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(issued.key_pkcs8().expose_secret().to_vec()))
}

fn spki(certificate: &CertificateDer<'_>) -> Vec<u8> {
    x509_parser::parse_x509_certificate(certificate).unwrap().1.public_key().raw.to_vec()
}

fn party() -> Party {
    let request =
        PkiRequest::local("DK".parse().unwrap(), konfido_circle::Clock::now(&konfido_circle::SystemClock));
    let pki = CountryPki::generate(&request, &SystemRng).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(pki.root().certificate().clone()).unwrap();
    let roots = Arc::new(roots);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
        .build()
        .unwrap();
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![pki.tls_server().certificate().clone()], key(pki.tls_server()))
        .unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![pki.tls_client().certificate().clone()], key(pki.tls_client()))
        .unwrap();
    Party {
        server: Arc::new(server),
        client: Arc::new(client),
        server_spki: spki(pki.tls_server().certificate()),
        client_spki: spki(pki.tls_client().certificate()),
    }
}

type Server = StreamOwned<ServerConnection, TcpStream>;
type Client = StreamOwned<ClientConnection, TcpStream>;

/// Completes a TLS handshake on both ends of a socket.
fn connect(party: &Party) -> (Client, Server) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let config = Arc::clone(&party.server);
    let accepting = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut tls = ServerConnection::new(config).unwrap();
        tls.complete_io(&mut socket).unwrap();
        StreamOwned::new(tls, socket)
    });
    let mut socket = TcpStream::connect(address).unwrap();
    let mut tls =
        ClientConnection::new(Arc::clone(&party.client), ServerName::try_from("localhost").unwrap()).unwrap();
    tls.complete_io(&mut socket).unwrap();
    (StreamOwned::new(tls, socket), accepting.join().unwrap())
}

macro_rules! channel {
    ($tls:expr, $role:expr, $own:expr, $peer:expr) => {{
        let exporter = |role: Role| {
            $tls.conn.export_keying_material([0; 64], EXPORTER_LABEL, Some(role.context())).unwrap()
        };
        Channel {
            role: $role,
            client_exporter: exporter(Role::Client),
            server_exporter: exporter(Role::Server),
            own_spki: $own.clone(),
            peer_spki: $peer.clone(),
        }
    }};
}

fn attester() -> SoftwareAttester<SoftwareSigner> {
    let pkcs8 = generate_pkcs8(KeyKind::Ed25519).unwrap();
    let signer =
        SoftwareSigner::from_pkcs8_der(pkcs8.expose_secret(), SignatureAlgorithm::Ed25519, None).unwrap();
    SoftwareAttester::new(signer, [7; 32])
}

fn policy(least: Assurance) -> PeerPolicy {
    PeerPolicy { platform: Policy::default(), software_measurements: vec![[7; 32]], least }
}

fn run(
    stream: &mut (impl Read + Write),
    channel: &Channel,
    policy: &PeerPolicy,
) -> Result<Peer, HandshakeError> {
    handshake(stream, channel, &attester(), policy, &SystemRng, now())
}

#[test]
fn two_honest_sides_accept_each_other_and_then_speak() {
    let party = party();
    let (mut client, mut server) = connect(&party);
    let server_channel = channel!(server, Role::Server, party.server_spki, party.client_spki);
    let client_channel = channel!(client, Role::Client, party.client_spki, party.server_spki);
    let serving = thread::spawn(move || {
        let peer = run(&mut server, &server_channel, &policy(Assurance::SoftwareIsolated)).unwrap();
        let mut asked = [0; 5];
        server.read_exact(&mut asked).unwrap();
        (peer, asked)
    });
    let peer = run(&mut client, &client_channel, &policy(Assurance::SoftwareIsolated)).unwrap();
    assert_eq!((peer.assurance, peer.measurement), (Assurance::SoftwareIsolated, "07".repeat(32)));
    client.write_all(b"hello").unwrap();
    client.flush().unwrap();
    assert_eq!(serving.join().unwrap().1, *b"hello");
}

#[test]
fn hardware_demanded_of_a_software_peer_ends_the_connection_on_both_sides() {
    let party = party();
    let (mut client, mut server) = connect(&party);
    let server_channel = channel!(server, Role::Server, party.server_spki, party.client_spki);
    let client_channel = channel!(client, Role::Client, party.client_spki, party.server_spki);
    let serving =
        thread::spawn(move || run(&mut server, &server_channel, &policy(Assurance::SoftwareIsolated)));
    let refused = run(&mut client, &client_channel, &policy(Assurance::HardwareTee));
    assert!(matches!(refused, Err(HandshakeError::TooLow { .. })), "{refused:?}");
    assert!(matches!(serving.join().unwrap(), Err(HandshakeError::RefusedByPeer)));
}

/// The relay has the server's leaked TLS key (it is served by the same configuration) and a member's client key: it ends TLS
/// on both sides and forwards every frame unchanged.
#[test]
fn a_relay_with_a_leaked_tls_key_is_refused_by_the_exporter() {
    let party = party();
    let (mut victim, mut relay_front) = connect(&party);
    let (mut relay_back, mut honest) = connect(&party);
    let victim_channel = channel!(victim, Role::Client, party.client_spki, party.server_spki);
    let honest_channel = channel!(honest, Role::Server, party.server_spki, party.client_spki);
    let serving =
        thread::spawn(move || run(&mut honest, &honest_channel, &policy(Assurance::SoftwareIsolated)));
    let relaying = thread::spawn(move || {
        for _ in 0..3 {
            let Ok(frame) = frame(&mut relay_front) else { return };
            if relay_back.write_all(&frame).and_then(|()| relay_back.flush()).is_err() {
                return;
            }
            let Ok(frame) = self::frame(&mut relay_back) else { return };
            if relay_front.write_all(&frame).and_then(|()| relay_front.flush()).is_err() {
                return;
            }
        }
    });
    let refused = run(&mut victim, &victim_channel, &policy(Assurance::SoftwareIsolated));
    assert!(matches!(refused, Err(HandshakeError::NotBound)), "{refused:?}");
    drop(victim);
    relaying.join().unwrap();
    assert!(serving.join().unwrap().is_err(), "the honest server refuses the other half");
}

#[test]
fn a_mirror_and_a_stranger_are_refused() {
    for echo in [true, false] {
        let party = party();
        let (mut client, mut server) = connect(&party);
        let client_channel = channel!(client, Role::Client, party.client_spki, party.server_spki);
        let attacker = thread::spawn(move || {
            for _ in 0..2 {
                let Ok(frame) = frame(&mut server) else { return };
                let answer = if echo { frame } else { b"HTTP/1.1 200 OK\r\n\r\n".to_vec() };
                if server.write_all(&answer).and_then(|()| server.flush()).is_err() {
                    return;
                }
            }
        });
        let refused = run(&mut client, &client_channel, &policy(Assurance::SoftwareIsolated));
        match refused {
            Err(HandshakeError::NotBound) if echo => {}
            Err(HandshakeError::Protocol(_)) if !echo => {}
            other => panic!("{other:?}"),
        }
        drop(client);
        attacker.join().unwrap();
    }
}

/// One length-prefixed frame, as it came.
fn frame(from: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut prefix = [0; 4];
    from.read_exact(&mut prefix)?;
    let mut frame = prefix.to_vec();
    frame.resize(4 + usize::try_from(u32::from_be_bytes(prefix)).unwrap(), 0);
    from.read_exact(&mut frame[4..])?;
    Ok(frame)
}
