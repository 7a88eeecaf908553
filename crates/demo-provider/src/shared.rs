//! The provider's state, shared by the router, the control interface and the handle.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::device::DeviceCodes;
use crate::dpop::SeenProofs;
use crate::fault_queue::FaultQueue;
use crate::grant::Approval;
use crate::id_token::Signer;
use crate::pushed::PushedStore;
use crate::request_log::RequestLog;
use crate::settings::Settings;
use crate::token_store::TokenStore;

pub(crate) struct Shared {
    pub(crate) issuer: String,
    pub(crate) request_log: RequestLog,
    pub(crate) signer: Signer,
    initial_settings: Settings,
    settings: Mutex<Arc<Settings>>,
    faults: Mutex<FaultQueue>,
    tokens: Mutex<TokenStore>,
    device_codes: Mutex<DeviceCodes>,
    pushed: Mutex<PushedStore>,
    proofs: Mutex<SeenProofs>,
    issued: Mutex<Vec<String>>,
    /// Of client assertions: each counts once.
    assertion_ids: Mutex<HashSet<String>>,
}

impl Shared {
    pub(crate) fn new(issuer: String, settings: Settings) -> Self {
        Self {
            issuer,
            request_log: RequestLog::new(),
            signer: Signer::new(),
            initial_settings: settings.clone(),
            settings: Mutex::new(Arc::new(settings)),
            faults: Mutex::default(),
            tokens: Mutex::default(),
            device_codes: Mutex::default(),
            pushed: Mutex::default(),
            proofs: Mutex::default(),
            issued: Mutex::default(),
            assertion_ids: Mutex::default(),
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

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultQueue> {
        lock(&self.faults)
    }

    pub(crate) fn token_store(&self) -> MutexGuard<'_, TokenStore> {
        lock(&self.tokens)
    }

    pub(crate) fn device_codes(&self) -> MutexGuard<'_, DeviceCodes> {
        lock(&self.device_codes)
    }

    pub(crate) fn pushed(&self) -> MutexGuard<'_, PushedStore> {
        lock(&self.pushed)
    }

    pub(crate) fn proofs(&self) -> MutexGuard<'_, SeenProofs> {
        lock(&self.proofs)
    }

    /// Restores the state at start; held requests continue.
    pub(crate) fn reset(&self) {
        self.set(self.initial_settings.clone());
        self.faults().clear();
        *self.token_store() = TokenStore::default();
        *self.device_codes() = DeviceCodes::default();
        *self.pushed() = PushedStore::default();
        *self.proofs() = SeenProofs::default();
        self.request_log.clear();
        lock(&self.issued).clear();
        lock(&self.assertion_ids).clear();
    }

    /// Whether no assertion had this `jti` before.
    pub(crate) fn is_new_assertion(&self, id: &str) -> bool {
        lock(&self.assertion_ids).insert(id.to_owned())
    }

    /// A new secret value, remembered for leak tests. `kind` makes test output readable.
    pub(crate) fn mint(&self, settings: &Settings, kind: &str) -> String {
        let value = format!("{}{kind}-{}", settings.token_prefix, random());
        self.remember(value.clone());
        value
    }

    pub(crate) fn remember(&self, secret: String) {
        lock(&self.issued).push(secret);
    }

    pub(crate) fn issued(&self) -> Vec<String> {
        lock(&self.issued).clone()
    }

    /// Stores an approval and returns its code.
    pub(crate) fn approve(&self, settings: &Settings, approval: Approval) -> String {
        let code = self.mint(settings, "code");
        self.token_store()
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

/// A poisoned lock must not hide the panic that poisoned it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
