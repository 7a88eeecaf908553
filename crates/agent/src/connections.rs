//! Looking at connections, and changing what may be changed of them.

use jiff::Timestamp;
use valetkey_core::api_host::ApiHost;
use valetkey_core::authenticator::Authenticator;
use valetkey_core::connection::{Connection, KeepWarm};
use valetkey_core::connection_state::Status;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::freshness;
use valetkey_core::grant::GrantKind;
use valetkey_core::id::ConnectionId;
use valetkey_core::name::{AccountLabel, ConnectionName, ProfileName};
use valetkey_core::provider::Provider;
use valetkey_core::proxy_settings::{Methods, ProxySettings, Widened};

use crate::client::Client;
use crate::error::AgentError;
use crate::grants;
use crate::key::{Actor, ConnectionKey};
use crate::protocol::{KeyCheck, TokenTest};
use crate::registry::{ConnectionRegistry, Entry, FailedSignIn, LiveGrant};
use crate::state::Agent;
use crate::token::TokenRequirements;

/// A connection as a list shows it.
#[derive(Debug, Clone)]
pub struct ConnectionView {
    /// The row.
    pub row: Connection,
    /// Its name.
    pub name: ConnectionName,
    /// Its profile.
    pub profile: ProfileName,
    /// The provider.
    pub provider: &'static Provider,
    /// The provider, as the person knows it.
    pub provider_name: String,
    /// The newest grant is not in the keychain yet.
    pub unsaved: bool,
    /// The last sign-in that was to renew it, if that failed.
    pub failed_sign_in: Option<FailedSignIn>,
    /// When it is refreshed next, if it is by itself.
    pub refreshes_at: Option<Timestamp>,
    /// Hosts that the proxy sends its token to.
    pub api_hosts: Vec<ApiHost>,
    /// What there is to say about its key, if it has one.
    pub api_key: Option<ApiKeyView>,
    /// Its token is bound to a key, so it is used through the proxy alone, whatever the row says.
    pub is_bound: bool,
}

/// A connection's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyView {
    /// What the provider calls it.
    pub name: String,
    /// Where the person makes and deletes them.
    pub page: Option<String>,
    /// Whether the person could sign in instead, which is better.
    pub oauth: Option<OAuthOffer>,
}

/// A sign-in that could take the place of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OAuthOffer {
    /// At once.
    Ready,
    /// Once a client is registered.
    NeedsClient,
}

impl ApiKeyView {
    fn of(authenticator: &Authenticator, provider: &Provider) -> Self {
        let oauth = if authenticator.has_client() {
            Some(OAuthOffer::Ready)
        } else {
            (!provider.authorize_url.is_empty()).then_some(OAuthOffer::NeedsClient)
        };
        Self {
            name: provider.api_keys.name.clone(),
            page: authenticator.api_keys_page(provider),
            oauth,
        }
    }
}

/// What a test of a connection found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tested {
    pub outcome: TokenTest,
    /// The provider refused the token at first, and a refresh brought the one that was tested.
    pub refreshed: bool,
}

/// What may be changed.
#[derive(Debug, Clone, Default)]
pub struct ConnectionChange {
    /// Refresh policy.
    pub keep_warm: Option<KeepWarm>,
    /// The label.
    pub label: LabelChange,
    /// Whether the token is never handed out.
    pub proxy_only: Option<bool>,
    /// The methods that the proxy passes on.
    pub methods: MethodsChange,
}

/// What becomes of a connection's label.
#[derive(Debug, Clone, Default)]
pub enum LabelChange {
    /// It stays.
    #[default]
    Keep,
    /// It goes: the connection becomes the authenticator's first account.
    Remove,
    /// Another one.
    Set(AccountLabel),
}

/// What becomes of the methods that the proxy passes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum MethodsChange {
    /// They stay.
    #[default]
    Keep,
    /// All pass.
    Any,
    /// Only these pass.
    Only(Methods),
}

impl ConnectionChange {
    fn proxy(&self, old: &ProxySettings) -> ProxySettings {
        ProxySettings {
            only: self.proxy_only.unwrap_or(old.only),
            methods: match &self.methods {
                MethodsChange::Keep => old.methods.clone(),
                MethodsChange::Any => None,
                MethodsChange::Only(methods) => Some(methods.clone()),
            },
        }
    }
}

