//! Storing what a sign-in brought: a first grant whole or not at all, a renewed one at once. What is
//! not stored here the caller revokes.

use std::sync::Arc;

use jiff::Timestamp;
use valetkey_core::account::{Account, Subject};
use valetkey_core::authenticator::Authenticator;
use valetkey_core::connection::Connection;
use valetkey_core::connection_state::{Status, Transition, apply};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::grant::{Grant, GrantKind};
use valetkey_core::id::{ConnectionId, Generation};
use valetkey_core::name::ConnectionName;
use valetkey_core::scope::Scopes;

use super::place::Wish;
use super::{Completed, ReplacedKey};
use crate::error::AgentError;
use crate::exchange;
use crate::grants;
use crate::registry::LiveGrant;
use crate::state::Inner;

/// A new connection; the caller holds the authenticator's lock. Row `connecting`, item, read back, row `active`, and only then the registry.
pub(super) async fn add(
    inner: &Arc<Inner>,
    authenticator: &Authenticator,
    account: Account,
    wish: &Wish<'_>,
    grant: impl Fn(Generation, Option<&Grant>) -> Grant,
    now: Timestamp,
) -> Result<Completed, AgentError> {
    let (id, asked) = (ConnectionId::new(crate::random::uuid()), wish.asked);
    let mut row = Connection::connecting(id, authenticator.id, account, asked.clone(), now);
    row.keep_warm = inner.stored_settings().settings.keep_warm;
    if let Some(proxy) = exchange::subject_proxy(inner, authenticator) {
        row.proxy = proxy;
    }
    let state = apply(row.state, Transition::SignedIn).expect("a new connection can be signed in");
    let grant = grant(state.generation, None);
    mark(inner, wish, id, state.generation).await?;
    let stored = valetkey_core::stored_grant::StoredGrant {
        connection: id,
        account: row.account.clone(),
        authenticator: authenticator.clone(),
        proxy: row.proxy.clone(),
        grant: grant.clone(),
    };
    let event = Event::new(EventKind::ConnectionAdded, now).connection(id);
    let added = inner.vault.store_first_grant(&row, &stored, &event).await;
    let (row, unlogged) = match added {
        Ok(active) => active,
        Err(error) => {
            give_up(inner, row).await;
            return Err(error.into());
        }
    };
    let connection = {
        let mut registry = inner.registry();
        registry.insert(row);
        registry.cache_grant(id, grant.clone());
        registry.replan(id, now);
        registry
            .get(id)
            .and_then(|entry| registry.name_of(&entry.row))
    };
    inner.schedule_changed.notify_one();
    inner.audit_log.record_stored(event, unlogged).await;
    grants::forget_later(inner, id);
    done(inner, id, connection, asked, &grant, false)
}

/// A first grant that could not be stored: nobody was told of it, and nothing of it stays. Its name is
/// free at once; what the keychain cannot do now stays in `removing`, known to the
/// vault alone.
async fn give_up(inner: &Inner, mut row: Connection) {
    row.state =
        apply(row.state, Transition::Disconnected).expect("a new connection can be disconnected");
    let removed = async {
        inner.vault.begin_removal(&row, None).await?;
        inner.vault.finish_removal(row.id, None).await
    };
    if let Err(error) = removed.await {
        tracing::warn!(%error, "what is left of a failed sign-in is removed later");
        inner.finish_later();
    }
}

/// Who signed in again.
pub(super) struct SignedIn {
    pub(super) display_name: Option<String>,
    pub(super) subject: Option<Subject>,
    /// It may be another account: what is known of the old one goes.
    pub(super) replaces: bool,
}

/// A login that a key has taken the place of.
pub(super) struct Replaced {
    pub(super) live: Arc<LiveGrant>,
    /// Whose it was.
    pub(super) account: Option<Subject>,
}

