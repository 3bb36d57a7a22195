//! The server's side: a client certificate is required and judged by the circle.

use std::sync::Arc;

use async_trait::async_trait;
use konfido_circle::{Clock, TrustStore, Usage};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::peer::judge;

use super::{Identity, SecureAcceptor, Secured, TlsError, VERSIONS, agreed, chain, provider};

/// Ends TLS in this process by rustls.
#[derive(Clone)]
pub struct RustlsAcceptor(TlsAcceptor);

impl std::fmt::Debug for RustlsAcceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RustlsAcceptor")
    }
}

impl RustlsAcceptor {
    /// A server that is `identity` and lets in whom `trust` knows for one of `usages` at the time of `clock`.
    pub fn new(
        identity: &Identity,
        trust: Arc<TrustStore>,
        usages: &'static [Usage],
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TlsError> {
        let provider = provider();
        let clients = Arc::new(CircleClients { trust, usages, clock, provider: Arc::clone(&provider) });
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(VERSIONS)?
            .with_client_cert_verifier(clients)
            .with_cert_resolver(Arc::new(OneCertificate(identity.certified())));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.max_early_data_size = 0;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }
}

#[async_trait]
impl SecureAcceptor for RustlsAcceptor {
    async fn accept(&self, tcp: TcpStream) -> Result<Secured, TlsError> {
        let stream = self.0.accept(tcp).await.map_err(TlsError::Handshake)?;
        let (_, connection) = stream.get_ref();
        let chain = chain(connection)?;
        let agreed = agreed(connection);
        Ok(Secured { stream: Box::new(stream), chain, agreed })
    }
}

#[derive(Debug)]
struct OneCertificate(Arc<CertifiedKey>);

impl rustls::server::ResolvesServerCert for OneCertificate {
    fn resolve(&self, _hello: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

struct CircleClients {
    trust: Arc<TrustStore>,
    usages: &'static [Usage],
    clock: Arc<dyn Clock>,
    provider: Arc<CryptoProvider>,
}

impl std::fmt::Debug for CircleClients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CircleClients")
    }
}

impl ClientCertVerifier for CircleClients {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let chain: Vec<CertificateDer<'static>> =
            std::iter::once(end_entity).chain(intermediates).map(|c| c.clone().into_owned()).collect();
        judge(&self.trust, &chain, self.usages, self.clock.now())
            .map(|_checked| ClientCertVerified::assertion())
            .map_err(|error| super::client::refusal(&error))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
