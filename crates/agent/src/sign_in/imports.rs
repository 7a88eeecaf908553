//! Which imports of refresh tokens run, and when one that failed is tried again: a token must not be sent
//! twice at once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use valetkey_core::freshness;
use valetkey_core::id::SignInId;

/// Doubled after each failure.
const FIRST_DELAY: SignedDuration = SignedDuration::from_mins(1);
/// Doublings: an hour at most.
const MAX_DOUBLINGS: u32 = 6;

#[derive(Default)]
pub(crate) struct Imports(Mutex<HashMap<SignInId, Import>>);

#[derive(Default)]
struct Import {
    is_running: bool,
    failures: u32,
    not_before: Option<Timestamp>,
}

impl Imports {
    /// It runs from now on.
    pub(super) fn begin(&self, id: SignInId) {
        self.lock().entry(id).or_default().is_running = true;
    }

    /// Begins again, unless it runs or its time is to come.
    pub(super) fn resume(&self, id: SignInId, now: Timestamp) -> bool {
        let mut imports = self.lock();
        let import = imports.entry(id).or_default();
        let is_due = import.not_before.is_none_or(|at| at <= now);
        let resumes = is_due && !import.is_running;
        import.is_running |= resumes;
        resumes
    }

    /// It runs no more, and is tried again after a while.
    pub(super) fn fail(&self, id: SignInId, now: Timestamp) {
        let mut imports = self.lock();
        let import = imports.entry(id).or_default();
        let delay = FIRST_DELAY * (1 << import.failures.min(MAX_DOUBLINGS));
        *import = Import {
            is_running: false,
            failures: import.failures.saturating_add(1),
            not_before: Some(freshness::add(now, delay)),
        };
    }

    pub(super) fn end(&self, id: SignInId) {
        self.lock().remove(&id);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SignInId, Import>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
