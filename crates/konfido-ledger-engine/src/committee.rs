//! Which keys may sign in which epoch: the engine's view of the member sets, filled as epochs begin.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use commonware_consensus::{simplex::scheme::ed25519::Scheme, types::Epoch};
use commonware_cryptography::certificate::{Provider, Scoped};

/// Schemes by epoch. An epoch that has not begun has none, and nothing signed in it is believed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Committees(Arc<Mutex<BTreeMap<u64, Arc<Scheme>>>>);

impl Committees {
    pub(crate) fn insert(&self, epoch: u64, scheme: Scheme) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(epoch, Arc::new(scheme));
    }
}

impl Provider for Committees {
    type Scope = Epoch;
    type Scheme = Scheme;

    fn scoped(&self, epoch: Epoch) -> Option<Scoped<Scheme>> {
        let table = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        table.get(&epoch.get()).map(|scheme| Scoped::scheme(Arc::clone(scheme)))
    }
}
