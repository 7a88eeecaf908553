//! The body of every error: `{"detail": {"code": ..., "message": ..., "hint": ...}}`.
//!
//! Consumers branch on [`ErrorCode`] and never on text. A code is added only when somebody branches
//! on it.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use valetkey_core::draft::Problem;

// Words are `tt`: a `literal` reaches derives wrapped, and the API's description misses it.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $word:tt, $status:literal;)*) => {
        /// The stable codes of the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum ErrorCode {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)*
        }

        impl ErrorCode {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable word.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// The HTTP status that goes with it.
            pub const fn http_status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }
        }
    };
}

codes! {
    /// The request itself is wrong; `problems` names every field.
    InvalidRequest = "invalid_request", 400;
    /// No valid client key came with a request to the loopback listener.
    Unauthorized = "unauthorized", 401;
    /// This caller may not do this.
    AccessDenied = "access_denied", 403;
    /// The client key was made without the desktop app, and waits to be confirmed there.
    KeyNotConfirmed = "key_not_confirmed", 403;
    /// The raw token of this connection is never handed out.
    ProxyOnly = "proxy_only", 403;
    /// The connection lacks `missing_scopes`; `connect_url` asks for them.
    InsufficientScope = "insufficient_scope", 403;
    /// There is no such thing.
    NotFound = "not_found", 404;
    /// Only the person can fix it, at `connect_url`.
    AuthRequired = "auth_required", 409;
    /// It exists already, or `in_use` says what would break; `force` goes ahead.
    Conflict = "conflict", 409;
    /// Too many requests; `retry_after`.
    RateLimited = "rate_limited", 429;
    /// Our own bug.
    Internal = "internal", 500;
    /// The authenticator is disabled, or the connection lacks what this needs (a refresh token).
    NotConfigured = "not_configured", 409;
    /// The provider refuses the client registration; `console_url` is where to fix it.
    ClientMisconfigured = "client_misconfigured", 502;
    /// The keychain is locked; nothing is lost, and it works again once unlocked.
    KeychainLocked = "keychain_locked", 503;
    /// There is no keychain, or it does not answer.
    KeychainUnavailable = "keychain_unavailable", 503;
    /// The person paused all handing out.
    Paused = "paused", 503;
    /// The provider cannot be reached or is down; `retry_after`.
    ProviderUnreachable = "provider_unreachable", 503;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The body of every reply whose status is 400 or more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorBody {
    /// What went wrong.
    pub detail: ApiError,
}

/// What went wrong, why, and what to do. Never holds a secret, a code or a full URL query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[error("{code}: {message}")]
pub struct ApiError {
    /// For programs.
    pub code: ErrorCode,
    /// What happened, for people: one sentence without a full stop, literals in back-ticks.
    pub message: String,
    /// Why, where `message` does not say: one sentence (`GitHub rejected the refresh token
    /// (bad_refresh_token)`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do (``run `valetkey connect github` ``).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// A page on this machine whose button starts the sign-in that would fix it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_url: Option<String>,
    /// Seconds after which another try makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Scopes that were asked for and are not granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_scopes: Vec<String>,
    /// What would break.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_use: Vec<InUse>,
    /// Where the client is registered at the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console_url: Option<String>,
    /// Everything that is wrong with the request, at once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Problem>,
}

/// Something that a removal would break.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InUse {
    /// What it is.
    pub kind: InUseKind,
    /// Its name: a connection, or a client in words (`process /usr/bin/node`, `key ci`).
    pub name: String,
    /// When it last got a token.
    pub used_at: Option<Timestamp>,
}

/// The kinds of [`InUse`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InUseKind {
    /// A connection of the authenticator.
    Connection,
    /// A program or key that used the connection.
    Client,
}

impl ApiError {
    /// An error with code and message; the rest is added by the `with`-like methods.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            reason: None,
            hint: None,
            connect_url: None,
            retry_after: None,
            missing_scopes: Vec::new(),
            in_use: Vec::new(),
            console_url: None,
            problems: Vec::new(),
        }
    }

    /// With the reason.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// With what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_as_documented() {
        let detail = ApiError::new(
            ErrorCode::AuthRequired,
            "`github/work` needs you to sign in again",
        )
        .reason("GitHub rejected the refresh token (bad_refresh_token)")
        .hint("run `valetkey connect github/work`");
        insta::assert_json_snapshot!(ErrorBody { detail }, @r#"
        {
          "detail": {
            "code": "auth_required",
            "message": "`github/work` needs you to sign in again",
            "reason": "GitHub rejected the refresh token (bad_refresh_token)",
            "hint": "run `valetkey connect github/work`"
          }
        }
        "#);
    }

    #[test]
    fn code_words_are_their_serde_names() {
        for code in ErrorCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert!((400..600).contains(&code.http_status()));
        }
    }
}
