//! An encrypted file, for machines without a keychain. Only by choice, never as a fallback.
//!
//! The file is the truth: each call reads it anew, so decrypted secrets stay in memory no longer
//! than a call. The passphrase becomes a key once, at the start.

mod format;

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

pub use self::format::Cost;
use self::format::{Cipher, Damage, Items, KeyHeader, KeyKind};
use super::{FileKey, ItemName, SecretStore, StoreError};
use crate::error::VaultError;
use crate::private;

/// Less can be guessed.
const SHORTEST_KEY_FILE: usize = 32;

/// Keeps all items in one encrypted file.
pub struct FileStore {
    path: PathBuf,
    cipher: Cipher,
}

impl FileStore {
    /// Opens the file, or creates an empty one under this key and `cost`.
    pub fn open(path: &Path, key: &FileKey, cost: Cost) -> Result<Self, VaultError> {
        let (kind, secret) = key_bytes(key)?;
        let store = match read_file(path) {
            Ok(Some(file)) => {
                let header = KeyHeader::read(&file).map_err(|damage| corrupt(path, damage))?;
                let wrong = |why: &str| VaultError::WrongPassphrase(why.to_owned());
                if header.kind != kind {
                    return Err(wrong(match header.kind {
                        KeyKind::Passphrase => "it was made with a passphrase, not with a key file",
                        KeyKind::KeyFile => "it was made with a key file, not with a passphrase",
                    }));
                }
                let cipher = header
                    .derive(&secret)
                    .map_err(|damage| corrupt(path, damage))?;
                if !cipher.opens(&file) {
                    return Err(wrong(match kind {
                        KeyKind::Passphrase => "the passphrase is wrong",
                        KeyKind::KeyFile => "the key file is not the one it was made with",
                    }));
                }
                Self {
                    path: path.to_owned(),
                    cipher,
                }
            }
            Ok(None) => {
                let header = KeyHeader {
                    kind,
                    cost,
                    salt: random()?,
                };
                let cipher = header.derive(&secret).map_err(|_| {
                    VaultError::Bug("the cost of the key is not possible".to_owned())
                })?;
                let store = Self {
                    path: path.to_owned(),
                    cipher,
                };
                store
                    .save(&Items::new())
                    .map_err(|error| VaultError::io("write", path, &error))?;
                store
            }
            Err(error) => return Err(VaultError::io("read", path, &error)),
        };
        store.load()?;
        Ok(store)
    }

    fn load(&self) -> Result<Items, StoreError> {
        let broken = |why: String| {
            let path = self.path.display();
            StoreError::Broken(format!("the secret file `{path}` cannot be read: {why}"))
        };
        let Some(file) = read_file(&self.path).map_err(|error| broken(error.to_string()))? else {
            // Writing now would make an empty vault of a missing one.
            return Err(broken(
                "it is gone; restore it, or restart to begin with an empty one".to_owned(),
            ));
        };
        self.cipher
            .unseal(&file)
            .map_err(|damage| broken(damage.to_string()))
    }

    fn save(&self, items: &Items) -> io::Result<()> {
        let nonce = random().map_err(io::Error::other)?;
        private::replace(&self.path, &self.cipher.seal(items, nonce))
    }

    fn change(&self, change: impl FnOnce(&mut Items) -> bool) -> Result<(), StoreError> {
        let mut items = self.load()?;
        if !change(&mut items) {
            return Ok(());
        }
        self.save(&items).map_err(|error| {
            let path = self.path.display();
            StoreError::Broken(format!(
                "the secret file `{path}` cannot be written: {error}"
            ))
        })
    }
}

impl SecretStore for FileStore {
    fn check(&mut self) -> Result<(), StoreError> {
        self.load().map(|_| ())
    }

    fn read(&mut self, item: &ItemName) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        Ok(self.load()?.remove(item))
    }

    fn write(&mut self, item: &ItemName, value: &[u8]) -> Result<(), StoreError> {
        self.change(|items| {
            let old = items.insert(*item, Zeroizing::new(value.to_vec()));
            old.is_none_or(|old| *old != value)
        })
    }

    fn delete(&mut self, item: &ItemName) -> Result<(), StoreError> {
        self.change(|items| items.remove(item).is_some())
    }

    fn list(&mut self) -> Result<Vec<ItemName>, StoreError> {
        Ok(self.load()?.into_keys().collect())
    }
}

fn key_bytes(key: &FileKey) -> Result<(KeyKind, Zeroizing<Vec<u8>>), VaultError> {
    match key {
        FileKey::Passphrase(passphrase) if passphrase.is_empty() => Err(
            VaultError::WrongPassphrase("the passphrase is empty; choose one".to_owned()),
        ),
        FileKey::Passphrase(passphrase) => Ok((
            KeyKind::Passphrase,
            Zeroizing::new(passphrase.as_bytes().to_vec()),
        )),
        FileKey::KeyFile(path) => {
            let bytes = fs::read(path)
                .map(Zeroizing::new)
                .map_err(|error| VaultError::io("read the key file", path, &error))?;
            if bytes.len() < SHORTEST_KEY_FILE {
                return Err(VaultError::WrongPassphrase(format!(
                    "the key file `{0}` is too short; make one with \
                     `head -c 32 /dev/urandom > {0}`",
                    path.display()
                )));
            }
            Ok((KeyKind::KeyFile, bytes))
        }
    }
}

fn read_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| VaultError::Disk(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}

fn corrupt(path: &Path, damage: Damage) -> VaultError {
    VaultError::Corrupt(format!(
        "the secret file `{}` cannot be opened: {damage}; restore it from a copy, or move it away \
         and sign in again",
        path.display()
    ))
}