impl ConnectionView {
    fn of(registry: &ConnectionRegistry, entry: &Entry, now: Timestamp) -> Option<Self> {
        let authenticator = registry.authenticator(entry.row.authenticator)?;
        let provider = registry.provider_of(&entry.row);
        let mut row = entry.row.clone();
        // Nobody waits for a token's end unless something is due: the view knows the time.
        if row.state.status == Status::Active && row.expires_at.is_some_and(|end| end <= now) {
            row.state.status = Status::Expired;
        }
        Some(Self {
            name: registry.name_of(&row)?,
            profile: authenticator.profile.clone(),
            provider,
            provider_name: authenticator.provider_name(provider).to_owned(),
            unsaved: entry.unsaved,
            api_hosts: authenticator.api_hosts(provider),
            api_key: (row.kind == GrantKind::ApiKey)
                .then(|| ApiKeyView::of(authenticator, provider)),
            is_bound: registry.is_bound(entry),
            failed_sign_in: entry.failed_sign_in.clone(),
            refreshes_at: freshness::due_at(&row, registry.refresh_limits(&row), now, 0.0),
            row,
        })
    }
}

impl Agent {
    /// All connections (of a profile), by name.
    pub fn connections(&self, profile: Option<&ProfileName>) -> Vec<ConnectionView> {
        let now = self.inner.now();
        let registry = self.inner.registry();
        let mut views: Vec<ConnectionView> = registry
            .entries()
            .filter_map(|entry| ConnectionView::of(&registry, entry, now))
            .filter(|view| profile.is_none_or(|profile| view.profile == *profile))
            .collect();
        drop(registry);
        views.sort_by(|a, b| (&a.profile, &a.name).cmp(&(&b.profile, &b.name)));
        views
    }

    /// One connection.
    pub fn connection(&self, key: &ConnectionKey) -> Result<ConnectionView, AgentError> {
        let registry = self.inner.registry();
        let id = registry.find(key).map_err(|error| match error {
            // Nothing is asked of the provider here, so nobody need sign in.
            AgentError::AuthRequired { .. } => AgentError::no_connection(key),
            other => other,
        })?;
        let entry = registry
            .get(id)
            .ok_or_else(|| AgentError::no_connection(key))?;
        ConnectionView::of(&registry, entry, self.inner.now())
            .ok_or_else(|| AgentError::no_connection(key))
    }

    /// The connection behind a name. An authenticator without one needs a sign-in.
    pub fn connection_id(&self, key: &ConnectionKey) -> Result<ConnectionId, AgentError> {
        self.inner.registry().find(key)
    }

    /// What programs may do more after this change, through the proxy or with the token.
    pub fn widened(
        &self,
        key: &ConnectionKey,
        change: &ConnectionChange,
    ) -> Result<Widened, AgentError> {
        let old = self.connection(key)?.row.proxy;
        Ok(change.proxy(&old).widened(&old))
    }

    /// Changes policy, label, or what the proxy does.
    pub async fn update_connection(
        &self,
        key: &ConnectionKey,
        change: ConnectionChange,
        who: &Actor,
    ) -> Result<ConnectionView, AgentError> {
        self.check_running()?;
        let id = self.connection(key)?.row.id;
        let (key, who) = (key.clone(), who.clone());
        self.run(|agent| async move { agent.change(id, &key, change, &who).await })
            .await
    }

