//! Where secrets are kept: one trait, three stores (keychain, encrypted file, memory).

mod file;
mod keychain;
mod memory;
#[cfg(feature = "testing")]
pub mod testing;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use uuid::Uuid;
use valetkey_core::home::Home;
use valetkey_core::id::{AuthenticatorId, ConnectionId};
use zeroize::Zeroizing;

pub use self::file::{Cost, FileStore};
pub use self::keychain::Keychain;
pub use self::memory::MemoryStore;
use crate::error::VaultError;
use crate::vault_id::VaultId;

/// A place for secrets. Synchronous: it runs on the keychain thread only.
pub trait SecretStore: Send + 'static {
    /// Whether it is reachable and unlocked now. Never raises a prompt.
    fn check(&mut self) -> Result<(), StoreError>;
    /// Reads an item; None if there is none.
    fn read(&mut self, item: &ItemName) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError>;
    /// Writes an item whole: afterwards it is the old one or the new one, never a mix.
    fn write(&mut self, item: &ItemName, value: &[u8]) -> Result<(), StoreError>;
    /// Deletes an item; Ok if there is none.
    fn delete(&mut self, item: &ItemName) -> Result<(), StoreError>;
    /// The items of this vault, and of no other.
    fn list(&mut self) -> Result<Vec<ItemName>, StoreError>;
}

/// Why a secret store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Works again once the person has unlocked it.
    #[error("the keychain is locked ({0})")]
    Locked(String),
    /// The person or a policy said no.
    #[error("the keychain refused access ({0})")]
    Denied(String),
    /// There is none here.
    #[error("no keychain can be reached ({0})")]
    Unavailable(String),
    /// It did not answer in time. A write may or may not have happened.
    #[error("the keychain does not answer")]
    Hung,
    /// It failed in another way. A write may or may not have happened.
    #[error("the secret store failed: {0}")]
    Broken(String),
}

impl StoreError {
    /// Whether a write that ended like this may have happened all the same.
    pub(crate) const fn leaves_doubt(&self) -> bool {
        match self {
            Self::Hung | Self::Broken(_) => true,
            Self::Locked(_) | Self::Denied(_) | Self::Unavailable(_) => false,
        }
    }
}

/// The name of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemName {
    /// The grant of a connection.
    Grant(ConnectionId),
    /// The secret of a confidential client.
    ClientSecret(AuthenticatorId),
    /// Written, read and deleted to see whether the store works.
    Probe(Uuid),
}

impl fmt::Display for ItemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant(id) => write!(f, "grant/{id}"),
            Self::ClientSecret(id) => write!(f, "client-secret/{id}"),
            Self::Probe(id) => write!(f, "probe/{id}"),
        }
    }
}

/// The text names no item of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of an item")]
pub struct NotAnItem;

impl FromStr for ItemName {
    type Err = NotAnItem;

    fn from_str(text: &str) -> Result<Self, NotAnItem> {
        let (kind, id) = text.split_once('/').ok_or(NotAnItem)?;
        let id = Uuid::parse_str(id).map_err(|_| NotAnItem)?;
        let item = match kind {
            "grant" => Self::Grant(ConnectionId::new(id)),
            "client-secret" => Self::ClientSecret(AuthenticatorId::new(id)),
            "probe" => Self::Probe(id),
            _ => return Err(NotAnItem),
        };
        if item.to_string() == text {
            Ok(item)
        } else {
            Err(NotAnItem)
        }
    }
}

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

/// What opens the encrypted file.
#[derive(Clone)]
pub enum FileKey {
    /// A passphrase; the caller has asked for it or read it, without the final newline.
    Passphrase(Zeroizing<String>),
    /// A file of at least 32 random bytes.
    KeyFile(PathBuf),
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passphrase(_) => f.write_str("Passphrase([redacted])"),
            Self::KeyFile(path) => write!(f, "KeyFile({})", path.display()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_names_read_back() {
        let id = Uuid::from_u128(7);
        for item in [
            ItemName::Grant(ConnectionId::new(id)),
            ItemName::ClientSecret(AuthenticatorId::new(id)),
            ItemName::Probe(id),
        ] {
            assert_eq!(item.to_string().parse(), Ok(item));
        }
    }

    #[test]
    fn foreign_names_are_no_items() {
        for text in [
            "",
            "grant",
            "grant/",
            "grant/x",
            "token/00000000-0000-0000-0000-000000000007",
        ] {
            assert_eq!(text.parse::<ItemName>(), Err(NotAnItem), "{text}");
        }
    }
}
