//! The command line: one enum, one line a subcommand, each in a file of its own under `cmd/`.

use clap::{Parser, Subcommand};

use crate::cmd;
use crate::exit::ExitCode;
use crate::ui::Ui;

/// A secure and trusted exchange of patient summaries and prescriptions between countries.
#[derive(Debug, Parser)]
#[command(name = "konfido", version, about, propagate_version = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// Print one JSON object to standard output and nothing else.
    #[arg(long, global = true)]
    json: bool,
    /// Keep remarks and progress off standard error.
    #[arg(long, short, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

/// Every subcommand. Its arguments and its work are in `cmd/<name>.rs`.
#[derive(Debug, Subcommand)]
enum Command {
    /// Judge attestation evidence: SGX and TDX quotes, SNP reports, TPM quotes.
    Attest(cmd::attest::Args),
    /// Measure, beside a peer in the same run.
    Bench(cmd::bench::Args),
    /// Check and render clinical documents.
    Cda(cmd::cda::Args),
    /// Run the vault that owns the keys, or ask how it is.
    Vault(cmd::vault::Args),
    /// Write a completion script for a shell.
    Completions(cmd::completions::Args),
    /// Send a patient summary across a border, on this machine.
    Demo(cmd::demo::Args),
    /// Show assertions and how far they are to be believed.
    Saml(cmd::saml::Args),
    /// Random bytes from a token's noise, and the health of that noise.
    Entropy(cmd::entropy::Args),
    /// Keys from an optical token.
    Puf(cmd::puf::Args),
    /// Verify, sign, encrypt and decrypt XML.
    Xml(cmd::xml::Args),
    /// Ask another country as an operator or a script: NCP-B from the command line.
    Ncp(cmd::ncp::Args),
    /// Run a country's node.
    Node(cmd::node::Args),
    /// Make, sign, verify and show the file that says who belongs to the circle.
    Circle(cmd::circle::Args),
    /// Make a development PKI and judge certificates.
    Pki(cmd::pki::Args),
}

impl Cli {
    /// How this run speaks.
    pub(crate) fn ui(&self) -> Ui {
        Ui::new(self.json, self.quiet)
    }

    /// Runs the chosen subcommand.
    pub(crate) fn run(self, ui: &Ui) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Attest(args) => cmd::attest::run(args, ui),
            Command::Bench(args) => cmd::bench::run(args, ui),
            Command::Cda(args) => cmd::cda::run(args, ui),
            Command::Vault(args) => cmd::vault::run(args, ui),
            Command::Completions(args) => cmd::completions::run(args, ui),
            Command::Demo(args) => cmd::demo::run(args, ui),
            Command::Saml(args) => cmd::saml::run(args, ui),
            Command::Entropy(args) => cmd::entropy::run(args, ui),
            Command::Puf(args) => cmd::puf::run(args, ui),
            Command::Xml(args) => cmd::xml::run(args, ui),
            Command::Ncp(args) => cmd::ncp::run(args, ui),
            Command::Node(args) => cmd::node::run(args, ui),
            Command::Circle(args) => cmd::circle::run(args, ui),
            Command::Pki(args) => cmd::pki::run(args, ui),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
