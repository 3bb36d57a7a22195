//! Replay of measured transmission matrices: a real multimode fibre (two polarisations, 55 modes each), its drift
//! and its deformation, without the fibre.
//!
//! A challenge is a random phase for each input mode; the frame shows the two polarisations side by side, each
//! `|modes_out^T (T c)|^2`, as a camera behind the fibre would.

use std::path::{Path, PathBuf};

use chacha20::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};
use rustfft::num_complex::Complex64;

use super::{Challenge, DeviceInfo, Frame, Provenance, SpeckleDevice, frames};
use crate::error::{PufError, Result};
use crate::npy::Matrix;

/// Name of the device model.
pub const FIBRE_MODEL: &str = "mmf-gif50";
/// File of the mode map.
pub const MODE_MAP: &str = "modes_out_after_correction.npy";
/// How many challenges a recorded fibre answers to: any, but a number has to be set.
const CHALLENGES: u32 = 1 << 20;

/// A recorded fibre in a list of states.
#[derive(Debug)]
pub struct FibreDevice {
    info: DeviceInfo,
    modes: Matrix,
    /// Brightest pixel of the mean profile: fixes the exposure.
    brightest: f64,
    states: Vec<(String, Matrix)>,
    current: Option<usize>,
    lit: Option<u32>,
}

impl FibreDevice {
    /// Opens the states `TM_modes_<name>.npz` in `directory`; each measurement takes the next of them.
    pub fn open(directory: &Path, names: &[&str]) -> Result<Self> {
        let modes = Matrix::read(&directory.join(MODE_MAP), "")?;
        let side = (modes.columns as f64).sqrt() as usize;
        let states = names
            .iter()
            .map(|name| {
                let path: PathBuf = directory.join(format!("TM_modes_{name}.npz"));
                let matrix = Matrix::read(&path, "TM_corr_modes")?;
                if matrix.rows != 2 * modes.rows || side * side != modes.columns {
                    return Err(PufError::malformed("transmission matrix", "does not fit the mode map"));
                }
                Ok(((*name).to_owned(), normalised(matrix)))
            })
            .collect::<Result<Vec<_>>>()?;
        if states.is_empty() {
            return Err(PufError::Device("no state named".into()));
        }
        let info = DeviceInfo {
            model: FIBRE_MODEL.into(),
            provenance: Provenance::Replay,
            width: 2 * side,
            height: side,
            bit_depth: 16,
            electrons_per_dn: None,
        };
        let brightest = profile(&modes).into_iter().fold(0.0, f64::max);
        Ok(Self { info, modes, brightest, states, current: None, lit: None })
    }

    /// All states in a directory, in the order of the micrometre screw.
    pub fn states(directory: &Path) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(|error| PufError::file(directory, error))? {
            let name = entry.map_err(|error| PufError::file(directory, error))?.file_name();
            let name = name.to_string_lossy();
            if let Some(state) = name.strip_prefix("TM_modes_").and_then(|n| n.strip_suffix(".npz")) {
                found.push((state.parse::<f64>().unwrap_or(f64::MAX), state.to_owned()));
            }
        }
        found.sort_by(|a, b| a.0.total_cmp(&b.0));
        Ok(found.into_iter().map(|(_, name)| name).collect())
    }
}

/// Mean intensity of each pixel over random fields: the sum of the modes' intensities.
pub(crate) fn profile(modes: &Matrix) -> Vec<f64> {
    let mut sum = vec![0.0; modes.columns];
    for mode in modes.iter_rows() {
        for (s, value) in sum.iter_mut().zip(mode) {
            *s += value.norm_sqr();
        }
    }
    sum
}

/// Scaled so that a challenge of unit modulus gives output modes of unit mean square.
fn normalised(mut matrix: Matrix) -> Matrix {
    let power: f64 = matrix.entries.iter().map(Complex64::norm_sqr).sum();
    let scale = (matrix.rows as f64 / power.max(f64::MIN_POSITIVE)).sqrt();
    for entry in &mut matrix.entries {
        *entry *= scale;
    }
    matrix
}

impl SpeckleDevice for FibreDevice {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn begin(&mut self) -> Result<()> {
        self.current = Some(self.current.map_or(0, |c| (c + 1) % self.states.len().max(1)));
        Ok(())
    }

    fn challenge_set(&self, set: [u8; 16], count: usize) -> Result<Vec<Challenge>> {
        // Draw from a window of the challenges, so that the order costs little.
        let [a, b, c, ..] = set;
        let start = u32::from_le_bytes([a, b, c, 0]) % (CHALLENGES - 2048);
        let mut numbers: Vec<u32> = (start..start + 2048).collect();
        frames::choose(&mut numbers, set, count);
        Ok(numbers.into_iter().map(Challenge::Recorded).collect())
    }

    fn set_challenge(&mut self, challenge: &Challenge) -> Result<()> {
        match challenge {
            Challenge::Recorded(number) if *number < CHALLENGES => {
                self.lit = Some(*number);
                Ok(())
            }
            _ => Err(PufError::Device("the fibre does not know this challenge".into())),
        }
    }

    fn capture(&mut self, count: usize) -> Result<Vec<Frame>> {
        let number = self.lit.ok_or_else(|| PufError::Device("no challenge is set".into()))?;
        let (_, matrix) = self
            .current
            .and_then(|c| self.states.get(c))
            .ok_or_else(|| PufError::Device("no measurement begun".into()))?;
        let mut rng = ChaCha8Rng::seed_from_u64(u64::from(number));
        let input: Vec<Complex64> = (0..matrix.columns)
            .map(|_| Complex64::cis(std::f64::consts::TAU * f64::from(rng.next_u32()) / 4_294_967_296.0))
            .collect();
        let output: Vec<Complex64> =
            matrix.iter_rows().map(|row| row.iter().zip(&input).map(|(m, c)| m * c).sum()).collect();
        let polarisations: Vec<Vec<u16>> = output
            .chunks_exact(self.modes.rows)
            .map(|coefficients| {
                let mut field = vec![Complex64::default(); self.modes.columns];
                for (mode, a) in self.modes.iter_rows().zip(coefficients) {
                    for (sum, value) in field.iter_mut().zip(mode) {
                        *sum += value * a;
                    }
                }
                // Twelve times the mean at full scale: e^-12 of the brightest pixels saturate.
                let scale = 65_535.0 / (12.0 * self.brightest);
                field.iter().map(|e| (e.norm_sqr() * scale).round().min(65_535.0) as u16).collect()
            })
            .collect();
        let side = self.info.height;
        let mut pixels = Vec::with_capacity(2 * side * side);
        if let [left, right] = polarisations.as_slice() {
            for (l, r) in left.chunks_exact(side).zip(right.chunks_exact(side)) {
                pixels.extend_from_slice(l);
                pixels.extend_from_slice(r);
            }
        }
        let frame = Frame::new(self.info.width, side, 16, pixels)?;
        Ok(vec![frame; count.min(64)])
    }
}
