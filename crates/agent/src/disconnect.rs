//! Disconnecting: nothing of a removed connection is ever served, revived or left behind.
//!
//! The generation is increased first, so that a running refresh has no effect. Then the row is set to
//! `removing`, the provider revokes, the keychain item and the row are deleted. After a crash the next
//! start finishes the removal.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::json;
use valetkey_core::authenticator::Authenticator;
use valetkey_core::catalogue;
use valetkey_core::connection_state::{Status, Transition};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::freshness;
use valetkey_core::grant::GrantKind;
use valetkey_core::id::ConnectionId;
use valetkey_core::name::{ConnectionName, ProfileName};
use valetkey_vault::failpoint;

use crate::client::Client;
use crate::error::AgentError;
use crate::grants;
use crate::key::{Actor, ConnectionKey};
use crate::protocol::Revocation;
use crate::state::{Agent, Inner};

/// A connection that a program used this recently is removed only with `force`.
const IN_USE: SignedDuration = SignedDuration::from_hours(24);

/// A removal that failed is retried after this long.
const RETRY_DELAY: SignedDuration = SignedDuration::from_secs(30);

/// What became of a connection.
#[derive(Debug, Clone)]
pub struct Disconnected {
    /// Its id.
    pub id: ConnectionId,
    /// The set it belonged to.
    pub profile: ProfileName,
    /// Its name.
    pub connection: ConnectionName,
    /// Whether the provider knows.
    pub revocation: Revocation,
}

impl Agent {
    /// Removes a connection. One that was used within a day is in use: 409 unless `force`.
    pub async fn disconnect(
        &self,
        key: &ConnectionKey,
        force: bool,
        who: &Actor,
    ) -> Result<Disconnected, AgentError> {
        self.check_running()?;
        let inner = &self.inner;
        let id = {
            let registry = inner.registry();
            let id = registry
                .find(key)
                .map_err(|_| AgentError::no_connection(key))?;
            let entry = registry
                .get(id)
                .ok_or_else(|| AgentError::no_connection(key))?;
            let lately = entry
                .row
                .used_at
                .filter(|used| inner.now().duration_since(*used) < IN_USE);
            if let (Some(used), false) = (lately, force) {
                // The key may be an id, which says nothing to a person.
                let name = registry.name_of(&entry.row);
                let name = name.map_or_else(|| key.to_string(), |it| it.to_string());
                return Err(AgentError::Conflict {
                    message: format!(
                        "a program used `{name}` {} ago",
                        ago(inner.now().duration_since(used))
                    ),
                    in_use: vec![name],
                    hint: Some(
                        "`--force` disconnects it anyway; programs then get no token of it until \
                         you sign in again"
                            .to_owned(),
                    ),
                });
            }
            id
        };
        let (agent, who) = (Arc::clone(inner), who.clone());
        inner
            .run(async move { remove(&agent, id, &[], &who).await })
            .await?
    }
}

/// Has the scheduler finish the removals that were interrupted.
pub(crate) fn schedule_removals(inner: &Inner) {
    let now = inner.now();
    let mut registry = inner.registry();
    let removing: Vec<ConnectionId> = registry
        .entries()
        .filter(|entry| entry.row.state.status == Status::Removing)
        .map(|entry| entry.row.id)
        .collect();
    for id in removing {
        registry.reschedule(id, Some(now));
    }
    drop(registry);
    inner.schedule_changed.notify_one();
}

/// Goes on with a removal that was interrupted or failed; if it fails again, it is retried later.
pub(crate) async fn retry_removal(inner: &Arc<Inner>, id: ConnectionId) {
    if let Err(error) = remove(inner, id, &[], &Actor::agent()).await {
        tracing::warn!(connection = %id, %error, "removal not finished; retrying later");
    }
}

/// Removes a connection; those that are `leaving` are removed after it. A removal that has begun and
/// fails is retried by the scheduler.
pub(crate) async fn remove(
    inner: &Arc<Inner>,
    id: ConnectionId,
    leaving: &[ConnectionId],
    who: &Actor,
) -> Result<Disconnected, AgentError> {
    let removed = try_remove(inner, id, leaving, who).await;
    if removed.is_err() {
        let retry_at = freshness::add(inner.now(), RETRY_DELAY);
        let mut registry = inner.registry();
        let has_begun = registry
            .get(id)
            .is_some_and(|entry| entry.row.state.status == Status::Removing);
        if has_begun {
            registry.reschedule(id, Some(retry_at));
            inner.schedule_changed.notify_one();
        }
    }
    removed
}

