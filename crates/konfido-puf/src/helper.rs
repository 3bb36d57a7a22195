//! Helper data: what lies on the disk between enrolment and regeneration. Public, authenticated, of one encoding.
//!
//! ```text
//! "KPUF" | version 1 | profile | provenance | frames | model (length, bytes) | challenge set (16)
//!        | challenges (u16) | selected per challenge (u16)
//!        | per challenge: kind, parameters, sorted indices (u16 each)
//!        | code offset (256) | salt (32) | tag (32)
//! ```
//! All integers little-endian. The tag is keyed from the response itself, so nobody without the token can change a
//! bit. Indices must rise strictly: one selection has one encoding. Trailing bytes are an error.

use crate::bch::{self, Bch};
use crate::bits::{WORD_BITS, WORD_BYTES, Word};
use crate::device::{Challenge, Provenance};
use crate::error::{PufError, Result};

const MAGIC: &[u8; 4] = b"KPUF";
const VERSION: u8 = 1;
/// Largest accepted encoding.
pub const MAX_HELPER_BYTES: usize = 16 * 1024;
const MAX_SELECTED_TOTAL: usize = 4096;
const MAX_CHALLENGES: usize = 512;
const TAG_BYTES: usize = 32;

/// Code and residual entropy, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// BCH(2047, 650, t = 170): the default.
    P1,
    /// BCH(2047, 804, t = 147): more residual entropy, less noise.
    P1s,
}

impl Profile {
    /// The code.
    #[must_use]
    pub fn code(self) -> &'static Bch {
        match self {
            Self::P1 => &bch::P1,
            Self::P1s => &bch::P1S,
        }
    }

    const fn byte(self) -> u8 {
        match self {
            Self::P1 => 1,
            Self::P1s => 2,
        }
    }
}

/// The authenticated public record of one enrolment.
#[derive(Clone, Debug)]
pub struct HelperData {
    pub(crate) profile: Profile,
    pub(crate) provenance: Provenance,
    pub(crate) frames: u8,
    pub(crate) model: String,
    pub(crate) set: [u8; 16],
    pub(crate) challenges: Vec<Challenge>,
    pub(crate) selected: Vec<Vec<u16>>,
    pub(crate) offset: Word,
    pub(crate) salt: [u8; 32],
    pub(crate) tag: [u8; TAG_BYTES],
}

impl HelperData {
    /// Code and size.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// What kind of device enrolled it.
    #[must_use]
    pub const fn provenance(&self) -> Provenance {
        self.provenance
    }

    /// The device model whose public projection it needs.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// The challenge set's public name.
    #[must_use]
    pub const fn set(&self) -> &[u8; 16] {
        &self.set
    }

    /// The challenges.
    #[must_use]
    pub fn challenges(&self) -> &[Challenge] {
        &self.challenges
    }

    /// The published indices, challenge by challenge.
    #[must_use]
    pub fn selected(&self) -> &[Vec<u16>] {
        &self.selected
    }

