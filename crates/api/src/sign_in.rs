//! One run of a login flow.
//!
//! `POST credentials/connections` begins it (202) and opens no browser: the client in front of the
//! person does. `GET credentials/sessions/{id}?wait=30` long-polls, `DELETE` cancels, `POST
//! .../callback` takes a pasted redirect URL.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use valetkey_core::id::{AuthenticatorId, SignInId};
use valetkey_core::name::{AccountLabel, AuthenticatorName, ConnectionName, ProfileName};
use valetkey_core::scope::Scopes;
use valetkey_core::secret::PastedSecret;

use crate::connections::ConnectionView;
use crate::error::ApiError;
use crate::wire_secret;

/// Body of `POST credentials/connections`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SignInRequest {
    /// Name or id of the authenticator; `github/work` names the account too.
    pub authenticator: String,
    /// Where the name stands; absent: `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<ProfileName>,
    /// Label for the account; absent: the first account, or whatever account comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Takes the place of the account that has this name, even if it is another one or nobody can say
    /// who signed in. Otherwise such a sign-in fails.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replace: bool,
    /// Asked for beside the authenticator's own, and beside those that the connection of this name has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Asks for `scopes` alone, or without any for the authenticator's own: the way to fewer scopes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_scopes: bool,
    /// Registers another client at the server first, in the place of the one that Valet Key has
    /// registered there: for a server that has forgotten it and says so on its page alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub register_again: bool,
    /// How the person comes back.
    #[serde(default)]
    pub method: SignInMethod,
    /// Why a tool asks, shown to the person as untrusted text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// With the method `api_key`: the key; with `refresh_token`: the refresh token. Spaces and line breaks around it are no part of it.
    #[serde(
        default,
        with = "wire_secret::pasted",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, write_only))]
    pub secret: Option<PastedSecret>,
    /// With the method `api_key`: when the key ends, if the person knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// With the method `refresh_token`: the absolute path of the file that holds it now. It is kept at
    /// once, and used when it is gone from there: remove it within a minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<String>,
}

/// How the person comes back from the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SignInMethod {
    /// The browser of this machine reaches our listener; a pasted redirect URL works too.
    #[default]
    Browser,
    /// Only a pasted redirect URL: the browser runs on another machine, and no listener is needed
    /// (a busy fixed port does not matter).
    Paste,
    /// A code that the person enters at the provider, in a browser on any machine (RFC 8628).
    Device,
    /// No sign-in: `secret` is an API key or a personal access token, which is asked about at the
    /// provider and kept. A catalogue id is enough as `authenticator`.
    ApiKey,
    /// No sign-in: `secret` is a refresh token that was issued to this client. It is refreshed once, and
    /// what comes is kept.
    RefreshToken,
}

/// A code that the person enters at the provider (RFC 8628, section 3.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DevicePrompt {
    /// The code.
    pub user_code: String,
    /// The page on which it is entered: https, or http on loopback.
    pub verification_uri: String,
}

/// Reply to `POST credentials/connections` (202).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignInStarted {
    /// Names the sign-in.
    pub session_id: SignInId,
    /// What the browser opens: https, or http on loopback. Absent if the sign-in needs no person: wait
    /// for its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorize_url: Option<String>,
    /// Where the browser comes back to, with its port; absent with the method `device`, and if nobody
    /// is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<String>,
    /// With the method `device`: what the person enters, and where. `authorize_url` is a page that may
    /// know the code already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DevicePrompt>,
    /// Nobody can finish it after this.
    pub expires_at: Timestamp,
    /// Catalogue id of the provider.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub provider: String,
    /// Scopes asked for.
    #[serde(default)]
    pub asked_scopes: Scopes,
    /// Those among them that the connection of this name does not have. Empty if there is none.
    #[serde(default)]
    pub added_scopes: Scopes,
    /// Those that the connection of this name has, and that are not asked for any more.
    #[serde(default)]
    pub dropped_scopes: Scopes,
}

