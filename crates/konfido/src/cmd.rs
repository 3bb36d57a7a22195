//! The subcommands, one file each.
//!
//! A module here offers `pub(crate) struct Args` (deriving `clap::Args` and `Debug`) and
//! `pub(crate) fn run(args: Args, ui: &Ui) -> anyhow::Result<ExitCode>`; it is entered by one line in the enum and one
//! in the match of `cli.rs`. With `--json` (`ui.is_json()`) a command prints exactly one object by `ui.object`.

pub(crate) mod attest;
pub(crate) mod bench;
pub(crate) mod bench_exchange;
pub(crate) mod bench_puf;
pub(crate) mod cda;
pub(crate) mod circle;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod entropy;
pub(crate) mod ncp;
pub(crate) mod node;
pub(crate) mod pki;
pub(crate) mod saml;
pub(crate) mod puf;
pub(crate) mod vault;
pub(crate) mod xml;
