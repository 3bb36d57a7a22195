//! A camera through Video4Linux2 (cargo feature `v4l2`): grey frames of 8, 10, 12 or 16 bits.
//!
//! The laser and the modulator are driven elsewhere; the only challenge such a bench answers to is its number, which
//! the operator sets up (`Challenge::Recorded`). One bench with one fixed pattern therefore enrols several numbered
//! positions, not one.

use std::path::Path;

use v4l::buffer::Type;
use v4l::io::traits::CaptureStream;
use v4l::prelude::{Device, MmapStream};
use v4l::video::Capture;
use v4l::{Format, FourCC};

use super::{Challenge, DeviceInfo, Frame, Provenance, SpeckleDevice};
use crate::error::{PufError, Result};

/// Sets up challenge `number` on the bench (laser channel, modulator, stage); called before its frames are taken.
pub type Setter = Box<dyn FnMut(u32) -> Result<()> + Send>;

/// Pixel formats in the order of preference, with their depth.
const FORMATS: [(&[u8; 4], u8); 4] = [(b"Y16 ", 16), (b"Y12 ", 12), (b"Y10 ", 10), (b"GREY", 8)];
/// Frames thrown away after each change, while exposure settles.
const SETTLING: usize = 3;

/// A camera.
pub struct CameraDevice {
    info: DeviceInfo,
    camera: Device,
    stride: usize,
    setter: Setter,
    challenges: u32,
}

impl CameraDevice {
    /// Opens the camera at `path` in the deepest grey format it has. `model` names the calibrated device model,
    /// `challenges` how many numbers `setter` can set up.
    pub fn open(path: &Path, model: &str, challenges: u32, setter: Setter) -> Result<Self> {
        let camera = Device::with_path(path).map_err(|error| PufError::file(path, error))?;
        let current = camera.format().map_err(|error| PufError::file(path, error))?;
        let mut chosen: Option<(Format, u8)> = None;
        for (code, depth) in FORMATS {
            let wanted = Format::new(current.width, current.height, FourCC::new(code));
            if let Ok(format) = camera.set_format(&wanted)
                && format.fourcc == wanted.fourcc
            {
                chosen = Some((format, depth));
                break;
            }
        }
        let (format, bit_depth) = chosen
            .ok_or_else(|| PufError::Device("the camera has no grey format (Y16, Y12, Y10, GREY)".into()))?;
        let info = DeviceInfo {
            model: model.to_owned(),
            provenance: Provenance::Physical,
            width: format.width as usize,
            height: format.height as usize,
            bit_depth,
            electrons_per_dn: None,
        };
        Ok(Self { info, camera, stride: format.stride as usize, setter, challenges })
    }
}

impl SpeckleDevice for CameraDevice {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn begin(&mut self) -> Result<()> {
        Ok(())
    }

    fn challenge_set(&self, set: [u8; 16], count: usize) -> Result<Vec<Challenge>> {
        let mut numbers: Vec<u32> = (0..self.challenges).collect();
        if numbers.len() < count {
            return Err(PufError::Device(format!("{} challenges, {count} needed", numbers.len())));
        }
        super::frames::choose(&mut numbers, set, count);
        Ok(numbers.into_iter().map(Challenge::Recorded).collect())
    }

    fn set_challenge(&mut self, challenge: &Challenge) -> Result<()> {
        match challenge {
            Challenge::Recorded(number) if *number < self.challenges => (self.setter)(*number),
            _ => Err(PufError::Device("the bench does not know this challenge".into())),
        }
    }

    fn capture(&mut self, count: usize) -> Result<Vec<Frame>> {
        let failed = |error: std::io::Error| PufError::Device(format!("capture: {error}"));
        let mut stream = MmapStream::with_buffers(&self.camera, Type::VideoCapture, 4).map_err(failed)?;
        for _ in 0..SETTLING {
            stream.next().map_err(failed)?;
        }
        let (width, height, depth) = (self.info.width, self.info.height, self.info.bit_depth);
        let bytes_per_pixel = if depth == 8 { 1 } else { 2 };
        (0..count)
            .map(|_| {
                let (buffer, _) = stream.next().map_err(failed)?;
                let rows = buffer.chunks_exact(self.stride.max(width * bytes_per_pixel)).take(height);
                let pixels: Vec<u16> = rows
                    .flat_map(|row| {
                        let row = row.get(..width * bytes_per_pixel).unwrap_or_default();
                        row.chunks_exact(bytes_per_pixel).map(|p| match p {
                            [low, high] => u16::from_le_bytes([*low, *high]),
                            [grey] => u16::from(*grey),
                            _ => 0,
                        })
                    })
                    .collect();
                Frame::new(width, height, depth, pixels)
            })
            .collect()
    }
}

impl std::fmt::Debug for CameraDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CameraDevice({:?})", self.info)
    }
}
