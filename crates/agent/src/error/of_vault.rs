//! What the vault fails with, by what the caller can do about it.

use valetkey_vault::{GrantNotKept, StoreError, VaultError};

use super::AgentError;

impl From<StoreError> for AgentError {
    fn from(error: StoreError) -> Self {
        let text = error.to_string();
        match error {
            StoreError::Locked(_) | StoreError::Hung => Self::KeychainLocked(text),
            StoreError::Denied(_) => Self::KeychainDenied(text),
            StoreError::Unavailable(_) => Self::KeychainUnavailable(text),
            StoreError::Broken(_) => Self::KeychainBroken(text),
        }
    }
}

impl From<VaultError> for AgentError {
    fn from(error: VaultError) -> Self {
        let text = error.to_string();
        match error {
            VaultError::Store(error) => error.into(),
            VaultError::InUse(_) => Self::conflict(text, "`--force` disconnects them all"),
            VaultError::NameTaken(_) => Self::conflict(text, "choose another name"),
            VaultError::DiskFull(what) => Self::DiskFull(what),
            VaultError::Disk(_)
            | VaultError::NotFound(_)
            | VaultError::WrongPassphrase(_)
            | VaultError::OtherStore { .. }
            | VaultError::Corrupt(_)
            | VaultError::NewerSchema { .. }
            | VaultError::Bug(_) => Self::Internal(text),
        }
    }
}

impl From<GrantNotKept> for AgentError {
    fn from(error: GrantNotKept) -> Self {
        match error {
            GrantNotKept::NotStored(error) | GrantNotKept::RowNotSaved(error) => error.into(),
            GrantNotKept::StaleTransition => {
                Self::Internal("the connection is being removed".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_names_itself() {
        let full = AgentError::from(VaultError::DiskFull("database or disk is full".to_owned()));
        assert_eq!(
            full.to_string(),
            "the disk is full (database or disk is full)"
        );
        assert!(full.hint().unwrap().starts_with("free some space"));
    }
}
