//! `konfido puf enroll`: measure, select, store helper data; optionally create the vault's root and its escrow.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use konfido_keys::software::SystemRng;
use konfido_puf::extractor::EnrolOptions;
use konfido_puf::helper::Profile;
use konfido_puf::protocol::identity::Identity;
use konfido_puf::protocol::root::{self, EscrowShare, ROOT_CONTEXT, SEALED_ROOT_FILE};
use konfido_puf::store::{PATTERN_BUDGET, Store};

use super::{DeviceArgs, public_key_pem};
use crate::exit::{ExitCode, UsageError};
use crate::ui::Ui;

/// Arguments of `konfido puf enroll`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    device: DeviceArgs,
    /// Folder for helper data and counters.
    #[arg(long, value_name = "DIR")]
    store: PathBuf,
    /// Code: p1 corrects 170 of 2047 bits, p1s 147 and leaves more entropy.
    #[arg(long, value_name = "p1|p1s", default_value = "p1")]
    profile: String,
    /// Measurements to average, spread over the conditions in which the key must come back.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=64))]
    captures: u8,
    /// Frames of a challenge in a measurement.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    frames: u8,
    /// Create the vault's root secret under the token, recoverable from K of N shares.
    #[arg(long, value_name = "K/N", requires = "shares_to")]
    escrow: Option<String>,
    /// Folder for the shares, one file each, readable by you alone. Give them away and delete them.
    #[arg(long, value_name = "DIR", requires = "escrow")]
    shares_to: Option<PathBuf>,
}

/// Enrols.
pub(super) fn run(args: &Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    let profile = match args.profile.as_str() {
        "p1" => Profile::P1,
        "p1s" => Profile::P1s,
        other => return Err(UsageError(format!("unknown profile `{other}`: p1 or p1s")).into()),
    };
    let escrow = args.escrow.as_deref().map(parse_escrow).transpose()?;
    let mut opened = args.device.open()?;
    let store = Store::open(&args.store)?;
    let options = EnrolOptions {
        profile,
        captures: usize::from(args.captures),
        frames: args.frames,
        context: ROOT_CONTEXT,
    };
    let progress = ui.progress("measuring the token");
    let enrolled = store.enrol(&mut *opened.device, &*opened.projection, &SystemRng, &options)?;
    drop(progress);
    let identity = Identity::of(&enrolled.key)?;
    let account = enrolled.account;
    let info = opened.device.info();
    ui.line(format!("enrolled a {} token, model {}", info.provenance, info.model));
    ui.line(format!(
        "residual min-entropy    {:.1} bits ({} bits at {:.3} each, less {} published by the code)",
        account.residual_bits, account.response_bits, account.per_bit, account.leaked_bits
    ));
    ui.line(format!(
        "false acceptance        below 2^{:.0} for a stranger's token",
        account.log2_false_acceptance
    ));
    let state = store.state()?;
    ui.line(format!("patterns shown          {} of {PATTERN_BUDGET}", state.patterns));
    ui.line(format!("key id                  {}", identity.key_id()));
    if info.provenance != konfido_puf::device::Provenance::Physical {
        ui.note(format!(
            "note: a {} token keeps no secret: good for trials, refused in production",
            info.provenance
        ));
    }
    let mut shares_written = Vec::new();
    if let (Some((threshold, count)), Some(folder)) = (escrow, &args.shares_to) {
        let rng: Arc<dyn konfido_keys::Rng> = Arc::new(SystemRng);
        let (sealed, shares) = root::create(&enrolled.key, &rng, threshold, count)?;
        shares_written = write_shares(folder, &shares)?;
        store.write(SEALED_ROOT_FILE, &serde_json::to_vec_pretty(&sealed)?)?;
        ui.line(format!("vault root              sealed; {threshold} of {count} shares recover it"));
        ui.line(format!("shares                  {}", folder.display()));
    }
    ui.object(&serde_json::json!({
        "ok": true,
        "key_id": identity.key_id(),
        "public_key": public_key_pem(identity.public_key_der()),
        "provenance": info.provenance,
        "model": info.model,
        "entropy": account,
        "patterns_shown": state.patterns,
        "pattern_budget": PATTERN_BUDGET,
        "shares": shares_written,
    }));
    Ok(ExitCode::Good)
}

fn parse_escrow(text: &str) -> anyhow::Result<(usize, usize)> {
    text.split_once('/')
        .and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)))
        .filter(|(k, n)| (2..=*n).contains(k) && *n <= 255)
        .ok_or_else(|| UsageError(format!("escrow `{text}`: K/N with 2 <= K <= N <= 255")).into())
}

fn write_shares(folder: &Path, shares: &[EscrowShare]) -> anyhow::Result<Vec<PathBuf>> {
    std::fs::create_dir_all(folder).with_context(|| format!("{}", folder.display()))?;
    shares
        .iter()
        .enumerate()
        .map(|(i, share)| {
            let path = folder.join(format!("share-{}.txt", i + 1));
            let mut file = std::fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
                .with_context(|| format!("{}", path.display()))?;
            file.write_all(share.to_text().as_bytes()).and_then(|()| file.write_all(b"\n"))?;
            Ok(path)
        })
        .collect()
}