/// The authorize URL holds the state, so it is left out.
impl fmt::Debug for SignInStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignInStarted")
            .field("session_id", &self.session_id)
            .field("redirect_uri", &self.redirect_uri)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Query of `GET credentials/sessions/{id}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
#[serde(default, deny_unknown_fields)]
pub struct WaitQuery {
    /// Seconds to wait for the end; at most 60. The reply comes at once when it has ended.
    #[cfg_attr(feature = "openapi", param(maximum = 60))]
    pub wait: u64,
}

/// Reply to `GET`, `DELETE` and `POST .../callback` of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignInView {
    /// Names the sign-in.
    pub session_id: SignInId,
    /// The client it runs through.
    pub authenticator: AuthenticatorName,
    /// The client's id.
    pub authenticator_id: AuthenticatorId,
    /// The account's label, if one was asked for.
    pub account: Option<AccountLabel>,
    /// The set it belongs to.
    pub profile: ProfileName,
    /// Scopes asked for.
    pub asked_scopes: Scopes,
    /// Why a tool asked; untrusted text.
    pub reason: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// Nobody can finish it after this.
    pub expires_at: Timestamp,
    /// What the person enters at the provider, if it is a device grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<DevicePrompt>,
    /// It needs no person and ends by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub direct: bool,
    /// Valet Key has registered the client, and only the page in the browser says whether the server still
    /// knows it; if not, `register_again` helps.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub client_may_be_unknown: bool,
    /// What the browser opens now, if the request was pushed (RFC 9126): the address of the start
    /// expires, and this one takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pushed_url: Option<String>,
    /// Where it stands.
    #[serde(flatten)]
    pub state: SignInState,
}

/// Where a sign-in stands: the field `state`, with what belongs to it.
pub type SignInState = valetkey_core::sign_in::SignInState<SignInCompleted, SignInError>;

/// What belongs to a sign-in that was completed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignInCompleted {
    /// The connection, new or renewed; its `missing_scopes` were not granted.
    pub connection: Box<ConnectionView>,
    /// True if the account was signed in before.
    pub renewed: bool,
    /// The connection that was to be renewed, where another account signed in: it stays as it is, and
    /// `connection` is a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub instead_of: Option<ConnectionName>,
    /// The key that this took the place of: it is still valid at the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced_key: Option<ReplacedKey>,
    /// Why the provider did not say whose the key is, if it could have: it was stored as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unverified: Option<String>,
}

/// A key that no connection uses any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplacedKey {
    /// What the provider calls it: `personal access token`.
    pub name: String,
    /// Where the person deletes it.
    pub page: Option<String>,
}

/// What belongs to a sign-in that was denied or failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SignInError {
    /// Why, and what to do.
    pub error: Box<ApiError>,
}

/// A sign-in that failed, in the views of its connection or authenticator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailedSignIn {
    /// Names the sign-in.
    pub session_id: SignInId,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Why, and what to do.
    pub error: Box<ApiError>,
}

/// Body of `POST credentials/sessions/{id}/callback`: where the browser ended up.
///
/// A URL with a wrong or missing state is an `invalid_request`, and the sign-in goes on waiting.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct PastedCallback {
    /// The whole redirect URL, or only its query.
    pub url: String,
}

/// The URL holds the authorization code.
impl fmt::Debug for PastedCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PastedCallback([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_stands_beside_the_other_fields() {
        let text = r#"{"session_id":"018f0000-0000-7000-8000-000000000000","authenticator":"github",
            "authenticator_id":"018f0000-0000-7000-8000-000000000001","account":null,"profile":"default","asked_scopes":["repo"],"reason":null,
            "started_at":"2026-01-01T00:00:00Z","expires_at":"2026-01-01T00:05:00Z",
            "state":"denied","error":{"code":"access_denied","message":"you said no"}}"#;
        let view: SignInView = serde_json::from_str(text).unwrap();
        assert!(view.state.has_ended());
        let again = serde_json::to_value(&view).unwrap();
        assert_eq!(
            again,
            serde_json::from_str::<serde_json::Value>(text).unwrap()
        );
    }
}
