//! Sessions: opened by a login, alive while used, ended by time, by their owner or by revocation.
//!
//! State machine: `absent → live → ended`, and an ended session never lives again. A live session ends when
//! - it was not used for [`Limits::idle`], or is older than [`Limits::absolute`];
//! - it is closed, or its user is revoked.
//!
//! Whoever asks for a session that does not live gets [`Refusal::NoSession`], whatever the reason.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use konfido_keys::{KeyError, Rng};
use subtle::ConstantTimeEq as _;

use crate::protocol::{Professional, Refusal, SessionHandle};

/// How long sessions live, and how many there are.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Unused for longer: ended.
    pub idle: SignedDuration,
    /// Older: ended.
    pub absolute: SignedDuration,
    /// At most this many at once.
    pub live: usize,
    /// At most this many patients a session.
    pub patients: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: SignedDuration::from_mins(15),
            absolute: SignedDuration::from_hours(4),
            live: 10_000,
            patients: 200,
        }
    }
}

/// A live session.
#[derive(Debug)]
pub struct Session {
    /// The professional who signed in.
    pub professional: Professional,
    /// The session's HCP assertion, once issued: every TRC refers to it.
    pub hcp: Option<String>,
    patients: Vec<String>,
    opened: Timestamp,
    used: Timestamp,
}

impl Session {
    /// Whether this patient was bound to the session.
    pub fn names(&self, patient: &str) -> bool {
        self.patients.iter().any(|known| bool::from(known.as_bytes().ct_eq(patient.as_bytes())))
    }
}

/// All sessions of a vault.
#[derive(Debug, Default)]
pub struct Sessions {
    live: HashMap<[u8; 32], Session>,
    limits: Limits,
}

impl Sessions {
    /// No sessions, under these limits.
    pub fn new(limits: Limits) -> Self {
        Self { live: HashMap::new(), limits }
    }

    /// Opens one.
    ///
    /// # Errors
    /// [`Refusal::TooMany`] when the table is full, [`Refusal::Failed`] without randomness.
    pub fn open(
        &mut self,
        professional: Professional,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<SessionHandle, Refusal> {
        self.expire(now);
        if self.live.len() >= self.limits.live {
            return Err(Refusal::TooMany);
        }
        let mut handle = [0; 32];
        rng.fill(&mut handle).map_err(|_: KeyError| Refusal::Failed)?;
        let session = Session { professional, hcp: None, patients: Vec::new(), opened: now, used: now };
        self.live.insert(handle, session);
        Ok(SessionHandle(handle))
    }

    /// The live session behind a handle; being asked for keeps it alive.
    ///
    /// # Errors
    /// [`Refusal::NoSession`].
    pub fn live(&mut self, handle: &SessionHandle, now: Timestamp) -> Result<&mut Session, Refusal> {
        let limits = self.limits;
        // The handle is 256 random bits; finding it by hash tells nothing about the others.
        let over = self.live.get(&handle.0).is_none_or(|session| has_ended(session, limits, now));
        if over {
            self.live.remove(&handle.0);
            return Err(Refusal::NoSession);
        }
        let session = self.live.get_mut(&handle.0).ok_or(Refusal::NoSession)?;
        session.used = now;
        Ok(session)
    }

    /// Binds a patient to a session.
    ///
    /// # Errors
    /// [`Refusal::NoSession`], or [`Refusal::TooMany`] patients for one session.
    pub fn name_patient(
        &mut self,
        handle: &SessionHandle,
        patient: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let most = self.limits.patients;
        let session = self.live(handle, now)?;
        if session.names(patient) {
            return Ok(());
        }
        if session.patients.len() >= most {
            return Err(Refusal::TooMany);
        }
        session.patients.push(patient.to_owned());
        Ok(())
    }

    /// Ends one session; ending what has ended is no error.
    pub fn close(&mut self, handle: &SessionHandle) {
        self.live.remove(&handle.0);
    }

    /// Ends every session of a user; gives how many.
    pub fn revoke(&mut self, user: &str) -> usize {
        let before = self.live.len();
        self.live.retain(|_, session| session.professional.name_id.0 != user);
        before.saturating_sub(self.live.len())
    }

    /// Forgets what has ended by time; gives how many live.
    pub fn expire(&mut self, now: Timestamp) -> usize {
        let limits = self.limits;
        self.live.retain(|_, session| !has_ended(session, limits, now));
        self.live.len()
    }
}

fn has_ended(session: &Session, limits: Limits, now: Timestamp) -> bool {
    now < session.opened
        || now.duration_since(session.used) > limits.idle
        || now.duration_since(session.opened) > limits.absolute
}

#[cfg(test)]
mod tests {
    use konfido_keys::software::SystemRng;
    use proptest::prelude::*;

