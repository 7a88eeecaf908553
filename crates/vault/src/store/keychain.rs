//! The keychain of the operating system, through `keyring-core` and the store of the platform.
//!
//! Three rules of ours on top of theirs. **No prompts:** the Linux store unlocks what it finds
//! locked, which asks the person out of the blue; so the platform module looks first. (Locked in
//! the millisecond between look and call, it may still ask; the time limit covers that.) **No stale
//! connection:** the store is opened at first use and again after any failure of the platform, so a
//! keychain that was restarted works at once. **One home:** every item stands under the service
//! name of its vault id, and nothing else is ever looked at.

#[cfg(target_os = "linux")]
#[path = "keychain/linux.rs"]
mod platform;
#[cfg(target_os = "macos")]
#[path = "keychain/macos.rs"]
mod platform;
#[cfg(windows)]
#[path = "keychain/windows.rs"]
mod platform;

use keyring_core::{CredentialStore, Entry, Error};
use std::sync::Arc;
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::secret_store::{ItemName, SecretStore};
use crate::vault_id::VaultId;

/// The keychain, seen from one home.
pub struct Keychain {
    service: String,
    open: Option<Open>,
}

struct Open {
    guard: platform::Guard,
    store: Arc<CredentialStore>,
}

/// How a call failed.
enum Failure {
    /// Asked before anything was done: the person has to do something first.
    Refused(StoreError),
    /// The platform's own failure; the connection to it may be dead.
    Platform(StoreError),
}

impl Keychain {
    /// Sees only the items of `vault_id`. Connects at first use.
    pub fn new(vault_id: &VaultId) -> Self {
        Self {
            service: vault_id.service(),
            open: None,
        }
    }

    /// Runs `call` on an open store. After a failure of the platform the store is opened again,
    /// and the call repeated once: every call here may safely be done twice.
    fn with<T>(
        &mut self,
        call: impl Fn(&Open, &str) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let was_open = self.open.is_some();
        match self.attempt(&call) {
            Err(Failure::Platform(_)) if was_open => self.attempt(&call),
            result => result,
        }
        .map_err(|failure| match failure {
            Failure::Refused(error) | Failure::Platform(error) => error,
        })
    }

    fn attempt<T>(
        &mut self,
        call: impl FnOnce(&Open, &str) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let open = match self.open.take() {
            Some(open) => open,
            None => Open {
                guard: platform::Guard::open()?,
                store: platform::open().map_err(platform::failure)?,
            },
        };
        let result = call(&open, &self.service);
        if !matches!(result, Err(Failure::Platform(_))) {
            self.open = Some(open);
        }
        result
    }
}

impl Open {
    fn entry(&self, service: &str, item: ItemName) -> Result<Entry, Failure> {
        let user = item.to_string();
        self.guard
            .check(&[("service", service), ("username", &user)])?;
        self.store
            .build(service, &user, None)
            .map_err(platform::failure)
    }
}

impl SecretStore for Keychain {
    fn check(&mut self) -> Result<(), StoreError> {
        self.with(|open, _| open.guard.check(&[]))
    }

    fn read(&mut self, item: &ItemName) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.with(
            |open, service| match open.entry(service, *item)?.get_secret() {
                Ok(value) => Ok(Some(Zeroizing::new(value))),
                Err(Error::NoEntry) => Ok(None),
                Err(error) => Err(platform::failure(error)),
            },
        )
    }

    fn write(&mut self, item: &ItemName, value: &[u8]) -> Result<(), StoreError> {
        self.with(|open, service| {
            open.entry(service, *item)?
                .set_secret(value)
                .map_err(platform::failure)
        })
    }

    fn delete(&mut self, item: &ItemName) -> Result<(), StoreError> {
        self.with(
            |open, service| match open.entry(service, *item)?.delete_credential() {
                Ok(()) | Err(Error::NoEntry) => Ok(()),
                Err(error) => Err(platform::failure(error)),
            },
        )
    }

    fn list(&mut self) -> Result<Vec<ItemName>, StoreError> {
        self.with(|open, service| {
            open.guard.check(&[("service", service)])?;
            let entries = platform::search(&*open.store, service).map_err(platform::failure)?;
            let specifiers = entries.iter().filter_map(Entry::get_specifiers);
            Ok(specifiers
                .filter(|(found, _)| found == service)
                .filter_map(|(_, user)| user.parse().ok())
                .collect())
        })
    }
}

/// For errors that mean the same on every platform.
fn common_failure(error: &Error) -> Failure {
    let text = error.to_string();
    match error {
        Error::NoStorageAccess(_) => Failure::Refused(StoreError::Locked(text)),
        Error::TooLong(..) | Error::Invalid(..) | Error::Ambiguous(_) => {
            Failure::Refused(StoreError::Broken(text))
        }
        _ => Failure::Platform(StoreError::Broken(text)),
    }
}
