//! Before a sign-in: is the client still known where the MCP server's tokens come from?
//!
//! A client id belongs to one issuer. If the server names another one now, the client is registered there
//! anew, and what was obtained through the old one is sent to neither: its connections wait for the
//! person. The same if the registration has ended, or its server does not know it any more. A client that
//! a person has registered is theirs to register again.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use valetkey_core::authenticator::Authenticator;
use valetkey_core::connection::RefreshErrorKind;
use valetkey_core::discovery::{
    ClientMetadata, DiscoveryFailure, Found, Given, Network, is_unknown_client,
};
use valetkey_core::draft::DraftInput;
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::event::{Event, EventKind};

use super::adding::{Client, method};
use super::{in_time, refused};
use crate::error::AgentError;
use crate::grants;
use crate::key::Actor;
use crate::protocol::{FindError, Lookup, Target};
use crate::refresh;
use crate::registry::ConnectionRegistry;
use crate::state::Agent;

/// What follows the issuer when that changes.
const FOLLOWS: &[&str] = &[
    "issuer",
    "authorize_url",
    "token_url",
    "device_authorization_url",
    "revocation_url",
    "userinfo_url",
    "resource",
];

impl Agent {
    /// The authenticator as a sign-in may use it. One that no discovery has made stays as it is.
    /// `register_again`: with another client, whether or not this one is known to have ended.
    pub(crate) async fn with_current_client(
        &self,
        authenticator: Arc<Authenticator>,
        register_again: bool,
        who: &Actor,
    ) -> Result<Arc<Authenticator>, AgentError> {
        let own = &authenticator.overrides;
        if register_again && own.registration.is_none() {
            return Err(not_registered(&authenticator));
        }
        let Some(issuer) = &own.issuer else {
            return Ok(authenticator);
        };
        let has_ended = register_again || self.has_ended(&authenticator);
        let url = match &own.mcp_server {
            Some(server) => server,
            None if has_ended => issuer,
            None => return Ok(authenticator),
        };
        let (found, network) = self.find_current(url, issuer).await?;
        let given = Given {
            assume_pkce: own.assume_pkce,
            ..Given::default()
        };
        // Also refuses a server that has given up PKCE.
        let plan = found.plan(given).map_err(|failure| refused(&failure))?;
        let has_moved = found.server.issuer != issuer.as_str();
        if !has_moved && !has_ended {
            return Ok(authenticator);
        }
        let is_document = own.registration.is_none()
            && ClientMetadata::check_url(&authenticator.client_id).is_ok();
        if own.registration.is_none() && !is_document {
            return Err(moved_by_hand(&authenticator, url, issuer, &found));
        }
        if has_ended {
            // Whoever shares it gets the new one, too, though only this one's refresh was refused.
            self.inner.registrations.refuse(&authenticator);
        }
        let changes = plan.members;
        let renewed =
            self.renew_client(&authenticator, &found, changes, (is_document, network), who);
        Box::pin(renewed).await
    }

    /// Whether the registration has ended, or its server does not know it any more.
    fn has_ended(&self, authenticator: &Authenticator) -> bool {
        let Some(registration) = &authenticator.overrides.registration else {
            return false;
        };
        registration.has_ended(self.inner.now())
            || self.is_forgotten(&self.inner.registry(), authenticator)
    }

    /// Whether the server does not know the client any more, as a sign-in or a refresh of this
    /// authenticator was told.
    pub(super) fn is_forgotten(
        &self,
        registry: &ConnectionRegistry,
        authenticator: &Authenticator,
    ) -> bool {
        let connections = registry.connections_of(authenticator.id).into_iter();
        let mut errors = connections.filter_map(|id| registry.get(id)?.row.refresh_error.as_ref());
        let is_refused_at_refresh = errors.any(|error| {
            error.kind == RefreshErrorKind::FixClient && is_unknown_client(&error.reason)
        });
        is_refused_at_refresh || self.inner.registrations.is_refused(authenticator)
    }

    /// What the server says now: its old issuer, if it still names that, else its only one.
    async fn find_current(
        &self,
        url: &EndpointUrl,
        issuer: &EndpointUrl,
    ) -> Result<(Box<Found>, Network), AgentError> {
        let provider_client = &self.inner.provider_client;
        let target = |issuer| Target { url, issuer };
        let work = async {
            match provider_client.find(target(Some(issuer.as_str()))).await {
                Err(FindError::Refused(DiscoveryFailure::NotOffered { .. })) => {
                    provider_client.find(target(None)).await
                }
                found => found,
            }
        };
        match in_time(url, work).await? {
            Lookup::Found(found, network) => Ok((found, network)),
            Lookup::Choose { issuers, .. } => Err(AgentError::InvalidRequest {
                message: format!(
                    "`{url}` does not use `{issuer}` any more, but `{}`",
                    issuers.join("` or `")
                ),
                hint: Some(format!(
                    "add it again with `valetkey add {url}` and choose one"
                )),
            }),
        }
    }

