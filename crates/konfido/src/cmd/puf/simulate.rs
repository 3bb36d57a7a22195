//! `konfido puf simulate`: frames of a simulated token as a camera would save them.

use std::path::PathBuf;

use anyhow::Context as _;
use konfido_puf::device::frames::{SIDECAR, Sidecar, write_png};

use super::DeviceArgs;
use crate::exit::ExitCode;
use crate::ui::Ui;

/// Arguments of `konfido puf simulate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    device: DeviceArgs,
    /// Folder for the frames (16-bit PNG) and their `device.json`.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Challenges.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=256))]
    challenges: u32,
    /// Measurements, each in surroundings of its own.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=1000))]
    measurements: u32,
    /// Frames of a challenge in a measurement.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=64))]
    frames: u32,
    /// Names the challenge set: another number, other patterns.
    #[arg(long, default_value_t = 0)]
    set: u8,
}

/// Writes the frames.
pub(super) fn run(args: &Args, ui: &Ui) -> anyhow::Result<ExitCode> {
    let mut device = args.device.open()?.device;
    let info = device.info().clone();
    std::fs::create_dir_all(&args.out).with_context(|| format!("{}", args.out.display()))?;
    let set = device.challenge_set([args.set; 16], args.challenges as usize)?;
    let progress = ui.progress("exposing");
    let mut written = 0u32;
    for measurement in 0..args.measurements {
        device.begin()?;
        progress.say(&format!("measurement {measurement}"));
        for (number, challenge) in set.iter().enumerate() {
            device.set_challenge(challenge)?;
            for (index, frame) in device.capture(args.frames as usize)?.iter().enumerate() {
                let name = format!("c{number:03}_m{measurement:03}_f{index:02}.png");
                write_png(frame, &args.out.join(name))?;
                written += 1;
            }
        }
    }
    let sidecar = Sidecar {
        model: Some(info.model.clone()),
        bit_depth: Some(info.bit_depth),
        electrons_per_dn: info.electrons_per_dn,
        simulated: true,
        ..Sidecar::default()
    };
    let path = args.out.join(SIDECAR);
    std::fs::write(&path, serde_json::to_vec_pretty(&sidecar)?)
        .with_context(|| format!("{}", path.display()))?;
    drop(progress);
    ui.line(format!("{written} frames of {} x {} in {}", info.width, info.height, args.out.display()));
    ui.object(&serde_json::json!({ "ok": true, "frames": written, "folder": args.out }));
    Ok(ExitCode::Good)
}