/// A new grant under the next generation, so that a running refresh of the old one has no effect.
pub(super) async fn renew(
    inner: &Arc<Inner>,
    id: ConnectionId,
    account: SignedIn,
    wish: &Wish<'_>,
    grant: impl Fn(Generation, Option<&Grant>) -> Grant,
) -> Result<(Completed, Option<Replaced>), AgentError> {
    let asked = wish.asked;
    let _one_writer = grants::lock(inner, id).await?;
    // Best effort: an old grant that cannot be read does not stop a new one.
    let _ = grants::load_locked(inner, id).await;
    let now = inner.now();
    // The number it will have; what is too late for one is given back.
    let generation = {
        let registry = inner.registry();
        let state = registry.get(id).map(|entry| entry.row.state);
        state
            .and_then(|state| apply(state, Transition::SignedIn).ok())
            .map_or(Generation(0), |state| state.generation)
    };
    // The new grant stands alone, but for one thing: some providers give a refresh token at the first
    // consent only, and without it the login would end with this access token.
    let mut new = grant(generation, None);
    let replaced_key = key_to_replace(inner, id, &new);
    let replaced = login_to_replace(inner, id, wish);
    // A refresh token that is bound to a key is of no use beside another one.
    if !new.is_refreshable()
        && new.dpop_key.is_none()
        && let Some(old) = still_good(inner, id, account.subject.as_ref())
    {
        new.refresh_token.clone_from(&old.grant.refresh_token);
        new.refresh_expires_at = old.grant.refresh_expires_at;
    }
    let renewed = |row: &mut Connection| {
        row.asked_scopes = asked.clone();
        if let Some(needed) = &mut row.needed {
            needed.count(asked);
        }
        let same = is_same(row.account.subject.as_ref(), account.subject.as_ref());
        let (display_name, subject) = (account.display_name.clone(), account.subject.clone());
        if account.replaces && !same {
            row.account.display_name = display_name;
            row.account.subject = subject;
        } else {
            row.account.display_name = display_name.or(row.account.display_name.take());
            row.account.subject = subject.or(row.account.subject.take());
        }
    };
    mark(inner, wish, id, generation).await?;
    let event = Event::new(EventKind::ConnectionRenewed, now).connection(id);
    let kept = grants::commit(inner, id, Transition::SignedIn, renewed, &new, event).await;
    let Some(live) = kept else {
        return Err(AgentError::no_connection(id));
    };
    let connection = Some(live.connection.clone());
    inner.registry().replan(id, now);
    inner.schedule_changed.notify_one();
    grants::forget_later(inner, id);
    let done = done(inner, id, connection, asked, &new, true)?;
    let done = Completed {
        replaced_key,
        ..done
    };
    Ok((done, replaced))
}

/// What a given refresh token brought is stored here from now on: after a kill it is known that the token
/// was used.
async fn mark(
    inner: &Inner,
    wish: &Wish<'_>,
    connection: ConnectionId,
    generation: Generation,
) -> Result<(), AgentError> {
    if let Some(import) = wish.import {
        let marked = inner
            .vault
            .mark_token_import(import, connection, generation);
        marked.await?;
    }
    Ok(())
}

/// The key that another secret takes the place of.
fn login_to_replace(inner: &Inner, id: ConnectionId, wish: &Wish<'_>) -> Option<Replaced> {
    let registry = inner.registry();
    let entry = registry.get(id)?;
    let is_replaced = wish.kind == GrantKind::ApiKey && entry.row.kind == GrantKind::OAuth;
    let live = entry.live.clone().filter(|_| is_replaced)?;
    let account = entry.row.account.subject.clone();
    Some(Replaced { live, account })
}

fn key_to_replace(inner: &Inner, id: ConnectionId, new: &Grant) -> Option<ReplacedKey> {
    let registry = inner.registry();
    let entry = registry.get(id)?;
    let live = entry.live.as_ref();
    let is_same = live.is_some_and(|live| live.fingerprint == new.access_token.fingerprint());
    if entry.row.kind != GrantKind::ApiKey || is_same {
        return None;
    }
    let authenticator = registry.authenticator(entry.row.authenticator)?;
    Some(ReplacedKey::of(authenticator))
}

/// Whether both are known, and the same.
fn is_same(known: Option<&Subject>, new: Option<&Subject>) -> bool {
    known
        .zip(new)
        .is_some_and(|(known, new)| known.is_same_account(new))
}

/// The grant that is renewed, if it is the same account's for certain, was not refused and is bound to no key.
fn still_good(
    inner: &Inner,
    id: ConnectionId,
    account: Option<&Subject>,
) -> Option<Arc<LiveGrant>> {
    let registry = inner.registry();
    let entry = registry.get(id)?;
    let same = is_same(entry.row.account.subject.as_ref(), account);
    let refused = entry.row.state.status == Status::NeedsReconnect;
    let live = entry.live.clone().filter(|_| same && !refused)?;
    live.grant.dpop_key.is_none().then_some(live)
}

fn done(
    inner: &Inner,
    id: ConnectionId,
    connection: Option<ConnectionName>,
    asked: &Scopes,
    grant: &Grant,
    renewed: bool,
) -> Result<Completed, AgentError> {
    let connection = connection.ok_or_else(|| AgentError::no_connection(id))?;
    let account = inner
        .registry()
        .get(id)
        .and_then(|entry| entry.row.account.display_name.clone());
    Ok(Completed {
        id,
        connection,
        account,
        granted: grant.scopes.clone(),
        missing: asked.missing_from(&grant.scopes),
        renewed,
        instead_of: None,
        replaced_key: None,
        unverified: None,
    })
}
