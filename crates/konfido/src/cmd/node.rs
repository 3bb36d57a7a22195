//! `konfido node run --config FILE`: a country's node as a service.
//!
//! Logs JSON lines to standard output, without personal data; answers `/health`, `/ready` and `/metrics` on its admin
//! address; ends gracefully on SIGTERM or SIGINT.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use konfido_circle::{Clock, TrustStore, Usage};
use konfido_gateway::admin::Readiness;
use konfido_gateway::trail::AtnaTrail;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::assembly::Assembly;
use crate::config::Settings;
use crate::exit::ExitCode;
use crate::node::Node;
use crate::ui::Ui;

/// Arguments of `konfido node`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Run the node until it is told to stop.
    Run(ConfigFile),
    /// Check the configuration and everything it names, and run nothing.
    Check(ConfigFile),
}

#[derive(Debug, clap::Args)]
struct ConfigFile {
    /// The node's configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Runs or checks a node.
pub(crate) fn run(args: Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    match args.command {
        Command::Run(file) => {
            let settings = Settings::load(&file.config)?;
            log_json()?;
            runtime.block_on(serve(settings))
        }
        Command::Check(file) => {
            let assembly = Assembly::new(Settings::load(&file.config)?, "audit")?;
            assembly.answering()?;
            ui.line(format!("`{}` can be run", file.config.display()));
            ui.object(&serde_json::json!({ "ok": true, "country": assembly.common.country.as_str() }));
            Ok(ExitCode::Good)
        }
    }
}

async fn serve(settings: Settings) -> anyhow::Result<ExitCode> {
    let assembly = Assembly::new(settings, "audit")?;
    let mut node = Node::new(assembly.common.clone());
    let mut checks: Vec<Arc<dyn Readiness>> = vec![Arc::new(Backlog(Arc::clone(&assembly.trail)))];
    if let (Some(ncp_a), Some(answering)) = (&assembly.settings.ncp_a, assembly.answering()?) {
        let listener = bind(ncp_a.listen).await?;
        let address = node.answer(listener, answering)?;
        tracing::info!(country = %assembly.common.country, %address, "ncp-a answers");
    }
    if let Some(keys) = &assembly.settings.tls_server {
        let pem = std::fs::read(&keys.certificate)?;
        let certificate =
            CertificateDer::from_pem_slice(&pem).map_err(|e| anyhow::anyhow!("certificate: {e}"))?;
        checks.push(Arc::new(OwnCertificate {
            certificate,
            trust: Arc::clone(&assembly.common.trust),
            clock: Arc::clone(&assembly.common.clock),
        }));
    }
    if let Some(listen) = assembly.settings.sts {
        let listener = bind(listen).await?;
        let address = node.issue(listener, &assembly)?;
        tracing::info!(%address, "security token service answers");
    }
    if let Some(shipper) = assembly.shipper()? {
        node.ship(shipper);
    }
    if let Some(listen) = assembly.settings.admin {
        let address = node.admin(bind(listen).await?, checks)?;
        tracing::info!(%address, "admin answers");
    }
    tracing::info!(country = %assembly.common.country, circle = %assembly.circle.circle().serial, "node runs");
    let mut term = signal(SignalKind::terminate()).context("could not wait for SIGTERM")?;
    let mut int = signal(SignalKind::interrupt()).context("could not wait for SIGINT")?;
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    tracing::info!("stopping: requests at work are answered");
    node.stop().await;
    tracing::info!("stopped");
    Ok(ExitCode::Good)
}

async fn bind(address: std::net::SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("could not listen on `{address}`"))
}

/// JSON lines on standard output; `RUST_LOG` decides how much.
fn log_json() -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .try_init()
        .map_err(|e| anyhow::anyhow!("could not set up logging: {e}"))
}

/// Not ready while too many audit messages wait for their collector.
#[derive(Debug)]
struct Backlog(Arc<AtnaTrail>);

/// So many waiting messages mean that the collector has been away for long.
const MOST_WAITING: u64 = 1_000_000;

impl Readiness for Backlog {
    fn name(&self) -> &'static str {
        "audit"
    }

    fn trouble(&self) -> Option<String> {
        let waiting = self.0.spool().backlog();
        (waiting > MOST_WAITING).then(|| format!("{waiting} messages wait for the collector"))
    }
}

/// Not ready when others would refuse us.
#[derive(Debug)]
struct OwnCertificate {
    certificate: CertificateDer<'static>,
    trust: Arc<TrustStore>,
    clock: Arc<dyn Clock>,
}

impl Readiness for OwnCertificate {
    fn name(&self) -> &'static str {
        "certificate"
    }

    fn trouble(&self) -> Option<String> {
        let verdict = self.trust.verify_certificate(&self.certificate, Usage::TlsServer, self.clock.now());
        verdict.err().map(|error| error.to_string())
    }
}
