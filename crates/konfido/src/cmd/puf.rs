//! `konfido puf`: keys from an optical token.

mod doctor;
mod enroll;
mod evaluate;
mod key;
mod simulate;
mod verify;

use std::path::PathBuf;

use base64::Engine as _;
use clap::Subcommand;
use konfido_circle::{Clock as _, SystemClock};
use konfido_keys::Rng as _;
use konfido_keys::software::SystemRng;
use konfido_puf::PufError;
use konfido_puf::spec::{self, DeviceSpec, Opened, Opening};

use crate::exit::{ExitCode, UsageError};
use crate::ui::Ui;

/// Arguments of `konfido puf`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write the frames of a simulated token to a folder.
    Simulate(simulate::Args),
    /// Enrol a key: measure the token, store helper data, never the key.
    Enroll(enroll::Args),
    /// Bring the key back; print its id and public key.
    Key(key::Args),
    /// Authenticate the token by challenge and response.
    Verify(verify::Args),
    /// Say why a key did not come back, or how near it was.
    Doctor(doctor::Args),
    /// Measure uniqueness and reliability; write an HTML report.
    Evaluate(evaluate::Args),
}

/// Runs the chosen action.
pub(crate) fn run(args: Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    let result = match args.action {
        Action::Simulate(args) => simulate::run(&args, ui),
        Action::Enroll(args) => enroll::run(&args, ui),
        Action::Key(args) => key::run(&args, ui),
        Action::Verify(args) => verify::run(&args, ui),
        Action::Doctor(args) => doctor::run(&args, ui),
        Action::Evaluate(args) => evaluate::run(&args, ui),
    };
    result.or_else(|error| refusal(error, ui))
}

/// A refusal by the token or by a rule is something found wrong, not a failure of the surroundings.
fn refusal(error: anyhow::Error, ui: &Ui) -> anyhow::Result<ExitCode> {
    match error.downcast_ref::<PufError>() {
        Some(puf) if !puf.is_environment() => {
            ui.error(&error);
            ui.object(&serde_json::json!({ "ok": false, "refusal": puf.to_string() }));
            Ok(ExitCode::FoundWrong)
        }
        _ => Err(error),
    }
}

/// The device options that all actions share.
#[derive(Debug, clap::Args)]
pub(super) struct DeviceArgs {
    /// Token reader: sim:NAME, sim-wavelength:NAME, frames:DIR[:ONLY], fibre:DIR[:A,B], v4l2:PATH.
    #[arg(long, value_name = "DEVICE", default_value = "sim:demo")]
    pub(super) device: String,
    /// How much a simulated token's surroundings vary.
    #[arg(long, value_name = "still|lab|field|harsh", default_value = "field")]
    pub(super) surroundings: String,
    /// Calibration file of the camera.
    #[arg(long, value_name = "FILE")]
    pub(super) model: Option<PathBuf>,
    /// Refuse a token that is not physical.
    #[arg(long)]
    pub(super) production: bool,
}

impl DeviceArgs {
    pub(super) fn open(&self) -> anyhow::Result<Opened> {
        let spec: DeviceSpec =
            self.device.parse().map_err(|error: PufError| UsageError(error.to_string()))?;
        let surroundings =
            spec::surroundings(&self.surroundings).map_err(|error| UsageError(error.to_string()))?;
        let mut noise = [0; 32];
        SystemRng.fill(&mut noise)?;
        let opened = spec.open(&Opening { surroundings, noise, model: self.model.as_deref() })?;
        if self.production {
            opened
                .device
                .info()
                .provenance
                .require_physical("the production profile takes keys from a physical token only")?;
        }
        Ok(opened)
    }
}

/// Unix time, for the limit of attempts.
pub(super) fn now() -> i64 {
    SystemClock.now().as_second()
}

/// PEM of a public key.
pub(super) fn public_key_pem(der: &[u8]) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    let mut out = String::from("-----BEGIN PUBLIC KEY-----\n");
    for (i, digit) in text.chars().enumerate() {
        if i > 0 && i % 64 == 0 {
            out.push('\n');
        }
        out.push(digit);
    }
    out.push_str("\n-----END PUBLIC KEY-----");
    out
}
