//! What the tests share: homes, authenticators, grants.

#![allow(
    clippy::allow_attributes,
    reason = "an `expect` would fail where all of it is used"
)]
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use uuid::Uuid;
use valetkey_core::account::Account;
use valetkey_core::authenticator::{Authenticator, Overrides};
use valetkey_core::clock_reading::BootTime;
use valetkey_core::connection::Connection;
use valetkey_core::connection_state::{Transition, apply};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::grant::{Grant, GrantKind, TokenType};
use valetkey_core::home::Home;
use valetkey_core::id::{AuthenticatorId, ConnectionId, Generation, SignInId};
use valetkey_core::name::ProfileName;
use valetkey_core::redirect::RedirectUri;
use valetkey_core::scope::Scopes;
use valetkey_core::secret::{AccessToken, RefreshToken};
use valetkey_core::sign_in::SignInState;
use valetkey_core::stored_grant::StoredGrant;
use valetkey_vault::store::testing::TestStore;
use valetkey_vault::{ItemName, LoadedGrant, SignInRow, Vault, VaultError};

pub(crate) fn now() -> Timestamp {
    "2026-03-01T12:00:00.123456789Z".parse().unwrap()
}

/// An event of a change, where a test does not care which.
pub(crate) fn event() -> Event {
    Event::new(EventKind::SettingsChanged, now())
}

/// A whole removal.
pub(crate) async fn remove_authenticator(
    vault: &Vault,
    id: AuthenticatorId,
) -> Result<(), VaultError> {
    vault.begin_authenticator_removal(id, &event()).await?;
    vault.finish_authenticator_removal(id).await
}

pub(crate) fn home() -> (TempDir, Home) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(&folder.path().join("home"));
    (folder, home)
}

pub(crate) fn authenticator(name: &str) -> Authenticator {
    Authenticator {
        id: AuthenticatorId::new(Uuid::now_v7()),
        profile: ProfileName::default(),
        name: name.parse().unwrap(),
        display_name: name.to_owned(),
        provider: "custom".to_owned(),
        client_id: "client-1".to_owned(),
        has_secret: false,
        scopes: Scopes::parse_any("openid email"),
        redirect_uri: RedirectUri::ephemeral(),
        overrides: Overrides::default(),
        is_active: true,
        created_at: now(),
        updated_at: now(),
    }
}

pub(crate) fn account(label: Option<&str>) -> Account {
    Account {
        label: label.map(|label| label.parse().unwrap()),
        display_name: Some("ada@example.com".to_owned()),
        subject: None,
    }
}

pub(crate) fn connecting(authenticator: &Authenticator, label: Option<&str>) -> Connection {
    let id = ConnectionId::new(Uuid::now_v7());
    let asked = authenticator.scopes.clone();
    Connection::connecting(id, authenticator.id, account(label), asked, now())
}

pub(crate) fn grant(generation: u64) -> Grant {
    Grant {
        kind: GrantKind::OAuth,
        generation: Generation(generation),
        access_token: AccessToken::new(format!("access-{generation}")),
        grant_type: valetkey_core::authenticator::GrantType::default(),
        refresh_token: Some(RefreshToken::new(format!("refresh-{generation}"))),
        id_token: None,
        token_type: TokenType::Bearer,
        dpop_key: None,
        issued_at: now(),
        issued_boot_time: Some(BootTime {
            boot_id: Uuid::from_u128(7),
            elapsed: SignedDuration::from_millis(90_061_001),
        }),
        expires_at: Some("2026-03-01T13:00:00Z".parse().unwrap()),
        refresh_expires_at: None,
        scopes: Scopes::parse_any("openid"),
    }
}

pub(crate) fn stored(
    authenticator: &Authenticator,
    row: &Connection,
    generation: u64,
) -> StoredGrant {
    StoredGrant {
        connection: row.id,
        account: row.account.clone(),
        authenticator: authenticator.clone(),
        proxy: row.proxy.clone(),
        grant: grant(generation),
    }
}

pub(crate) fn after(row: &Connection, transition: Transition) -> Connection {
    Connection {
        state: apply(row.state, transition).unwrap(),
        ..row.clone()
    }
}

/// The row and the item after one more refresh of `row`.
pub(crate) fn refreshed(
    authenticator: &Authenticator,
    row: &Connection,
) -> (Connection, StoredGrant) {
    let from = row.state.generation;
    let mut next = row.clone();
    let item = stored(authenticator, row, from.next().0);
    next.adopt(&item.grant);
    next.state = apply(row.state, Transition::Refreshed { from }).unwrap();
    (next, item)
}

pub(crate) fn open_sign_in(fixture: &Fixture) -> SignInRow {
    SignInRow {
        id: SignInId::new(Uuid::now_v7()),
        authenticator: fixture.authenticator.id,
        renews: None,
        connection: None,
        state: SignInState::Started,
        asked_scopes: Scopes::parse_any("openid"),
        reason: Some("to read your mail".into()),
        problem: None,
        remedy: None,
        hint: None,
        started_at: now(),
        ended_at: None,
    }
}

/// A vault with one authenticator and one connection.
pub(crate) struct Fixture {
    pub(crate) vault: Vault,
    pub(crate) store: TestStore,
    pub(crate) authenticator: Authenticator,
    pub(crate) row: Connection,
    pub(crate) home: Home,
    pub(crate) folder: TempDir,
}

impl Fixture {
    pub(crate) async fn connected() -> Self {
        Self::with_time_limit(Duration::from_mins(1)).await
    }

    pub(crate) async fn with_time_limit(limit: Duration) -> Self {
        let (folder, home) = home();
        let store = TestStore::default();
        let vault = Vault::open(&home, store.opener().time_limit(limit))
            .await
            .unwrap();
        let authenticator = authenticator("github");
        vault
            .add_authenticator(&authenticator, None, &event())
            .await
            .unwrap();
        let row = connecting(&authenticator, None);
        let grant = stored(&authenticator, &row, 1);
        let (row, _) = vault
            .store_first_grant(&row, &grant, &event())
            .await
            .unwrap();
        Self {
            vault,
            store,
            authenticator,
            row,
            home,
            folder,
        }
    }

    /// The same home and store, opened again as after a crash.
    pub(crate) async fn restarted(self) -> Self {
        let Self {
            vault,
            store,
            authenticator,
            row,
            home,
            folder,
        } = self;
        drop(vault);
        let vault = Vault::open(&home, store.opener()).await.unwrap();
        Self {
            vault,
            store,
            authenticator,
            row,
            home,
            folder,
        }
    }

    pub(crate) fn item(&self) -> ItemName {
        ItemName::Grant(self.row.id)
    }

    pub(crate) async fn loaded(&self) -> LoadedGrant {
        self.vault.load_grant(self.row.id, now()).await.unwrap()
    }

    pub(crate) async fn saved(&self) -> Connection {
        self.vault.connection(self.row.id).await.unwrap().unwrap()
    }
}