async fn try_remove(
    inner: &Arc<Inner>,
    id: ConnectionId,
    leaving: &[ConnectionId],
    who: &Actor,
) -> Result<Disconnected, AgentError> {
    let (authenticator, connection, profile) = {
        let registry = inner.registry();
        let entry = registry
            .get(id)
            .ok_or_else(|| AgentError::no_connection(id))?;
        let authenticator = registry.authenticator(entry.row.authenticator).cloned();
        let name = registry
            .name_of(&entry.row)
            .ok_or_else(|| AgentError::no_connection(id))?;
        let profile = authenticator
            .as_ref()
            .map(|authenticator| authenticator.profile.clone())
            .unwrap_or_default();
        (authenticator, name, profile)
    };
    // The keychain must be there before anything changes: else nothing could be deleted.
    inner.vault.check_store().await?;
    // Best effort: what cannot be read cannot be revoked, and the report says so.
    let loaded = grants::load(inner, id).await;
    let (row, began) = {
        let mut registry = inner.registry();
        let began = registry.apply(id, Transition::Disconnected).is_ok();
        registry.reschedule(id, None);
        (registry.get(id).map(|entry| entry.row.clone()), began)
    };
    inner.audit_log.changed.send_replace(());
    let row = row.ok_or_else(|| AgentError::no_connection(id))?;
    let _one_writer = grants::lock(inner, id).await?;
    // A pause may have forgotten it meanwhile.
    if loaded.is_ok() {
        let _ = grants::load_locked(inner, id).await;
    }
    // Kept until the row is gone: a removal that fails must still be able to revoke.
    let (live, confirmed) = match inner.registry().get(id) {
        Some(entry) => (entry.live.clone(), entry.is_revoked),
        None => return Err(AgentError::no_connection(id)),
    };
    let event = began.then(|| {
        Event::new(EventKind::ConnectionRemoving, inner.now())
            .connection(id)
            .actor(who)
    });
    let unlogged = inner.vault.begin_removal(&row, event.as_ref()).await?;
    failpoint!("disconnect.marked");
    if let Some(event) = event {
        inner.audit_log.queue_change(event, unlogged);
        inner.audit_log.flush().await;
    }
    let revocation = match (&live, authenticator) {
        _ if confirmed => Revocation::Revoked,
        (Some(live), Some(authenticator)) if live.grant.kind == GrantKind::ApiKey => {
            Revocation::NotPossible(key_stays(&authenticator))
        }
        (Some(live), Some(authenticator)) => match Client::of(&inner.vault, authenticator).await {
            Ok(client) => {
                let account = row.account.subject.as_ref();
                inner
                    .revoke_removed(&client, account, &live.grant, leaving)
                    .await
            }
            Err(error) => Revocation::Failed(error.to_string()),
        },
        (None, _) if loaded.is_err() => {
            Revocation::Failed("its grant could not be read".to_owned())
        }
        (None, _) if !began => Revocation::NotPossible(
            "the removal was interrupted after its token was deleted".to_owned(),
        ),
        (None, _) | (_, None) => Revocation::NotPossible("there was no token to revoke".to_owned()),
    };
    if revocation == Revocation::Revoked
        && let Some(entry) = inner.registry().get_mut(id)
    {
        entry.is_revoked = true;
    }
    failpoint!("disconnect.revoked");
    let event = Event::new(EventKind::ConnectionRemoved, inner.now())
        .connection(id)
        .actor(who)
        .detail(json!({ "connection": connection, "revocation": revocation }));
    let unlogged = inner.vault.finish_removal(id, Some(&event)).await?;
    inner.removed_names().insert(id, connection.to_string());
    inner.registry().remove(id);
    inner.access.forget(id);
    inner.schedule_changed.notify_one();
    inner.audit_log.queue_change(event, unlogged);
    inner.audit_log.flush().await;
    tracing::info!(%connection, "disconnected");
    Ok(Disconnected {
        id,
        profile,
        connection,
        revocation,
    })
}

/// A key is the person's own: they end it where they made it.
fn key_stays(authenticator: &Authenticator) -> String {
    let provider = catalogue::provider_or_custom(&authenticator.provider);
    let name = &provider.api_keys.name;
    let at = match authenticator.api_keys_page(provider) {
        Some(page) => page,
        None => authenticator.provider_name(provider).to_owned(),
    };
    format!("The {name} is still valid. Delete it at {at} if nothing else uses it.")
}

fn ago(duration: SignedDuration) -> String {
    match duration.as_secs() {
        ..60 => "less than a minute".to_owned(),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}
