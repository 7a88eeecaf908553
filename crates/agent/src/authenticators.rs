//! Registering OAuth clients. What a client *is* and what may be wrong with it stands in
//! [`valetkey_core::draft`]; here it is stored, and what depends on it follows.

mod export;
mod removal;

use std::sync::Arc;

use serde_json::json;
use valetkey_core::authenticator::{Authenticator, Overrides};
use valetkey_core::catalogue;
use valetkey_core::connection::RefreshErrorKind;
use valetkey_core::discovery::Registration;
use valetkey_core::draft::{DraftInput, Problem, SecretChange, Warning};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::id::{AuthenticatorId, ConnectionId};
use valetkey_core::name::{AuthenticatorName, ProfileName};
use valetkey_core::provider::{ClientAuth, Provider};
use valetkey_core::secret::ClientSecret;
use valetkey_vault::VaultError;

use crate::error::AgentError;
use crate::grants;
use crate::key::{Actor, AuthenticatorKey};
use crate::protocol::SigningKey;
use crate::refresh;
use crate::registry::FailedSignIn;
use crate::state::Agent;

/// An authenticator as a list shows it.
#[derive(Debug, Clone)]
pub struct AuthenticatorView {
    /// The registered client.
    pub authenticator: Arc<Authenticator>,
    /// Its catalogue entry.
    pub provider: &'static Provider,
    /// How many connections came through it.
    pub connections: usize,
    /// The last sign-in of a new account, if that failed.
    pub failed_sign_in: Option<FailedSignIn>,
}

/// A change of an authenticator.
#[derive(Debug, Default)]
pub struct AuthenticatorChange {
    /// The fields, as a merge patch.
    pub input: DraftInput,
    /// Enables or disables it.
    pub is_active: Option<bool>,
    /// Goes ahead although logins or the client secret would be sent to another server.
    pub force: bool,
}

impl Agent {
    /// All authenticators (of a profile), by name.
    pub fn authenticators(
        &self,
        profile: Option<&ProfileName>,
        include_disabled: bool,
    ) -> Vec<AuthenticatorView> {
        let registry = self.inner.registry();
        let mut found: Vec<Arc<Authenticator>> = registry
            .authenticators()
            .filter(|a| profile.is_none_or(|profile| a.profile == *profile))
            .filter(|a| include_disabled || a.is_active)
            .cloned()
            .collect();
        drop(registry);
        found.sort_by(|a, b| (&a.profile, &a.name).cmp(&(&b.profile, &b.name)));
        found
            .into_iter()
            .map(|authenticator| self.view(authenticator))
            .collect()
    }

    /// One authenticator.
    pub fn authenticator(&self, key: &AuthenticatorKey) -> Result<AuthenticatorView, AgentError> {
        let found = self.inner.registry().find_authenticator(key)?;
        Ok(self.view(found))
    }

    fn view(&self, authenticator: Arc<Authenticator>) -> AuthenticatorView {
        let provider = catalogue::provider_or_custom(&authenticator.provider);
        let registry = self.inner.registry();
        let connections = registry.connections_of(authenticator.id).len();
        let failed_sign_in = registry.failed_sign_in(authenticator.id).cloned();
        drop(registry);
        AuthenticatorView {
            authenticator,
            provider,
            connections,
            failed_sign_in,
        }
    }

    /// Adds an authenticator: checked as a whole, stored as a whole.
    pub async fn add_authenticator(
        &self,
        input: DraftInput,
        profile: ProfileName,
        who: &Actor,
    ) -> Result<(AuthenticatorView, Vec<Warning>), AgentError> {
        self.check_running()?;
        let who = who.clone();
        self.run(|agent| async move { agent.add(input, profile, &who).await })
            .await
    }

    pub(crate) async fn add(
        &self,
        input: DraftInput,
        profile: ProfileName,
        who: &Actor,
    ) -> Result<(AuthenticatorView, Vec<Warning>), AgentError> {
        let mut input = input;
        let found_at = input.take_text("discovered_from");
        match found_at {
            Some(url) if input.text("client_id").is_none() => {
                Box::pin(self.add_registered(&url, input, profile, who)).await
            }
            Some(url) if input.text("client_secret").is_some() && !input.has("client_auth") => {
                Box::pin(self.add_with_secret(&url, input, profile, who)).await
            }
            Some(_) | None => self.add_checked(input, profile, None, who).await,
        }
    }

