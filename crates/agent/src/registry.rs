//! The connection registry: every row, every grant in memory, and the task that refreshes it.
//!
//! The registry is locked for moments and never across `.await`. A decision is made under the lock
//! ("this token is fresh", "start a refresh"), the work is done without it, and the result comes
//! back under the lock, where [`valetkey_core::connection_state::apply`] refuses what is stale.

mod clock;
mod failed_sign_ins;
mod lookup;
mod names;
mod narrow;
mod schedule;

use std::collections::hash_map::Entry as MapEntry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::watch;
use valetkey_core::authenticator::Authenticator;
use valetkey_core::catalogue;
use valetkey_core::clock_reading::ClockReading;
use valetkey_core::connection::{Connection, RefreshErrorKind};
use valetkey_core::connection_state::{
    ConnectionState, StaleTransition, Status, Transition, apply,
};
use valetkey_core::grant::{Grant, GrantKind, TokenType};
use valetkey_core::id::{AuthenticatorId, ConnectionId, Generation};
use valetkey_core::name::{AuthenticatorName, ConnectionName, InProfile, ProfileName};
use valetkey_core::provider::{ApiAuth, Dpop, Provider, RefreshTokenLimits};
use valetkey_core::scope::Scopes;
use valetkey_core::secret::Fingerprint;

use crate::error::AgentError;
use crate::key::AuthenticatorKey;

pub use failed_sign_ins::FailedSignIn;
pub(crate) use lookup::{Requirement, TokenLookup};
use names::take_name;
pub(crate) use narrow::NarrowTokens;

/// A grant in memory, with all that a token reply says about it.
#[derive(Debug, Clone)]
pub struct LiveGrant {
    /// The grant.
    pub grant: Grant,
    /// SHA-256 of its access token.
    pub fingerprint: Fingerprint,
    /// The connection it belongs to.
    pub id: ConnectionId,
    /// The profile that its name stands in.
    pub profile: ProfileName,
    /// That connection's name.
    pub connection: ConnectionName,
    /// The account, in the provider's words.
    pub account: Option<String>,
    /// The generation that brought its access token. A request for a narrow token may bring another
    /// refresh token alone.
    pub(crate) token_generation: Generation,
    /// The scopes that it was narrowed to; None: it is the connection's own.
    pub(crate) narrowed_to: Option<Scopes>,
}

impl LiveGrant {
    /// The connection's name, with the profile that it stands in.
    pub(crate) fn full_name(&self) -> InProfile<ConnectionName> {
        InProfile::new(self.profile.clone(), self.connection.clone())
    }
}

/// The result of a refresh, for all who wait for it.
pub(crate) type RefreshResult = Result<Arc<LiveGrant>, AgentError>;
/// Yields the result of the refresh that is running.
pub(crate) type RefreshTask = watch::Receiver<Option<RefreshResult>>;

/// One connection as the agent knows it.
pub(crate) struct Entry {
    pub row: Connection,
    pub live: Option<Arc<LiveGrant>>,
    /// The keychain was asked for the grant and need not be asked again before this moment: never
    /// if it had one.
    pub asked_until: Option<Timestamp>,
    /// The generation that the last refresh brought, if one did since the start.
    pub refreshed: Option<Generation>,
    /// The generation that the last sign-in brought, if one did since the start.
    pub signed_in: Option<Generation>,
    /// The provider confirmed that its tokens are revoked; only the removal is left.
    pub is_revoked: bool,
    /// The live grant is newer than its keychain item.
    pub unsaved: bool,
    pub refresh_task: Option<RefreshTask>,
    /// Held while a request with its refresh token is under way: one at a time, as the token may rotate.
    pub request_lock: Arc<tokio::sync::Mutex<()>>,
    /// Tokens with fewer scopes than it has.
    pub narrow: NarrowTokens,
    /// The last sign-in that was to renew it, if that failed.
    pub failed_sign_in: Option<FailedSignIn>,
    /// Nothing is sent to the provider before this moment, whoever asks.
    pub retry_not_before: Option<Timestamp>,
    /// Held while the connection's item and row are written, one writer at a time.
    pub write_lock: Arc<tokio::sync::Mutex<()>>,
    due: Option<Timestamp>,
    jitter: f64,
}

impl Entry {
    /// Whether memory says what the keychain holds (there may be no grant).
    pub(crate) fn is_loaded(&self, now: Timestamp) -> bool {
        self.asked_until.is_some_and(|until| now < until)
    }
}

/// One authenticator as the agent knows it.
struct AuthenticatorEntry {
    row: Arc<Authenticator>,
    /// The last sign-in of a new account, if that failed.
    failed_sign_in: Option<FailedSignIn>,
    /// See [`ConnectionRegistry::authenticator_lock`].
    write_lock: Arc<tokio::sync::Mutex<()>>,
}

