//! The Secret Service (GNOME Keyring, `KWallet`, `KeePassXC`) over D-Bus.

use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::{CredentialStore, Entry, Error};
use secret_service::EncryptionType;
use secret_service::blocking::SecretService;
use zbus_secret_service_keyring_store::Store;

use super::{Failure, common_failure};
use crate::error::StoreError;

/// Looks whether something is locked, and asks nobody to unlock it.
pub(super) struct Guard(SecretService<'static>);

impl Guard {
    pub(super) fn open() -> Result<Self, Failure> {
        // Secrets never travel over this connection, so it needs no session key.
        SecretService::connect(EncryptionType::Plain)
            .map(Self)
            .map_err(|error| {
                match service_failure(&error) {
                    // Whatever keeps us from connecting: there is no keychain here.
                    Failure::Platform(StoreError::Broken(text)) => {
                        Failure::Platform(StoreError::Unavailable(text))
                    }
                    failure => failure,
                }
            })
    }

    /// Refuses if an item with these attributes is locked or, where there is none, the collection
    /// that new items go to. (Some keychains hide locked items from a search.)
    pub(super) fn check(&self, attributes: &[(&str, &str)]) -> Result<(), Failure> {
        if !attributes.is_empty() {
            let attributes = attributes.iter().copied().collect();
            let found = self
                .0
                .search_items(attributes)
                .map_err(|error| service_failure(&error))?;
            if !found.locked.is_empty() {
                return Err(locked());
            }
            if !found.unlocked.is_empty() {
                return Ok(());
            }
        }
        let default = self.0.get_default_collection();
        match default.and_then(|default| default.is_locked()) {
            Ok(false) => Ok(()),
            Ok(true) => Err(locked()),
            Err(error) => Err(service_failure(&error)),
        }
    }
}

pub(super) fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(Store::new()?)
}

pub(super) fn search(store: &CredentialStore, service: &str) -> keyring_core::Result<Vec<Entry>> {
    store.search(&HashMap::from([("service", service)]))
}

pub(super) fn failure(error: Error) -> Failure {
    match error {
        Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => {
            match cause.downcast::<secret_service::Error>() {
                Ok(error) => service_failure(&error),
                Err(cause) => common_failure(&Error::PlatformFailure(cause)),
            }
        }
        error => common_failure(&error),
    }
}

fn locked() -> Failure {
    Failure::Refused(StoreError::Locked("Secret Service".to_owned()))
}

fn service_failure(error: &secret_service::Error) -> Failure {
    use secret_service::Error as Service;
    let text = error.to_string();
    match error {
        Service::Locked => locked(),
        Service::Prompt => {
            Failure::Refused(StoreError::Denied("the prompt was dismissed".to_owned()))
        }
        Service::NoResult => Failure::Refused(StoreError::Unavailable(
            "there is no default keyring; create one, for instance in `seahorse`".to_owned(),
        )),
        Service::Unavailable => Failure::Platform(StoreError::Unavailable(text)),
        // D-Bus error names are stable; the variant that carries them is zbus's own.
        _ if text.contains("Secret.Error.IsLocked") => locked(),
        _ if text.contains("DBus.Error.AccessDenied") => Failure::Refused(StoreError::Denied(text)),
        _ if ABSENT.iter().any(|name| text.contains(name)) => {
            Failure::Platform(StoreError::Unavailable(text))
        }
        _ => Failure::Platform(StoreError::Broken(text)),
    }
}

/// What the bus says of a service that is not there, or not there any more.
const ABSENT: [&str; 4] = [
    "DBus.Error.ServiceUnknown",
    "DBus.Error.NameHasNoOwner",
    "DBus.Error.Spawn",
    "DBus.Error.Disconnected",
];
