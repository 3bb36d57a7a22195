//! What a token reader is: a laser, a token, a camera, and where its frames come from.
//!
//! INVARIANT (provenance): a device says honestly whether its frames are seen now by a physical camera, replayed
//! from a recording, or computed. Only `Physical` earns entropy credit, and a production profile opens nothing
//! with a key of any other provenance.

pub mod frames;
pub mod replay;
pub mod simulated;
#[cfg(feature = "v4l2")]
pub mod v4l2;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::{PufError, Result};

/// Where frames come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// A camera looks at a token now.
    Physical,
    /// A recording of measurements on a real token.
    Replay,
    /// A computation from a seed.
    Simulated,
}

impl Provenance {
    /// Refuses everything but a physical token.
    pub const fn require_physical(self, rule: &'static str) -> Result<()> {
        match self {
            Self::Physical => Ok(()),
            found => Err(PufError::ProvenanceRefused { found, rule }),
        }
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Physical => 1,
            Self::Replay => 2,
            Self::Simulated => 3,
        }
    }

    pub(crate) const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Physical),
            2 => Some(Self::Replay),
            3 => Some(Self::Simulated),
            _ => None,
        }
    }
}

impl std::fmt::Display for Provenance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Physical => "physical",
            Self::Replay => "replayed",
            Self::Simulated => "simulated",
        })
    }
}

/// How the token is lit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Challenge {
    /// Row `row` of a Hadamard matrix, its columns signed by the public random string of `set`: rows of one set
    /// are mutually orthogonal.
    Pattern {
        /// Names the set; fresh for each enrolment.
        set: [u8; 16],
        /// The row.
        row: u16,
    },
    /// The laser tuned by `step` channels from its centre, for tokens that wavelength alone addresses.
    Wavelength {
        /// Signed channel number.
        step: i32,
    },
    /// The n-th challenge of a recording.
    Recorded(u32),
}

/// What a device tells about itself. Nothing in it is secret.
#[derive(Clone, Debug)]
pub struct DeviceInfo {
    /// Name of the device model; selects the public projection, see [`crate::hash`].
    pub model: String,
    /// Where the frames come from.
    pub provenance: Provenance,
    /// Width of a frame in pixels.
    pub width: usize,
    /// Height of a frame in pixels.
    pub height: usize,
    /// Bits of a pixel.
    pub bit_depth: u8,
    /// Electrons per digital number, where known: what the entropy source's noise model needs.
    pub electrons_per_dn: Option<f32>,
}

/// One camera frame: a raw response, wiped when dropped, never printed.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Frame {
    width: usize,
    height: usize,
    bit_depth: u8,
    pixels: Vec<u16>,
}

/// Largest accepted frame.
pub const MAX_PIXELS: usize = 1 << 24;

impl Frame {
    /// A frame of `width * height` pixels, row by row.
    pub fn new(width: usize, height: usize, bit_depth: u8, pixels: Vec<u16>) -> Result<Self> {
        let count = width.checked_mul(height).filter(|&n| n > 0 && n <= MAX_PIXELS);
        if count != Some(pixels.len()) || !(1..=16).contains(&bit_depth) {
            return Err(PufError::malformed(
                "frame",
                format!("{} pixels for {width} x {height}", pixels.len()),
            ));
        }
        Ok(Self { width, height, bit_depth, pixels })
    }

    /// Pixels in a row.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    #[must_use]
    pub const fn height(&self) -> usize {
        self.height
    }

    /// Bits of a pixel.
    #[must_use]
    pub const fn bit_depth(&self) -> u8 {
        self.bit_depth
    }

    /// The largest value a pixel can have.
    #[must_use]
    pub const fn full_scale(&self) -> u16 {
        (((1u32 << self.bit_depth) - 1) & 0xffff) as u16
    }

    /// The pixels, row by row. A raw response: whoever publishes it gives the token away (see the phase-retrieval
    /// test).
    #[must_use]
    pub fn pixels(&self) -> &[u16] {
        &self.pixels
    }
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frame({} x {}, {} bit, [secret])", self.width, self.height, self.bit_depth)
    }
}

/// A token reader.
pub trait SpeckleDevice: Send + std::fmt::Debug {
    /// What it is.
    fn info(&self) -> &DeviceInfo;

    /// Begins a measurement: whoever drives a laser lets it settle; a simulator draws its environment.
    fn begin(&mut self) -> Result<()>;

    /// `count` challenges, mutually orthogonal where the physics allows, made from the public string `set`.
    fn challenge_set(&self, set: [u8; 16], count: usize) -> Result<Vec<Challenge>>;

    /// Lights the token with `challenge`.
    fn set_challenge(&mut self, challenge: &Challenge) -> Result<()>;

    /// Takes `count` frames.
    fn capture(&mut self, count: usize) -> Result<Vec<Frame>>;

    /// Detunes the laser by `offset` (in units of the token's inverse delay), to follow temperature. False where
    /// the laser is fixed.
    fn detune(&mut self, offset: f32) -> Result<bool> {
        let _ = offset;
        Ok(false)
    }
}
