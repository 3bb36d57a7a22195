//! `konfido pki`: a development PKI, and verdicts on certificates by the rules of the exchange.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use jiff::{SignedDuration, Timestamp};
use konfido_circle::pki::{CountryPki, LeafRequest, PkiError, PkiRequest};
use konfido_circle::trust::{TrustFolderError, TrustStoreMistake};
use konfido_circle::{Clock as _, CountryCode, SystemClock, TrustStore, Usage};
use konfido_keys::software::SystemRng;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Serialize;

use crate::exit::{ExitCode, UsageError};
use crate::files;
use crate::ui::Ui;

/// Arguments of `konfido pki`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a root, TLS and signing certificates, a CRL and a circle key for each country.
    Init(InitArgs),
    /// Make one more certificate under a country's root.
    Issue(IssueArgs),
    /// Put a certificate on its root's CRL.
    Revoke(RevokeArgs),
    /// Issue a root's CRL anew, valid from now.
    RenewCrl(RenewArgs),
    /// Say whether the exchange would believe a certificate, and if not, why.
    Check(CheckArgs),
}

#[derive(Debug, clap::Args)]
struct InitArgs {
    /// The folder to fill: one folder a country in it.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// A country by its two letters; may be repeated.
    #[arg(long = "country", value_name = "CC", required = true)]
    countries: Vec<CountryCode>,
    /// A host name or IP address of the TLS servers; may be repeated. Without any: this machine alone.
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
}

#[derive(Debug, clap::Args)]
struct IssueArgs {
    /// The folder of one country, as `konfido pki init` made it.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// `tls-server`, `tls-client` or `signing`.
    #[arg(long)]
    usage: Usage,
    /// The common name, and the name of the files.
    #[arg(long)]
    name: String,
    /// A host name or IP address of a TLS server; may be repeated.
    #[arg(long = "host", value_name = "NAME", default_value = "localhost")]
    hosts: Vec<String>,
    /// How many days it is valid.
    #[arg(long, default_value_t = 730)]
    days: u16,
    /// An RSA-3072 key in place of ECDSA P-256.
    #[arg(long)]
    rsa: bool,
    /// For tests: already expired.
    #[arg(long, conflicts_with = "days")]
    expired: bool,
    /// For tests: another country in the subject than the root's.
    #[arg(long, value_name = "CC")]
    subject_country: Option<CountryCode>,
}

#[derive(Debug, clap::Args)]
struct RevokeArgs {
    /// The folder of one country.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The certificate (PEM).
    certificate: PathBuf,
}

#[derive(Debug, clap::Args)]
struct RenewArgs {
    /// The folder of one country.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
}

#[derive(Debug, clap::Args)]
struct CheckArgs {
    /// The certificate (PEM).
    certificate: PathBuf,
    /// A folder with one folder a country: `IT/root.pem`, `IT/crl.pem`.
    #[arg(long, value_name = "DIR")]
    trust: PathBuf,
    /// `tls-server`, `tls-client` or `signing`.
    #[arg(long)]
    usage: Usage,
    /// Judge at this instant (RFC 3339) instead of now.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// Believe certificates of these countries although there is no CRL; may be repeated.
    #[arg(long, value_name = "CC")]
    danger_without_revocation: Vec<CountryCode>,
}

/// Runs the chosen action.
pub(crate) fn run(args: Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Init(args) => init(&args, ui),
        Action::Issue(args) => issue(&args, ui),
        Action::Revoke(args) => revoke(&args, ui),
        Action::RenewCrl(args) => renew(&args, ui),
        Action::Check(args) => check(&args, ui),
    }
}

#[derive(Serialize)]
struct Made<'a> {
    ok: bool,
    made: &'a [PathBuf],
}

fn init(args: &InitArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let now = SystemClock.now();
    let progress = ui.progress("making keys");
    let mut made = Vec::new();
    for country in &args.countries {
        progress.say(&format!("making the keys of {country}"));
        let mut request = PkiRequest::local(*country, now);
        if !args.hosts.is_empty() {
            request.hosts.clone_from(&args.hosts);
        }
        let pki = CountryPki::generate(&request, &SystemRng).map_err(by_fault)?;
        let home = args.dir.join(country.as_str());
        pki.write(&home).map_err(by_fault)?;
        made.push(home);
    }
    drop(progress);
    ui.object(&Made { ok: true, made: &made });
    for home in &made {
        ui.line(format!("made {}", home.display()));
    }
    ui.note("for development and tests; a production member brings certificates of its own CA");
    Ok(ExitCode::Good)
}

