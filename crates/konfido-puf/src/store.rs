//! What lies on a node's disk: the helper data and the counters that guard it. No key, no response.
//!
//! `helper.kpuf` appears whole or not at all, and only after the key has come back once from it. `state.json` counts
//! failed attempts (written before the attempt, so that pulling the plug does not forgive one), enrolled challenge
//! sets and the patterns the token has shown. A challenge set is marked as used before it is enrolled.

use std::io::Write;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use konfido_keys::Rng;
use subtle::ConstantTimeEq;

use crate::device::SpeckleDevice;
use crate::error::{PufError, Result};
use crate::extractor::{self, EnrolOptions, Enrolled, Regenerated};
use crate::hash::Projection;
use crate::helper::{HelperData, MAX_HELPER_BYTES};

/// Failures in a row that cost nothing.
const FREE_FAILURES: u32 = 5;
/// First lock, in seconds; each further failure doubles it.
const FIRST_LOCK: i64 = 30;
/// Longest lock.
const LONGEST_LOCK: i64 = 86_400;
/// Distinct patterns that a token of 256 modulator pixels may show: four times the pixels, below which phase
/// retrieval does not start even if every raw frame leaked.
pub const PATTERN_BUDGET: u64 = 1024;

/// Guards of one token.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Failed attempts in a row.
    pub failures: u32,
    /// No attempt before this time.
    pub locked_until: i64,
    /// Distinct patterns enrolled so far.
    pub patterns: u64,
    /// Digests of enrolled challenge lists.
    pub sets: Vec<String>,
}

/// An enrolment directory.
#[derive(Debug)]
pub struct Store {
    directory: PathBuf,
}

impl Store {
    /// Opens or creates `directory`.
    pub fn open(directory: &Path) -> Result<Self> {
        std::fs::create_dir_all(directory).map_err(|error| PufError::file(directory, error))?;
        Ok(Self { directory: directory.to_owned() })
    }

    /// A file in the directory.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Whether a key is enrolled here.
    #[must_use]
    pub fn is_enrolled(&self) -> bool {
        self.path("helper.kpuf").exists()
    }

    /// The helper data.
    pub fn helper(&self) -> Result<HelperData> {
        let path = self.path("helper.kpuf");
        let size = std::fs::metadata(&path).map_err(|error| PufError::file(&path, error))?.len();
        if size > MAX_HELPER_BYTES as u64 {
            return Err(PufError::malformed("helper data", "longer than any helper data"));
        }
        HelperData::from_bytes(&std::fs::read(&path).map_err(|error| PufError::file(&path, error))?)
    }

