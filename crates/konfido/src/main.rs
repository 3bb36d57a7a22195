//! The `konfido` binary: command line, wiring of roles, demo and bench commands.

mod assembly;
mod cli;
mod cmd;
mod config;
mod exit;
mod files;
mod node;
mod ui;

use clap::Parser;

use crate::exit::ExitCode;

fn main() -> std::process::ExitCode {
    // clap itself ends with code 2 on a usage error and with 0 after --help and --version.
    let cli = cli::Cli::parse();
    let ui = cli.ui();
    match cli.run(&ui) {
        Ok(code) => code.into(),
        Err(error) => {
            ui.error(&error);
            let code: ExitCode = exit::code_of(&error);
            code.into()
        }
    }
}
