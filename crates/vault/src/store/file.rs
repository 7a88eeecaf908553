//! An encrypted file, for machines without a keychain. Only by choice, never as a fallback.
//!
//! Each item is sealed by itself: a read decrypts one item, and a write appends one. The passphrase
//! becomes a key once, at the start.

mod format;
mod item_log;
mod version_1;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

pub use self::format::Cost;
use self::format::{Cipher, Damage, FileVersion, HEADER, KeyHeader, KeyKind};
use self::item_log::{ItemLog, LogError, random};
use crate::error::{StoreError, VaultError};
use crate::failpoint;
use crate::secret_store::{ItemName, SecretStore};

/// A shorter key file could be guessed.
const MIN_KEY_FILE: usize = 32;

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

/// Stores all items in one encrypted file.
pub struct FileStore {
    path: PathBuf,
    cipher: Cipher,
    log: ItemLog,
}

impl FileStore {
    /// Opens the file, or creates an empty one under this key and `cost`. A file of the first version
    /// is rewritten in the current one.
    pub fn open(path: &Path, key: &FileKey, cost: Cost) -> Result<Self, VaultError> {
        let (kind, secret) = key_bytes(key)?;
        // It never replaced the file, which holds all that was reported as written.
        remove_if_there(&item_log::temporary(path))?;
        let Some(start) = read_start(path).map_err(|error| VaultError::io("read", path, &error))?
        else {
            return Self::create(path, kind, cost, &secret, version_1::Items::new());
        };
        let header = KeyHeader::read(&start).map_err(|damage| corrupt(path, damage))?;
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
        if !cipher.opens(&start) {
            return Err(wrong(match kind {
                KeyKind::Passphrase => "the passphrase is wrong",
                KeyKind::KeyFile => "the key file is not the one it was made with",
            }));
        }
        let store = match header.version {
            FileVersion::One => {
                let items =
                    version_1::read(path, &cipher).map_err(|error| cannot_open(path, error))?;
                let store = Self::create(path, kind, header.cost, &secret, items)?;
                failpoint!("file_store.migrated");
                store
            }
            FileVersion::Two => {
                let log = ItemLog::open(path, &cipher).map_err(|error| cannot_open(path, error))?;
                Self {
                    path: path.to_owned(),
                    cipher,
                    log,
                }
            }
        };
        // Its items are in the file now.
        remove_if_there(&version_1::unfinished(path))?;
        Ok(store)
    }

    /// A file with these items, under a new salt.
    fn create(
        path: &Path,
        kind: KeyKind,
        cost: Cost,
        secret: &[u8],
        items: version_1::Items,
    ) -> Result<Self, VaultError> {
        let header = KeyHeader {
            version: FileVersion::Two,
            kind,
            cost,
            salt: random().map_err(|error| VaultError::Disk(error.to_string()))?,
        };
        let cipher = header
            .derive(secret)
            .map_err(|_| VaultError::Bug("the cost of the key is not possible".to_owned()))?;
        let log = ItemLog::create(path, &cipher, items.into_iter().map(Ok))
            .map_err(|error| cannot_open(path, error))?;
        Ok(Self {
            path: path.to_owned(),
            cipher,
            log,
        })
    }

    /// Opens the file again if somebody replaced it, for instance by a copy of it.
    fn reopen_if_changed(&mut self) -> Result<(), StoreError> {
        match self.log.is_unchanged() {
            Ok(true) => Ok(()),
            Ok(false) => {
                self.log = ItemLog::open(&self.path, &self.cipher)
                    .map_err(|error| self.failed("read", &error))?;
                Ok(())
            }
            // Writing now would make an empty vault of a missing one.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let gone = "it is gone; restore it, or restart to begin with an empty one";
                Err(self.failed("read", &gone))
            }
            Err(error) => Err(self.failed("read", &error)),
        }
    }

    fn failed(&self, what: &str, why: &impl fmt::Display) -> StoreError {
        let path = self.path.display();
        StoreError::Broken(format!("cannot {what} the secret file `{path}`: {why}"))
    }

    fn append(&mut self, item: &ItemName, value: Option<&[u8]>) -> Result<(), StoreError> {
        self.log
            .append(*item, value, &self.cipher)
            .map_err(|error| self.failed("write", &error))
    }
}

impl SecretStore for FileStore {
    fn check(&mut self) -> Result<(), StoreError> {
        self.reopen_if_changed()
    }

    fn read(&mut self, item: &ItemName) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.reopen_if_changed()?;
        self.log
            .read(item, &self.cipher)
            .map_err(|error| self.failed("read", &error))
    }

    fn write(&mut self, item: &ItemName, value: &[u8]) -> Result<(), StoreError> {
        if self.read(item)?.is_some_and(|old| *old == value) {
            return Ok(());
        }
        self.append(item, Some(value))
    }

    fn delete(&mut self, item: &ItemName) -> Result<(), StoreError> {
        self.reopen_if_changed()?;
        if self.log.contains(item) {
            self.append(item, None)?;
        }
        Ok(())
    }

    fn list(&mut self) -> Result<Vec<ItemName>, StoreError> {
        self.reopen_if_changed()?;
        Ok(self.log.items().collect())
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
            if bytes.len() < MIN_KEY_FILE {
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

/// The header, or less of it; None if there is no file.
fn read_start(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut start = Vec::with_capacity(HEADER);
    file.take(HEADER as u64).read_to_end(&mut start)?;
    Ok(Some(start))
}

fn remove_if_there(path: &Path) -> Result<(), VaultError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(VaultError::io("remove", path, &error))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn cannot_open(path: &Path, error: LogError) -> VaultError {
    match error {
        LogError::Io(error) => VaultError::io("open", path, &error),
        LogError::Damage(damage) => corrupt(path, damage),
    }
}

fn corrupt(path: &Path, damage: Damage) -> VaultError {
    VaultError::Corrupt(format!(
        "the secret file `{}` cannot be opened: {damage}; restore it from a copy, or move it away \
         and sign in again",
        path.display()
    ))
}
