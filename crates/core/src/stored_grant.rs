//! A grant as the keychain keeps it: ONE item, with enough beside it to rebuild its row.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::account::Account;
use crate::authenticator::{Authenticator, GrantType};
use crate::clock_reading::BootTime;
use crate::grant::{Grant, GrantKind, TokenType};
use crate::id::{ConnectionId, Generation};
use crate::proxy_settings::ProxySettings;
use crate::scope::Scopes;
use crate::secret::{AccessToken, DpopKey, IdToken, RefreshToken, Stored};
use crate::secret_json;

/// A grant with enough beside it to rebuild its row: the content of one keychain item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredGrant {
    /// The connection it belongs to.
    pub connection: ConnectionId,
    /// The account behind it.
    pub account: Account,
    /// The client it was issued to.
    pub authenticator: Authenticator,
    /// What the person allows at the proxy: a lost row must not widen it.
    pub proxy: ProxySettings,
    /// The grant.
    pub grant: Grant,
}

/// The item is not ours, or from a newer version.
#[derive(Debug, thiserror::Error)]
#[error("the stored grant cannot be read: {0}")]
pub struct BadItem(String);

const VERSION: u32 = 1;

impl StoredGrant {
    /// The item's content: JSON.
    pub fn to_item(&self) -> Zeroizing<Vec<u8>> {
        let grant = &self.grant;
        let item = ItemOut {
            version: VERSION,
            kind: Some(grant.kind).filter(|kind| *kind != GrantKind::OAuth),
            connection: self.connection,
            account: &self.account,
            authenticator: &self.authenticator,
            proxy: &self.proxy,
            generation: grant.generation,
            access_token: Stored(&grant.access_token),
            refresh_token: grant.refresh_token.as_ref().map(Stored),
            grant_type: grant.grant_type,
            id_token: grant.id_token.as_ref().map(Stored),
            token_type: grant.token_type,
            dpop_key: grant.dpop_key.as_ref().map(Stored),
            issued_at: grant.issued_at,
            issued_boot_time: grant.issued_boot_time,
            expires_at: grant.expires_at,
            refresh_expires_at: grant.refresh_expires_at,
            scopes: &grant.scopes,
        };
        secret_json::to_vec(&item)
    }

    /// Reads an item. The message never quotes it.
    pub fn from_item(bytes: &[u8]) -> Result<Self, BadItem> {
        let place = |error: serde_json::Error| {
            BadItem(format!("line {}, column {}", error.line(), error.column()))
        };
        let version: ItemVersion = serde_json::from_slice(bytes).map_err(place)?;
        if version.version != VERSION {
            return Err(BadItem(format!(
                "its version is {}, not {VERSION}",
                version.version
            )));
        }
        let item: ItemIn = serde_json::from_slice(bytes).map_err(place)?;
        Ok(Self {
            connection: item.connection,
            account: item.account,
            authenticator: item.authenticator,
            proxy: item.proxy.unwrap_or_else(ProxySettings::narrowest),
            grant: Grant {
                kind: item.kind.unwrap_or_default(),
                generation: item.generation,
                access_token: item.access_token.0,
                refresh_token: item.refresh_token.map(|token| token.0),
                grant_type: item.grant_type,
                id_token: item.id_token.map(|token| token.0),
                token_type: item.token_type,
                dpop_key: item.dpop_key.map(|key| key.0),
                issued_at: item.issued_at,
                issued_boot_time: item.issued_boot_time,
                expires_at: item.expires_at,
                refresh_expires_at: item.refresh_expires_at,
                scopes: item.scopes,
            },
        })
    }
}

#[derive(Deserialize)]
struct ItemVersion {
    version: u32,
}

