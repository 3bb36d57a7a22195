//! `konfido circle`: the signed file that says who belongs together.

mod edit;
mod judge;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use jiff::Timestamp;
use konfido_circle::circle::CircleMistake;
use konfido_circle::{CountryCode, HomeCommunityId, Oid};
use serde::Serialize;

use crate::exit::ExitCode;
use crate::files;
use crate::ui::Ui;

/// Arguments of `konfido circle`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Begin a circle without members.
    Init(InitArgs),
    /// Add a member, or replace it; the serial rises where the file was signed already.
    Add(Box<AddArgs>),
    /// Sign the file for a member; the signatures stand in `FILE.jws`.
    Sign(SignArgs),
    /// Say whether a node would take the file, and if not, why.
    Verify(VerifyArgs),
    /// Show what the file says and who has signed it.
    Show(ShowArgs),
}

#[derive(Debug, clap::Args)]
struct InitArgs {
    /// The circle file to make.
    file: PathBuf,
    /// The circle's name.
    #[arg(long)]
    name: String,
    /// The instant from which on the file is not to be used any more (RFC 3339).
    #[arg(long, value_name = "TIME")]
    expires: Option<Timestamp>,
}

#[derive(Debug, clap::Args)]
struct AddArgs {
    /// The circle file.
    file: PathBuf,
    /// The folder with the member's public files, as `konfido pki init` names them. The options below go before it.
    #[arg(long, value_name = "DIR")]
    pki: Option<PathBuf>,
    /// The member's country; without it, the one of its root certificate's subject.
    #[arg(long, value_name = "CC")]
    country: Option<CountryCode>,
    /// The member's name for people.
    #[arg(long)]
    name: String,
    /// `urn:oid:` and the object identifier of its community.
    #[arg(long, value_name = "URN")]
    home_community: HomeCommunityId,
    /// `SERVICE=URL`, with SERVICE one of patient-identification, patient-summary, order, orcd, dispensation, consent,
    /// sts; may be repeated.
    #[arg(long = "endpoint", value_name = "SERVICE=URL")]
    endpoints: Vec<String>,
    /// The root of patient identifiers of the member; may be repeated.
    #[arg(long = "patient-authority", value_name = "OID")]
    patient_authorities: Vec<Oid>,
    /// A validator of the ledger, as `KEY@HOST:PORT` with the Ed25519 key in hexadecimal; may be repeated.
    #[arg(long = "validator", value_name = "KEY@HOST:PORT")]
    validators: Vec<String>,
    /// The member's CA certificate (PEM); may be repeated.
    #[arg(long = "root", value_name = "FILE")]
    roots: Vec<PathBuf>,
    /// The public key by which the member signs the circle file (PEM).
    #[arg(long, value_name = "FILE")]
    circle_key: Option<PathBuf>,
    /// A TLS server's certificate (PEM); may be repeated.
    #[arg(long = "tls-server", value_name = "FILE")]
    tls_server: Vec<PathBuf>,
    /// A TLS client's certificate (PEM); may be repeated.
    #[arg(long = "tls-client", value_name = "FILE")]
    tls_client: Vec<PathBuf>,
    /// A signing certificate (PEM); may be repeated.
    #[arg(long = "signing", value_name = "FILE")]
    signing: Vec<PathBuf>,
    /// List the roots alone: any sound certificate of them is believed.
    #[arg(long)]
    roots_only: bool,
    /// How many members must sign. Without it: more than two thirds, where the file does not ask for more.
    #[arg(long)]
    quorum: Option<usize>,
}

#[derive(Debug, clap::Args)]
struct SignArgs {
    /// The circle file.
    file: PathBuf,
    /// The member's circle key (PEM, PKCS#8).
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The file that this one follows, where its members have other keys.
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct VerifyArgs {
    /// The circle file.
    file: PathBuf,
    /// The file in use, with its signatures beside it: FILE must follow it.
    #[arg(long, value_name = "FILE", conflicts_with = "fingerprint")]
    previous: Option<PathBuf>,
    /// The file's SHA-256 in hexadecimal, as the others told it.
    #[arg(long, value_name = "HEX")]
    fingerprint: Option<String>,
    /// Judge at this instant (RFC 3339) instead of now.
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

#[derive(Debug, clap::Args)]
struct ShowArgs {
    /// The circle file.
    file: PathBuf,
}

/// Runs the chosen action.
pub(crate) fn run(args: Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Init(args) => edit::init(&args, ui),
        Action::Add(args) => edit::add(&args, ui),
        Action::Sign(args) => edit::sign(&args, ui),
        Action::Verify(args) => judge::verify(&args, ui),
        Action::Show(args) => judge::show(&args, ui),
    }
}

/// The signature file beside a circle file.
fn signature_file(file: &Path) -> PathBuf {
    files::beside(file, "jws")
}

#[derive(Serialize)]
struct Mistake {
    line: usize,
    what: String,
}

#[derive(Serialize)]
struct Refused {
    ok: bool,
    verdict: &'static str,
    reason: String,
    mistakes: Vec<Mistake>,
}

/// Tells that the file or its signatures are wrong.
fn refuse(ui: &Ui, verdict: &'static str, reason: String, mistakes: &[CircleMistake]) -> ExitCode {
    ui.line(format!("refused, {verdict}: {reason}"));
    for mistake in mistakes {
        ui.line(format!("  {mistake}"));
    }
    let mistakes = mistakes.iter().map(|m| Mistake { line: m.line(), what: m.what().to_owned() }).collect();
    ui.object(&Refused { ok: false, verdict, reason, mistakes });
    ExitCode::FoundWrong
}

/// Tells all mistakes of a file.
fn refuse_mistakes(ui: &Ui, mistakes: &[CircleMistake]) -> ExitCode {
    refuse(ui, "mistakes", format!("the circle file has {} mistakes", mistakes.len()), mistakes)
}
