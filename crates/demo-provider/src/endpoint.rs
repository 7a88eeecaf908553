//! The names of what can be asked: endpoints and grants.

use axum::http::Method;
use serde::{Deserialize, Serialize};

/// An endpoint, as faults and request records name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// Both `/.well-known` documents.
    Discovery,
    /// `GET /jwks`
    Jwks,
    /// `GET /authorize`: the consent page, or the redirect when nobody is asked.
    Authorize,
    /// `POST /authorize/decision`: the redirect after the consent page.
    Decision,
    /// `POST /token`
    Token,
    /// `POST /revoke`, GitHub's `DELETE /applications/...` and Slack's `POST /api/auth.revoke`.
    Revoke,
    /// `/userinfo`
    Userinfo,
    /// `/api/me`, the protected resource.
    Api,
}

impl Endpoint {
    /// The endpoint behind a path; `None` for strangers and the control interface.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        match path {
            "/.well-known/openid-configuration" | "/.well-known/oauth-authorization-server" => {
                Some(Self::Discovery)
            }
            "/jwks" => Some(Self::Jwks),
            "/authorize" => Some(Self::Authorize),
            "/authorize/decision" => Some(Self::Decision),
            "/token" => Some(Self::Token),
            "/revoke" | "/api/auth.revoke" => Some(Self::Revoke),
            "/userinfo" => Some(Self::Userinfo),
            "/api/me" => Some(Self::Api),
            _ if *method == Method::DELETE && path.starts_with("/applications/") => {
                Some(Self::Revoke)
            }
            _ => None,
        }
    }
}

/// What a token request asks with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// The code of a sign-in.
    AuthorizationCode,
    /// A refresh token.
    RefreshToken,
}

impl GrantType {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "authorization_code" => Some(Self::AuthorizationCode),
            "refresh_token" => Some(Self::RefreshToken),
            _ => None,
        }
    }
}
