//! What a secret store has to do, and how its items are named.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;
use valetkey_core::id::{AuthenticatorId, ConnectionId, SignInId};
use zeroize::Zeroizing;

use crate::error::StoreError;

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

/// The name of one item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ItemName {
    /// The grant of a connection.
    Grant(ConnectionId),
    /// The secret of a confidential client.
    ClientSecret(AuthenticatorId),
    /// What the dynamic registration of an authenticator is deleted with (RFC 7592).
    Registration(AuthenticatorId),
    /// A refresh token that was given and is no connection yet.
    TokenImport(SignInId),
    /// The key of the audit log, and where the log begins and ends.
    AuditLog,
    /// Written, read and deleted to see whether the store works.
    Probe(Uuid),
}

const AUDIT_LOG: &str = "audit-log";

impl fmt::Display for ItemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant(id) => write!(f, "grant/{id}"),
            Self::ClientSecret(id) => write!(f, "client-secret/{id}"),
            Self::Registration(id) => write!(f, "registration/{id}"),
            Self::TokenImport(id) => write!(f, "token-import/{id}"),
            Self::AuditLog => f.write_str(AUDIT_LOG),
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
        if text == AUDIT_LOG {
            return Ok(Self::AuditLog);
        }
        let (kind, id) = text.split_once('/').ok_or(NotAnItem)?;
        let id = Uuid::parse_str(id).map_err(|_| NotAnItem)?;
        let item = match kind {
            "grant" => Self::Grant(ConnectionId::new(id)),
            "client-secret" => Self::ClientSecret(AuthenticatorId::new(id)),
            "registration" => Self::Registration(AuthenticatorId::new(id)),
            "token-import" => Self::TokenImport(SignInId::new(id)),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_names_read_back() {
        let id = Uuid::from_u128(7);
        for item in [
            ItemName::Grant(ConnectionId::new(id)),
            ItemName::ClientSecret(AuthenticatorId::new(id)),
            ItemName::Registration(AuthenticatorId::new(id)),
            ItemName::TokenImport(SignInId::new(id)),
            ItemName::AuditLog,
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
