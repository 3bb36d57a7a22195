//! `konfido puf doctor`: a look at the frames and at the margin.

use std::path::PathBuf;

use konfido_puf::doctor::{self, Severity};
use konfido_puf::protocol::root::ROOT_CONTEXT;
use konfido_puf::store::Store;

use super::{DeviceArgs, now};
use crate::exit::ExitCode;
use crate::ui::Ui;

/// Arguments of `konfido puf doctor`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    device: DeviceArgs,
    /// Folder of the enrolment; without it, only the frames are examined.
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

/// Examines.
pub(super) fn run(args: &Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    let mut opened = args.device.open()?;
    let progress = ui.progress("examining the token");
    let findings = match &args.store {
        Some(folder) => doctor::examine(
            &Store::open(folder)?,
            &mut *opened.device,
            &*opened.projection,
            opened.dark,
            ROOT_CONTEXT,
            now(),
        )?,
        None => {
            opened.device.begin()?;
            let set = opened.device.challenge_set([0; 16], 1)?;
            match set.first() {
                Some(challenge) => doctor::examine_frames(&mut *opened.device, opened.dark, challenge)?,
                None => Vec::new(),
            }
        }
    };
    drop(progress);
    for finding in &findings {
        let sign = match finding.severity {
            Severity::Good => "✓",
            Severity::Warning => "!",
            Severity::Bad => "✗",
        };
        ui.line(format!("{sign} {:<12} {}", finding.check, finding.found));
        if !finding.advice.is_empty() {
            ui.line(format!("  {:<12} → {}", "", finding.advice));
        }
    }
    let well = findings.iter().all(|f| f.severity != Severity::Bad);
    ui.object(&serde_json::json!({ "ok": well, "findings": findings }));
    Ok(ExitCode::from_verdict(well))
}
