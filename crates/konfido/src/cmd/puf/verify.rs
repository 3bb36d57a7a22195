//! `konfido puf verify`: the token proves itself by challenge and response; each record serves once.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use konfido_keys::software::SystemRng;
use konfido_puf::PufError;
use konfido_puf::protocol::authentication::{self, Verifier};
use konfido_puf::store::Store;

use super::{DeviceArgs, now};
use crate::exit::{ExitCode, UsageError};
use crate::ui::Ui;

/// Arguments of `konfido puf verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    device: DeviceArgs,
    /// Folder of the token's counters.
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// The verifier's records: its secret, one entry used up by each run.
    #[arg(long, value_name = "FILE")]
    records: PathBuf,
    /// Enrol this many records first (in the verifier's presence).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    enroll: Option<u32>,
}

/// Enrols records, or runs one round.
pub(super) fn run(args: &Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    let mut opened = args.device.open()?;
    let store = Store::open(&args.store)?;
    if let Some(count) = args.enroll {
        let progress = ui.progress("enrolling challenge sets");
        let (device, projection) = (&mut *opened.device, &*opened.projection);
        let records = authentication::enrol(&store, device, projection, &SystemRng, count)?;
        drop(progress);
        let verifier = Verifier::new(records);
        write(&args.records, &verifier.to_secret_file()?)?;
        ui.line(format!("{count} records in {}: the verifier's secret", args.records.display()));
        ui.object(&serde_json::json!({ "ok": true, "records": count }));
        return Ok(ExitCode::Good);
    }
    let bytes = zeroize::Zeroizing::new(
        std::fs::read(&args.records).with_context(|| format!("{}", args.records.display()))?,
    );
    let mut verifier = Verifier::from_secret_file(&bytes).map_err(|error| UsageError(error.to_string()))?;
    let request = verifier.request(&SystemRng)?;
    // The record is spent before it is used: a crash never lets it serve twice.
    write(&args.records, &verifier.to_secret_file()?)?;
    let transcript = b"konfido puf verify";
    let proof =
        authentication::prove(&store, &mut *opened.device, &*opened.projection, &request, transcript, now());
    let genuine = match proof {
        Ok(proof) => verifier.judge(request.id, transcript, &proof),
        Err(PufError::NotRegenerated) => false,
        Err(other) => return Err(other.into()),
    };
    let left = verifier.left();
    ui.line(if genuine { "the token is the enrolled one" } else { "NOT the enrolled token" });
    ui.line(format!("{left} records left"));
    ui.object(&serde_json::json!({ "ok": genuine, "records_left": left }));
    Ok(ExitCode::from_verdict(genuine))
}

/// Replaces the file whole, readable by its owner alone.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let context = || format!("{}", beside.display());
    let mut options = std::fs::OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(&beside).with_context(context)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).with_context(context)?;
    std::fs::rename(&beside, path).with_context(|| format!("{}", path.display()))
}
