//! A directory of recorded frames: PNG, TIFF, or raw 16-bit little-endian.
//!
//! File names say what a frame is, in parts joined by `_`: `c<number>` is the challenge, `f<number>` the frame
//! within one measurement, and all other parts together name the measurement (`c0003_m2_f1.png`,
//! `mmf_c1000_dx5.04.png`). An optional `device.json` names the device model, the pixel depth and, for raw files,
//! their size. Frames on a disk are a recording whatever camera made them, so the provenance is `Replay` (or
//! `Simulated`, where `device.json` admits it).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chacha20::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::{Challenge, DeviceInfo, Frame, MAX_PIXELS, Provenance, SpeckleDevice};
use crate::error::{PufError, Result};

/// The file beside the frames.
pub const SIDECAR: &str = "device.json";

/// What [`SIDECAR`] may say.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sidecar {
    /// Device model.
    pub model: Option<String>,
    /// Bits of a pixel, where the files hold fewer than 16.
    pub bit_depth: Option<u8>,
    /// Width of raw files.
    pub width: Option<usize>,
    /// Height of raw files.
    pub height: Option<usize>,
    /// Electrons per digital number.
    pub electrons_per_dn: Option<f32>,
    /// Whether the frames were computed.
    pub simulated: bool,
}

/// A directory of frames.
#[derive(Debug)]
pub struct FramesDevice {
    info: DeviceInfo,
    sidecar: Sidecar,
    /// Challenge, then measurement, then its frames in order.
    files: BTreeMap<u32, BTreeMap<String, Vec<PathBuf>>>,
    measurements: Vec<String>,
    current: Option<usize>,
    lit: Option<u32>,
    taken: usize,
}

impl FramesDevice {
    /// Opens `directory`; with `only`, just the measurements whose name contains that text.
    pub fn open(directory: &Path, only: Option<&str>) -> Result<Self> {
        let sidecar = match std::fs::read(directory.join(SIDECAR)) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| PufError::malformed("device.json", error.to_string()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Sidecar::default(),
            Err(error) => return Err(PufError::file(&directory.join(SIDECAR), error)),
        };
        let mut files: BTreeMap<u32, BTreeMap<String, Vec<PathBuf>>> = BTreeMap::new();
        let mut names = BTreeSet::new();
        for entry in std::fs::read_dir(directory).map_err(|error| PufError::file(directory, error))? {
            let path = entry.map_err(|error| PufError::file(directory, error))?.path();
            let known = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
            if !matches!(known.as_deref(), Some("png" | "tif" | "tiff" | "raw")) {
                continue;
            }
            let Some((challenge, measurement)) = path.file_stem().and_then(|s| s.to_str()).and_then(parts)
            else {
                continue;
            };
            if only.is_some_and(|text| !measurement.contains(text)) {
                continue;
            }
            names.insert(measurement.clone());
            files.entry(challenge).or_default().entry(measurement).or_default().push(path);
        }
        for measurement in files.values_mut() {
            measurement.values_mut().for_each(|paths| paths.sort());
        }
        let first = files
            .values()
            .next()
            .and_then(|m| m.values().next())
            .and_then(|p| p.first())
            .ok_or_else(|| PufError::Device(format!("no frames in {}", directory.display())))?;
        let frame = read(first, &sidecar)?;
        let info = DeviceInfo {
            model: sidecar.model.clone().unwrap_or_else(|| "frames".into()),
            provenance: if sidecar.simulated { Provenance::Simulated } else { Provenance::Replay },
            width: frame.width(),
            height: frame.height(),
            bit_depth: frame.bit_depth(),
            electrons_per_dn: sidecar.electrons_per_dn,
        };
        let measurements = names.into_iter().collect();
        Ok(Self { info, sidecar, files, measurements, current: None, lit: None, taken: 0 })
    }

    /// Names of the measurements, in the order in which [`SpeckleDevice::begin`] walks through them.
    #[must_use]
    pub fn measurements(&self) -> &[String] {
        &self.measurements
    }

    /// The recorded challenges.
    pub fn challenges(&self) -> impl Iterator<Item = Challenge> + '_ {
        self.files.keys().map(|&number| Challenge::Recorded(number))
    }
}

impl SpeckleDevice for FramesDevice {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn begin(&mut self) -> Result<()> {
        self.current = Some(self.current.map_or(0, |c| (c + 1) % self.measurements.len().max(1)));
        Ok(())
    }

