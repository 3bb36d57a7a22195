//! A device named by a line of text, for command line and configuration.
//!
//! | text | device |
//! | --- | --- |
//! | `sim:NAME` | simulated token grown from a name, challenged by patterns |
//! | `sim-wavelength:NAME` | the same, challenged by wavelength |
//! | `frames:DIR` or `frames:DIR:ONLY` | recorded frames, all or the measurements whose name contains ONLY |
//! | `fibre:DIR` or `fibre:DIR:A,B` | recorded transmission matrices, all states or the named ones |
//! | `v4l2:PATH` | camera (cargo feature `v4l2`), with a calibration file |

use std::path::{Path, PathBuf};

use crate::device::SpeckleDevice;
use crate::device::frames::FramesDevice;
use crate::device::replay::{FIBRE_MODEL, FibreDevice};
use crate::device::simulated::SimulatedDevice;
use crate::error::{PufError, Result};
use crate::hash::{self, DeviceModel, ModalProjection, Projection, SpectralProjection};
use crate::sim::{Surroundings, TokenModel};

/// A parsed device line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceSpec {
    /// Simulated, by patterns.
    Simulated(String),
    /// Simulated, by wavelength.
    SimulatedWavelength(String),
    /// Recorded frames.
    Frames(PathBuf, Option<String>),
    /// Recorded fibre.
    Fibre(PathBuf, Vec<String>),
    /// A camera.
    Camera(PathBuf),
}

/// A device with the projection that belongs to it.
#[derive(Debug)]
pub struct Opened {
    /// The device.
    pub device: Box<dyn SpeckleDevice>,
    /// Its projection.
    pub projection: Box<dyn Projection>,
    /// Dark level of its camera in digital numbers.
    pub dark: f32,
}

/// Circumstances of opening.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// How much a simulated token's surroundings vary.
    pub surroundings: Surroundings,
    /// Seed of a simulation's noise and weather.
    pub noise: [u8; 32],
    /// Calibration file of a camera.
    pub model: Option<&'a Path>,
}

impl std::str::FromStr for DeviceSpec {
    type Err = PufError;

    fn from_str(text: &str) -> Result<Self> {
        let fault = || {
            PufError::malformed(
                "device",
                format!(
                    "`{text}`\nsim:NAME, sim-wavelength:NAME, frames:DIR[:ONLY], fibre:DIR[:A,B] or v4l2:PATH"
                ),
            )
        };
        let (kind, rest) = text.split_once(':').ok_or_else(fault)?;
        if rest.is_empty() {
            return Err(fault());
        }
        let (path, more) = match rest.split_once(':') {
            Some((path, more)) => (path, Some(more)),
            None => (rest, None),
        };
        match kind {
            "sim" => Ok(Self::Simulated(rest.to_owned())),
            "sim-wavelength" => Ok(Self::SimulatedWavelength(rest.to_owned())),
            "frames" => Ok(Self::Frames(path.into(), more.map(str::to_owned))),
            "fibre" => Ok(Self::Fibre(
                path.into(),
                more.map(|m| m.split(',').map(str::to_owned).collect()).unwrap_or_default(),
            )),
            "v4l2" => Ok(Self::Camera(rest.into())),
            _ => Err(fault()),
        }
    }
}

impl DeviceSpec {
    /// Opens the device and its projection.
    pub fn open(&self, how: &Opening<'_>) -> Result<Opened> {
        let simulated = |model: TokenModel, name: &str| -> Result<Opened> {
            let seed = SimulatedDevice::seed_from_name(name);
            let device = SimulatedDevice::new(model, seed, how.surroundings, how.noise);
            let projection = hash::by_model(&device.info().model)?;
            Ok(Opened { device: Box::new(device), projection, dark: 64.0 })
        };
        match self {
            Self::Simulated(name) => simulated(TokenModel::PATTERN, name),
            Self::SimulatedWavelength(name) => simulated(TokenModel::WAVELENGTH, name),
            Self::Frames(directory, only) => {
                let device = FramesDevice::open(directory, only.as_deref())?;
                let (projection, dark) = Self::calibrated(&device.info().model, how.model)?;
                Ok(Opened { device: Box::new(device), projection, dark })
            }
            Self::Fibre(directory, states) => {
                let all = if states.is_empty() { FibreDevice::states(directory)? } else { states.clone() };
                let names: Vec<&str> = all.iter().map(String::as_str).collect();
                let device = Box::new(FibreDevice::open(directory, &names)?);
                let projection: Box<dyn Projection> = Box::new(ModalProjection::open(directory)?);
                debug_assert_eq!(projection.name(), FIBRE_MODEL);
                Ok(Opened { device, projection, dark: 0.0 })
            }
            Self::Camera(path) => Self::camera(path, how.model),
        }
    }

    fn calibrated(name: &str, file: Option<&Path>) -> Result<(Box<dyn Projection>, f32)> {
        let Some(file) = file else { return Ok((hash::by_model(name)?, 64.0)) };
        let bytes = std::fs::read(file).map_err(|error| PufError::file(file, error))?;
        let model = DeviceModel::from_json(&bytes)?;
        let dark = model.dark;
        Ok((Box::new(SpectralProjection::new(model)), dark))
    }

    #[cfg(feature = "v4l2")]
    fn camera(path: &Path, file: Option<&Path>) -> Result<Opened> {
        let file = file.ok_or_else(|| PufError::Device("a camera needs its calibration file".into()))?;
        let (projection, dark) = Self::calibrated("", Some(file))?;
        // Without a driver for the bench, the operator's one set-up answers all numbers of a fixed pattern.
        let device =
            crate::device::v4l2::CameraDevice::open(path, projection.name(), 4, Box::new(|_| Ok(())))?;
        Ok(Opened { device: Box::new(device), projection, dark })
    }

    #[cfg(not(feature = "v4l2"))]
    fn camera(path: &Path, _: Option<&Path>) -> Result<Opened> {
        Err(PufError::Device(format!(
            "{}: this build has no camera support (feature `v4l2`)",
            path.display()
        )))
    }
}

/// Surroundings by name.
pub fn surroundings(name: &str) -> Result<Surroundings> {
    match name {
        "still" => Ok(Surroundings::STILL),
        "lab" => Ok(Surroundings::LAB),
        "field" => Ok(Surroundings::FIELD),
        "harsh" => Ok(Surroundings::HARSH),
        other => Err(PufError::malformed("surroundings", format!("`{other}`\nstill, lab, field or harsh"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_name_devices() {
        assert_eq!("sim:a".parse::<DeviceSpec>().unwrap(), DeviceSpec::Simulated("a".into()));
        assert_eq!(
            "fibre:/x:5.0,5.1".parse::<DeviceSpec>().unwrap(),
            DeviceSpec::Fibre("/x".into(), vec!["5.0".into(), "5.1".into()])
        );
        assert_eq!(
            "frames:/y:dx5".parse::<DeviceSpec>().unwrap(),
            DeviceSpec::Frames("/y".into(), Some("dx5".into()))
        );
        for bad in ["", "sim", "sim:", "laser:x"] {
            assert!(bad.parse::<DeviceSpec>().is_err());
        }
    }
}
