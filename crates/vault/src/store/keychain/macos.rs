//! The login keychain of macOS.

use std::collections::HashMap;
use std::sync::Arc;

use apple_native_keyring_store::keychain::Store;
use keyring_core::{CredentialStore, Entry, Error};

use super::{Failure, common_failure};

/// Nothing to look at first: the system itself decides whether to ask.
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

pub(super) fn search(store: &CredentialStore, service: &str) -> keyring_core::Result<Vec<Entry>> {
    store.search(&HashMap::from([("service", service)]))
}

#[expect(clippy::needless_pass_by_value, reason = "on Linux it is taken apart")]
pub(super) fn failure(error: Error) -> Failure {
    common_failure(&error)
}
