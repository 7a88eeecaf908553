//! A refresh token that was given and is not a connection yet, as the keychain keeps it: a token that is
//! rotated by its first use must not be lost with the answer, and one that was taken from another tool
//! has no other holder.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::authenticator::Authenticator;
use crate::id::SignInId;
use crate::name::AccountLabel;
use crate::secret::{RefreshToken, Stored};
use crate::secret_json;

/// A refresh token on its way to become a connection: the content of one keychain item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenImport {
    /// The sign-in that it began with.
    pub id: SignInId,
    /// The client that the token was issued to, as it was then: the token goes nowhere else.
    pub authenticator: Authenticator,
    /// Label of the account.
    pub account: Option<AccountLabel>,
    /// Takes the place of whatever has the name.
    pub replace: bool,
    /// The newest one: what was given, or what the provider has put in its place.
    pub token: RefreshToken,
    /// Whether the provider has put another one in the place of what was given.
    pub is_rotated: bool,
    /// The file of another tool that holds the token: it is not used before it is gone from there.
    pub moved_from: Option<String>,
    /// When it was given.
    pub begun_at: Timestamp,
}

/// The item is not ours, or from a newer version.
#[derive(Debug, thiserror::Error)]
#[error("the stored refresh token cannot be read")]
pub struct BadTokenImport;

const VERSION: u32 = 1;

impl TokenImport {
    /// The item's content: JSON.
    pub fn to_item(&self) -> Zeroizing<Vec<u8>> {
        secret_json::to_vec(&ItemOut {
            version: VERSION,
            id: self.id,
            authenticator: &self.authenticator,
            account: self.account.as_ref(),
            replace: self.replace,
            token: Stored(&self.token),
            is_rotated: self.is_rotated,
            moved_from: self.moved_from.as_deref(),
            begun_at: self.begun_at,
        })
    }

    /// Reads an item. The message never quotes it.
    pub fn from_item(bytes: &[u8]) -> Result<Self, BadTokenImport> {
        let item: ItemIn = serde_json::from_slice(bytes).map_err(|_| BadTokenImport)?;
        if item.version != VERSION {
            return Err(BadTokenImport);
        }
        Ok(Self {
            id: item.id,
            authenticator: item.authenticator,
            account: item.account,
            replace: item.replace,
            token: item.token.0,
            is_rotated: item.is_rotated,
            moved_from: item.moved_from,
            begun_at: item.begun_at,
        })
    }

    /// Whether nobody else holds the token: it must not be lost.
    pub fn is_only_holder(&self) -> bool {
        self.is_rotated || self.moved_from.is_some()
    }
}

#[derive(Serialize)]
struct ItemOut<'a> {
    version: u32,
    id: SignInId,
    authenticator: &'a Authenticator,
    account: Option<&'a AccountLabel>,
    replace: bool,
    token: Stored<&'a RefreshToken>,
    is_rotated: bool,
    moved_from: Option<&'a str>,
    begun_at: Timestamp,
}

#[derive(Deserialize)]
struct ItemIn {
    version: u32,
    id: SignInId,
    authenticator: Authenticator,
    account: Option<AccountLabel>,
    replace: bool,
    token: Stored<RefreshToken>,
    is_rotated: bool,
    moved_from: Option<String>,
    begun_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::draft::DraftInput;
    use crate::id::AuthenticatorId;

    #[test]
    fn an_item_reads_back_and_prints_no_token() {
        let fields =
            r#"{"authenticator_type": "github", "client_id": "app", "client_secret": "s"}"#;
        let (draft, _) = DraftInput::from_json(fields).unwrap().check().unwrap();
        let id = AuthenticatorId::new(Uuid::from_u128(2));
        let at = Timestamp::UNIX_EPOCH;
        let (authenticator, _) =
            draft.into_authenticator(id, crate::name::ProfileName::default(), at);
        let import = TokenImport {
            id: SignInId::new(Uuid::from_u128(1)),
            authenticator,
            account: Some("work".parse().unwrap()),
            replace: true,
            token: RefreshToken::new("planted"),
            is_rotated: false,
            moved_from: Some("/home/ada/.mcp-auth/x_tokens.json".to_owned()),
            begun_at: at,
        };
        assert_eq!(TokenImport::from_item(&import.to_item()).unwrap(), import);
        assert!(!format!("{import:?}").contains("planted"));
        assert!(TokenImport::from_item(br#"{"version":2}"#).is_err());
    }
}
