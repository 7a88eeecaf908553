//! What can go wrong, by what the caller can do about it.

use std::io;
use std::path::Path;

/// Why the vault did not do what it was asked. No message holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// The secret store: locked, denied, unavailable, hanging or broken.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Make room; nothing that was stored is lost.
    #[error("the disk is full ({0}); free some space, nothing that was stored is lost")]
    DiskFull(String),
    /// A file or folder cannot be used.
    #[error("{0}")]
    Disk(String),
    /// There is no such thing, or no longer.
    #[error("{0} does not exist (any more)")]
    NotFound(String),
    /// It is still needed.
    #[error("{0}")]
    InUse(String),
    /// Choose another name.
    #[error("the name {0} is taken")]
    NameTaken(String),
    /// The passphrase or key file does not open the encrypted file.
    #[error("the secret file cannot be opened: {0}")]
    WrongPassphrase(String),
    /// The secrets of this home are in another store: here they would all look lost.
    #[error("this home keeps its secrets in another store: {kept_in}, not {asked}")]
    OtherStore {
        /// Which has them.
        kept_in: String,
        /// Which was to be opened.
        asked: &'static str,
    },
    /// Stored data is damaged.
    #[error("{0}")]
    Corrupt(String),
    /// Written by a newer version.
    #[error(
        "the database has version {found}, this program knows up to {known}: it was written by a \
         newer Valet Key; install that version or newer"
    )]
    NewerSchema {
        /// In the file.
        found: u32,
        /// Of this program.
        known: u32,
    },
    /// A mistake of ours.
    #[error("internal error: {0}; please report it")]
    Bug(String),
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

impl VaultError {
    /// For a failed file operation: what was tried with which path.
    pub(crate) fn io(what: &str, path: &Path, error: &io::Error) -> Self {
        let text = format!("cannot {what} `{}`: {error}", path.display());
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(text),
            _ => Self::Disk(text),
        }
    }

    /// The thread that owns the resource is gone.
    pub(crate) fn stopped() -> Self {
        Self::Bug("the vault has stopped".to_owned())
    }
}

impl From<rusqlite::Error> for VaultError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::DiskFull(text),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(format!(
                "the database is damaged ({text}); stop Valet Key and move `valetkey.db` away: \
                 logins are rebuilt from the keychain at the next start"
            )),
            Some(
                ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked,
            ) => Self::Disk(format!("the database cannot be used: {text}")),
            Some(_) | None => Self::Bug(format!("database: {text}")),
        }
    }
}
