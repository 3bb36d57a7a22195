//! `konfido completions SHELL`: the completion script of a shell, to standard output.

use clap::CommandFactory;
use clap_complete::Shell;
use serde::Serialize;

use crate::cli::Cli;
use crate::exit::ExitCode;
use crate::ui::Ui;

/// Arguments of `konfido completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell to complete for.
    shell: Shell,
}

#[derive(Serialize)]
struct Script {
    shell: String,
    script: String,
}

/// Prints the script.
pub(crate) fn run(args: Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "konfido", &mut script);
    if ui.is_json() {
        ui.object(&Script {
            shell: args.shell.to_string(),
            script: String::from_utf8_lossy(&script).into_owned(),
        });
    } else {
        ui.raw(&script);
    }
    Ok(ExitCode::Good)
}
