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
    /// OpenNCP's fixtures, whose mock summaries are sent across too.
    #[arg(long, env = "KONFIDO_FIXTURES", value_name = "DIR", hide_env_values = true)]
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
    let mut report = Report::new(ui);
    ui.heading("A patient summary crosses a border: Italy to Denmark");
    let ended =
        scene::play(&dir, args.fixtures.as_deref().filter(|f| !f.as_os_str().is_empty()), &mut report).await;
    match &ended {
        Ok(stage) => {
            report.count_audit(&stage.audit());
            ui.line("");
            ui.heading("Where to look");
            ui.line(format!("  the summary as the doctor reads it  {}", stage.page.display()));
            ui.line(format!("  documents and keys of this demo     {}", dir.display()));
        }
        Err(error) => ui.error(error),
    }
    let code = ExitCode::from_verdict(report.is_ok() && ended.is_ok());
    ui.object(&report.finish());
    if let Ok(stage) = ended {
        if !args.once {
            ui.note(format!("Italy's NCP-A stays at {} until Ctrl-C", stage.address));
            tokio::signal::ctrl_c().await.context("could not wait for Ctrl-C")?;
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
