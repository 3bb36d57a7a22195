//! The security token service behind its socket: portals of our own country get TRC and next-of-kin assertions
//! (openncp.md 3.4). What is issued and refused is decided in `konfido_saml::sts`; here it is served and recorded.
//!
//! A portal may show a TLS client certificate or, as OpenNCP's does, its signing certificate (openncp.md 10).

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use http::StatusCode;
use konfido_circle::{CertificateError, Clock, CountryCode, Personal, TrustStore, Usage};
use konfido_keys::{Rng, Signer};
use konfido_saml::sts::{CONTENT_TYPE, Exchange, Sts};
use konfido_saml::vocabulary::Kind;
use konfido_saml::{Issuer, Profile};

use crate::ids;
use crate::metrics::Metrics;
use crate::observer::Side;
use crate::peer::Peer;
use crate::server::{Answer, BodyFault, Request, Service};
use crate::trail::{AuditTrail, Deed, Ending, MessageRef, Professional, Record};
use crate::wire::SoapProblem;

/// Everything the service works with.
#[derive(Debug)]
pub struct TokenServiceSetup {
    /// Our country.
    pub country: CountryCode,
    /// Common name of our TLS server's certificate, for the audit.
    pub name: String,
    /// Whom we trust.
    pub trust: Arc<TrustStore>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where identifiers come from.
    pub rng: Arc<dyn Rng>,
    /// Signs our assertions.
    pub signer: Arc<dyn Signer>,
    /// Tolerances of the assertion profile.
    pub profile: Profile,
    /// Where audit records go.
    pub trail: Arc<dyn AuditTrail>,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// The service.
pub struct TokenService(TokenServiceSetup);

impl fmt::Debug for TokenService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenService").field("country", &self.0.country).finish_non_exhaustive()
    }
}

impl TokenService {
    /// Starts issuing.
    #[must_use]
    pub fn new(setup: TokenServiceSetup) -> Self {
        Self(setup)
    }

    fn exchange(&self, peer: &Peer, body: &[u8]) -> Exchange {
        let setup = &self.0;
        let issuer = Issuer {
            country: setup.country,
            signer: setup.signer.as_ref(),
            clock: setup.clock.as_ref(),
            rng: setup.rng.as_ref(),
        };
        Sts::new(issuer, &setup.trust, setup.profile.clone()).handle(body, peer.country())
    }

    fn record(&self, peer: &Peer, exchange: &Exchange) -> Record {
        let incident =
            ids::uuid(self.0.rng.as_ref()).map_or_else(|_| "unknown".to_owned(), |id| id.to_string());
        let blank = Record {
            peer: Some(peer.country()),
            consumer: peer.common_name().to_owned(),
            provider: self.0.name.clone(),
            request: MessageRef {
                id: exchange.message_id.clone(),
                header: exchange.request_header.clone().map(Personal::new),
            },
            ..Record::new(self.0.clock.now(), Side::B, Deed::TrcIssued, incident)
        };
        match &exchange.result {
            Ok(token) => {
                let (hcp, name_id) = (token.hcp.claims(), token.hcp.content().name_id());
                Record {
                    deed: if token.kind == Kind::Nok { Deed::NokIssued } else { Deed::TrcIssued },
                    response: MessageRef {
                        id: Some(token.response_id.clone()),
                        header: Some(Personal::new(token.response_header.clone())),
                    },
                    professional: Some(Professional::new(
                        name_id,
                        hcp,
                        token.hcp.content().issuer(),
                        token.hcp.id().as_str(),
                    )),
                    patient: token.patient.clone(),
                    issued: Some(token.issued.id.as_str().to_owned()),
                    ..blank
                }
            }
            Err(error) => Record { ending: Ending::Failed { cause: error.to_string() }, ..blank },
        }
    }
}

#[async_trait]
impl Service for TokenService {
    fn usages(&self) -> &'static [Usage] {
        &[Usage::TlsClient, Usage::Signing]
    }

    async fn turned_away(&self, address: SocketAddr, cause: &str) {
        tracing::warn!(%address, cause, "a stranger at the security token service");
    }

    async fn answer(&self, peer: Peer, request: Request) -> Answer {
        let begun = Instant::now();
        let exchange = self.exchange(&peer, &request.body);
        let outcome = if exchange.result.is_ok() { "answered" } else { "refused" };
        self.0.metrics.request("sts", "issue", peer.country().as_str(), outcome, begun.elapsed());
        if let Err(error) = &exchange.result {
            tracing::info!(%error, "no token");
        }
        if let Err(error) = self.0.trail.record(&self.record(&peer, &exchange)).await {
            // What can't be recorded is not issued.
            tracing::error!(%error, "no token without a record");
            return SoapProblem::internal(exchange.message_id.clone()).answer();
        }
        Answer {
            status: StatusCode::from_u16(exchange.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            content_type: CONTENT_TYPE.to_owned(),
            body: exchange.body.into(),
        }
    }

    async fn stale(&self, error: CertificateError) -> Answer {
        tracing::warn!(%error, "a connection outlived its certificate");
        SoapProblem::untrusted().answer()
    }

    async fn oversized(&self, _peer: Peer, fault: BodyFault) -> Answer {
        match fault {
            BodyFault::TooLong => SoapProblem::too_long().answer(),
            BodyFault::TooSlow | BodyFault::Broken => SoapProblem::incomplete().answer(),
        }
    }
}
