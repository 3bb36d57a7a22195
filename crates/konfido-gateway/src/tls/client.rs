//! The client's side: the server must be of the country that was asked, and carry the endpoint's name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use konfido_circle::{CertificateError, Clock, CountryCode, TrustStore};
use rustls::CertificateError as TlsCertificateError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{Identity, SecureConnector, Secured, TlsError, VERSIONS, agreed, chain, provider};

/// Ends TLS in this process by rustls.
pub struct RustlsConnector {
    identity: Identity,
    trust: Arc<TrustStore>,
    clock: Arc<dyn Clock>,
    // One configuration a country: the verifier knows whom it expects, and tickets of one never reach another.
    configs: Mutex<HashMap<CountryCode, Arc<ClientConfig>>>,
}

impl std::fmt::Debug for RustlsConnector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RustlsConnector")
    }
}

impl RustlsConnector {
    /// A client that is `identity` and believes whom `trust` knows as a TLS server at the time of `clock`.
    pub fn new(identity: Identity, trust: Arc<TrustStore>, clock: Arc<dyn Clock>) -> Self {
        Self { identity, trust, clock, configs: Mutex::new(HashMap::new()) }
    }

    /// A configuration for a connection that is not HTTP, to a server of `country`: the audit collector.
    pub fn client_config(&self, country: CountryCode) -> Result<Arc<ClientConfig>, TlsError> {
        let mut config = ClientConfig::clone(self.config(country)?.as_ref());
        config.alpn_protocols.clear();
        Ok(Arc::new(config))
    }

    fn config(&self, country: CountryCode) -> Result<Arc<ClientConfig>, TlsError> {
        let mut configs = self.configs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = configs.get(&country) {
            return Ok(Arc::clone(config));
        }
        let provider = provider();
        let servers = Arc::new(CircleServers {
            country,
            trust: Arc::clone(&self.trust),
            clock: Arc::clone(&self.clock),
            provider: Arc::clone(&provider),
        });
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(VERSIONS)?
            .dangerous() // rustls' word for any verifier but its own; ours is stricter, see `CircleServers`
            .with_custom_certificate_verifier(servers)
            .with_client_cert_resolver(Arc::new(OneCertificate(self.identity.certified())));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let config = Arc::new(config);
        configs.insert(country, Arc::clone(&config));
        Ok(config)
    }
}

#[async_trait]
impl SecureConnector for RustlsConnector {
    async fn connect(&self, tcp: TcpStream, country: CountryCode, host: &str) -> Result<Secured, TlsError> {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::BadName(host.to_owned()))?;
        let connector = TlsConnector::from(self.config(country)?);
        let stream = connector.connect(name, tcp).await.map_err(TlsError::Handshake)?;
        let (_, connection) = stream.get_ref();
        let chain = chain(connection)?;
        let agreed = agreed(connection);
        Ok(Secured { stream: Box::new(stream), chain, agreed })
    }
}

#[derive(Debug)]
struct OneCertificate(Arc<CertifiedKey>);

impl rustls::client::ResolvesClientCert for OneCertificate {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

struct CircleServers {
    country: CountryCode,
    trust: Arc<TrustStore>,
    clock: Arc<dyn Clock>,
    provider: Arc<CryptoProvider>,
}

impl std::fmt::Debug for CircleServers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CircleServers").field("country", &self.country).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for CircleServers {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let checked = self
            .trust
            .verify_tls_server(end_entity, intermediates, server_name, self.clock.now())
            .map_err(|error| refusal(&error))?;
        if checked.country() != self.country {
            return Err(TlsCertificateError::ApplicationVerificationFailure.into());
        }
        Ok(ServerCertVerified::assertion())
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

/// The alert that fits the trust store's verdict.
pub(super) fn refusal(error: &CertificateError) -> rustls::Error {
    match error {
        CertificateError::Expired { .. } => TlsCertificateError::Expired,
        CertificateError::NotYetValid { .. } => TlsCertificateError::NotValidYet,
        CertificateError::Revoked => TlsCertificateError::Revoked,
        CertificateError::UnknownIssuer => TlsCertificateError::UnknownIssuer,
        CertificateError::WrongUsage(_) => TlsCertificateError::InvalidPurpose,
        CertificateError::RevocationUnknown(_) => TlsCertificateError::UnknownRevocationStatus,
        CertificateError::BadSignature => TlsCertificateError::BadSignature,
        CertificateError::WrongName { .. } => TlsCertificateError::NotValidForName,
        _ => TlsCertificateError::ApplicationVerificationFailure,
    }
    .into()
}
