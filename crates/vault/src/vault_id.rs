//! The vault id names a home in the keychain, so that a trial home never touches the real one.

use std::fmt;
use std::fs;
use std::io::ErrorKind;

use uuid::Uuid;
use valetkey_core::home::Home;

use crate::error::VaultError;
use crate::private;

/// Which home an item belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VaultId {
    /// The platform's usual folders: fixed, so that even a lost data folder finds its items again.
    Default,
    /// Any other home: random, in a file beside the database.
    Other(Uuid),
}

impl VaultId {
    /// The service name of this home's items in the keychain.
    pub fn service(&self) -> String {
        match self {
            Self::Default => "valetkey".to_owned(),
            Self::Other(id) => format!("valetkey-{id}"),
        }
    }

    /// Reads this home's id. A lost file is written again from `recorded`, the database's copy.
    pub(crate) fn of(home: &Home, recorded: Option<Uuid>) -> Result<Self, VaultError> {
        if home.is_default {
            return Ok(Self::Default);
        }
        let path = home.vault_id();
        let failed = |error| VaultError::io("read", &path, &error);
        match fs::read_to_string(&path) {
            Ok(text) => Uuid::parse_str(text.trim()).map(Self::Other).map_err(|_| {
                VaultError::Corrupt(format!(
                    "`{}` holds no vault id; restore it, or delete it to let it be written again",
                    path.display()
                ))
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let id = recorded.unwrap_or_else(Uuid::new_v4);
                private::replace(&path, format!("{id}\n").as_bytes())
                    .map_err(|error| VaultError::io("write", &path, &error))?;
                Ok(Self::Other(id))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// What the database remembers of it.
    pub(crate) const fn recorded(&self) -> Option<Uuid> {
        match self {
            Self::Default => None,
            Self::Other(id) => Some(*id),
        }
    }
}

impl fmt::Display for VaultId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Other(id) => fmt::Display::fmt(id, f),
        }
    }
}