fn issue(args: &IssueArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let plain = args.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if !plain || args.name.starts_with('.') || args.name.is_empty() {
        return Err(UsageError(format!("`{}` is no name: letters, digits, `-`, `_`, `.`", args.name)).into());
    }
    let pki = CountryPki::read(&args.dir).map_err(by_fault)?;
    let now = SystemClock.now();
    let mut request = LeafRequest {
        common_name: args.name.clone(),
        not_after: now + SignedDuration::from_hours(24 * i64::from(args.days)),
        ..LeafRequest::new(args.subject_country.unwrap_or(pki.country()), args.usage, now)
    };
    if args.usage == Usage::TlsServer {
        request.hosts.clone_from(&args.hosts);
    }
    if args.rsa {
        request = request.rsa();
    }
    if args.expired {
        request = request.expired(now);
    }
    let issued = pki.issue(&request, &SystemRng).map_err(by_fault)?;
    issued.write(&args.dir, &args.name).map_err(by_fault)?;
    let made = ["pem", "key"].map(|ext| args.dir.join(format!("{}.{ext}", args.name)));
    ui.object(&Made { ok: true, made: &made });
    for file in &made {
        ui.line(format!("made {}", file.display()));
    }
    Ok(ExitCode::Good)
}

fn revoke(args: &RevokeArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let mut pki = CountryPki::read(&args.dir).map_err(by_fault)?;
    let certificate = read_certificate(&args.certificate)?;
    pki.revoke(&certificate, SystemClock.now()).map_err(by_fault)?;
    written_crl(&pki, &args.dir, ui)
}

fn renew(args: &RenewArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let mut pki = CountryPki::read(&args.dir).map_err(by_fault)?;
    pki.renew_crl(SystemClock.now()).map_err(by_fault)?;
    written_crl(&pki, &args.dir, ui)
}

fn written_crl(pki: &CountryPki, dir: &Path, ui: &Ui) -> anyhow::Result<ExitCode> {
    pki.write_crl(dir).map_err(by_fault)?;
    let crl = dir.join("crl.pem");
    ui.line(format!("made {}", crl.display()));
    ui.object(&Made { ok: true, made: &[crl] });
    Ok(ExitCode::Good)
}

#[derive(Serialize)]
struct Verdict {
    ok: bool,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<CountryCode>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<Timestamp>,
    usage: &'static str,
    at: Timestamp,
}

fn check(args: &CheckArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let certificate = read_certificate(&args.certificate)?;
    let mut builder = TrustStore::builder().folder(&args.trust).map_err(by_folder_fault)?;
    for country in &args.danger_without_revocation {
        builder = builder.danger_without_revocation(*country);
    }
    let store = builder.build().map_err(|mistakes| by_mistakes(&mistakes))?;
    let at = args.at.unwrap_or_else(|| SystemClock.now());
    let usage = args.usage.name();
    let found = store.verify_certificate(&certificate, args.usage, at);
    match &found {
        Ok(good) => {
            ui.line(format!(
                "good: {usage} of {}, {}, until {}",
                good.country(),
                good.subject(),
                good.not_after()
            ));
            ui.object(&Verdict {
                ok: true,
                verdict: "good",
                reason: None,
                country: Some(good.country()),
                subject: Some(good.subject().to_owned()),
                not_after: Some(good.not_after()),
                usage,
                at,
            });
        }
        Err(e) => {
            ui.line(format!("refused, {}: {e}", e.code()));
            ui.object(&Verdict {
                ok: false,
                verdict: e.code(),
                reason: Some(e.to_string()),
                country: None,
                subject: None,
                not_after: None,
                usage,
                at,
            });
        }
    }
    Ok(ExitCode::from_verdict(found.is_ok()))
}

/// The first certificate of a PEM file.
pub(crate) fn read_certificate(path: &Path) -> anyhow::Result<CertificateDer<'static>> {
    let bytes = files::read(path)?;
    CertificateDer::from_pem_slice(&bytes)
        .map_err(|_| UsageError(format!("`{}` is no PEM certificate", path.display())).into())
}

/// Whether the user or the environment is to blame for a failed PKI command.
fn by_fault(error: PkiError) -> anyhow::Error {
    match error {
        PkiError::Request(_) | PkiError::Content { .. } => UsageError(error.to_string()).into(),
        other => other.into(),
    }
}

fn by_folder_fault(error: TrustFolderError) -> anyhow::Error {
    match error {
        TrustFolderError::Io { .. } => error.into(),
        other => UsageError(other.to_string()).into(),
    }
}

fn by_mistakes(mistakes: &[TrustStoreMistake]) -> anyhow::Error {
    let list: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    UsageError(format!("trust material cannot be used: {}", list.join("; "))).into()
}
