//! `konfido attest verify`: what a piece of attestation evidence is worth, by the same rules as between nodes.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Subcommand;
use konfido_circle::{Clock as _, SystemClock};
use konfido_vault::attest::{self, At, Claims, Policy, Refusal};
use serde::Serialize;

use crate::exit::{ExitCode, UsageError};
use crate::ui::Ui;

/// Arguments of `konfido attest`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Judge an SGX or TDX quote, an SNP report or a TPM quote.
    Verify(VerifyArgs),
}

/// Arguments of `konfido attest verify`.
#[derive(Debug, clap::Args)]
struct VerifyArgs {
    /// The evidence: the platform's binary form, or that in hexadecimal.
    file: PathBuf,
    /// What the vendor publishes beside it: Intel's collateral (JSON), AMD's VCEK (DER or PEM), a TPM's key and signature
    /// (JSON).
    #[arg(long, value_name = "FILE")]
    collateral: Option<PathBuf>,
    /// Judge at this instant (RFC 3339), or at `issue`: a day after the latest issue date within the collateral.
    #[arg(long, value_name = "TIME|issue")]
    at: Option<String>,
    /// `default` (up to date), `strict` (and no dynamic platform, cached keys or hyper-threading), or a TOML file.
    #[arg(long, value_name = "default|strict|FILE", default_value = "default")]
    policy: String,
}

#[derive(Serialize)]
struct Verdict<'a> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    claims: Option<&'a Claims>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Runs the chosen action.
pub(crate) fn run(args: Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Verify(args) => verify(&args, ui),
    }
}

fn verify(args: &VerifyArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let evidence = read(&args.file)?;
    let collateral = args.collateral.as_deref().map(read).transpose()?;
    let policy = policy(&args.policy)?;
    let at = match args.at.as_deref() {
        None => At::Now,
        Some("issue") => At::Issue,
        Some(time) => At::Time(time.parse().map_err(|error| {
            UsageError(format!(
                "`{time}` is neither `issue` nor an instant like 2026-11-23T12:00:00Z: {error}"
            ))
        })?),
    };
    let verdict = attest::verify(&evidence, collateral.as_deref(), at, SystemClock.now(), &policy);
    match &verdict {
        Ok(claims) => accepted(claims, ui),
        Err(refusal) => refused(refusal, ui),
    }
    Ok(ExitCode::from_verdict(verdict.is_ok()))
}

fn accepted(claims: &Claims, ui: &Ui) {
    ui.object(&Verdict { ok: true, claims: Some(claims), refusal: None, reason: None });
    ui.heading("accepted");
    ui.line(format!("  holds        {}", claims.assurance));
    ui.line(format!("  measurement  {}", claims.measurement));
    ui.line(format!("  signer       {}", claims.signer));
    ui.line(format!("  TCB          {} {}", claims.tcb_status, claims.advisories.join(" ")));
    ui.line(format!("  report data  {}", claims.report_data));
    ui.line(format!("  notes        {}", claims.notes.join(" ")));
    ui.line(format!("  judged at    {}", claims.at));
}

fn refused(refusal: &Refusal, ui: &Ui) {
    ui.object(&Verdict {
        ok: false,
        claims: None,
        refusal: Some(refusal.code()),
        reason: Some(refusal.to_string()),
    });
    ui.heading("refused");
    ui.line(format!("  {refusal}"));
}

fn policy(name: &str) -> anyhow::Result<Policy> {
    match name {
        "default" => Ok(Policy::default()),
        "strict" => Ok(Policy::strict()),
        file => {
            let text = String::from_utf8(read(Path::new(file))?)
                .map_err(|_| UsageError(format!("policy `{file}` is not UTF-8")))?;
            Ok(Policy::from_toml(&text).map_err(|error| UsageError(error.to_string()))?)
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))
}
