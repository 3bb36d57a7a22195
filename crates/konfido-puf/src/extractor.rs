//! The fuzzy extractor: code offset, robust tag, HKDF.
//!
//! * Enrolment: response `W`, random code word `C`; helper data holds `W xor C` and a tag over the whole helper,
//!   keyed by HKDF of `W`. The root key is another HKDF output of `W`; nothing of it is stored.
//! * Regeneration: response `W'`; decode `W' xor offset` to `C`; `W = C xor offset`; check the tag in constant time.
//!   A failed decoding goes the same way to the same end as a wrong tag.
//! * On failure the image is registered anew (a grid of half pixels) and, where the laser can follow, detuned;
//!   the tag says which try is right. Tries are bounded by [`MAX_TRIES`].
//!
//! The sketch leaks at most n - k bits of `W`; the tag is a random-oracle hash of it (Boyen, Dodis, Katz, Ostrovsky,
//! Smith 2005). A challenge set is enrolled once, which the store enforces.

use aws_lc_rs::{hkdf, hmac};
use konfido_keys::Rng;
use secrecy::{ExposeSecret, ExposeSecretMut, SecretBox};
use subtle::{Choice, ConstantTimeEq};

use crate::account::{EntropyAccount, MAX_TRIES};
use crate::bits::Word;
use crate::device::{Challenge, Frame, SpeckleDevice};
use crate::error::{PufError, Result};
use crate::hash::{Prepared, Projection, Registration, Soft, word};
use crate::helper::{HelperData, Profile};

const LABEL_TAG: &[u8] = b"konfido/puf/v1/helper";
const LABEL_ROOT: &[u8] = b"konfido/puf/v1/root";

/// 256 secret bits that exist only while somebody holds this value.
pub struct RootKey(SecretBox<[u8; 32]>);

impl RootKey {
    /// A key for one purpose; the root itself is used for nothing else.
    pub fn derive(&self, label: &str) -> Result<SecretBox<[u8; 32]>> {
        let prk = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, self.0.expose_secret());
        expand(&prk, &[label.as_bytes()])
    }

    /// More bytes for one purpose, for keys that need a wide draw.
    pub(crate) fn derive_wide<const N: usize>(&self, label: &str) -> Result<SecretBox<[u8; N]>> {
        let prk = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, self.0.expose_secret());
        expand(&prk, &[label.as_bytes()])
    }
}

impl ConstantTimeEq for RootKey {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.expose_secret().ct_eq(other.0.expose_secret())
    }
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RootKey([secret])")
    }
}

/// How to enrol.
#[derive(Clone, Copy, Debug)]
pub struct EnrolOptions<'c> {
    /// Code.
    pub profile: Profile,
    /// Measurements to average, spread over the conditions in which the key must come back.
    pub captures: usize,
    /// Frames of one challenge in one measurement.
    pub frames: u8,
    /// What the key is for; regeneration must name the same.
    pub context: &'c [u8],
}

impl Default for EnrolOptions<'_> {
    fn default() -> Self {
        Self { profile: Profile::P1, captures: 6, frames: 2, context: b"" }
    }
}

/// What enrolment gives.
#[derive(Debug)]
pub struct Enrolled {
    /// To be stored.
    pub helper: HelperData,
    /// Never to be stored.
    pub key: RootKey,
    /// To be shown.
    pub account: EntropyAccount,
}

