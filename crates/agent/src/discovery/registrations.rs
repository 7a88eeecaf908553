//! One registration at a time at each issuer: two authenticators that are added side by side share one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;
use valetkey_core::id::AuthenticatorId;

/// Locks by issuer, and the clients that were refused.
#[derive(Debug, Default)]
pub(crate) struct Registrations {
    locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// Authenticators whose server does not know their client any more, and the client's id.
    refused: Mutex<HashMap<AuthenticatorId, String>>,
}

impl Registrations {
    /// Waits for the lock of an issuer.
    pub(super) async fn lock(&self, issuer: &str) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(locks.entry(issuer.to_owned()).or_default())
        };
        lock.lock_owned().await
    }

    /// Remembers that the server has refused this client.
    pub(crate) fn refuse(&self, id: AuthenticatorId, client_id: &str) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.insert(id, client_id.to_owned());
    }

    /// Whether the server has refused this client.
    pub(super) fn is_refused(&self, id: AuthenticatorId, client_id: &str) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.get(&id).is_some_and(|refused| refused == client_id)
    }
}
