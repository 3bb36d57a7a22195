//! `konfido bench NAME`: figures, each beside a peer measured in the same run.

mod report;

use clap::Subcommand;

use super::{bench_exchange, bench_puf};
use crate::exit::ExitCode;
use crate::ui::Ui;

pub(crate) use self::report::Report;

/// Arguments of `konfido bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    bench: Bench,
}

/// Every bench. Its arguments and its work are in `cmd/bench_<name>.rs`.
#[derive(Debug, Subcommand)]
enum Bench {
    /// One retrieve across a border, beside what its signatures, records and syncs cost alone.
    Exchange(bench_exchange::Args),
    /// Key regeneration, decoding, random bytes.
    Puf(bench_puf::Args),
}

/// Runs the chosen bench.
pub(crate) fn run(args: Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    match args.bench {
        Bench::Exchange(args) => bench_exchange::run(&args, ui),
        Bench::Puf(args) => bench_puf::run(&args, ui),
    }
}