/// Enrols a fresh challenge set.
pub fn enrol(
    device: &mut dyn SpeckleDevice,
    projection: &dyn Projection,
    rng: &dyn Rng,
    options: &EnrolOptions<'_>,
) -> Result<Enrolled> {
    check_model(device, projection.name())?;
    let mut set = [0; 16];
    fill(rng, &mut set)?;
    let layout = projection.layout();
    let challenges = device.challenge_set(set, layout.challenges)?;
    let mut captured: Vec<Vec<Soft>> = challenges.iter().map(|_| Vec::new()).collect();
    for _ in 0..options.captures.max(1) {
        device.begin()?;
        let prepared = measure(device, projection, &challenges, options.frames)?;
        for (all, one) in captured.iter_mut().zip(&prepared) {
            all.push(projection.project(one, Registration::default()));
        }
    }
    let soft = captured.iter().map(|many| Soft::mean(many)).collect::<Result<Vec<_>>>()?;
    let selected = soft.iter().map(|s| s.most_reliable(layout.selected)).collect::<Result<Vec<_>>>()?;
    let response = word(&soft, &selected)?;
    let account = EntropyAccount::of(&response, options.profile, projection.assessed_entropy())?;

    let mut message = zeroize::Zeroizing::new([0; crate::bits::WORD_BYTES]);
    fill(rng, message.as_mut_slice())?;
    let message = Word::from_bits(message.iter().flat_map(|byte| (0..8).map(move |b| byte >> b & 1 == 1)));
    let offset = response.xor(&options.profile.code().encode(&message));
    let mut salt = [0; 32];
    fill(rng, &mut salt)?;
    let mut helper = HelperData {
        profile: options.profile,
        provenance: device.info().provenance,
        frames: options.frames,
        model: projection.name().to_owned(),
        set,
        challenges,
        selected,
        offset,
        salt,
        tag: [0; 32],
    };
    let (tag, key) = secrets(&response, &helper, options.context)?;
    helper.tag = tag;
    Ok(Enrolled { helper, key, account })
}

/// What regeneration gives.
#[derive(Debug)]
pub struct Regenerated {
    /// Never to be stored.
    pub key: RootKey,
    /// How near the response was to failing.
    pub margin: Margin,
}

/// Distance from failure, for the operator of the token.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Margin {
    /// Bits corrected.
    pub errors: u32,
    /// Bits that could have been corrected.
    pub correctable: u32,
    /// Tries before the key came back.
    pub tries: usize,
    /// Displacement that was undone, in pixels.
    pub shift: (f32, f32),
    /// Detuning that was undone.
    pub detuning: f32,
}

impl Margin {
    /// Whether more than half of what can be corrected is used up: time to look at the token, or enrol anew.
    #[must_use]
    pub const fn is_thin(&self) -> bool {
        2 * self.errors >= self.correctable
    }
}

/// Detunings tried after the first look, in units of 1/tau.
const DETUNINGS: [f32; 4] = [0.06, -0.06, 0.12, -0.12];
/// Displacements tried at each detuning.
const REGISTRATIONS_DETUNED: usize = 9;

/// Brings the key back, or fails with the one opaque error.
pub fn regenerate(
    device: &mut dyn SpeckleDevice,
    projection: &dyn Projection,
    helper: &HelperData,
    context: &[u8],
) -> Result<Regenerated> {
    check_model(device, &helper.model)?;
    check_model(device, projection.name())?;
    if device.info().provenance != helper.provenance {
        return Err(PufError::ProvenanceRefused {
            found: device.info().provenance,
            rule: "the enrolment was made with a device of another provenance",
        });
    }
    device.begin()?;
    let regenerator = Regenerator::new(projection, helper, context);
    let mut tries = 0;
    for (round, detuning) in std::iter::once(0.0).chain(DETUNINGS).enumerate() {
        if round > 0 && !device.detune(detuning)? {
            break;
        }
        let prepared = measure(device, projection, &helper.challenges, helper.frames)?;
        let limit = if round == 0 { MAX_TRIES } else { REGISTRATIONS_DETUNED };
        if let Some(found) = regenerator.look(&prepared, limit, detuning, &mut tries)? {
            return Ok(found);
        }
    }
    Err(PufError::NotRegenerated)
}

/// Regeneration from frames that somebody else took, with all registrations and no detuning: for benches and for
/// devices that push.
#[derive(Debug)]
pub struct Regenerator<'h> {
    projection: &'h dyn Projection,
    helper: &'h HelperData,
    context: &'h [u8],
}

impl<'h> Regenerator<'h> {
    /// A regenerator of one key.
    #[must_use]
    pub const fn new(projection: &'h dyn Projection, helper: &'h HelperData, context: &'h [u8]) -> Self {
        Self { projection, helper, context }
    }

