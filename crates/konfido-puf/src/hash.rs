//! From frames to soft values: orthogonal whitened projections (OWP).
//!
//! A projection turns the frames of one challenge into real values whose signs are the response bits and whose
//! magnitudes say how reliable each bit is. What must hold, and why the random-binary hash of the literature is not
//! here:
//! * the projections are **orthogonal** and the input is **whitened by a public spectrum** of the device model
//!   (never of the token), so that no value predicts another. With random-binary rows, whoever sees which bits were
//!   reliable predicts 82 % of them (a test shows it on the old scheme, and its absence here);
//! * the statistic is odd about zero, so that the published choice of reliable bits says nothing about their signs;
//! * magnitudes never leave the module: only sorted indices do.

mod modal;
mod model;
mod spectral;

pub use self::modal::ModalProjection;
pub use self::model::{DeviceModel, by_model, calibrate};
pub use self::spectral::SpectralProjection;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::bits::{WORD_BITS, Word};
use crate::device::Frame;
use crate::error::{PufError, Result};

/// Real values whose signs are response bits: secret, wiped, silent.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Soft(pub(crate) Vec<f32>);

impl Soft {
    /// Number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The raw values. Secret: evaluation only.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.0
    }

    /// The mean of several soft vectors of one challenge.
    pub fn mean(many: &[Self]) -> Result<Self> {
        let length = many.first().map(Self::len).ok_or_else(|| PufError::Device("no captures".into()))?;
        let mut sum = vec![0.0; length];
        for one in many {
            for (s, v) in sum.iter_mut().zip(&one.0) {
                *s += v / many.len() as f32;
            }
        }
        Ok(Self(sum))
    }

    /// The indices of the `count` largest magnitudes, sorted; public by construction.
    pub fn most_reliable(&self, count: usize) -> Result<Vec<u16>> {
        if count > self.len() || self.len() > usize::from(u16::MAX) {
            return Err(PufError::Device(format!("{count} of {} values cannot be chosen", self.len())));
        }
        let mut order: Vec<(f32, u16)> =
            self.0.iter().zip(0u16..).map(|(v, i)| (v.abs(), i)).filter(|(v, _)| v.is_finite()).collect();
        order.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        if order.len() < count {
            return Err(PufError::Device("the frames hold too little signal".into()));
        }
        let mut indices: Vec<u16> = order.iter().take(count).map(|&(_, i)| i).collect();
        indices.sort_unstable();
        Ok(indices)
    }
}

impl std::fmt::Debug for Soft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Soft({} values, [secret])", self.0.len())
    }
}

/// A displacement of the image that the hash undoes, in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Registration {
    /// Along x.
    pub x: f32,
    /// Along y.
    pub y: f32,
}

/// The frames of one challenge after the expensive half of the hash; cheap to register and project.
#[derive(Debug, Zeroize, ZeroizeOnDrop)]
pub struct Prepared {
    /// Interleaved real and imaginary parts, or plain values, as the projection likes it.
    pub(crate) values: Soft,
}

/// A public projection for one device model.
pub trait Projection: Send + Sync + std::fmt::Debug {
    /// Name of the device model it belongs to; stands in the helper data.
    fn name(&self) -> &str;

    /// Assessed min-entropy per selected bit for the device model (SP 800-90B, worst estimator).
    fn assessed_entropy(&self) -> f64;

    /// Challenges in a set, and bits selected of each: their product covers 2047 bits.
    fn layout(&self) -> Layout;

    /// Averages and transforms the frames of one challenge.
    fn prepare(&self, frames: &[Frame]) -> Result<Prepared>;

    /// The soft values, displaced by `registration`.
    fn project(&self, prepared: &Prepared, registration: Registration) -> Soft;

    /// Displacements worth trying when the first look fails, most likely first.
    fn registrations(&self) -> Vec<Registration> {
        vec![Registration::default()]
    }
}

/// How a 2047-bit word is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Challenges in a set.
    pub challenges: usize,
    /// Bits selected of each.
    pub selected: usize,
}

/// The word of selected signs, challenge by challenge; what exceeds 2047 is dropped.
pub fn word(soft: &[Soft], selected: &[Vec<u16>]) -> Result<Word> {
    let mut bits = Vec::with_capacity(WORD_BITS);
    for (values, indices) in soft.iter().zip(selected) {
        for &i in indices {
            let value = values.0.get(usize::from(i));
            bits.push(
                *value.ok_or_else(|| PufError::malformed("helper data", "index beyond the frame"))? > 0.0,
            );
        }
    }
    if bits.len() < WORD_BITS {
        return Err(PufError::malformed("helper data", "too few selected bits"));
    }
    let word = Word::from_bits(bits.iter().copied());
    bits.zeroize();
    Ok(word)
}
