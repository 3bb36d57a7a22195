//! `konfido entropy`: random bytes from the token's noise, and the health of that noise.

use std::io::Write as _;

use clap::Subcommand;
use konfido_puf::PufError;
use konfido_puf::device::Provenance;
use konfido_puf::entropy::estimators::Estimates;
use konfido_puf::entropy::{EntropySource, MAX_REQUEST, MixedRng, NoiseSource};

use super::puf::DeviceArgs;
use crate::exit::ExitCode;
use crate::ui::Ui;

/// Arguments of `konfido entropy`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write random bytes to standard output.
    Stream(StreamArgs),
    /// Test a noise source and estimate its entropy.
    Health(HealthArgs),
}

#[derive(Debug, clap::Args)]
struct StreamArgs {
    /// How many bytes; without it, until the pipe closes.
    #[arg(long)]
    bytes: Option<u64>,
    /// Token reader whose camera's noise seeds the generator: sim:NAME, frames:DIR, v4l2:PATH.
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// Calibration file of the camera.
    #[arg(long, value_name = "FILE")]
    model: Option<std::path::PathBuf>,
    /// Give nothing unless the noise is of this kind.
    #[arg(long, value_name = "physical")]
    require: Option<Requirement>,
    /// Write the raw noise bits, one a byte, for assessment by other tools. Never use them as randomness.
    #[arg(long, requires = "device")]
    raw_noise: bool,
    /// Feed the kernel's pool instead of standard output (no credit is claimed).
    #[arg(long, conflicts_with = "raw_noise", requires = "bytes")]
    feed_kernel: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Requirement {
    /// A camera that looks at a token now.
    Physical,
}

#[derive(Debug, clap::Args)]
struct HealthArgs {
    /// Token reader.
    #[arg(long, value_name = "DEVICE", default_value = "sim:demo")]
    device: String,
    /// Calibration file of the camera.
    #[arg(long, value_name = "FILE")]
    model: Option<std::path::PathBuf>,
    /// Noise bits to test.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10_000..=100_000_000))]
    bits: u64,
}

/// Runs the chosen action.
pub(crate) fn run(args: Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    match args.action {
        Action::Stream(args) => stream(&args, ui),
        Action::Health(args) => health(&args, ui),
    }
}

fn open(device: &str, model: Option<&std::path::PathBuf>) -> anyhow::Result<EntropySource> {
    let args = DeviceArgs {
        device: device.to_owned(),
        surroundings: "still".into(),
        model: model.cloned(),
        production: false,
    };
    let opened = args.open()?;
    Ok(EntropySource::start(NoiseSource::new(opened.device, opened.dark)?)?)
}

fn stream(args: &StreamArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let source = args.device.as_deref().map(|device| open(device, args.model.as_ref())).transpose()?;
    let provenance = source.as_ref().map(|s| s.report().provenance);
    match provenance {
        Some(Provenance::Physical) => {
            ui.note("entropy: physical token, credited; mixed with the operating system's")
        }
        Some(other) => ui.note(format!(
            "entropy: the token's credit is 0 ({other}); the operating system's generator carries the output"
        )),
        None => {
            ui.note("entropy: no token, its credit is 0; the operating system's generator carries the output")
        }
    }
    if args.require.is_some() && provenance != Some(Provenance::Physical) {
        ui.note("entropy: a physical token is required: nothing written");
        return Ok(ExitCode::Environment);
    }
    let mut out: Box<dyn std::io::Write> = if args.feed_kernel {
        Box::new(std::fs::OpenOptions::new().write(true).open("/dev/urandom")?)
    } else {
        Box::new(std::io::stdout().lock())
    };
    let mut left = args.bytes.unwrap_or(u64::MAX);
    let mut buffer = zeroize::Zeroizing::new(vec![0; MAX_REQUEST]);
    let mut chunks: Box<dyn FnMut(&mut [u8]) -> Result<usize, PufError>> = match (source, args.raw_noise) {
        (Some(mut source), true) => {
            let mut pending = std::collections::VecDeque::new();
            Box::new(move |buffer: &mut [u8]| {
                while pending.len() < buffer.len() {
                    pending.extend(source.raw_bits()?.iter().map(|b| u8::from(*b)));
                }
                let wanted = buffer.len();
                for (to, from) in buffer.iter_mut().zip(pending.drain(..wanted)) {
                    *to = from;
                }
                Ok(wanted)
            })
        }
        (source, _) => {
            let rng = MixedRng::new(source)?;
            Box::new(move |buffer: &mut [u8]| rng.fill_bytes(buffer).map(|()| buffer.len()))
        }
    };
    while left > 0 {
        let wanted = usize::try_from(left).unwrap_or(MAX_REQUEST).min(MAX_REQUEST);
        let Some(part) = buffer.get_mut(..wanted) else { break };
        match chunks(part) {
            Ok(count) => left -= count as u64,
            Err(alarm) => {
                ui.note(format!("entropy: ALARM: {alarm}; output stopped"));
                return Ok(ExitCode::FoundWrong);
            }
        }
        // A reader that has enough closes the pipe; that is its right.
        match out.write_all(part) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(ExitCode::Good),
            other => other?,
        }
    }
    out.flush()?;
    Ok(ExitCode::Good)
}

fn health(args: &HealthArgs, ui: &Ui) -> anyhow::Result<ExitCode> {
    let progress = ui.progress("watching the noise");
    let judged = watch(args);
    drop(progress);
    let (report, estimates) = match judged {
        Ok(judged) => judged,
        Err(error) => match error.downcast_ref::<PufError>() {
            Some(PufError::Health(reason)) => {
                ui.line(format!("✗ ALARM: {reason}"));
                ui.object(&serde_json::json!({ "ok": false, "alarm": reason }));
                return Ok(ExitCode::FoundWrong);
            }
            _ => return Err(error),
        },
    };
    let h = report.health;
    ui.line(format!(
        "✓ source             {} camera, {} usable pixels, {} frames",
        report.provenance, report.usable_pixels, report.frames
    ));
    ui.line(format!("✓ repetition count   longest run {} (alarm at {})", h.longest_run, h.repetition_cutoff));
    ui.line(format!(
        "✓ adaptive proport.  highest count {} of 1024 (alarm at {})",
        h.highest_proportion, h.proportion_cutoff
    ));
    ui.line(format!(
        "  estimates          mcv {:.3}  collision {:.3}  markov {:.3}  compression {:.3}  t-tuple {:.3}  lrs {:.3}",
        estimates.most_common_value,
        estimates.collision,
        estimates.markov,
        estimates.compression,
        estimates.t_tuple,
        estimates.longest_repeat
    ));
    ui.line(format!("  credit             {} bits a noise bit", report.credit_per_bit));
    // 0.5 is what the chain credits a physical source; an estimate below it means the credit is a lie.
    let good = estimates.min() >= 0.5;
    ui.object(&serde_json::json!({ "ok": good, "source": report, "estimates": estimates }));
    Ok(ExitCode::from_verdict(good))
}

fn watch(args: &HealthArgs) -> anyhow::Result<(konfido_puf::entropy::SourceReport, Estimates)> {
    let mut source = open(&args.device, args.model.as_ref())?;
    let mut bits = Vec::new();
    while (bits.len() as u64) < args.bits {
        bits.extend(source.raw_bits()?.iter().map(|b| u8::from(*b)));
    }
    bits.truncate(args.bits as usize);
    Ok((source.report(), Estimates::of(&bits)))
}