    async fn renew_client(
        &self,
        begun: &Authenticator,
        found: &Found,
        changes: Map<String, Value>,
        (is_document, network): (bool, Network),
        who: &Actor,
    ) -> Result<Arc<Authenticator>, AgentError> {
        let locked = self.inner.lock_authenticator(begun.id).await;
        let (_one_writer, old) =
            locked.ok_or_else(|| AgentError::no_authenticator(&begun.full_name().into()))?;
        if old.client_id != begun.client_id || old.overrides != begun.overrides {
            // Another sign-in, or the person, came first.
            return Ok(old);
        }
        let issuer = found.server.issuer.as_str();
        let _one_at_a_time = self.inner.registrations.lock(issuer).await;
        let client = if is_document {
            None
        } else {
            let redirect_uri = Some(&old.redirect_uri);
            Some(
                self.client_at(found, redirect_uri, Some(&old.client_id), network)
                    .await?,
            )
        };
        let patch = patch(&old, &changes, client.as_ref());
        let registration = client.as_ref().map(|client| &client.registration);
        let given_up = self.deletion_of_registration(&old, registration).await;
        let stored = self.store_renewed(&old, patch, client.as_ref(), issuer, who);
        let stored = Box::pin(stored).await;
        match (stored, client) {
            (Ok(renewed), _) => {
                self.unregister_later(&old, given_up);
                Ok(renewed)
            }
            (Err(error), Some(client)) => Err(self.give_up(error, &client, network).await),
            (Err(error), None) => Err(error),
        }
    }

    /// What came through the old client ends first, so that none of it is sent through the new one.
    async fn store_renewed(
        &self,
        old: &Authenticator,
        patch: DraftInput,
        client: Option<&Client>,
        issuer: &str,
        who: &Actor,
    ) -> Result<Arc<Authenticator>, AgentError> {
        let inner = &self.inner;
        let now = inner.now();
        let change = patch.check_change(old, now).map_err(AgentError::BadDraft)?;
        let mut authenticator = change.authenticator;
        authenticator.overrides.registration = client.map(|client| client.registration.clone());
        let mut connections = inner.registry().connections_of(old.id);
        connections.sort_unstable();
        // Held until the client is the new one: a refresh that is answered meanwhile sees that it is.
        let mut writers = Vec::new();
        for id in &connections {
            let Ok(one_writer) = grants::lock(inner, *id).await else {
                continue;
            };
            writers.push(one_writer);
            let generation = inner
                .registry()
                .get(*id)
                .map(|entry| entry.row.state.generation);
            if let Some(generation) = generation {
                let reason = format!("its client was registered anew at {issuer}");
                refresh::refuse_locked(inner, *id, generation, &reason).await;
            }
        }
        let event = Event::new(EventKind::AuthenticatorUpdated, now)
            .authenticator(old.id)
            .actor(who)
            .detail(json!({ "registered_at": issuer, "new_secret": change.secret.is_some() }));
        let vault = &inner.vault;
        let stored = vault.update_authenticator(&authenticator, change.secret, &event);
        let stored = self.or_finish_later(stored).await?;
        authenticator.has_secret = match client {
            Some(client) => client.registered.client_secret.is_some(),
            None => old.has_secret,
        };
        {
            let mut registry = inner.registry();
            registry.put_authenticator(authenticator);
            inner.audit_log.queue_change(event, Some(stored));
        }
        drop(writers);
        for id in connections {
            grants::rewrite(inner, id).await;
        }
        inner.audit_log.flush().await;
        let renewed = inner.registry().authenticator(old.id).cloned();
        let renewed =
            renewed.ok_or_else(|| AgentError::no_authenticator(&old.full_name().into()))?;
        if let Some(client) = client
            && let Some((_, token)) = &client.registered.management
        {
            self.keep_token(&renewed, &client.registration, token).await;
        }
        tracing::info!(authenticator = %renewed.name, issuer, "client registered anew");
        Ok(renewed)
    }
}

/// The change of the authenticator: where it goes, and as whom.
fn patch(old: &Authenticator, changes: &Map<String, Value>, client: Option<&Client>) -> DraftInput {
    let mut patch = DraftInput::default();
    for field in FOLLOWS {
        patch.set(field, changes.get(*field).cloned().unwrap_or(Value::Null));
    }
    let Some(Client { registered, .. }) = client else {
        return patch;
    };
    patch.set("client_id", registered.client_id.as_str());
    patch.set("redirect_uri", registered.redirect_uri.to_string());
    if let Some(secret) = &registered.client_secret {
        patch.set("client_secret", secret.expose());
        patch.set("client_auth", method(registered.client_auth));
    } else {
        patch.set("client_auth", Value::Null);
        if old.has_secret {
            patch.set("client_secret", Value::Null);
        }
    }
    patch
}

/// Only what was registered here is registered again.
fn not_registered(authenticator: &Authenticator) -> AgentError {
    AgentError::InvalidRequest {
        message: format!(
            "the client of `{}` was not registered by Valet Key",
            authenticator.name
        ),
        hint: Some(format!(
            "register another one at the provider, and give its id with `valetkey update {} --client-id ID`",
            authenticator.full_name().argument()
        )),
    }
}

/// The person's own client cannot follow.
fn moved_by_hand(
    authenticator: &Authenticator,
    url: &EndpointUrl,
    issuer: &EndpointUrl,
    found: &Found,
) -> AgentError {
    let new = &found.server.issuer;
    AgentError::InvalidRequest {
        message: format!(
            "`{url}` gets its tokens from `{new}` now, and the client of `{}` is registered at `{issuer}`",
            authenticator.name
        ),
        hint: Some(format!(
            "register a client at `{new}`, and add the server again with `valetkey add {url} --client-id ID`"
        )),
    }
}