#[derive(Serialize)]
struct ItemOut<'a> {
    version: u32,
    /// Absent: OAuth.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<GrantKind>,
    connection: ConnectionId,
    account: &'a Account,
    authenticator: &'a Authenticator,
    proxy: &'a ProxySettings,
    generation: Generation,
    access_token: Stored<&'a AccessToken>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<Stored<&'a RefreshToken>>,
    #[serde(skip_serializing_if = "is_default")]
    grant_type: GrantType,
    #[serde(skip_serializing_if = "Option::is_none")]
    id_token: Option<Stored<&'a IdToken>>,
    token_type: TokenType,
    #[serde(skip_serializing_if = "Option::is_none")]
    dpop_key: Option<Stored<&'a DpopKey>>,
    issued_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    issued_boot_time: Option<BootTime>,
    expires_at: Option<Timestamp>,
    refresh_expires_at: Option<Timestamp>,
    scopes: &'a Scopes,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives the field")]
fn is_default(grant_type: &GrantType) -> bool {
    *grant_type == GrantType::default()
}

#[derive(Deserialize)]
struct ItemIn {
    kind: Option<GrantKind>,
    connection: ConnectionId,
    account: Account,
    authenticator: Authenticator,
    /// Absent in items of earlier versions.
    proxy: Option<ProxySettings>,
    generation: Generation,
    access_token: Stored<AccessToken>,
    refresh_token: Option<Stored<RefreshToken>>,
    /// Absent where a person agreed.
    #[serde(default)]
    grant_type: GrantType,
    id_token: Option<Stored<IdToken>>,
    token_type: TokenType,
    dpop_key: Option<Stored<DpopKey>>,
    issued_at: Timestamp,
    issued_boot_time: Option<BootTime>,
    expires_at: Option<Timestamp>,
    refresh_expires_at: Option<Timestamp>,
    scopes: Scopes,
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn item() -> Value {
        json!({
            "version": 1,
            "connection": "00000000-0000-0000-0000-000000000001",
            "account": {},
            "authenticator": {
                "id": "00000000-0000-0000-0000-000000000002", "profile": "default",
                "name": "demo", "display_name": "Demo", "provider": "custom",
                "client_id": "demo", "has_secret": false, "scopes": [],
                "redirect_uri": "http://127.0.0.1/callback", "is_active": true,
                "created_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-01T12:00:00Z",
            },
            "generation": 1,
            "access_token": "secret",
            "token_type": "Bearer",
            "issued_at": "2026-03-01T12:00:00Z",
            "scopes": [],
        })
    }

    fn read(item: &Value) -> StoredGrant {
        StoredGrant::from_item(item.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn what_the_person_set_at_the_proxy_is_kept() {
        let mut item = item();
        item["proxy"] = json!({ "only": false, "methods": ["GET"] });
        let stored = read(&item);
        assert!(stored.proxy.allows("GET") && !stored.proxy.allows("POST") && !stored.proxy.only);
        let again = StoredGrant::from_item(&stored.to_item()).unwrap();
        assert_eq!(again, stored);
    }

    #[test]
    fn the_key_of_a_bound_token_is_kept_with_it() {
        let mut item = item();
        item["token_type"] = "DPoP".into();
        item["dpop_key"] = "a-key".into();
        let stored = read(&item);
        assert_eq!(stored.grant.token_type, TokenType::Dpop);
        assert_eq!(stored.grant.dpop_key, Some(DpopKey::new("a-key")));
        assert!(!format!("{stored:?}").contains("a-key"), "{stored:?}");
        assert_eq!(StoredGrant::from_item(&stored.to_item()).unwrap(), stored);
    }

    #[test]
    fn an_item_that_does_not_say_it_allows_reading_through_the_proxy_alone() {
        let stored = read(&item());
        assert_eq!(stored.proxy, ProxySettings::narrowest());
        assert!(stored.proxy.only && !stored.proxy.allows("POST"));
    }

    #[test]
    fn an_item_of_a_key_says_so_and_an_earlier_one_is_of_a_sign_in() {
        let mut stored = read(&item());
        assert_eq!(stored.grant.kind, GrantKind::OAuth);
        stored.grant.kind = GrantKind::ApiKey;
        let again = StoredGrant::from_item(&stored.to_item()).unwrap();
        assert_eq!(again, stored);
    }
}