    /// The guards.
    pub fn state(&self) -> Result<State> {
        let path = self.path("state.json");
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| PufError::malformed("state of the token", error.to_string())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(State::default()),
            Err(error) => Err(PufError::file(&path, error)),
        }
    }

    /// Enrols the root key. Refuses to overwrite an enrolment.
    pub fn enrol(
        &self,
        device: &mut dyn SpeckleDevice,
        projection: &dyn Projection,
        rng: &dyn Rng,
        options: &EnrolOptions<'_>,
    ) -> Result<Enrolled> {
        if self.is_enrolled() {
            return Err(PufError::EnrolmentRefused("a key is enrolled here already".into()));
        }
        let enrolled = self.enrol_set(device, projection, rng, options)?;
        self.write("helper.kpuf", &enrolled.helper.to_bytes())?;
        Ok(enrolled)
    }

    /// Enrols a fresh challenge set without storing its helper data: budget, single use, proof by regeneration.
    pub fn enrol_set(
        &self,
        device: &mut dyn SpeckleDevice,
        projection: &dyn Projection,
        rng: &dyn Rng,
        options: &EnrolOptions<'_>,
    ) -> Result<Enrolled> {
        let mut state = self.state()?;
        let shown = state.patterns + projection.layout().challenges as u64;
        if shown > PATTERN_BUDGET {
            return Err(PufError::BudgetSpent { shown: state.patterns, budget: PATTERN_BUDGET });
        }
        let enrolled = extractor::enrol(device, projection, rng, options)?;
        let name = set_name(&enrolled.helper);
        if state.sets.contains(&name) {
            return Err(PufError::ChallengeSetUsed);
        }
        state.sets.push(name);
        state.patterns = shown;
        self.write_state(&state)?;
        let proof = extractor::regenerate(device, projection, &enrolled.helper, options.context)?;
        if !bool::from(proof.key.ct_eq(&enrolled.key)) {
            return Err(PufError::NotRegenerated);
        }
        Ok(enrolled)
    }

    /// Brings the root key back, at Unix time `now`, within the limit of attempts.
    pub fn regenerate(
        &self,
        device: &mut dyn SpeckleDevice,
        projection: &dyn Projection,
        context: &[u8],
        now: i64,
    ) -> Result<Regenerated> {
        let helper = self.helper()?;
        self.guarded(now, || extractor::regenerate(device, projection, &helper, context))
    }

    /// Runs one attempt under the limit: counted as failed before it starts, forgiven when it succeeds.
    pub fn guarded<T>(&self, now: i64, attempt: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut state = self.state()?;
        if now < state.locked_until {
            return Err(PufError::Locked { until: state.locked_until });
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures > FREE_FAILURES {
            let doublings = (state.failures - FREE_FAILURES - 1).min(12);
            state.locked_until = now.saturating_add((FIRST_LOCK << doublings).min(LONGEST_LOCK));
        }
        self.write_state(&state)?;
        let result = attempt();
        match &result {
            Ok(_) => {
                state.failures = 0;
                state.locked_until = 0;
                self.write_state(&state)?;
            }
            // Only a refusal by the tag counts; a missing camera is no attack.
            Err(PufError::NotRegenerated) => {}
            Err(_) => {
                state.failures -= 1;
                state.locked_until = 0;
                self.write_state(&state)?;
            }
        }
        result
    }

    fn write_state(&self, state: &State) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(state)
            .map_err(|error| PufError::malformed("state of the token", error.to_string()))?;
        self.write("state.json", &bytes)
    }

    /// Writes a file of the directory whole: beside it, synced, renamed, and the directory synced.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path(name);
        let fail = |error| PufError::file(&path, error);
        let mut file = tempfile::NamedTempFile::new_in(&self.directory).map_err(fail)?;
        file.write_all(bytes).map_err(fail)?;
        file.as_file().sync_all().map_err(fail)?;
        file.persist(&path).map_err(|error| PufError::file(&path, error.error))?;
        std::fs::File::open(&self.directory).and_then(|d| d.sync_all()).map_err(fail)
    }
}

/// The public name of a challenge list, whatever its order.
fn set_name(helper: &HelperData) -> String {
    let mut names: Vec<String> = helper.challenges().iter().map(|c| format!("{c:?}")).collect();
    names.sort();
    hex::encode(digest::digest(&digest::SHA256, names.join("\n").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_lock_for_longer_and_longer_and_success_forgives() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let fail = |now| store.guarded(now, || Err::<(), _>(PufError::NotRegenerated));
        for _ in 0..=FREE_FAILURES {
            assert!(matches!(fail(1000), Err(PufError::NotRegenerated)));
        }
        assert!(matches!(fail(1029), Err(PufError::Locked { until: 1030 })));
        assert!(matches!(fail(1030), Err(PufError::NotRegenerated)));
        assert!(matches!(fail(1031), Err(PufError::Locked { until: 1090 })));
        assert!(store.guarded(1090, || Ok(())).is_ok());
        assert_eq!(store.state().unwrap(), State::default());
        for _ in 0..20 {
            assert!(store.guarded(0, || Err::<(), _>(PufError::Device("no camera".into()))).is_err());
        }
        assert_eq!(store.state().unwrap().failures, 0);
    }

    #[test]
    fn a_plug_pulled_during_an_attempt_counts() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        let seen = store.guarded(0, || Ok(store.state().unwrap().failures)).unwrap();
        assert_eq!(seen, 1, "the failure is on the disk while the attempt runs");
    }

    #[test]
    fn writes_leave_no_half_file_and_no_temporary() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path()).unwrap();
        store.write("x", b"one").unwrap();
        store.write("x", b"two").unwrap();
        assert_eq!(std::fs::read(store.path("x")).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