    async fn change(
        &self,
        id: ConnectionId,
        key: &ConnectionKey,
        change: ConnectionChange,
        who: &Actor,
    ) -> Result<ConnectionView, AgentError> {
        let inner = &self.inner;
        // The item names the account too: both are written, the item first.
        grants::load(inner, id).await?;
        let one_writer = grants::lock(inner, id).await?;
        // A pause may have forgotten it meanwhile.
        grants::load_locked(inner, id).await?;
        let naming = inner.naming_lock.lock().await;
        let changed = {
            let registry = inner.registry();
            let entry = registry
                .get(id)
                .ok_or_else(|| AgentError::no_connection(key))?;
            if change.proxy_only == Some(false) && registry.is_bound(entry) {
                return Err(AgentError::InvalidRequest {
                    message: "its token is bound to a key (DPoP): programs could not use it".to_owned(),
                    hint: Some(
                        "set `dpop` of its authenticator to nothing and connect again for a token that they \
                         can use"
                            .to_owned(),
                    ),
                });
            }
            let mut row = entry.row.clone();
            row.keep_warm = change.keep_warm.unwrap_or(row.keep_warm);
            row.proxy = change.proxy(&row.proxy);
            let label = match change.label {
                LabelChange::Keep => row.account.label.clone(),
                LabelChange::Remove => None,
                LabelChange::Set(label) => Some(label),
            };
            if label != row.account.label {
                let authenticator = registry
                    .authenticator(row.authenticator)
                    .ok_or_else(|| AgentError::no_connection(key))?;
                let name = ConnectionName {
                    authenticator: authenticator.name.clone(),
                    account: label.clone(),
                };
                let holder = registry
                    .named(&authenticator.profile, &name)
                    .and_then(|holder| registry.get(holder))
                    .filter(|holder| holder.row.state.status != Status::Removing);
                if holder.is_some_and(|holder| holder.row.id != id) {
                    return Err(AgentError::Conflict {
                        message: format!("there is a connection `{name}` already"),
                        in_use: Vec::new(),
                        hint: Some("choose another label".to_owned()),
                    });
                }
                row.account.label = label;
            }
            row
        };
        let event = Event::new(EventKind::ConnectionUpdated, inner.now())
            .connection(id)
            .actor(who);
        let unlogged = if let Some((_, stored)) = grants::item_of(inner, id) {
            let stored = valetkey_core::stored_grant::StoredGrant {
                account: changed.account.clone(),
                proxy: changed.proxy.clone(),
                ..stored
            };
            let kept = inner.vault.store_grant(&changed, &stored, Some(&event));
            kept.await?
        } else {
            Some(inner.vault.update_connection(&changed, &event).await?)
        };
        {
            let mut registry = inner.registry();
            if let Some(entry) = registry.get_mut(id) {
                entry.row.keep_warm = changed.keep_warm;
                entry.row.proxy = changed.proxy;
                entry.row.account = changed.account;
            }
            registry.rename(id);
            registry.replan(id, inner.now());
            // Under this lock and after the change: what is under way is checked against it, and each
            // hand-out stands on its side of the line.
            inner.audit_log.queue_change(event, unlogged);
        }
        drop((naming, one_writer));
        grants::forget_later(inner, id);
        inner.schedule_changed.notify_one();
        inner.audit_log.flush().await;
        self.connection(&ConnectionKey::Id(id))
    }

    /// Asks the provider whether it takes the current token; one that it refuses is refreshed and tried
    /// once more. Nothing is handed out, so nothing counts as used.
    pub async fn test(&self, key: &ConnectionKey) -> Result<Tested, AgentError> {
        self.check_running()?;
        let id = self.inner.registry().find(key)?;
        let live = self.live_grant(id, &TokenRequirements::default()).await?;
        let outcome = self.try_token(key, &live).await?;
        if outcome != TokenTest::Refused || !live.grant.is_refreshable() {
            return Ok(Tested {
                outcome,
                refreshed: false,
            });
        }
        let live = self.forced(id, Some(live.grant.generation)).await?;
        Ok(Tested {
            outcome: self.try_token(key, &live).await?,
            refreshed: true,
        })
    }

    async fn try_token(
        &self,
        key: &ConnectionKey,
        live: &LiveGrant,
    ) -> Result<TokenTest, AgentError> {
        let authenticator = {
            let registry = self.inner.registry();
            let row = registry.get(live.id).map(|entry| entry.row.authenticator);
            row.and_then(|id| registry.authenticator(id).cloned())
        };
        let authenticator = authenticator.ok_or_else(|| AgentError::no_connection(key))?;
        if live.grant.kind == GrantKind::ApiKey {
            return Ok(match self.check_live_key(live).await? {
                KeyCheck::Accepted { host, identity } => TokenTest::Accepted {
                    host,
                    account: identity.display_name,
                },
                KeyCheck::Refused => TokenTest::Refused,
                KeyCheck::Unknown { reason } => TokenTest::Unreachable { reason },
                KeyCheck::NotAsked => TokenTest::NotKnown,
            });
        }
        let client = Client::of(&self.inner.vault, authenticator).await?;
        Ok(self
            .inner
            .provider_client
            .test_token(&client, &live.grant)
            .await)
    }
}
