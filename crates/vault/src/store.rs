//! The secret stores (keychain, encrypted file, memory), and how the chosen one is opened.

mod file;
mod keychain;
mod memory;
#[cfg(feature = "testing")]
pub mod testing;

use std::time::Duration;

use valetkey_core::home::Home;

pub use self::file::{Cost, FileKey, FileStore};
pub use self::keychain::Keychain;
pub use self::memory::MemoryStore;
use crate::error::VaultError;
use crate::secret_store::SecretStore;
use crate::vault_id::VaultId;

/// Which store the person chose.
#[derive(Debug, Clone)]
pub enum StoreChoice {
    /// The keychain of the operating system.
    Keychain,
    /// An encrypted file in the home, for machines without a keychain.
    File(FileKey),
    /// Nothing survives the process: a trial.
    Memory,
}

impl StoreChoice {
    /// The word of `--secret-store`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Keychain => "keychain",
            Self::File(_) => "file",
            Self::Memory => "memory",
        }
    }
}

type Open = dyn FnOnce(&Home, &VaultId) -> Result<Box<dyn SecretStore>, VaultError> + Send;

/// Opens a store on the thread that will own it.
pub struct StoreOpener {
    pub(crate) open: Box<Open>,
    /// Which store a home keeps to; None where a test brings its own.
    pub(crate) kind: Option<&'static str>,
    pub(crate) time_limit: Duration,
}

/// A person may answer a prompt of the keychain's own in this time; nobody waits longer for it.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

impl StoreOpener {
    /// Opens whatever `open` makes.
    pub fn new(
        open: impl FnOnce(&Home, &VaultId) -> Result<Box<dyn SecretStore>, VaultError> + Send + 'static,
    ) -> Self {
        Self {
            open: Box::new(open),
            kind: None,
            time_limit: CALL_TIMEOUT,
        }
    }

    /// Another limit for each call than 10 seconds.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }
}

impl From<StoreChoice> for StoreOpener {
    fn from(choice: StoreChoice) -> Self {
        let kind = Some(choice.as_str());
        let opener = Self::new(move |home, vault_id| {
            Ok(match choice {
                StoreChoice::Keychain => Box::new(Keychain::new(vault_id)),
                StoreChoice::File(key) => {
                    Box::new(FileStore::open(&home.secret_file(), &key, Cost::default())?)
                }
                StoreChoice::Memory => Box::new(MemoryStore::default()),
            })
        });
        Self { kind, ..opener }
    }
}
