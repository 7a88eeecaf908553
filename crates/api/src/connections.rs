//! Accounts that are signed in.
//!
//! `GET credentials/connections`; `GET`, `PATCH`, `DELETE credentials/connections/{id}`, where `{id}`
//! is a UUID, or `authenticator`, or `authenticator/account` (percent-encoded) of the profile in
//! `?profile=`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use valetkey_core::account::Subject;
use valetkey_core::api_host::ApiHost;
use valetkey_core::connection::{KeepWarm, RefreshError};
use valetkey_core::connection_state::Status;
use valetkey_core::id::{AuthenticatorId, ConnectionId, Generation};
use valetkey_core::name::{AccountLabel, AuthenticatorName, ConnectionName, ProfileName};
use valetkey_core::proxy_settings::Methods;
use valetkey_core::scope::Scopes;

use crate::patch::Patch;
use crate::sign_in::FailedSignIn;

/// Reply to `GET credentials/connections` (`?profile=`, default all).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConnectionList {
    /// By profile, then by name.
    pub connections: Vec<ConnectionView>,
}

/// Query of the routes that name a connection or authenticator, and of the lists.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct ProfileQuery {
    /// In a list: only this profile. With a name: where the name stands (absent: `default`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileName>,
}

/// Query of what may be in use: removals, and changes of an authenticator.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct ForceQuery {
    /// Where a name stands (absent: `default`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileName>,
    /// Goes ahead although it is in use.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
}

/// One account signed in through an authenticator. No secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConnectionView {
    /// Its id.
    pub id: ConnectionId,
    /// `github` or `github/work`; unique within the profile.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: ConnectionName,
    /// The set it belongs to.
    pub profile: ProfileName,
    /// Name of the client it came through.
    pub authenticator: AuthenticatorName,
    /// Its id.
    pub authenticator_id: AuthenticatorId,
    /// Catalogue id of the provider.
    pub provider: String,
    /// The provider as people write it.
    pub provider_name: String,
    /// Who is signed in.
    pub account: AccountView,
    /// Where it stands.
    pub status: Status,
    /// Scopes asked for at the last sign-in.
    pub asked_scopes: Scopes,
    /// Scopes granted.
    pub scopes: Scopes,
    /// Asked for, but not granted.
    pub missing_scopes: Scopes,
    /// Granted scopes that give far more than most programs need.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub broad_scopes: Scopes,
    /// Scopes for want of which hosts refused requests through the proxy; null once they are granted.
    #[serde(default)]
    pub needed_scopes: Option<NeededScopes>,
    /// When the current access token arrived.
    pub issued_at: Option<Timestamp>,
    /// When it ends; null if no end was announced.
    pub expires_at: Option<Timestamp>,
    /// When it will be refreshed without being asked; null if it will not.
    pub refresh_due_at: Option<Timestamp>,
    /// When the refresh token ends, if announced.
    pub refresh_expires_at: Option<Timestamp>,
    /// Whether there is a refresh token.
    pub refreshable: bool,
    /// True while the newest grant could not be stored and lives in memory only.
    pub unsaved: bool,
    /// When it is refreshed without being asked.
    pub keep_warm: KeepWarm,
    /// Whether its token is never handed out, and only used through the proxy.
    #[serde(default)]
    pub proxy_only: bool,
    /// The methods that the proxy passes on; null: all.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>))]
    pub allowed_methods: Option<Methods>,
    /// Hosts that the proxy sends its token to, the one that is meant if none is named first.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<String>))]
    pub api_hosts: Vec<ApiHost>,
    /// What there is to say about its API key or personal access token; null if it was signed in by
    /// OAuth.
    #[serde(default)]
    pub api_key: Option<ApiKeyView>,
    /// What went wrong last; null once it is well again.
    pub refresh_error: Option<RefreshError>,
    /// The last sign-in that was to renew it, if that failed; null once another one begins.
    #[serde(default)]
    pub failed_sign_in: Option<FailedSignIn>,
    /// Counts its grants.
    pub generation: Generation,
    /// When it was first signed in.
    pub created_at: Timestamp,
    /// When a program last got its token.
    pub used_at: Option<Timestamp>,
}

/// Scopes that a connection turned out to lack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NeededScopes {
    /// The scopes, as a host named them.
    pub scopes: Scopes,
    /// The host that named the last of them.
    pub host: String,
    /// When it did.
    pub at: Timestamp,
    /// How many sign-ins asked for some of them and were not granted them.
    pub tries: u32,
    /// Whether another sign-in that asks for them makes sense.
    pub is_offered: bool,
}

/// A connection's key, without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKeyView {
    /// What the provider calls it: `personal access token`.
    pub name: String,
    /// Where the person makes and deletes them.
    pub page: Option<String>,
    /// Whether the person could sign in instead, which is better: a sign-in can be narrower, is
    /// refreshed, and ends when it is disconnected. Null where there is none.
    pub oauth: Option<OAuthOffer>,
}

/// A sign-in that could take the place of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum OAuthOffer {
    /// At once.
    Ready,
    /// Once the authenticator has a client id.
    NeedsClient,
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountView {
    /// The second half of the connection's name.
    pub label: Option<AccountLabel>,
    /// An e-mail address or login, as the provider says.
    pub display_name: Option<String>,
    /// What makes it the same account.
    pub subject: Option<Subject>,
}

/// Body of `PATCH credentials/connections/{id}`; the reply is the [`ConnectionView`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ConnectionPatch {
    /// When it is refreshed without being asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_warm: Option<KeepWarm>,
    /// A new account label (`work` makes it `github/work`); null makes it the authenticator's first
    /// account. A label that is taken is a `conflict`.
    #[serde(skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub account: Patch<String>,
    /// True: its token is never handed out, and only used through the proxy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy_only: Option<bool>,
    /// The methods that the proxy passes on (`["GET", "HEAD"]` reads only); null: all.
    #[serde(skip_serializing_if = "Patch::is_keep")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<String>>))]
    pub allowed_methods: Patch<Vec<String>>,
}

/// Reply to `DELETE credentials/connections/{id}` (`?force=`). Without `force`, a connection that a
/// client used within the last day is a `conflict` that names it in `in_use`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Disconnected {
    /// What is gone.
    pub id: ConnectionId,
    /// Its name.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub name: ConnectionName,
    /// The set it belonged to.
    pub profile: ProfileName,
    /// Whether the provider knows.
    pub revocation: Revocation,
}

/// Whether the provider revoked the tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Revocation {
    /// They are revoked at the provider.
    Revoked,
    /// The provider has no way to do it.
    NotPossible {
        /// Why, and what the person can do there.
        // The audit log stores it as `why`.
        #[serde(alias = "why")]
        reason: String,
    },
    /// It was tried and failed: the tokens live until they end.
    Failed {
        /// Why.
        // The audit log stores it as `why`.
        #[serde(alias = "why")]
        reason: String,
    },
}