    /// Adds what is complete; `registration` is that of its client id.
    pub(crate) async fn add_checked(
        &self,
        input: DraftInput,
        profile: ProfileName,
        registration: Option<&Registration>,
        who: &Actor,
    ) -> Result<(AuthenticatorView, Vec<Warning>), AgentError> {
        let (mut draft, warnings) = input.check().map_err(AgentError::BadDraft)?;
        check_key(&draft.overrides, draft.client_secret.as_ref())?;
        self.check_name(&profile, &draft.name, None)?;
        draft.overrides.registration = registration.cloned();
        let id = AuthenticatorId::new(crate::random::uuid());
        let now = self.inner.now();
        let (authenticator, secret) = draft.into_authenticator(id, profile, now);
        let event = Event::new(EventKind::AuthenticatorAdded, now)
            .authenticator(id)
            .actor(who);
        let vault = &self.inner.vault;
        let stored = vault.add_authenticator(&authenticator, secret.as_ref(), &event);
        let unlogged = self.or_finish_later(stored).await?;
        {
            // Nothing is sent to its hosts under this lock: each request stands behind the line.
            let mut registry = self.inner.registry();
            registry.put_authenticator(authenticator);
            self.inner.audit_log.queue_change(event, Some(unlogged));
        }
        self.inner.audit_log.flush().await;
        let view = self.authenticator(&AuthenticatorKey::Id(id))?;
        tracing::info!(authenticator = %view.authenticator.name, "authenticator added");
        Ok((view, warnings))
    }

    /// By which values this change sends the authenticator's secrets elsewhere, or in another way: not
    /// everybody who may change it may do that.
    pub fn rerouted(
        &self,
        key: &AuthenticatorKey,
        input: &DraftInput,
    ) -> Result<Vec<String>, AgentError> {
        let old = self.inner.registry().find_authenticator(key)?;
        let change = input.clone().check_change(&old, self.inner.now());
        let change = change.map_err(AgentError::BadDraft)?;
        Ok(change.authenticator.rerouted(&old))
    }

    /// To which further hosts the proxy could send tokens after this change.
    pub fn added_api_hosts(
        &self,
        key: &AuthenticatorKey,
        input: &DraftInput,
    ) -> Result<Vec<String>, AgentError> {
        let old = self.authenticator(key)?;
        let change = input
            .clone()
            .check_change(&old.authenticator, self.inner.now())
            .map_err(AgentError::BadDraft)?;
        let new = change.authenticator;
        let added = new.added_api_hosts(&old.authenticator, old.provider);
        Ok(added.iter().map(ToString::to_string).collect())
    }

    /// Changes an authenticator. A new secret keeps its connections; what waited for a mended
    /// registration is tried again. Secrets go to no server that they were not given for, unless
    /// `force`.
    pub async fn update_authenticator(
        &self,
        key: &AuthenticatorKey,
        ask: AuthenticatorChange,
        who: &Actor,
    ) -> Result<(AuthenticatorView, Vec<Warning>), AgentError> {
        self.check_running()?;
        let found = self.inner.registry().find_authenticator(key)?;
        let who = who.clone();
        self.run(|agent| async move { Box::pin(agent.update(&found, ask, &who)).await })
            .await
    }

    async fn update(
        &self,
        found: &Authenticator,
        ask: AuthenticatorChange,
        who: &Actor,
    ) -> Result<(AuthenticatorView, Vec<Warning>), AgentError> {
        let locked = self.inner.lock_authenticator(found.id).await;
        let (_one_writer, old) =
            locked.ok_or_else(|| AgentError::no_authenticator(&found.full_name().into()))?;
        let now = self.inner.now();
        let change = ask
            .input
            .check_change(&old, now)
            .map_err(AgentError::BadDraft)?;
        if let Some(SecretChange::Set(secret)) = &change.secret {
            check_key(&change.authenticator.overrides, Some(secret))?;
        }
        let new_servers = new_servers(&old, &change.authenticator);
        if !ask.force && !new_servers.is_empty() {
            self.check_bound(&old, &new_servers, change.secret.is_some())?;
        }
        let asks_otherwise = asks_otherwise(&old, &change.authenticator);
        let mut authenticator = change.authenticator;
        authenticator.is_active = ask.is_active.unwrap_or(authenticator.is_active);
        self.check_name(&authenticator.profile, &authenticator.name, Some(old.id))?;
        let new_secret = change.secret.is_some();
        let detail = json!({
            "is_active": authenticator.is_active,
            "new_secret": new_secret,
            "new_servers": new_servers,
        });
        let event = Event::new(EventKind::AuthenticatorUpdated, now)
            .authenticator(old.id)
            .actor(who)
            .detail(detail);
        let registration = authenticator.overrides.registration.as_ref();
        let given_up = self.deletion_of_registration(&old, registration).await;
        let vault = &self.inner.vault;
        let stored = vault.update_authenticator(&authenticator, change.secret, &event);
        let stored = self.or_finish_later(stored).await?;
        {
            let mut registry = self.inner.registry();
            let renamed = authenticator.name != old.name;
            registry.put_authenticator(authenticator);
            if renamed {
                for id in registry.connections_of(old.id) {
                    registry.rename(id);
                }
            }
            // Before the keychain is written, however long that takes: what is under way and may not go
            // on ends now, and each request stands on its side of the line.
            self.inner.audit_log.queue_change(event, Some(stored));
        }
        let connections = self.inner.registry().connections_of(old.id);
        for id in connections {
            grants::rewrite(&self.inner, id).await;
            if asks_otherwise {
                let reason = "its authenticator asks for other tokens now";
                refresh::outdated(&self.inner, id, reason).await;
            }
        }
        self.retry_misconfigured(old.id).await;
        self.unregister_later(&old, given_up);
        self.inner.audit_log.flush().await;
        Ok((
            self.authenticator(&AuthenticatorKey::Id(old.id))?,
            change.warnings,
        ))
    }