    /// Everything that the tag covers.
    pub(crate) fn authenticated_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(6 * 1024);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[VERSION, self.profile.byte(), self.provenance.code(), self.frames]);
        out.push(self.model.len() as u8);
        out.extend_from_slice(self.model.as_bytes());
        out.extend_from_slice(&self.set);
        out.extend_from_slice(&(self.challenges.len() as u16).to_le_bytes());
        out.extend_from_slice(&(self.selected.first().map_or(0, Vec::len) as u16).to_le_bytes());
        for (challenge, indices) in self.challenges.iter().zip(&self.selected) {
            match challenge {
                Challenge::Pattern { row, .. } => {
                    out.push(1);
                    out.extend_from_slice(&u32::from(*row).to_le_bytes());
                }
                Challenge::Wavelength { step } => {
                    out.push(2);
                    out.extend_from_slice(&step.to_le_bytes());
                }
                Challenge::Recorded(number) => {
                    out.push(3);
                    out.extend_from_slice(&number.to_le_bytes());
                }
            }
            for index in indices {
                out.extend_from_slice(&index.to_le_bytes());
            }
        }
        out.extend_from_slice(&self.offset.to_bytes());
        out.extend_from_slice(&self.salt);
        out
    }

    /// The encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.authenticated_bytes();
        out.extend_from_slice(&self.tag);
        out
    }

    /// Reads one encoding, entirely.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > MAX_HELPER_BYTES {
            return Err(fault("longer than any helper data"));
        }
        let mut reader = Reader(bytes);
        if &reader.array::<4>()? != MAGIC {
            return Err(fault("not helper data"));
        }
        let [version, profile, provenance, frames] = reader.array::<4>()?;
        if version != VERSION {
            return Err(fault("unknown version"));
        }
        let profile = match profile {
            1 => Profile::P1,
            2 => Profile::P1s,
            _ => return Err(fault("unknown profile")),
        };
        let provenance = Provenance::from_code(provenance).ok_or_else(|| fault("unknown provenance"))?;
        if !(1..=64).contains(&frames) {
            return Err(fault("frames of 1 to 64"));
        }
        let [length] = reader.array::<1>()?;
        if !(1..=32).contains(&length) {
            return Err(fault("model name of 1 to 32 bytes"));
        }
        let model = std::str::from_utf8(reader.take(usize::from(length))?)
            .map_err(|_| fault("model name is not text"))?
            .to_owned();
        let set = reader.array()?;
        let count = usize::from(reader.u16()?);
        let each = usize::from(reader.u16()?);
        let total = count * each;
        if !(1..=MAX_CHALLENGES).contains(&count) || !(WORD_BITS..=MAX_SELECTED_TOTAL).contains(&total) {
            return Err(fault("wrong number of selected bits"));
        }
        let mut challenges = Vec::with_capacity(count);
        let mut selected = Vec::with_capacity(count);
        for _ in 0..count {
            let challenge = reader.challenge(set)?;
            if challenges.contains(&challenge) {
                return Err(fault("a challenge appears twice"));
            }
            challenges.push(challenge);
            let mut indices: Vec<u16> = Vec::with_capacity(each);
            for _ in 0..each {
                let index = reader.u16()?;
                if indices.last().is_some_and(|&last| last >= index) {
                    return Err(fault("indices do not rise"));
                }
                indices.push(index);
            }
            selected.push(indices);
        }
        let offset =
            Word::from_bytes(&reader.array::<WORD_BYTES>()?).ok_or_else(|| fault("bit 2047 is set"))?;
        let (salt, tag) = (reader.array()?, reader.array()?);
        if !reader.0.is_empty() {
            return Err(fault("trailing bytes"));
        }
        Ok(Self { profile, provenance, frames, model, set, challenges, selected, offset, salt, tag })
    }
}

fn fault(reason: &str) -> PufError {
    PufError::malformed("helper data", reason)
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8]> {
        let (head, tail) = self.0.split_at_checked(count).ok_or_else(|| fault("cut short"))?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>().ok_or_else(|| fault("cut short"))?;
        self.0 = tail;
        Ok(*head)
    }

    fn u16(&mut self) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    fn challenge(&mut self, set: [u8; 16]) -> Result<Challenge> {
        let [kind] = self.array::<1>()?;
        let parameter = self.array::<4>()?;
        match kind {
            1 => u16::try_from(u32::from_le_bytes(parameter))
                .map(|row| Challenge::Pattern { set, row })
                .map_err(|_| fault("pattern row beyond 65535")),
            2 => Ok(Challenge::Wavelength { step: i32::from_le_bytes(parameter) }),
            3 => Ok(Challenge::Recorded(u32::from_le_bytes(parameter))),
            _ => Err(fault("unknown kind of challenge")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn sample() -> HelperData {
        let set = [7; 16];
        HelperData {
            profile: Profile::P1,
            provenance: Provenance::Simulated,
            frames: 4,
            model: "sim-pattern-256".into(),
            set,
            challenges: (0..4).map(|row| Challenge::Pattern { set, row }).collect(),
            selected: (0..4u16).map(|c| (0..512).map(|i| i * 8 + c).collect()).collect(),
            offset: Word::from_bits((0..2047).map(|i| i % 5 == 0)),
            salt: [9; 32],
            tag: [3; 32],
        }
    }

    #[test]
    fn one_value_has_one_encoding_and_it_is_frozen() {
        let bytes = sample().to_bytes();
        let again = HelperData::from_bytes(&bytes).unwrap();
        assert_eq!(again.to_bytes(), bytes);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
        assert_eq!(
            hex::encode(digest),
            "4f18a7d8bdf0d535fefe48e3ffe218b938cb88ce8976b0ca2c2460b05159b407",
            "the format of stored helper data changed: raise VERSION and keep reading the old one"
        );
    }

    #[test]
    fn cuts_tails_and_swaps_are_refused() {
        let bytes = sample().to_bytes();
        for cut in 0..bytes.len() {
            assert!(HelperData::from_bytes(&bytes[..cut]).is_err());
        }
        let mut long = bytes.clone();
        long.push(0);
        assert!(HelperData::from_bytes(&long).is_err());
        let mut swapped = sample();
        swapped.selected[0].swap(3, 4);
        assert!(HelperData::from_bytes(&swapped.to_bytes()).is_err());
        let mut twice = sample();
        twice.challenges[1] = twice.challenges[0].clone();
        assert!(HelperData::from_bytes(&twice.to_bytes()).is_err());
    }
}
