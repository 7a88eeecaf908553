//! One registration at a time at each issuer: two authenticators that are added side by side share one.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OwnedMutexGuard;
use valetkey_core::authenticator::Authenticator;

/// Locks by issuer, and the clients that were refused.
#[derive(Debug, Default)]
pub(crate) struct Registrations {
    locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// Clients that their server does not know any more: its issuer, and their id.
    refused: Mutex<HashSet<(String, String)>>,
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

    /// Remembers that the server does not know this client any more, if we have registered it.
    pub(crate) fn refuse(&self, authenticator: &Authenticator) {
        if let Some(client) = registered(authenticator) {
            self.refused().insert(client);
        }
    }

    /// The server has registered this client just now.
    pub(super) fn accept(&self, issuer: &str, client_id: &str) {
        let client = (issuer.to_owned(), client_id.to_owned());
        self.refused().remove(&client);
    }

    /// Whether the server has refused the client, whichever authenticator used it.
    pub(super) fn is_refused(&self, authenticator: &Authenticator) -> bool {
        registered(authenticator).is_some_and(|client| self.refused().contains(&client))
    }

    fn refused(&self) -> MutexGuard<'_, HashSet<(String, String)>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Issuer and id of a client that we have registered.
pub(super) fn registered(authenticator: &Authenticator) -> Option<(String, String)> {
    let registration = authenticator.overrides.registration.as_ref()?;
    Some((registration.issuer.clone(), authenticator.client_id.clone()))
}
