//! `konfido bench exchange`: a retrieve NCP-B → NCP-A → NCP-B of a 100 KB summary on warm connections, beside its floor.
//!
//! The floor is what one retrieve can't do without, done bare in the same run and in turn with the exchange: the
//! signatures it makes and verifies, its TLS records, its digests, its sealed and synchronised audit records, and one
//! parse and canonicalisation of the document. What can be counted is counted in the exchange itself (signatures made,
//! syncs, bytes of records and audit); the signatures verified follow from the protocol: two assertions, and four
//! certificates (each side's peer, two signers), each with its issuer's signature and that of the revocation list.
//!
//! What it can't tell: both roles share this process, this machine and its disk; memory is that of both together.

mod floor;
mod stage;

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use konfido_ihe::Group;

use self::floor::{Counts, Floor};
use self::stage::Stage;
use super::bench::Report;
use crate::exit::ExitCode;
use crate::ui::Ui;

/// Arguments of `konfido bench exchange`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Exchanges measured one after the other.
    #[arg(long, default_value_t = 300)]
    rounds: u32,
    /// Bytes of the summary.
    #[arg(long, default_value_t = 100_000)]
    bytes: usize,
}

/// Exchanges before anything counts.
const WARM: u32 = 20;
/// Exchanges at once, for throughput.
const LANES: u32 = 16;
/// Exchanges of each lane.
const EACH: u32 = 40;
/// Exchanges at once, for memory.
const CROWD: u32 = 200;
/// Kernel ticks a second, as `/proc` counts them for every process (`USER_HZ`).
const TICKS: f64 = 100.0;

/// Measures.
pub(crate) fn run(args: &Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")?;
    runtime.block_on(measure(args, ui))
}

async fn measure(args: &Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    ensure!(args.rounds > 0, "at least one round");
    let progress = ui.progress("starting two countries");
    let stage = Stage::start(args.bytes).await?;
    let idle = memory("VmRSS:")?;
    for _ in 0..WARM {
        stage.retrieve().await?;
    }
    progress.say("measuring, exchange and floor in turn");
    let before = stage.marks();
    let facts = stage.retrieve().await?;
    let counts = Counts::between(&before, &stage.marks(), &facts);
    let mut floor = Floor::new(&stage, counts.clone())?;
    let (mut exchanges, mut floors) = (Vec::new(), Vec::new());
    for _ in 0..args.rounds {
        let begun = Instant::now();
        stage.retrieve().await?;
        exchanges.push(begun.elapsed());
        let begun = Instant::now();
        tokio::task::block_in_place(|| floor.round())?;
        floors.push(begun.elapsed());
    }
    exchanges.sort_unstable();
    floors.sort_unstable();

    progress.say("measuring throughput");
    let (cpu, begun) = (cpu_seconds()?, Instant::now());
    crowd(&stage, LANES, EACH).await?;
    let (cpu, wall) = (cpu_seconds()? - cpu, begun.elapsed());
    let done = f64::from(LANES * EACH);

    progress.say("measuring memory under 200 retrieves at once");
    // Forgets the peak so far, so that the next one is the crowd's (proc(5), clear_refs).
    let _old_kernel = std::fs::write("/proc/self/clear_refs", "5");
    crowd(&stage, CROWD, 3).await?;
    let crowded = memory("VmHWM:")?;
    drop(progress);

    let mut report = Report::new("exchange");
    report.ratio(
        "exchange_over_floor",
        quantile(&exchanges, 0.5) / quantile(&floors, 0.5),
        "<=2.0",
        format!("the floor: {counts}"),
    );
    report.result("p50_ms", quantile(&exchanges, 0.5), "ms");
    report.result("p99_ms", quantile(&exchanges, 0.99), "ms");
    report.result("floor_p50_ms", quantile(&floors, 0.5), "ms");
    for (name, took) in floor.parts() {
        report.result(name, took.as_secs_f64() * 1000.0 / f64::from(args.rounds), "ms");
    }
    report.result("exchanges_per_s_core", done / cpu.max(0.01), "1/s of processor time, both roles");
    report.result("exchanges_per_s", done / wall.as_secs_f64(), "1/s");
    report.result("idle_rss_mb", idle, "MB, both roles");
    report.result("rss_200_mb", crowded, "MB at most, both roles");
    report.print(ui);
    stage.end().await;
    Ok(ExitCode::Good)
}

/// So many lanes, each with so many retrieves one after the other.
async fn crowd(stage: &Stage, lanes: u32, each: u32) -> anyhow::Result<()> {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..lanes {
        let stage = stage.clone();
        tasks.spawn(async move {
            for _ in 0..each {
                stage.retrieve().await?;
            }
            anyhow::Ok(())
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.context("a lane broke")??;
    }
    Ok(())
}

/// Milliseconds that this share of the sorted times stays within.
fn quantile(sorted: &[Duration], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).map_or(f64::NAN, |took| took.as_secs_f64() * 1000.0)
}

/// A line of `/proc/self/status`, in MB of 1024 kB.
fn memory(line: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status").context("no `/proc/self/status`")?;
    let text =
        status.lines().find_map(|l| l.strip_prefix(line)).context("no memory in `/proc/self/status`")?;
    let kilobytes: f64 = text.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes / 1024.0)
}

/// Processor time of this process, user and system (proc(5), `stat`, fields 14 and 15).
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").context("no `/proc/self/stat`")?;
    let (_, fields) = stat.rsplit_once(')').context("`/proc/self/stat` has no name")?;
    let ticks: Vec<f64> = fields.split_whitespace().skip(11).take(2).filter_map(|f| f.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() / TICKS)
}

const GROUP: Group = Group::PatientSummary;
