//! Device models: the public constants of the hash, calibrated once for a kind of device, never for a token.

use super::spectral::signed;
use super::{Layout, Projection, SpectralProjection};
use crate::device::Frame;
use crate::error::{PufError, Result};

/// Constants of a camera with a speckle image before it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceModel {
    /// Name, at most 32 bytes.
    pub name: String,
    /// Side of the square cut from the centre of a frame.
    pub grid: usize,
    /// Side of the low band of its spectrum; a power of two.
    pub band: usize,
    /// Dark level in digital numbers.
    pub dark: f32,
    /// Power spectrum of the square-rooted image at radius 0, 1, 2, ...; any common factor.
    pub spectrum: Vec<f32>,
    /// Assessed min-entropy per selected bit.
    pub assessed_entropy: f64,
    /// How the word is put together.
    #[serde(skip, default = "DeviceModel::pattern_layout")]
    pub layout: Layout,
}

/// What SP 800-90B's worst estimator (compression) gives for masked OWP bits, and for NIST's own true random bits:
/// the estimator's floor, taken as the assessment on purpose.
pub(super) const ASSESSED: f64 = 0.827;

impl DeviceModel {
    const fn pattern_layout() -> Layout {
        Layout { challenges: 4, selected: 512 }
    }

    /// The embedded simulator, whatever its challenge axis.
    #[must_use]
    pub fn simulator(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            grid: 256,
            band: 64,
            dark: 64.0,
            spectrum: circular_pupil(36.0, 64),
            assessed_entropy: ASSESSED,
            layout: Self::pattern_layout(),
        }
    }

    /// Reads a model from JSON and checks it.
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let model: Self = serde_json::from_slice(bytes)
            .map_err(|error| PufError::malformed("device model", error.to_string()))?;
        let faults = [
            (model.name.is_empty() || model.name.len() > 32, "name of 1 to 32 bytes"),
            (!(16..=4096).contains(&model.grid), "grid of 16 to 4096"),
            (
                !model.band.is_power_of_two() || model.band > model.grid || model.band > 128,
                "band: power of two",
            ),
            (model.band * model.band < 4 * model.layout.selected, "band of at least 64"),
            (model.spectrum.len() < model.band || model.spectrum.len() > 256, "spectrum as long as the band"),
            (model.spectrum.iter().any(|p| !p.is_finite() || *p <= 0.0), "spectrum of positive numbers"),
            (!(0.0..=1.0).contains(&model.assessed_entropy), "assessed_entropy between 0 and 1"),
            (!(model.dark.is_finite() && model.dark >= 0.0), "dark level of at least 0"),
        ];
        let reasons: Vec<&str> = faults.iter().filter(|(bad, _)| *bad).map(|(_, reason)| *reason).collect();
        if reasons.is_empty() {
            Ok(model)
        } else {
            Err(PufError::malformed("device model", reasons.join("; ")))
        }
    }

    /// Power at `radius`, between the calibrated radii by straight lines.
    pub(super) fn power(&self, radius: f32) -> f32 {
        let below = radius.floor();
        let at = |i: usize| self.spectrum.get(i).or(self.spectrum.last()).copied().unwrap_or(1.0);
        let (low, high) = (at(below as usize), at(below as usize + 1));
        (low + (high - low) * (radius - below)).max(f32::MIN_POSITIVE)
    }
}

/// The projection that belongs to a device model's name.
pub fn by_model(name: &str) -> Result<Box<dyn Projection>> {
    match name {
        "sim-pattern-256" | "sim-wavelength-256" => {
            Ok(Box::new(SpectralProjection::new(DeviceModel::simulator(name))))
        }
        "mmf-gif50" => Err(PufError::Device(
            "the fibre model needs its mode map\nname the folder with `modes_out_after_correction.npy`"
                .into(),
        )),
        other => Err(PufError::Device(format!("unknown device model `{other}`\ngive its calibration file"))),
    }
}

/// Calibrates a model on frames of many tokens or challenges: their mean radial power spectrum.
pub fn calibrate<'f>(
    name: &str,
    grid: usize,
    dark: f32,
    frames: impl IntoIterator<Item = &'f Frame>,
) -> Result<DeviceModel> {
    let band = 64;
    let mut model = DeviceModel {
        name: name.to_owned(),
        grid,
        band,
        dark,
        spectrum: vec![1.0; band],
        assessed_entropy: ASSESSED,
        layout: DeviceModel::pattern_layout(),
    };
    let projection = SpectralProjection::new(model.clone());
    let mut sums = vec![(0.0f64, 0u32); band];
    for frame in frames {
        for (i, value) in projection.spectrum(std::slice::from_ref(frame))?.iter().enumerate() {
            let radius = (signed(i / band, band) as f32).hypot(signed(i % band, band) as f32);
            if let Some((sum, count)) = sums.get_mut(radius.round() as usize) {
                *sum += f64::from(value.norm_sqr());
                *count += 1;
            }
        }
    }
    // Radius 0 is the mean brightness and says nothing; beyond the corner of the band the last value stands.
    let mut last = 0.0;
    let mut spectrum: Vec<f32> = sums
        .iter()
        .map(|&(sum, count)| {
            if count > 0 {
                last = sum / f64::from(count);
            }
            last as f32
        })
        .collect();
    let level = spectrum.get(1).copied().unwrap_or_default();
    if !(level.is_finite() && level > 0.0) {
        return Err(PufError::Device("calibration saw no speckle".into()));
    }
    if let Some(first) = spectrum.first_mut() {
        *first = level;
    }
    for power in &mut spectrum {
        *power /= level;
    }
    model.spectrum = spectrum;
    Ok(model)
}

/// Power spectrum of speckle behind a circular pupil of radius `pupil`: the pupil's autocorrelation (Goodman,
/// section 5.2). Taking the square root of the intensity hardly changes it; calibration on simulated tokens agrees
/// (test `spectrum_of_the_simulator_is_current`).
fn circular_pupil(pupil: f32, radii: usize) -> Vec<f32> {
    (0..radii)
        .map(|radius| {
            let q = (radius as f32 / (2.0 * pupil)).min(0.99);
            std::f32::consts::FRAC_2_PI * (q.acos() - q * (1.0 - q * q).sqrt())
        })
        .collect()
}
