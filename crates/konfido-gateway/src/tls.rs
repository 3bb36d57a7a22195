//! Who is at the other end: mutual TLS between NCPs, and the seam behind which it happens.
//!
//! The gateway sees only [`SecureAcceptor`] and [`SecureConnector`]: a TCP stream goes in, a stream whose peer is known
//! by certificate comes out. The implementation here ends TLS in this process by rustls ([`RustlsAcceptor`],
//! [`RustlsConnector`]); another may end it in the vault, or bind it to attestation evidence.
//!
//! Rules, for both ends:
//! * TLS 1.3, and 1.2 for old peers (openncp.md 1.5, 10); X25519MLKEM768 is offered first, then X25519 and the NIST
//!   curves. No resumption across a restart, no early data.
//! * The peer's certificate is judged by the circle's trust store alone: chain to that country's root, validity,
//!   revocation, key usage. What the handshake accepted is judged again at each request ([`crate::peer::Peer`]),
//!   because a connection outlives a revocation.
//! * Client: the server's name must match the endpoint and its certificate must be of the country that was asked.
//!   OpenNCP's client checks neither (openncp.md Q3); we do.

mod client;
mod key;
mod server;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use konfido_circle::CountryCode;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls_pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

pub use client::RustlsConnector;
pub use key::{Identity, IdentityError};
pub use server::RustlsAcceptor;

/// A byte stream whose other end is known.
pub trait SecureStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> SecureStream for T {}

/// A finished handshake.
pub struct Secured {
    /// The protected stream.
    pub stream: Box<dyn SecureStream>,
    /// The certificate the peer proved to own, and what it sent to lead to its root; leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    /// What the handshake agreed on.
    pub agreed: Agreed,
}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secured").field("agreed", &self.agreed).finish_non_exhaustive()
    }
}

/// Protocol version, key agreement and cipher suite of a connection, for reports and traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: &'static str,
    /// The key agreement, for example `X25519MLKEM768`.
    pub group: &'static str,
    /// The cipher suite.
    pub suite: &'static str,
}

impl fmt::Display for Agreed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.version, self.group)
    }
}

/// The server's side of a handshake.
#[async_trait]
pub trait SecureAcceptor: Send + Sync + fmt::Debug {
    /// Takes one TCP connection through the handshake; the peer must show a certificate that the circle trusts.
    async fn accept(&self, tcp: TcpStream) -> Result<Secured, TlsError>;
}

/// The client's side of a handshake.
#[async_trait]
pub trait SecureConnector: Send + Sync + fmt::Debug {
    /// Takes one TCP connection through the handshake; the server must be `country`'s and be called `host`.
    async fn connect(&self, tcp: TcpStream, country: CountryCode, host: &str) -> Result<Secured, TlsError>;
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The handshake failed; the cause says at whose fault.
    #[error("tls handshake failed: {0}")]
    Handshake(#[source] std::io::Error),
    /// The peer proved no identity.
    #[error("the peer showed no certificate")]
    NoCertificate,
    /// The endpoint's host is no name that a certificate could carry.
    #[error("`{0}` is no host name")]
    BadName(String),
    /// Our own settings do not make a TLS configuration.
    #[error("tls configuration: {0}")]
    Configuration(#[from] rustls::Error),
}

impl TlsError {
    /// Whether the peer spoke TLS and failed to prove who it is; a port scan or a lost connection does not count.
    #[must_use]
    pub fn is_about_identity(&self) -> bool {
        match self {
            Self::NoCertificate => true,
            Self::Handshake(error) => {
                error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()).is_some_and(|e| {
                    matches!(e, rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented)
                })
            }
            _ => false,
        }
    }
}

/// The primitives we use, strongest agreement first.
pub(crate) fn provider() -> Arc<CryptoProvider> {
    use aws_lc_rs::kx_group::{SECP256R1, SECP384R1, X25519, X25519MLKEM768};
    Arc::new(CryptoProvider {
        kx_groups: vec![X25519MLKEM768, X25519, SECP256R1, SECP384R1],
        ..aws_lc_rs::default_provider()
    })
}

/// The two protocol versions we speak.
pub(crate) const VERSIONS: &[&rustls::SupportedProtocolVersion] =
    &[&rustls::version::TLS13, &rustls::version::TLS12];

/// What `connection` agreed on, once its handshake is done.
pub(crate) fn agreed(connection: &rustls::CommonState) -> Agreed {
    Agreed {
        version: match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
            _ => "unknown",
        },
        group: connection
            .negotiated_key_exchange_group()
            .and_then(|group| group.name().as_str())
            .unwrap_or("unknown"),
        suite: connection
            .negotiated_cipher_suite()
            .and_then(|suite| suite.suite().as_str())
            .unwrap_or("unknown"),
    }
}

/// The peer's chain, once the handshake is done.
pub(crate) fn chain(connection: &rustls::CommonState) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    match connection.peer_certificates() {
        Some(chain) if !chain.is_empty() => Ok(chain.iter().map(|c| c.clone().into_owned()).collect()),
        _ => Err(TlsError::NoCertificate),
    }
}