    use super::*;

    fn professional(user: &str) -> Professional {
        Professional {
            name_id: (user.to_owned(), "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified".to_owned()),
            name: "Test".to_owned(),
            role: "221".to_owned(),
            facility: "Hospital".to_owned(),
            purpose: "TREATMENT".to_owned(),
            locality: "Testby".to_owned(),
            organization: None,
            home_community: None,
            permissions: Vec::new(),
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[derive(Debug, Clone)]
    enum Step {
        Open(u8),
        Use(usize),
        Close(usize),
        Revoke(u8),
        Wait(i64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0..3_u8).prop_map(Step::Open),
            (0..8_usize).prop_map(Step::Use),
            (0..8_usize).prop_map(Step::Close),
            (0..3_u8).prop_map(Step::Revoke),
            (0..2_000_i64).prop_map(Step::Wait),
        ];
        proptest::collection::vec(step, 1..60)
    }

    proptest! {
        /// Against a model that writes down what should hold: a session serves exactly while the model says that it lives.
        #[test]
        fn a_session_lives_exactly_as_long_as_the_rules_say(steps in steps()) {
            let limits = Limits::default();
            let mut sessions = Sessions::new(limits);
            let mut model: Vec<(SessionHandle, u8, i64, i64, bool)> = Vec::new();
            let mut now = 0;
            for step in steps {
                match step {
                    Step::Open(user) => {
                        let handle = sessions.open(professional(&user.to_string()), at(now), &SystemRng).unwrap();
                        model.push((handle, user, now, now, true));
                    }
                    Step::Use(index) => if let Some((handle, _, opened, used, live)) = model.get_mut(index) {
                        let should = *live
                            && now - *used <= limits.idle.as_secs()
                            && now - *opened <= limits.absolute.as_secs();
                        prop_assert_eq!(sessions.live(handle, at(now)).is_ok(), should);
                        if should { *used = now } else { *live = false }
                    },
                    Step::Close(index) => if let Some((handle, _, _, _, live)) = model.get_mut(index) {
                        sessions.close(handle);
                        *live = false;
                    },
                    Step::Revoke(user) => {
                        sessions.revoke(&user.to_string());
                        for entry in model.iter_mut().filter(|entry| entry.1 == user) { entry.4 = false; }
                    }
                    Step::Wait(seconds) => now += seconds,
                }
            }
        }
    }

    #[test]
    fn a_patient_of_one_session_is_no_patient_of_another() {
        let mut sessions = Sessions::new(Limits::default());
        let one = sessions.open(professional("one"), at(0), &SystemRng).unwrap();
        let two = sessions.open(professional("two"), at(0), &SystemRng).unwrap();
        sessions.name_patient(&one, "a^^^&1.2.3&ISO", at(1)).unwrap();
        assert!(sessions.live(&one, at(2)).unwrap().names("a^^^&1.2.3&ISO"));
        assert!(!sessions.live(&two, at(2)).unwrap().names("a^^^&1.2.3&ISO"));
    }
}
