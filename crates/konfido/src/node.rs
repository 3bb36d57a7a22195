//! One country's node in this process: NCP-A behind its listener, NCP-B, the operator's side door.
//!
//! Everything a role works with is put together here and passed in; the roles themselves are in `konfido-gateway`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use konfido_audit::Shipper;
use konfido_circle::{Clock, CountryCode, HomeCommunityId, Oid, TrustStore};
use konfido_gateway::admin::{self, Readiness};
use konfido_gateway::connector::{ConsentRegister, NationalConnector};
use konfido_gateway::directory::Directory;
use konfido_gateway::metrics::Metrics;
use konfido_gateway::ncp_a::{NcpA, NcpASetup};
use konfido_gateway::ncp_b::{NcpB, NcpBSetup};
use konfido_gateway::observer::ExchangeObserver;
use konfido_gateway::policy::Policy;
use konfido_gateway::server::{Limits, Server, Service};
use konfido_gateway::sts::{TokenService, TokenServiceSetup};
use konfido_gateway::tls::{Identity, RustlsAcceptor, RustlsConnector};
use konfido_gateway::trail::AuditTrail;
use konfido_keys::{Rng, Signer};
use konfido_saml::Profile;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::assembly::Assembly;
use crate::exit::UsageError;

/// What both roles of a node share.
#[derive(Clone, Debug)]
pub(crate) struct Common {
    pub(crate) country: CountryCode,
    pub(crate) country_name: String,
    pub(crate) home: HomeCommunityId,
    pub(crate) trust: Arc<TrustStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) trail: Arc<dyn AuditTrail>,
    pub(crate) observer: Arc<dyn ExchangeObserver>,
    pub(crate) metrics: Arc<Metrics>,
}

/// What NCP-A needs besides.
#[derive(Debug)]
pub(crate) struct Answering {
    pub(crate) identity: Identity,
    pub(crate) repository: Oid,
    pub(crate) profile: Profile,
    pub(crate) policy: Arc<Policy>,
    pub(crate) connector: Arc<dyn NationalConnector>,
    pub(crate) consent: Arc<dyn ConsentRegister>,
    pub(crate) limits: Limits,
}

/// What NCP-B needs besides.
#[derive(Debug)]
pub(crate) struct Asking {
    pub(crate) identity: Identity,
    pub(crate) signer: Arc<dyn Signer>,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) timeout: Duration,
}

/// Bytes of one answer that NCP-B takes.
const ANSWER_BYTES: usize = 64 << 20;

/// A node at work.
#[derive(Debug)]
pub(crate) struct Node {
    common: Common,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Node {
    /// A node that does nothing yet.
    pub(crate) fn new(common: Common) -> Self {
        Self { common, stop: watch::Sender::new(false), tasks: Vec::new() }
    }

    /// Answers other countries behind `listener`.
    pub(crate) fn answer(&mut self, listener: TcpListener, with: Answering) -> anyhow::Result<SocketAddr> {
        let common = &self.common;
        let service = NcpA::new(NcpASetup {
            country: common.country,
            country_name: common.country_name.clone(),
            name: with.identity.common_name().to_owned(),
            home: common.home.clone(),
            repository: with.repository,
            trust: Arc::clone(&common.trust),
            clock: Arc::clone(&common.clock),
            rng: Arc::clone(&common.rng),
            profile: with.profile,
            policy: with.policy,
            connector: with.connector,
            consent: with.consent,
            trail: Arc::clone(&common.trail),
            observer: Arc::clone(&common.observer),
            metrics: Arc::clone(&common.metrics),
        });
        self.serve(listener, &with.identity, Arc::new(service), with.limits)
    }

    fn serve(
        &mut self,
        listener: TcpListener,
        identity: &Identity,
        service: Arc<dyn Service>,
        limits: Limits,
    ) -> anyhow::Result<SocketAddr> {
        let common = &self.common;
        let (trust, clock) = (Arc::clone(&common.trust), Arc::clone(&common.clock));
        let acceptor =
            RustlsAcceptor::new(identity, Arc::clone(&trust), service.usages(), Arc::clone(&clock))
                .context("could not set up tls")?;
        let server = Server::new(
            listener,
            Arc::new(acceptor),
            trust,
            clock,
            service,
            limits,
            Arc::clone(&common.metrics),
        );
        let address = server.address()?;
        self.tasks.push(tokio::spawn(server.run(self.stop.subscribe())));
        Ok(address)
    }

    /// Gets ready to ask other countries.
    pub(crate) fn ask(&self, with: Asking) -> NcpB {
        let common = &self.common;
        NcpB::new(NcpBSetup {
            country: common.country,
            name: with.identity.common_name().to_owned(),
            home: common.home.clone(),
            directory: with.directory,
            trust: Arc::clone(&common.trust),
            clock: Arc::clone(&common.clock),
            rng: Arc::clone(&common.rng),
            signer: with.signer,
            connector: Arc::new(RustlsConnector::new(
                with.identity,
                Arc::clone(&common.trust),
                Arc::clone(&common.clock),
            )),
            trail: Arc::clone(&common.trail),
            observer: Arc::clone(&common.observer),
            metrics: Arc::clone(&common.metrics),
            timeout: with.timeout,
            answer_bytes: ANSWER_BYTES,
        })
    }

    /// Opens the operator's side door.
    pub(crate) fn admin(
        &mut self,
        listener: TcpListener,
        checks: Vec<Arc<dyn Readiness>>,
    ) -> anyhow::Result<SocketAddr> {
        let address = listener.local_addr()?;
        let (metrics, stop) = (Arc::clone(&self.common.metrics), self.stop.subscribe());
        self.tasks.push(tokio::spawn(async move {
            if let Err(error) = admin::serve(listener, metrics, checks, stop).await {
                tracing::error!(%error, "the admin address stopped");
            }
        }));
        Ok(address)
    }

    /// Asks every task to end, and waits until they have.
    pub(crate) async fn stop(self) {
        let _nobody_listens = self.stop.send(true);
        for task in self.tasks {
            let _panicked = task.await;
        }
    }
}

impl Node {
    /// Issues TRC and next-of-kin assertions to this country's portals behind `listener`.
    pub(crate) fn issue(&mut self, listener: TcpListener, assembly: &Assembly) -> anyhow::Result<SocketAddr> {
        let common = &self.common;
        let Some(identity) = assembly.server_identity()? else {
            return Err(
                UsageError("`keys.tls_server` is needed for the security token service".into()).into()
            );
        };
        let service = TokenService::new(TokenServiceSetup {
            country: common.country,
            name: identity.common_name().to_owned(),
            trust: Arc::clone(&common.trust),
            clock: Arc::clone(&common.clock),
            rng: Arc::clone(&common.rng),
            signer: Arc::clone(&assembly.signer),
            profile: Profile::default(),
            trail: Arc::clone(&common.trail),
            metrics: Arc::clone(&common.metrics),
        });
        self.serve(listener, &identity, Arc::new(service), Limits::default())
    }

    /// Carries audit messages to their collector.
    pub(crate) fn ship(&mut self, shipper: Shipper) {
        let mut stop = self.stop.subscribe();
        self.tasks.push(tokio::spawn(async move {
            let stopped = async move {
                let _sender_gone = stop.wait_for(|stop| *stop).await;
            };
            if let Err(error) = shipper.run(stopped).await {
                tracing::error!(%error, "audit messages are no longer shipped");
            }
        }));
    }
}
