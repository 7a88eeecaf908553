//! The provider's state: one value behind the router, the control interface and the handle.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::fault_queue::Faults;
use crate::grant::Approval;
use crate::id_token::Signer;
use crate::journal::Journal;
use crate::ledger::Ledger;
use crate::settings::Settings;

pub(crate) struct Shared {
    pub(crate) issuer: String,
    pub(crate) journal: Journal,
    pub(crate) signer: Signer,
    at_start: Settings,
    settings: Mutex<Arc<Settings>>,
    faults: Mutex<Faults>,
    ledger: Mutex<Ledger>,
    issued: Mutex<Vec<String>>,
}

impl Shared {
    pub(crate) fn new(issuer: String, settings: Settings) -> Self {
        Self {
            issuer,
            journal: Journal::new(),
            signer: Signer::new(),
            at_start: settings.clone(),
            settings: Mutex::new(Arc::new(settings)),
            faults: Mutex::default(),
            ledger: Mutex::default(),
            issued: Mutex::default(),
        }
    }

    pub(crate) fn settings(&self) -> Arc<Settings> {
        lock(&self.settings).clone()
    }

    pub(crate) fn set(&self, settings: Settings) {
        *lock(&self.settings) = Arc::new(settings);
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut Settings)) {
        change(Arc::make_mut(&mut lock(&self.settings)));
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }

    /// Everything is as it was at start; requests that are held go on.
    pub(crate) fn reset(&self) {
        self.set(self.at_start.clone());
        self.faults().clear();
        *self.ledger() = Ledger::default();
        self.journal.forget();
        lock(&self.issued).clear();
    }

    /// A new secret value, remembered for leak tests. `sort` makes logs of a test readable.
    pub(crate) fn mint(&self, settings: &Settings, sort: &str) -> String {
        let value = format!("{}{sort}-{}", settings.token_prefix, random());
        self.remember(value.clone());
        value
    }

    pub(crate) fn remember(&self, secret: String) {
        lock(&self.issued).push(secret);
    }

    pub(crate) fn issued(&self) -> Vec<String> {
        lock(&self.issued).clone()
    }

    /// Keeps what was allowed and returns the code for it.
    pub(crate) fn approve(&self, settings: &Settings, approval: Approval) -> String {
        let code = self.mint(settings, "code");
        self.ledger()
            .approve(code.clone(), approval, Instant::now());
        code
    }
}

/// 32 random bytes as text.
pub(crate) fn random() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).expect("the system has randomness");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A panicking test must not hide behind a poisoned lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
