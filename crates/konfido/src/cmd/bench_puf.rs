//! `konfido bench puf`: regeneration, decoding, and the generator beside OpenSSL's.

use std::time::{Duration, Instant};

use konfido_keys::software::SystemRng;
use konfido_puf::Word;
use konfido_puf::bch::{Bch, P1};
use konfido_puf::device::Frame;
use konfido_puf::device::SpeckleDevice;
use konfido_puf::device::simulated::SimulatedDevice;
use konfido_puf::entropy::{CtrDrbg, MAX_REQUEST, SEED_BYTES};
use konfido_puf::extractor::{EnrolOptions, Regenerator, enrol};
use konfido_puf::hash;
use konfido_puf::sim::{Surroundings, TokenModel};

use super::bench::Report;
use crate::exit::ExitCode;
use crate::ui::Ui;

/// Arguments of `konfido bench puf`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Repetitions of each measured step; the median counts.
const ROUNDS: usize = 101;

/// Measures.
pub(crate) fn run(_: &Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    let progress = ui.progress("measuring");
    let mut report = Report::new("puf");

    let projection = hash::by_model("sim-pattern-256")?;
    let seed = SimulatedDevice::seed_from_name("bench");
    let mut device = SimulatedDevice::new(TokenModel::PATTERN, seed, Surroundings::FIELD, [1; 32]);
    let options = EnrolOptions { frames: 1, ..EnrolOptions::default() };
    let enrolled = enrol(&mut device, &*projection, &SystemRng, &options)?;
    device.begin()?;
    let mut frames: Vec<Vec<Frame>> = Vec::new();
    for challenge in enrolled.helper.challenges() {
        device.set_challenge(challenge)?;
        frames.push(device.capture(1)?);
    }
    let regenerator = Regenerator::new(&*projection, &enrolled.helper, b"");
    regenerator.from_frames(&frames)?;
    report.result("regenerate_ms", median(|| regenerator.from_frames(&frames).is_ok()), "ms");

    for (name, code, t) in [("decode_ms", &*P1, 170), ("decode_t64_ms", &t64()?, 64)] {
        let sent = code.encode(&Word::from_bits((0..code.k()).map(|i| i % 3 == 0)));
        let mut received = sent.clone();
        for i in 0..t {
            received.put(i * 11, !sent.bit(i * 11));
        }
        anyhow::ensure!(bool::from(code.decode(&received).1), "the decoder failed");
        report.result(name, median(|| bool::from(code.decode(std::hint::black_box(&received)).1)), "ms");
    }

    let ours = generator_rate()?;
    report.result("drbg_mb_per_s", ours, "MB/s");
    progress.say("measuring OpenSSL");
    match openssl_rate() {
        Some((rate, version)) => {
            report.result("openssl_rand_mb_per_s", rate, "MB/s");
            report.ratio("drbg_over_openssl", ours / rate, ">=0.5", version);
        }
        None => ui.note("no `openssl` to compare with: drbg_over_openssl is left out"),
    }
    drop(progress);
    report.print(ui);
    Ok(ExitCode::Good)
}

fn t64() -> anyhow::Result<Bch> {
    Bch::new(64).ok_or_else(|| anyhow::anyhow!("no code of t = 64"))
}

/// Median in milliseconds.
fn median(mut work: impl FnMut() -> bool) -> f64 {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            std::hint::black_box(work());
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times.get(ROUNDS / 2).map_or(f64::NAN, |t| t.as_secs_f64() * 1e3)
}

/// Megabytes a second of processor time, in requests of 16 KiB, as `openssl speed` measures them.
fn generator_rate() -> anyhow::Result<f64> {
    let mut drbg = CtrDrbg::new(&[7; SEED_BYTES], b"bench")?;
    let mut buffer = vec![0; MAX_REQUEST / 4];
    let (start, busy) = (Instant::now(), processor_time());
    let mut bytes = 0u64;
    while start.elapsed() < Duration::from_secs(2) {
        for _ in 0..64 {
            drbg.generate(&mut buffer, &[])?;
            bytes += buffer.len() as u64;
        }
    }
    let spent = match (busy, processor_time()) {
        (Some(before), Some(after)) if after > before => after - before,
        _ => start.elapsed(),
    };
    Ok(bytes as f64 / 1e6 / spent.as_secs_f64())
}

/// Time that this thread has run: on a busy machine the clock on the wall would count others' work.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}

/// The same of OpenSSL's default generator (CTR_DRBG AES-256), by its own programme.
fn openssl_rate() -> Option<(f64, String)> {
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new("openssl").args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let version = run(&["version"])?.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    // `+F:<number>:rand:<bytes per second>`
    let speed = run(&["speed", "-mr", "-seconds", "2", "-bytes", "16384", "rand"])?;
    let rate: f64 =
        speed.lines().find(|line| line.contains(":rand:"))?.rsplit(':').next()?.trim().parse().ok()?;
    Some((rate / 1e6, format!("{version} RAND_bytes")))
}
