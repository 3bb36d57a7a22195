//! The embedded default: a simulated token before a simulated camera.

use std::collections::HashMap;

use aws_lc_rs::digest;
use chacha20::ChaCha8Rng;
use rand_core::SeedableRng;

use super::{Challenge, DeviceInfo, Frame, Provenance, SpeckleDevice};
use crate::error::{PufError, Result};
use crate::sim::{
    Camera, CameraModel, Environment, Optics, Response, Surroundings, Token, TokenModel, pattern,
};

/// Laser channels of the wavelength model are this far apart, in units of 1/tau: neighbours correlate below 1 %.
const CHANNEL: f64 = 2.0;
/// Sets of channels on the laser's comb.
const COMB_SETS: u16 = 1024;

/// A simulated reader.
#[derive(Debug)]
pub struct SimulatedDevice {
    info: DeviceInfo,
    token: Token,
    optics: Optics,
    camera: Camera,
    weather: ChaCha8Rng,
    surroundings: Surroundings,
    environment: Environment,
    detuning: f32,
    /// Answers already computed: the matrices are large, the patterns few.
    answers: HashMap<Challenge, Response>,
    lit: Option<Challenge>,
}

impl SimulatedDevice {
    /// The token of `seed`, in `surroundings`; `noise` seeds camera and weather.
    #[must_use]
    pub fn new(model: TokenModel, seed: [u8; 32], surroundings: Surroundings, noise: [u8; 32]) -> Self {
        let token = Token::new(model, seed);
        let camera = CameraModel::TEN_BIT;
        let info = DeviceInfo {
            model: if model.modulator > 1 { "sim-pattern-256" } else { "sim-wavelength-256" }.to_owned(),
            provenance: Provenance::Simulated,
            width: model.grid,
            height: model.grid,
            bit_depth: camera.bit_depth,
            electrons_per_dn: Some(camera.electrons_per_dn()),
        };
        Self {
            info,
            optics: Optics::new(token.pupil()),
            camera: Camera::new(camera, model.grid * model.grid, 0x0063_616d, derive(&noise, b"camera")),
            weather: ChaCha8Rng::from_seed(derive(&noise, b"weather")),
            token,
            surroundings,
            environment: Environment::default(),
            detuning: 0.0,
            answers: HashMap::new(),
            lit: None,
        }
    }

    /// The seed of a token named by a text, for the command line.
    #[must_use]
    pub fn seed_from_name(name: &str) -> [u8; 32] {
        derive(name.as_bytes(), b"konfido simulated token")
    }

    /// Changes the surroundings; takes effect at the next [`SpeckleDevice::begin`].
    pub const fn set_surroundings(&mut self, surroundings: Surroundings) {
        self.surroundings = surroundings;
    }

    /// Fixes the environment until the next [`SpeckleDevice::begin`].
    pub const fn set_environment(&mut self, environment: Environment) {
        self.environment = environment;
    }

    /// What the environment is now.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    /// The noise-free image of a challenge at `environment`: for tests and figures only, no real device has it.
    pub fn ideal(&mut self, challenge: &Challenge, environment: &Environment) -> Result<Vec<f32>> {
        let tuned = match challenge {
            Challenge::Wavelength { step } => f64::from(*step) * CHANNEL,
            _ => 0.0,
        };
        let response = self.answer(challenge)?;
        let field = response.field(f64::from(environment.detuning) + tuned, environment.ageing);
        Ok(self.optics.intensity(&field, environment))
    }

    fn answer(&mut self, challenge: &Challenge) -> Result<&Response> {
        let pixels = self.token.model().modulator;
        let (key, signs) = match challenge {
            Challenge::Pattern { set, row } if pixels > 1 && usize::from(*row) < pixels => {
                (challenge.clone(), pattern(set, *row, pixels))
            }
            // One answer serves all wavelengths: the delays carry them.
            Challenge::Wavelength { .. } if pixels == 1 => (Challenge::Wavelength { step: 0 }, vec![1.0]),
            _ => return Err(PufError::Device("the simulated token does not know this challenge".into())),
        };
        let token = &self.token;
        Ok(self.answers.entry(key).or_insert_with(|| token.respond(&signs)))
    }
}

impl SpeckleDevice for SimulatedDevice {
    fn info(&self) -> &DeviceInfo {
        &self.info
    }

    fn begin(&mut self) -> Result<()> {
        self.environment = self.surroundings.draw(&mut self.weather);
        self.detuning = 0.0;
        Ok(())
    }

    fn challenge_set(&self, set: [u8; 16], count: usize) -> Result<Vec<Challenge>> {
        let pixels = self.token.model().modulator;
        if pixels > 1 {
            if count > pixels {
                return Err(PufError::Device(format!("a set has at most {pixels} orthogonal patterns")));
            }
            return Ok((0..count).map(|row| Challenge::Pattern { set, row: row as u16 }).collect());
        }
        // The set's bytes choose where on the comb it starts, so that sets differ.
        let [a, b, ..] = set;
        let start = i32::from(u16::from_le_bytes([a, b]) % COMB_SETS) * count as i32;
        Ok((0..count).map(|i| Challenge::Wavelength { step: start + i as i32 }).collect())
    }

    fn set_challenge(&mut self, challenge: &Challenge) -> Result<()> {
        self.answer(challenge)?;
        self.lit = Some(challenge.clone());
        Ok(())
    }

    fn capture(&mut self, count: usize) -> Result<Vec<Frame>> {
        let challenge = self.lit.clone().ok_or_else(|| PufError::Device("no challenge is set".into()))?;
        let environment =
            Environment { detuning: self.environment.detuning + self.detuning, ..self.environment };
        let intensity = self.ideal(&challenge, &environment)?;
        (0..count).map(|_| self.camera.expose(&intensity, self.info.width)).collect()
    }

    fn detune(&mut self, offset: f32) -> Result<bool> {
        self.detuning = offset;
        Ok(true)
    }
}

fn derive(input: &[u8], label: &[u8]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(label);
    context.update(&[0]);
    context.update(input);
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    out
}