    /// Logins, and a client secret that is not given anew, are bound to the servers that they were
    /// given for.
    fn check_bound(
        &self,
        old: &Authenticator,
        new_servers: &[String],
        new_secret: bool,
    ) -> Result<(), AgentError> {
        let connections = self.inner.registry().connections_of(old.id);
        let (what, hint) = if !connections.is_empty() {
            (
                "logins",
                "disconnect them first or add another authenticator; `--force` sends them there",
            )
        } else if old.has_secret && !new_secret {
            (
                "a client secret",
                "give the secret again in the same change (`--client-secret-stdin`); `--force` \
                 sends the old one there",
            )
        } else {
            return Ok(());
        };
        let (name, servers) = (&old.name, new_servers.join("`, `"));
        Err(AgentError::Conflict {
            message: format!("`{name}` has {what} that would be sent to `{servers}`"),
            in_use: self.name_connections(&connections),
            hint: Some(hint.to_owned()),
        })
    }

    pub(crate) fn check_name(
        &self,
        profile: &ProfileName,
        name: &AuthenticatorName,
        own: Option<AuthenticatorId>,
    ) -> Result<(), AgentError> {
        let registry = self.inner.registry();
        match registry.named_authenticator(profile, name) {
            Some(other) if Some(other.id) != own => Err(AgentError::Conflict {
                message: format!("there is an authenticator `{name}` already"),
                in_use: Vec::new(),
                hint: Some(format!(
                    "choose another name with `--name`, or change it with `valetkey update {}`",
                    other.full_name().argument()
                )),
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// Connections that waited for a mended registration are due now.
    async fn retry_misconfigured(&self, authenticator: AuthenticatorId) {
        let inner = &self.inner;
        let now = inner.now();
        let waiting: Vec<ConnectionId> = {
            let mut registry = inner.registry();
            let ids = registry.connections_of(authenticator);
            let waits = |id: &ConnectionId| {
                let refresh_error = registry
                    .get(*id)
                    .and_then(|entry| entry.row.refresh_error.as_ref());
                refresh_error
                    .is_some_and(|refresh_error| refresh_error.kind == RefreshErrorKind::FixClient)
            };
            let waiting: Vec<ConnectionId> = ids.into_iter().filter(waits).collect();
            for id in &waiting {
                if let Some(entry) = registry.get_mut(*id) {
                    entry.row.refresh_error = None;
                    entry.retry_not_before = None;
                }
                registry.replan(*id, now);
            }
            waiting
        };
        for id in waiting {
            grants::save_row(inner, id).await;
        }
        inner.schedule_changed.notify_one();
    }

    /// After a failed write a secret may be in doubt, or a removal half-way.
    pub(crate) async fn or_finish_later<T>(
        &self,
        change: impl Future<Output = Result<T, VaultError>>,
    ) -> Result<T, VaultError> {
        let changed = change.await;
        if changed.is_err() {
            self.inner.finish_later();
        }
        changed
    }
}

/// A private key that cannot sign is refused before it is stored.
fn check_key(overrides: &Overrides, secret: Option<&ClientSecret>) -> Result<(), AgentError> {
    let is_key = overrides.client_auth == Some(ClientAuth::PrivateKeyJwt);
    let Some(key) = secret.filter(|_| is_key) else {
        return Ok(());
    };
    SigningKey::parse(key.expose()).map(drop).map_err(|error| {
        AgentError::BadDraft(vec![Problem {
            field: "private_key".to_owned(),
            message: error.to_string(),
            hint: error.hint.to_owned(),
        }])
    })
}

/// Whether tokens that nobody agrees to are for another client or account from now on.
fn asks_otherwise(old: &Authenticator, new: &Authenticator) -> bool {
    let of = |it: &Authenticator| {
        let overrides = &it.overrides;
        let grant_type = overrides.grant_type.unwrap_or_default();
        (grant_type, it.client_id.clone(), overrides.subject.clone())
    };
    let (before, after) = (of(old), of(new));
    before != after && !before.0.needs_person()
}

fn new_servers(old: &Authenticator, new: &Authenticator) -> Vec<String> {
    let Some(provider) = catalogue::provider(&old.provider) else {
        return Vec::new();
    };
    // Nobody has signed in through it yet: its connections have keys.
    if !old.has_client() {
        let known = old.key_servers(provider);
        return new
            .key_servers(provider)
            .difference(&known)
            .cloned()
            .collect();
    }
    let known = old.servers(provider);
    new.servers(provider).difference(&known).cloned().collect()
}

#[cfg(test)]
mod tests;
