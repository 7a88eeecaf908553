//! A connection as the database keeps it: everything a list needs and no secret.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::clock_reading::{BootTime, ClockChange, ClockReading};
use crate::connection_state::{ConnectionState, Status};
use crate::freshness::add;
use crate::grant::{Grant, GrantKind};
use crate::id::{AuthenticatorId, ConnectionId};
use crate::needed_scopes::NeededScopes;
use crate::proxy_settings::ProxySettings;
use crate::scope::Scopes;
use crate::stored_grant::StoredGrant;

/// When a connection is refreshed without being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeepWarm {
    /// Always.
    Always,
    /// If it was used within the last day.
    #[default]
    WhenUsed,
    /// Never but for what keeps an idle refresh token from expiring.
    OnDemand,
}

/// Why the last refresh did not bring a token. Cleared by the next one that does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RefreshError {
    /// What kind, and so who can do something about it.
    pub kind: RefreshErrorKind,
    /// The technical reason, without secrets (`invalid_grant`, `HTTP 503`).
    pub reason: String,
    /// When it happened.
    pub at: Timestamp,
    /// When the first of these attempts failed: there was no new token since then.
    pub since: Timestamp,
    /// How often in a row.
    pub attempts: u32,
    /// When it will be tried again; None if only a person can help.
    pub retry_at: Option<Timestamp>,
    /// The provider asked for no request before this moment (`Retry-After`, RFC 9110, 10.2.3).
    #[serde(default)]
    pub not_before: Option<Timestamp>,
}

/// The kinds of a [`RefreshError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum RefreshErrorKind {
    /// The provider answered, but not now: overload, outage, a page instead of an answer. Retried
    /// automatically.
    Later,
    /// Nobody answered: no network, or no provider. Retried automatically.
    Unreachable,
    /// Nothing was sent, since the keychain or the disk of this machine failed. Retried automatically.
    NotStorable,
    /// Who was reached could not prove to be the provider: its certificate is not trusted.
    BadCertificate,
    /// The refresh token is not valid any more: sign in again.
    SignInAgain,
    /// The client registration is wrong: mend it at the provider's console.
    FixClient,
    /// Not understood yet: tried once more.
    Unclear,
}

impl RefreshErrorKind {
    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Later => "later",
            Self::Unreachable => "unreachable",
            Self::NotStorable => "not_storable",
            Self::BadCertificate => "bad_certificate",
            Self::SignInAgain => "sign_in_again",
            Self::FixClient => "fix_client",
            Self::Unclear => "unclear",
        }
    }
}

/// One account signed in through an authenticator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// Its id.
    pub id: ConnectionId,
    /// The client it came through; name and profile stand there.
    pub authenticator: AuthenticatorId,
    /// The account.
    pub account: Account,
    /// State and generation.
    pub state: ConnectionState,
    /// Where its secret comes from.
    pub kind: GrantKind,
    /// Scopes asked for at the last sign-in.
    pub asked_scopes: Scopes,
    /// Scopes granted.
    pub scopes: Scopes,
    /// Scopes that it turned out to lack.
    pub needed: Option<NeededScopes>,
    /// When the current access token arrived.
    pub issued_at: Option<Timestamp>,
    /// The same moment by the boot clock, where there is one.
    pub issued_boot_time: Option<BootTime>,
    /// When it ends; None if no end was announced.
    pub expires_at: Option<Timestamp>,
    /// When the refresh token ends, if announced.
    pub refresh_expires_at: Option<Timestamp>,
    /// Whether a new token can be had without the person.
    pub refreshable: bool,
    /// When it was first signed in.
    pub created_at: Timestamp,
    /// When a program last got its token.
    pub used_at: Option<Timestamp>,
    /// Refresh policy.
    pub keep_warm: KeepWarm,
    /// What it may be used for through the proxy.
    pub proxy: ProxySettings,
    /// What went wrong last, if anything.
    pub refresh_error: Option<RefreshError>,
}

impl Connection {
    /// A row for a sign-in that is about to store its first grant.
    pub fn connecting(
        id: ConnectionId,
        authenticator: AuthenticatorId,
        account: Account,
        asked_scopes: Scopes,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            authenticator,
            account,
            state: ConnectionState {
                status: Status::Connecting,
                generation: crate::id::Generation(0),
            },
            kind: GrantKind::default(),
            asked_scopes,
            scopes: Scopes::default(),
            needed: None,
            issued_at: None,
            issued_boot_time: None,
            expires_at: None,
            refresh_expires_at: None,
            refreshable: false,
            created_at: now,
            used_at: None,
            keep_warm: KeepWarm::default(),
            proxy: ProxySettings::default(),
            refresh_error: None,
        }
    }

    /// Rebuilds the row of an item whose row was lost. The item leads, so all figures are its own.
    pub fn adopted(item: &StoredGrant, now: Timestamp) -> Self {
        let mut row = Self::connecting(
            item.connection,
            item.authenticator.id,
            item.account.clone(),
            item.grant.scopes.clone(),
            item.grant.issued_at,
        );
        row.proxy = item.proxy.clone();
        row.adopt(&item.grant);
        let is_valid = item.grant.is_valid(now);
        row.state.status = if is_valid {
            Status::Active
        } else {
            Status::Expired
        };
        row
    }

    /// As [`Grant::follow_clock`], for the figures of the row.
    pub fn follow_clock(&mut self, now: &ClockReading) {
        let Some(issued_at) = self.issued_at else {
            return;
        };
        let received = ClockReading {
            wall: issued_at,
            boot: self.issued_boot_time,
        };
        match now.change_since(&received) {
            ClockChange::None => {}
            ClockChange::SetBy(by) => self.move_times(by),
            ClockChange::SetBack => {
                if self.refreshable && self.expires_at.is_some() {
                    self.issued_at = Some(now.wall);
                    self.issued_boot_time = now.boot;
                    self.expires_at = Some(now.wall);
                }
            }
        }
    }

    /// The wall clock was set by this much.
    pub fn move_times(&mut self, by: SignedDuration) {
        let move_time = |time: &mut Option<Timestamp>| *time = time.map(|time| add(time, by));
        move_time(&mut self.issued_at);
        if self.kind == GrantKind::OAuth {
            move_time(&mut self.expires_at);
        }
        move_time(&mut self.refresh_expires_at);
        if let Some(needed) = &mut self.needed {
            needed.move_times(by);
        }
        if let Some(error) = &mut self.refresh_error {
            error.at = add(error.at, by);
            error.since = add(error.since, by);
            move_time(&mut error.retry_at);
            move_time(&mut error.not_before);
        }
    }

    /// Whether the provider refused its grant for good: no keychain item can mend that.
    pub fn is_refused(&self) -> bool {
        let refresh_error = self.refresh_error.as_ref();
        refresh_error
            .is_some_and(|refresh_error| refresh_error.kind == RefreshErrorKind::SignInAgain)
    }

    /// Takes over the figures of `grant`; the status is the caller's ([`crate::connection_state::apply`]).
    pub fn adopt(&mut self, grant: &Grant) {
        self.state.generation = grant.generation;
        self.kind = grant.kind;
        self.scopes.clone_from(&grant.scopes);
        self.needed = self.needed.take().and_then(|it| it.without(&self.scopes));
        self.issued_at = Some(grant.issued_at);
        self.issued_boot_time = grant.issued_boot_time;
        self.expires_at = grant.expires_at;
        self.refresh_expires_at = grant.refresh_expires_at;
        self.refreshable = grant.is_refreshable();
        self.refresh_error = None;
    }
}
