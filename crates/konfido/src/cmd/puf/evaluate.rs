//! `konfido puf evaluate`: uniqueness and reliability, as a page that a person wants to look at.

use std::path::PathBuf;

use anyhow::Context as _;
use konfido_puf::evaluate::{self, Plan};

use super::DeviceArgs;
use crate::exit::ExitCode;
use crate::ui::Ui;

/// Arguments of `konfido puf evaluate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    device: DeviceArgs,
    /// The report.
    #[arg(long, value_name = "FILE", default_value = "puf-report.html")]
    out: PathBuf,
    /// Measurements of the token.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(2..=2000))]
    measurements: u32,
    /// Other challenges to compare with.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(2..=256))]
    others: u32,
}

/// Measures and writes.
pub(super) fn run(args: &Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    let mut opened = args.device.open()?;
    let progress = ui.progress("measuring");
    let plan = Plan { measurements: args.measurements as usize, others: args.others as usize };
    let result = evaluate::evaluate(&mut *opened.device, &*opened.projection, opened.dark, &plan)?;
    drop(progress);
    let page = evaluate::page(&result, &args.device.device, &args.device.surroundings);
    std::fs::write(&args.out, page).with_context(|| format!("{}", args.out.display()))?;
    let s = &result.summary;
    ui.line(format!("inter-distance     {:.4} ± {:.4}", s.inter_mean, s.inter_deviation));
    ui.line(format!(
        "intra-distance     {:.4} all bits, {:.5} selected bits",
        s.intra_mean, s.selected_error_rate
    ));
    ui.line(format!(
        "errors in a word   mean {:.1}, most {} of {}",
        s.errors_mean, s.errors_most, s.correctable
    ));
    ui.line(format!("report             {}", args.out.display()));
    ui.object(&serde_json::json!({ "ok": true, "summary": s, "report": args.out }));
    Ok(ExitCode::Good)
}