/// All connections and authenticators.
pub(crate) struct ConnectionRegistry {
    authenticators: HashMap<AuthenticatorId, AuthenticatorEntry>,
    entries: HashMap<ConnectionId, Entry>,
    names: HashMap<ProfileName, HashMap<ConnectionName, ConnectionId>>,
    schedule: BTreeSet<(Timestamp, ConnectionId)>,
    /// When all times here were right: before the wall clock was set again.
    clock: ClockReading,
}

impl ConnectionRegistry {
    pub(crate) fn new(
        authenticators: Vec<Authenticator>,
        connections: Vec<Connection>,
        now: ClockReading,
    ) -> Self {
        let mut registry = Self {
            authenticators: HashMap::new(),
            entries: HashMap::new(),
            names: HashMap::new(),
            schedule: BTreeSet::new(),
            clock: now,
        };
        for authenticator in authenticators {
            registry.put_authenticator(authenticator);
        }
        for mut row in connections {
            row.follow_clock(&now);
            registry.insert(row);
        }
        registry
    }

    // --- authenticators

    pub(crate) fn authenticators(&self) -> impl Iterator<Item = &Arc<Authenticator>> {
        self.authenticators.values().map(|entry| &entry.row)
    }

    pub(crate) fn authenticator(&self, id: AuthenticatorId) -> Option<&Arc<Authenticator>> {
        self.authenticators.get(&id).map(|entry| &entry.row)
    }

    /// Held from reading an authenticator's row until its change is stored, and while a sign-in
    /// through it is stored.
    pub(crate) fn authenticator_lock(
        &self,
        id: AuthenticatorId,
    ) -> Option<Arc<tokio::sync::Mutex<()>>> {
        let entry = self.authenticators.get(&id)?;
        Some(Arc::clone(&entry.write_lock))
    }

    pub(crate) fn find_authenticator(
        &self,
        key: &AuthenticatorKey,
    ) -> Result<Arc<Authenticator>, AgentError> {
        let found = match key {
            AuthenticatorKey::Id(id) => self.authenticator(*id),
            AuthenticatorKey::Name(profile, name) => self.named_authenticator(profile, name),
        };
        found.cloned().ok_or_else(|| self.no_authenticator(key))
    }

    pub(crate) fn named_authenticator(
        &self,
        profile: &ProfileName,
        name: &AuthenticatorName,
    ) -> Option<&Arc<Authenticator>> {
        self.authenticators()
            .find(|a| a.profile == *profile && a.name == *name)
    }

    pub(crate) fn put_authenticator(&mut self, authenticator: Authenticator) {
        let id = authenticator.id;
        let row = Arc::new(authenticator);
        match self.authenticators.entry(id) {
            MapEntry::Occupied(mut known) => known.get_mut().row = row,
            MapEntry::Vacant(free) => {
                free.insert(AuthenticatorEntry {
                    row,
                    failed_sign_in: None,
                    write_lock: Arc::default(),
                });
            }
        }
    }

    pub(crate) fn drop_authenticator(&mut self, id: AuthenticatorId) {
        self.authenticators.remove(&id);
    }

    pub(crate) fn connections_of(&self, id: AuthenticatorId) -> Vec<ConnectionId> {
        self.entries
            .values()
            .filter(|e| e.row.authenticator == id)
            .map(|e| e.row.id)
            .collect()
    }

    // --- connections

    pub(crate) fn insert(&mut self, row: Connection) {
        let Some(name) = self.name_of(&row) else {
            return;
        };
        let profile = self.authenticators[&row.authenticator].row.profile.clone();
        let id = row.id;
        let names = self.names.entry(profile).or_default();
        take_name(names, name, &row);
        // A pause that the provider asked for, or that an answer which was not understood needs, is
        // not shortened by a new start.
        let retry_not_before = row
            .refresh_error
            .as_ref()
            .and_then(|error| match error.kind {
                RefreshErrorKind::Unclear => error.retry_at,
                RefreshErrorKind::Later
                | RefreshErrorKind::Unreachable
                | RefreshErrorKind::NotStorable
                | RefreshErrorKind::BadCertificate
                | RefreshErrorKind::SignInAgain
                | RefreshErrorKind::FixClient => error.not_before,
            });
        let entry = Entry {
            row,
            live: None,
            asked_until: None,
            refreshed: None,
            signed_in: None,
            is_revoked: false,
            unsaved: false,
            refresh_task: None,
            request_lock: Arc::default(),
            narrow: NarrowTokens::default(),
            failed_sign_in: None,
            retry_not_before,
            write_lock: Arc::default(),
            due: None,
            jitter: crate::random::fraction(),
        };
        self.entries.insert(id, entry);
    }

