//! Client keys: how a program comes in by the loopback listener.
//!
//! A key is `vk_` and 256 random bits, shown once. What is kept is its SHA-256, so the database
//! cannot be used to come in.

use jiff::Timestamp;
use serde_json::json;
use subtle::ConstantTimeEq as _;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::id::{ClientKeyId, ConnectionId};
use valetkey_core::secret::{ClientKey, Fingerprint};
use valetkey_vault::ClientKeyRow;

use crate::error::AgentError;
use crate::key::{Actor, ConnectionKey};
use crate::state::Agent;

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// What the person calls it.
    pub name: String,
    /// The connections it may use; None: all, also later ones.
    pub connections: Option<Vec<ConnectionKey>>,
    /// Whether it may also list, connect and disconnect.
    pub manage: bool,
    /// When it ends; None: never.
    pub expires_at: Option<Timestamp>,
}

/// Why a key is refused that somebody presents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRefusal {
    /// It is none, or it has ended or was revoked.
    Unknown,
    /// It was made while no desktop app ran, and waits for the person to confirm it.
    NotConfirmed,
}

impl Agent {
    /// A key that can be made: its name is free, and its connections are there. From here on their ids
    /// travel.
    pub fn check_new_key(&self, ask: &NewKey) -> Result<NewKey, AgentError> {
        let name = ask.name.trim().to_owned();
        if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
            return Err(AgentError::InvalidRequest {
                message: "a key needs a name of 1 to 64 characters".to_owned(),
                hint: Some("`valetkey key create --name ci`".to_owned()),
            });
        }
        if self.inner.client_keys().iter().any(|row| row.name == name) {
            return Err(AgentError::Conflict {
                message: format!("there is a key `{name}` already"),
                in_use: Vec::new(),
                hint: Some("choose another name, or revoke that key first".to_owned()),
            });
        }
        if ask.expires_at.is_some_and(|end| end <= self.inner.now()) {
            return Err(AgentError::InvalidRequest {
                message: "the key would have ended already".to_owned(),
                hint: Some("choose an end that is still to come, or none".to_owned()),
            });
        }
        let registry = self.inner.registry();
        let ids = |keys: &Vec<ConnectionKey>| {
            let ids = keys
                .iter()
                .map(|key| registry.find(key).map(ConnectionKey::Id));
            ids.collect::<Result<Vec<_>, _>>()
        };
        let connections = ask.connections.as_ref().map(ids).transpose()?;
        drop(registry);
        Ok(NewKey {
            name,
            connections,
            manage: ask.manage,
            expires_at: ask.expires_at,
        })
    }

    /// Makes a key; its text is returned once and never again.
    pub async fn create_key(
        &self,
        ask: NewKey,
        who: &Actor,
    ) -> Result<(ClientKeyRow, ClientKey), AgentError> {
        let ask = self.check_new_key(&ask)?;
        let now = self.inner.now();
        let connections = match &ask.connections {
            None => None,
            Some(keys) => {
                let ids = keys.iter().map(|key| self.connection_id(key));
                Some(ids.collect::<Result<Vec<_>, _>>()?)
            }
        };
        let key = ClientKey::new(format!("vk_{}", crate::random::token()));
        let row = ClientKeyRow {
            id: ClientKeyId::new(crate::random::uuid()),
            name: ask.name,
            hash: Fingerprint::of(key.expose()),
            connections,
            manage: ask.manage,
            created_at: now,
            expires_at: ask.expires_at,
            used_at: None,
            confirmed: self.inner.access.desktop(),
        };
        let event = Event::new(EventKind::KeyCreated, now)
            .actor(who)
            .detail(json!({
                "key": row.name, "manage": row.manage, "connections": row.connections,
            }));
        self.run(|agent| async move {
            let inner = &agent.inner;
            let stored = inner.vault.add_client_key(&row, &event).await?;
            inner.client_keys().push(row.clone());
            inner.audit_log.record_stored(event, stored).await;
            Ok((row, key))
        })
        .await
    }

    /// All keys, by name.
    pub fn keys(&self) -> Vec<ClientKeyRow> {
        let mut rows = self.inner.client_keys().clone();
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        rows
    }

    /// One of them, by its id or name.
    pub fn key(&self, id_or_name: &str) -> Result<ClientKeyRow, AgentError> {
        let rows = self.inner.client_keys();
        let found = rows
            .iter()
            .find(|row| row.name == id_or_name || row.id.to_string() == id_or_name);
        found.cloned().ok_or_else(|| AgentError::NotFound {
            kind: "key",
            name: id_or_name.to_owned(),
            hint: Some("`valetkey key list` lists them".to_owned()),
        })
    }

    /// Whether a key waits for the person to confirm it.
    pub fn awaits_confirmation(&self, row: &ClientKeyRow) -> bool {
        self.inner.access.desktop() && !row.confirmed
    }

    /// The person confirms a key that was made while no desktop app ran.
    pub async fn confirm_key(
        &self,
        id: ClientKeyId,
        who: &Actor,
    ) -> Result<ClientKeyRow, AgentError> {
        let row = self.key(&id.to_string())?;
        let event = Event::new(EventKind::KeyConfirmed, self.inner.now())
            .actor(who)
            .detail(json!({ "key": row.name }));
        self.run(|agent| async move {
            let inner = &agent.inner;
            let stored = inner.vault.confirm_client_key(id, &event).await?;
            for row in inner.client_keys().iter_mut().filter(|row| row.id == id) {
                row.confirmed = true;
            }
            inner.audit_log.record_stored(event, stored).await;
            agent.key(&id.to_string())
        })
        .await
    }

    /// Ends a key, named by its id or name.
    pub async fn revoke_key(
        &self,
        id_or_name: &str,
        who: &Actor,
    ) -> Result<ClientKeyRow, AgentError> {
        let row = self.key(id_or_name)?;
        let event = Event::new(EventKind::KeyRevoked, self.inner.now())
            .actor(who)
            .detail(json!({ "key": row.name }));
        self.run(|agent| async move {
            let inner = &agent.inner;
            let stored = inner.vault.revoke_client_key(row.id, &event).await?;
            inner.client_keys().retain(|other| other.id != row.id);
            inner.audit_log.record_stored(event, stored).await;
            Ok(row)
        })
        .await
    }

    /// The key that was presented, if it is one and in force. Compares with every key, in constant time
    /// each.
    pub fn verify_key(&self, presented: &str) -> Result<ClientKeyRow, KeyRefusal> {
        let hash = Fingerprint::of(presented);
        let now = self.inner.now();
        let mut rows = self.inner.client_keys();
        let mut found = Err(KeyRefusal::Unknown);
        for row in rows.iter_mut() {
            let same = row.hash.as_str().as_bytes().ct_eq(hash.as_str().as_bytes());
            if !bool::from(same) || !row.is_live(now) {
                continue;
            }
            found = if row.is_active(now, self.inner.access.desktop()) {
                row.used_at = Some(now);
                Ok(row.clone())
            } else {
                Err(KeyRefusal::NotConfirmed)
            };
        }
        drop(rows);
        if let Ok(ClientKeyRow { id, .. }) = found {
            self.inner.audit_log.record_key_use(id, now);
        }
        found
    }

    /// Records that wrong keys were tried, so many since the last time; does not wait for it.
    pub fn report_wrong_keys(&self, count: u64) {
        let event = Event::new(EventKind::KeysGuessed, self.inner.now())
            .actor(&Actor::agent())
            .detail(json!({ "count": count }));
        let inner = std::sync::Arc::clone(&self.inner);
        self.inner.run(async move { inner.record(event).await });
    }

    /// Whether any key could be presented: the loopback listener's port must then be ours.
    pub fn has_keys(&self) -> bool {
        !self.inner.client_keys().is_empty()
    }

    /// Names for the connections of a key that still exist.
    pub fn name_connections(&self, ids: &[ConnectionId]) -> Vec<String> {
        let registry = self.inner.registry();
        let mut names: Vec<String> = ids
            .iter()
            .filter_map(|id| registry.name_of(&registry.get(*id)?.row))
            .map(|name| name.to_string())
            .collect();
        names.sort();
        names
    }
}