    /// Brings the key back from the frames of each challenge.
    pub fn from_frames(&self, frames: &[Vec<Frame>]) -> Result<Regenerated> {
        let prepared = frames.iter().map(|f| self.projection.prepare(f)).collect::<Result<Vec<_>>>()?;
        let mut tries = 0;
        let limit = MAX_TRIES;
        self.look(&prepared, limit, 0.0, &mut tries)?.ok_or(PufError::NotRegenerated)
    }

    /// The same with the image taken as it lies, one try.
    pub fn at_once(&self, frames: &[Vec<Frame>]) -> Result<Regenerated> {
        let prepared = frames.iter().map(|f| self.projection.prepare(f)).collect::<Result<Vec<_>>>()?;
        self.look(&prepared, 1, 0.0, &mut 0)?.ok_or(PufError::NotRegenerated)
    }

    /// Tries up to `limit` registrations of one measurement.
    fn look(
        &self,
        prepared: &[Prepared],
        limit: usize,
        detuning: f32,
        tries: &mut usize,
    ) -> Result<Option<Regenerated>> {
        for registration in self.projection.registrations().into_iter().take(limit) {
            if *tries == MAX_TRIES {
                break;
            }
            *tries += 1;
            let soft: Vec<Soft> = prepared.iter().map(|p| self.projection.project(p, registration)).collect();
            let response = word(&soft, &self.helper.selected)?;
            if let Some((key, errors)) = reproduce(&response, self.helper, self.context)? {
                let shift = (registration.x, registration.y);
                let correctable = self.helper.profile.code().t() as u32;
                let margin = Margin { errors, correctable, tries: *tries, shift, detuning };
                return Ok(Some(Regenerated { key, margin }));
            }
        }
        Ok(None)
    }
}

/// One try: the key and the number of corrected bits, where the tag agrees.
pub(crate) fn reproduce(
    response: &Word,
    helper: &HelperData,
    context: &[u8],
) -> Result<Option<(RootKey, u32)>> {
    let received = response.xor(&helper.offset);
    let (code_word, decoded) = helper.profile.code().decode(&received);
    let errors = received.xor(&code_word).weight();
    let (tag, key) = secrets(&code_word.xor(&helper.offset), helper, context)?;
    let genuine = decoded & tag.ct_eq(&helper.tag);
    Ok(bool::from(genuine).then_some((key, errors)))
}

/// Tag and root key of a response.
fn secrets(response: &Word, helper: &HelperData, context: &[u8]) -> Result<([u8; 32], RootKey)> {
    let bytes = zeroize::Zeroizing::new(response.to_bytes());
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, &helper.salt).extract(bytes.as_slice());
    let tag_key = expand::<32>(&prk, &[LABEL_TAG])?;
    let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, tag_key.expose_secret()));
    mac.update(&helper.authenticated_bytes());
    mac.update(&(context.len() as u64).to_le_bytes());
    mac.update(context);
    let mut tag = [0; 32];
    for (to, from) in tag.iter_mut().zip(mac.sign().as_ref()) {
        *to = *from;
    }
    Ok((tag, RootKey(expand(&prk, &[LABEL_ROOT, context])?)))
}

fn measure(
    device: &mut dyn SpeckleDevice,
    projection: &dyn Projection,
    challenges: &[Challenge],
    frames: u8,
) -> Result<Vec<Prepared>> {
    challenges
        .iter()
        .map(|challenge| {
            device.set_challenge(challenge)?;
            projection.prepare(&device.capture(usize::from(frames))?)
        })
        .collect()
}

fn check_model(device: &dyn SpeckleDevice, model: &str) -> Result<()> {
    let found = &device.info().model;
    if found == model { Ok(()) } else { Err(PufError::Device(format!("model `{found}`, `{model}` needed"))) }
}

fn fill(rng: &dyn Rng, out: &mut [u8]) -> Result<()> {
    rng.fill(out).map_err(|_| PufError::Crypto("no randomness"))
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(prk: &hkdf::Prk, info: &[&[u8]]) -> Result<SecretBox<[u8; N]>> {
    let mut out = SecretBox::new(Box::new([0; N]));
    prk.expand(info, Length(N))
        .and_then(|okm| okm.fill(out.expose_secret_mut().as_mut_slice()))
        .map_err(|_| PufError::Crypto("HKDF"))?;
    Ok(out)
}