    pub(crate) fn remove(&mut self, id: ConnectionId) {
        self.reschedule(id, None);
        let Some(entry) = self.entries.remove(&id) else {
            return;
        };
        for names in self.names.values_mut() {
            names.retain(|_, named| *named != entry.row.id);
        }
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    pub(crate) fn get(&self, id: ConnectionId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Entry> {
        self.entries.get_mut(&id)
    }

    /// The authenticator of this connection, if it is disabled: then nothing is handed out.
    pub(crate) fn disabled(&self, id: ConnectionId) -> Option<&Authenticator> {
        let entry = self.entries.get(&id)?;
        let authenticator = self.authenticator(entry.row.authenticator)?;
        (!authenticator.is_active).then_some(authenticator.as_ref())
    }

    /// Whether its token is bound to a key (RFC 9449), or must be.
    pub(crate) fn is_bound(&self, entry: &Entry) -> bool {
        let live = entry.live.as_ref();
        if live.is_some_and(|live| live.grant.token_type == TokenType::Dpop) {
            return true;
        }
        let authenticator = self.authenticator(entry.row.authenticator);
        authenticator.is_some_and(|own| own.overrides.dpop == Some(Dpop::Required))
    }

    pub(crate) fn provider_of(&self, row: &Connection) -> &'static Provider {
        let id = self
            .authenticator(row.authenticator)
            .map_or("custom", |a| &a.provider);
        catalogue::provider_or_custom(id)
    }

    /// What is known of the refresh tokens of this row. Where nobody must agree there are none that could
    /// end.
    pub(crate) fn refresh_limits(&self, row: &Connection) -> RefreshTokenLimits {
        let authenticator = self.authenticator(row.authenticator);
        let grant_type = authenticator.and_then(|it| it.overrides.grant_type);
        if grant_type.unwrap_or_default().needs_person() {
            return self.provider_of(row).refresh_limits();
        }
        RefreshTokenLimits {
            idle: None,
            open_ended: true,
        }
    }

    /// Applies `transition` to the connection's life, if it still counts.
    pub(crate) fn apply(
        &mut self,
        id: ConnectionId,
        transition: Transition,
    ) -> Result<ConnectionState, StaleTransition> {
        let entry = self.entries.get_mut(&id).ok_or(StaleTransition)?;
        entry.row.state = apply(entry.row.state, transition)?;
        Ok(entry.row.state)
    }

    /// Puts a grant into memory; the row's figures follow it.
    pub(crate) fn cache_grant(&mut self, id: ConnectionId, grant: Grant) -> Option<Arc<LiveGrant>> {
        let InProfile { profile, name } = self.full_name_of(&self.entries.get(&id)?.row)?;
        let entry = self.entries.get_mut(&id)?;
        let fingerprint = grant.access_token.fingerprint();
        let is_same_token = |old: &&Arc<LiveGrant>| {
            old.fingerprint == fingerprint && old.grant.issued_at == grant.issued_at
        };
        let known = entry.live.as_ref().filter(is_same_token);
        let token_generation = known.map_or(grant.generation, |old| old.token_generation);
        let live = Arc::new(LiveGrant {
            fingerprint,
            id,
            token_generation,
            narrowed_to: None,
            profile,
            connection: name,
            account: entry.row.account.display_name.clone(),
            grant,
        });
        entry.live = Some(Arc::clone(&live));
        entry.asked_until = Some(Timestamp::MAX);
        Some(live)
    }

    /// The host of this row's token endpoint: back-off belongs to it.
    pub(crate) fn token_host(&self, row: &Connection) -> Option<String> {
        let authenticator = self.authenticator(row.authenticator)?;
        let endpoints = authenticator.endpoints(self.provider_of(row)).ok()?;
        Some(endpoints.token_url.host())
    }

    /// How API requests carry a key, if not as a token (RFC 6750, section 2.1).
    pub(crate) fn key_header(&self, live: &LiveGrant) -> Option<ApiAuth> {
        if live.grant.kind != GrantKind::ApiKey {
            return None;
        }
        let row = &self.entries.get(&live.id)?.row;
        let authenticator = self.authenticator(row.authenticator)?;
        let auth = authenticator.api_auth(self.provider_of(row), GrantKind::ApiKey);
        (auth != ApiAuth::default()).then_some(auth)
    }

    /// Why nothing of this connection can be served before the person signs in (again).
    pub(crate) fn auth_required(&self, row: &Connection) -> AgentError {
        match self.full_name_of(row) {
            Some(connection) => AgentError::AuthRequired {
                connection,
                again: row.state.status != Status::Connecting,
                reason: row.refresh_error.as_ref().map(|error| error.reason.clone()),
                by_key: row.kind == GrantKind::ApiKey,
            },
            // The foreign key forbids a row whose authenticator is gone.
            None => AgentError::no_connection(row.id),
        }
    }
}
