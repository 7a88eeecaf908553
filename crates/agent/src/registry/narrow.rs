//! Tokens with fewer scopes than their connection has. They live in memory alone, and no longer than the
//! login that they come from.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use valetkey_core::freshness;
use valetkey_core::grant::Grant;
use valetkey_core::id::ConnectionId;
use valetkey_core::name::InProfile;
use valetkey_core::scope::Scopes;
use valetkey_core::secret::Fingerprint;

use super::{ConnectionRegistry, LiveGrant};
use crate::error::AgentError;

/// Sets of scopes that a connection keeps tokens for; the oldest goes first.
const MAX_TOKENS: usize = 16;

/// Scopes that the provider did not issue a token for are not asked for again before this.
const REFUSAL_LASTS: SignedDuration = SignedDuration::from_mins(1);

/// Yields how the request for a narrow token ended.
pub(crate) type NarrowTask = watch::Receiver<Option<Result<(), AgentError>>>;

/// The narrow tokens of a connection, the oldest first, and the requests for some.
#[derive(Default)]
pub(crate) struct NarrowTokens {
    tokens: Vec<(Scopes, Grant)>,
    /// Why there is none for these scopes, and until when that counts.
    refusals: Vec<(Scopes, String, Timestamp)>,
    /// Requests under way, by the scopes that they ask for.
    pub tasks: HashMap<Scopes, NarrowTask>,
}

impl NarrowTokens {
    /// Keeps a token that was asked for with these scopes.
    pub(crate) fn put(&mut self, scopes: Scopes, grant: Grant) {
        self.drop_token(&scopes);
        if self.tokens.len() >= MAX_TOKENS {
            self.tokens.remove(0);
        }
        self.tokens.push((scopes, grant));
    }

    pub(crate) fn get(&self, scopes: &Scopes) -> Option<&Grant> {
        let found = self.tokens.iter().find(|(of, _)| of == scopes);
        found.map(|(_, grant)| grant)
    }

    /// The scopes of the token with this fingerprint.
    pub(crate) fn find(&self, fingerprint: &Fingerprint) -> Option<Scopes> {
        let mut tokens = self.tokens.iter();
        let found = tokens.find(|(_, grant)| grant.access_token.fingerprint() == *fingerprint);
        found.map(|(scopes, _)| scopes.clone())
    }

    /// The provider issues no token with these scopes alone.
    pub(crate) fn refuse(&mut self, scopes: &Scopes, reason: &str, now: Timestamp) {
        self.refusals
            .retain(|(of, _, until)| of != scopes && *until > now);
        if self.refusals.len() < MAX_TOKENS {
            let until = freshness::add(now, REFUSAL_LASTS);
            self.refusals
                .push((scopes.clone(), reason.to_owned(), until));
        }
    }

    /// Why there is no token with these scopes, if that was found out a moment ago.
    pub(crate) fn refusal(&self, scopes: &Scopes, now: Timestamp) -> Option<String> {
        let mut refusals = self.refusals.iter();
        let found = refusals.find(|(of, _, until)| of == scopes && now < *until);
        found.map(|(_, reason, _)| reason.clone())
    }

    pub(crate) fn drop_token(&mut self, scopes: &Scopes) {
        self.tokens.retain(|(of, _)| of != scopes);
    }

    /// A new login, or a pause: none of them is handed out any more.
    pub(crate) fn drop_all(&mut self) {
        self.tokens.clear();
        self.refusals.clear();
    }

    pub(super) fn move_times(&mut self, by: SignedDuration) {
        for (_, grant) in &mut self.tokens {
            grant.move_times(by);
        }
        for (_, _, until) in &mut self.refusals {
            *until = freshness::add(*until, by);
        }
    }
}

impl ConnectionRegistry {
    /// The scopes that a token must be narrowed to, to have none but `only`; None if the connection's own
    /// token has none but those.
    pub(crate) fn narrowed_scopes(&self, id: ConnectionId, only: &Scopes) -> Option<Scopes> {
        let granted = &self.get(id)?.row.scopes;
        if granted.missing_from(only).is_empty() {
            return None;
        }
        let left = granted.iter().filter(|scope| only.contains(scope));
        Some(left.map(str::to_owned).collect())
    }

    /// The narrow token in memory, if it is valid for long enough. One that never is, is taken as it is.
    pub(crate) fn narrow(
        &self,
        id: ConnectionId,
        scopes: &Scopes,
        now: Timestamp,
        min_valid: Option<SignedDuration>,
    ) -> Option<Arc<LiveGrant>> {
        let entry = self.get(id)?;
        let grant = entry.narrow.get(scopes)?;
        let lifetime = grant.lifetime();
        let can_be =
            |min_valid: &SignedDuration| lifetime.is_none_or(|lifetime| lifetime > *min_valid);
        if !freshness::is_fresh(grant, now, min_valid.filter(can_be)) {
            return None;
        }
        let InProfile { profile, name } = self.full_name_of(&entry.row)?;
        Some(Arc::new(LiveGrant {
            fingerprint: grant.access_token.fingerprint(),
            id,
            profile,
            connection: name,
            account: entry.row.account.display_name.clone(),
            token_generation: grant.generation,
            narrowed_to: Some(scopes.clone()),
            grant: grant.clone(),
        }))
    }

    /// Whether the connection's provider issues tokens with fewer scopes at a refresh.
    pub(crate) fn can_narrow(&self, id: ConnectionId) -> bool {
        let entry = self.get(id).filter(|entry| entry.row.refreshable);
        entry.is_some_and(|entry| {
            let authenticator = self.authenticator(entry.row.authenticator);
            let provider = self.provider_of(&entry.row);
            authenticator.is_some_and(|authenticator| {
                let grant_type = authenticator.overrides.grant_type.unwrap_or_default();
                grant_type.needs_person() && authenticator.narrows(provider)
            })
        })
    }
}
