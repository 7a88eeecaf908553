//! The Credential Manager of Windows. It is never locked while its user is signed in.

use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::{CredentialStore, Entry, Error};
use windows_native_keyring_store::Store;

use super::{Failure, common_failure};

/// Nothing to look at first.
pub(super) struct Guard;

impl Guard {
    #[expect(clippy::unnecessary_wraps, reason = "on Linux it connects")]
    pub(super) fn open() -> Result<Self, Failure> {
        Ok(Self)
    }

    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "on Linux it looks"
    )]
    pub(super) fn check(&self, _attributes: &[(&str, &str)]) -> Result<(), Failure> {
        Ok(())
    }
}

pub(super) fn open() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(Store::new()?)
}

/// Targets are named `user.service` and searched by a regular expression; a service name holds
/// letters, digits and `-` only.
pub(super) fn search(store: &CredentialStore, service: &str) -> keyring_core::Result<Vec<Entry>> {
    let pattern = format!(r"\.{service}$");
    store.search(&HashMap::from([("pattern", pattern.as_str())]))
}

#[expect(clippy::needless_pass_by_value, reason = "on Linux it is taken apart")]
pub(super) fn failure(error: Error) -> Failure {
    common_failure(&error)
}
