//! What the tests share: homes, authenticators, grants.

#![allow(
    clippy::allow_attributes,
    reason = "an `expect` would fail where all of it is used"
)]
use jiff::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;
use valetkey_core::authenticator::{Authenticator, Overrides};
use valetkey_core::connection::{Account, Connection};
use valetkey_core::grant::{Grant, StoredGrant};
use valetkey_core::home::Home;
use valetkey_core::id::{AuthenticatorId, ConnectionId, Generation};
use valetkey_core::life::{Happening, step};
use valetkey_core::name::ProfileName;
use valetkey_core::redirect::RedirectUri;
use valetkey_core::scope::Scopes;
use valetkey_core::secret::{AccessToken, RefreshToken};

pub(crate) fn now() -> Timestamp {
    "2026-03-01T12:00:00.123456789Z".parse().expect("fixture")
}

pub(crate) fn home() -> (TempDir, Home) {
    let folder = tempfile::tempdir().expect("fixture");
    let home = Home::at(&folder.path().join("home"));
    (folder, home)
}

pub(crate) fn authenticator(name: &str) -> Authenticator {
    Authenticator {
        id: AuthenticatorId::new(Uuid::now_v7()),
        profile: ProfileName::default(),
        name: name.parse().expect("fixture"),
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
        label: label.map(|label| label.parse().expect("fixture")),
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
        generation: Generation(generation),
        access_token: AccessToken::new(format!("access-{generation}")),
        refresh_token: Some(RefreshToken::new(format!("refresh-{generation}"))),
        id_token: None,
        token_type: "Bearer".to_owned(),
        issued_at: now(),
        expires_at: Some("2026-03-01T13:00:00Z".parse().expect("fixture")),
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
        grant: grant(generation),
    }
}

pub(crate) fn after(row: &Connection, happening: Happening) -> Connection {
    Connection {
        life: step(row.life, happening).expect("fixture"),
        ..row.clone()
    }
}
