//! The noise source: the lowest bit of pixels in which photon shot noise spreads over at least one digital number.
//!
//! Stochastic model: a pixel reads `round(N(mu, sigma^2))`; the bias of its lowest bit is at most
//! `2/pi exp(-pi^2 sigma^2 / 2)`: 0.0046 at sigma = 1. Pixels are chosen on frames that are then thrown away, so
//! that the choice does not depend on the bits it yields. Never PUF response bits: those are constants.

use std::collections::VecDeque;

use aws_lc_rs::digest;

use super::health::HealthTests;
use crate::device::{DeviceInfo, Frame, Provenance, SpeckleDevice};
use crate::error::{PufError, Result};

/// Frames from which the pixels are chosen.
const CHOOSING: usize = 4;
/// Frames remembered, to notice a frozen or replayed camera.
const REMEMBERED: usize = 16;
/// Least share of usable pixels; below it somebody covered the lens.
const LEAST_USABLE: usize = 10;

/// A camera looked at for its noise.
#[derive(Debug)]
pub struct NoiseSource {
    device: Box<dyn SpeckleDevice>,
    usable: Vec<bool>,
    seen: VecDeque<[u8; 32]>,
}

impl NoiseSource {
    /// Lights the token with any challenge and chooses the pixels. `dark` is the camera's offset.
    pub fn new(mut device: Box<dyn SpeckleDevice>, dark: f32) -> Result<Self> {
        let per_dn = device.info().electrons_per_dn.ok_or_else(|| {
            PufError::Device(
                "the camera's electrons per digital number are needed for its noise model".into(),
            )
        })?;
        device.begin()?;
        let challenge = device.challenge_set([0; 16], 1)?;
        if let Some(one) = challenge.first() {
            device.set_challenge(one)?;
        }
        let frames = device.capture(CHOOSING)?;
        let usable = choose(&frames, dark, per_dn);
        if usable.iter().filter(|u| **u).count() * LEAST_USABLE < usable.len() {
            return Err(PufError::Health("too few bright, unsaturated pixels: is the laser on?"));
        }
        Ok(Self { device, usable, seen: VecDeque::new() })
    }

    /// What the camera is.
    #[must_use]
    pub fn info(&self) -> &DeviceInfo {
        self.device.info()
    }

    /// Where the noise comes from.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        self.info().provenance
    }

    /// Pixels that give bits.
    #[must_use]
    pub fn usable_pixels(&self) -> usize {
        self.usable.iter().filter(|u| **u).count()
    }

    /// The bits of one frame, each through the health tests.
    pub fn bits(&mut self, health: &mut HealthTests) -> Result<zeroize::Zeroizing<Vec<bool>>> {
        health.verdict()?;
        let frames = self.device.capture(1)?;
        let frame = frames.first().ok_or_else(|| health.raise("the camera gave no frame"))?;
        if frame.pixels().len() != self.usable.len() {
            return Err(health.raise("the camera changed its frame size"));
        }
        let mut name = [0; 32];
        let mut context = digest::Context::new(&digest::SHA256);
        for pixel in frame.pixels() {
            context.update(&pixel.to_le_bytes());
        }
        for (to, from) in name.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        if self.seen.contains(&name) {
            return Err(health.raise("total failure: a frame came twice"));
        }
        self.seen.push_back(name);
        if self.seen.len() > REMEMBERED {
            self.seen.pop_front();
        }
        let full = frame.full_scale();
        let stuck = frame.pixels().iter().filter(|&&p| p == full || p == 0).count();
        if stuck * 4 > frame.pixels().len() {
            return Err(health.raise("total failure: the frame is dark or saturated"));
        }
        let mut bits = zeroize::Zeroizing::new(Vec::with_capacity(self.usable.len()));
        for (pixel, _) in frame.pixels().iter().zip(&self.usable).filter(|(_, usable)| **usable) {
            let bit = pixel & 1 == 1;
            health.feed(bit)?;
            bits.push(bit);
        }
        Ok(bits)
    }
}

/// Pixels whose mean is bright enough for one digital number of shot noise, and clear of saturation.
fn choose(frames: &[Frame], dark: f32, electrons_per_dn: f32) -> Vec<bool> {
    let mut means = vec![0.0f32; frames.first().map_or(0, |f| f.pixels().len())];
    for frame in frames {
        for (mean, pixel) in means.iter_mut().zip(frame.pixels()) {
            *mean += f32::from(*pixel) / frames.len() as f32;
        }
    }
    let top = frames.first().map_or(0.0, |f| f32::from(f.full_scale()) * 0.85);
    // sigma in digital numbers is sqrt(signal / electrons per number); ten per cent in hand.
    means.iter().map(|mean| mean - dark >= 1.1 * electrons_per_dn && *mean < top).collect()
}
