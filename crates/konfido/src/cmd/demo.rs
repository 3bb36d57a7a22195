//! `konfido demo`: a four-country circle on this machine, and one patient summary across a border.
//!
//! A doctor in Denmark identifies an Italian patient, confirms the treatment relationship, lists and retrieves the
//! patient summary from Italy's NCP-A through Denmark's NCP-B, over real sockets with mutual TLS, and opens the rendered
//! summary. With `KONFIDO_FIXTURES` set, every summary of OpenNCP's mock store crosses as well.
//!
//! The JSON of `--once --json` is a contract with scripts (DESIGN section 5): keys are added, never changed.

mod circle;
mod report;
mod scene;

use std::path::PathBuf;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use self::report::Report;
use crate::exit::ExitCode;
use crate::ui::Ui;

/// Arguments of `konfido demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// End after the exchange; without it the nodes stay up until Ctrl-C.
    #[arg(long)]
    once: bool,
    /// Where keys, store and pages are kept [default: the user's state directory].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Third-party fixtures, whose mock summaries are sent across too [default: KONFIDO_FIXTURES].
    #[arg(long, value_name = "DIR")]
    fixtures: Option<PathBuf>,
}

/// Runs the demo.
pub(crate) fn run(args: Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("could not start the runtime")?;
    runtime.block_on(play(args, ui))
}

async fn play(args: Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    let dir = match args.dir {
        Some(dir) => dir,
        None => default_dir(),
    };
    let fixtures = args
        .fixtures
        .or_else(|| std::env::var_os("KONFIDO_FIXTURES").map(PathBuf::from))
        .filter(|dir| !dir.as_os_str().is_empty());
    let mut report = Report::new(ui);
    ui.heading("A patient summary crosses a border: Italy to Denmark");
    let ended = scene::play(&dir, fixtures.as_deref(), &mut report).await;
    match &ended {
        Ok(stage) => {
            report.count_audit(&stage.audit());
            ui.line("");
            ui.heading("Where to look");
            ui.line(format!("  the summary as the doctor reads it  {}", stage.page.display()));
            let audit = stage.export_audit(&dir)?;
            ui.line(format!("  the audit trail of both sides       {}", audit.display()));
            ui.line(format!("  documents and keys of this demo     {}", dir.display()));
        }
        Err(error) => ui.error(error),
    }
    let code = ExitCode::from_verdict(report.is_ok() && ended.is_ok());
    ui.object(&report.finish());
    if let Ok(stage) = ended {
        if !args.once {
            ui.note(format!("Italy's NCP-A stays at {} until Ctrl-C", stage.address));
            let mut term = signal(SignalKind::terminate()).context("could not wait for SIGTERM")?;
            tokio::select! {
                interrupted = tokio::signal::ctrl_c() => interrupted.context("could not wait for Ctrl-C")?,
                _ = term.recv() => {}
            }
        }
        stage.end().await;
    }
    Ok(code)
}

/// `$XDG_STATE_HOME/konfido/demo`, or its default, or a place in the temporary directory.
fn default_dir() -> PathBuf {
    let state = std::env::var_os("XDG_STATE_HOME")
        .filter(|v| !v.is_empty())
        .map(PathBuf::from)
        .or_else(|| {
            std::env::var_os("HOME")
                .filter(|v| !v.is_empty())
                .map(|home| PathBuf::from(home).join(".local/state"))
        })
        .unwrap_or_else(std::env::temp_dir);
    state.join("konfido").join("demo")
}