    fn challenge_set(&self, set: [u8; 16], count: usize) -> Result<Vec<Challenge>> {
        let mut numbers: Vec<u32> = self.files.keys().copied().collect();
        if numbers.len() < count {
            return Err(PufError::Device(format!("{} challenges recorded, {count} needed", numbers.len())));
        }
        choose(&mut numbers, set, count);
        Ok(numbers.into_iter().map(Challenge::Recorded).collect())
    }

    fn set_challenge(&mut self, challenge: &Challenge) -> Result<()> {
        match challenge {
            Challenge::Recorded(number) if self.files.contains_key(number) => {
                self.lit = Some(*number);
                self.taken = 0;
                Ok(())
            }
            _ => Err(PufError::Device("this challenge is not recorded".into())),
        }
    }

    fn capture(&mut self, count: usize) -> Result<Vec<Frame>> {
        let measurement = self.current.and_then(|c| self.measurements.get(c));
        let paths = self
            .lit
            .and_then(|number| self.files.get(&number))
            .zip(measurement)
            .and_then(|(by_name, name)| by_name.get(name))
            .ok_or_else(|| PufError::Device("no frame recorded for this challenge and measurement".into()))?;
        let frames = paths.iter().cycle().skip(self.taken % paths.len().max(1)).take(count.min(64));
        let frames = frames.map(|path| read(path, &self.sidecar)).collect::<Result<Vec<_>>>()?;
        self.taken += frames.len();
        Ok(frames)
    }
}

/// `count` of `numbers` in an order that the public string decides.
pub(super) fn choose(numbers: &mut Vec<u32>, set: [u8; 16], count: usize) {
    let mut seed = [0; 32];
    for (to, from) in seed.iter_mut().zip(set) {
        *to = from;
    }
    let mut rng = ChaCha8Rng::from_seed(seed);
    for i in (1..numbers.len()).rev() {
        numbers.swap(i, rng.next_u32() as usize % (i + 1));
    }
    numbers.truncate(count);
}

/// Challenge number and name of the measurement.
fn parts(stem: &str) -> Option<(u32, String)> {
    let numbered = |part: &str, letter: char| {
        part.strip_prefix(letter)
            .filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|digits| digits.parse::<u32>().ok())
    };
    let challenge = stem.split('_').find_map(|part| numbered(part, 'c'))?;
    let rest: Vec<&str> =
        stem.split('_').filter(|p| numbered(p, 'c').is_none() && numbered(p, 'f').is_none()).collect();
    Some((challenge, rest.join("_")))
}

fn read(path: &Path, sidecar: &Sidecar) -> Result<Frame> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("raw")) {
        let (Some(width), Some(height)) = (sidecar.width, sidecar.height) else {
            return Err(PufError::Device("raw frames need width and height in device.json".into()));
        };
        let bytes = std::fs::read(path).map_err(|error| PufError::file(path, error))?;
        let (pairs, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(PufError::malformed("raw frame", "an odd number of bytes"));
        }
        let pixels = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        return Frame::new(width, height, sidecar.bit_depth.unwrap_or(16), pixels);
    }
    let mut reader = image::ImageReader::open(path).map_err(|error| PufError::file(path, error))?;
    let mut limits = image::Limits::default();
    limits.max_alloc = Some(8 * MAX_PIXELS as u64);
    reader.limits(limits);
    let decoded = reader.decode().map_err(|error| PufError::malformed("image", error.to_string()))?;
    let eight_bit = matches!(decoded, image::DynamicImage::ImageLuma8(_));
    let luma = decoded.into_luma16();
    let (width, height) = (luma.width() as usize, luma.height() as usize);
    let depth = sidecar.bit_depth.unwrap_or(if eight_bit { 8 } else { 16 });
    let pixels = luma.into_raw().into_iter().map(|p| if eight_bit { p >> 8 } else { p }).collect();
    Frame::new(width, height, depth, pixels)
}

/// Writes a frame as 16-bit PNG (the digital numbers unscaled).
pub fn write_png(frame: &Frame, path: &Path) -> Result<()> {
    let image: image::ImageBuffer<image::Luma<u16>, Vec<u16>> =
        image::ImageBuffer::from_raw(frame.width() as u32, frame.height() as u32, frame.pixels().to_vec())
            .ok_or_else(|| PufError::malformed("frame", "wrong number of pixels"))?;
    image.save(path).map_err(|error| PufError::malformed("image", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_a_frame_is() {
        assert_eq!(parts("mmf_c1000_dx5.04"), Some((1000, "mmf_dx5.04".into())));
        assert_eq!(parts("c0003_m2_f1"), Some((3, "m2".into())));
        assert_eq!(parts("c3"), Some((3, String::new())));
        assert_eq!(parts("cat_picture"), None);
    }
}
