//! The physics of a scattering token: a transmission matrix per path delay, a pupil, a camera.
//!
//! Field at the camera: `E = IFFT2{ sum_j sqrt(p_j) exp(-2 pi i nu tau_j) M_j c }` over the points of a circular
//! pupil; intensity `|E|^2`. `M_j` are complex Gaussian matrices grown from the token's seed, `c` is the
//! modulator's pattern, `tau_j` the delays of an exponential distribution, `nu` the optical frequency offset in
//! units of the inverse mean delay: laser drift and temperature both act through `nu`. Ageing rotates the field
//! towards a second matrix of the same token. The tests hold all of it to theory (speckle statistics, Airy
//! autocovariance, spectral correlation, flip law), never to itself.
//!
//! A simulated token is as secret as its seed, and its noise is a pseudo-random generator: it earns no credit.

mod camera;
mod field;
mod token;

pub use self::camera::{Camera, CameraModel};
pub(crate) use self::field::gaussian;
pub use self::field::{Optics, Pupil};
pub(crate) use self::token::pattern;
pub use self::token::{Response, Token, TokenModel};

/// What may have changed since the last look at the token.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Environment {
    /// Optical frequency offset in units of 1/tau: temperature and laser drift.
    pub detuning: f32,
    /// Displacement of the image along x, in pixels.
    pub shift_x: f32,
    /// Displacement of the image along y, in pixels.
    pub shift_y: f32,
    /// Rotation of the camera in radians.
    pub rotation: f32,
    /// Fraction of the field that ageing has replaced, 0 to 1.
    pub ageing: f32,
}

/// How strongly the environment varies from one measurement to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surroundings {
    /// Standard deviation of the detuning.
    pub detuning: f32,
    /// Standard deviation of the shift along each axis, in pixels.
    pub shift: f32,
    /// Ageing since enrolment.
    pub ageing: f32,
}

impl Surroundings {
    /// Nothing moves.
    pub const STILL: Self = Self { detuning: 0.0, shift: 0.0, ageing: 0.0 };
    /// An optical table.
    pub const LAB: Self = Self { detuning: 0.005, shift: 0.05, ageing: 0.0 };
    /// A machine room.
    pub const FIELD: Self = Self { detuning: 0.015, shift: 0.15, ageing: 0.1 };
    /// The profile of the acceptance figures: 0.03/tau, 0.3 px, 0.2.
    pub const HARSH: Self = Self { detuning: 0.03, shift: 0.3, ageing: 0.2 };

    /// Draws one environment.
    pub fn draw(&self, rng: &mut impl rand_core::Rng) -> Environment {
        let mut gauss = || -> f32 {
            let z = field::gaussian(rng);
            z.re * std::f32::consts::SQRT_2
        };
        Environment {
            detuning: self.detuning * gauss(),
            shift_x: self.shift * gauss(),
            shift_y: self.shift * gauss(),
            rotation: 0.0,
            ageing: self.ageing,
        }
    }
}
