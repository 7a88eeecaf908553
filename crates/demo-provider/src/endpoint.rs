//! Endpoints and grant types.

use axum::http::Method;
use serde::{Deserialize, Serialize};

/// An endpoint, as faults and the request log name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// Both `/.well-known` documents.
    Discovery,
    /// `GET /jwks`
    Jwks,
    /// `GET /authorize`: the consent page, or the redirect under automatic consent.
    Authorize,
    /// `POST /authorize/decision`: the redirect after the consent page.
    Decision,
    /// `POST /par`: pushed authorization requests.
    Push,
    /// `POST /device_authorization`
    DeviceAuthorization,
    /// `POST /token`
    Token,
    /// `POST /revoke`, GitHub's `DELETE /applications/...` and Slack's `POST /api/auth.revoke`.
    Revoke,
    /// `/userinfo`
    Userinfo,
    /// `/api/me`, `/api/echo`, `/api/stream` and `/api/redirect`, the protected resources.
    Api,
}

impl Endpoint {
    /// The endpoint of a path; `None` for unknown paths and the control interface.
    pub(crate) fn of(method: &Method, path: &str) -> Option<Self> {
        match path {
            "/.well-known/openid-configuration" | "/.well-known/oauth-authorization-server" => {
                Some(Self::Discovery)
            }
            "/jwks" => Some(Self::Jwks),
            "/authorize" => Some(Self::Authorize),
            "/authorize/decision" => Some(Self::Decision),
            "/par" => Some(Self::Push),
            "/device_authorization" => Some(Self::DeviceAuthorization),
            "/token" => Some(Self::Token),
            "/revoke" | "/api/auth.revoke" => Some(Self::Revoke),
            "/userinfo" => Some(Self::Userinfo),
            "/api/me" | "/api/echo" | "/api/stream" | "/api/redirect" => Some(Self::Api),
            _ if *method == Method::DELETE && path.starts_with("/applications/") => {
                Some(Self::Revoke)
            }
            _ => None,
        }
    }
}

/// The `grant_type` of a token request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    AuthorizationCode,
    RefreshToken,
    DeviceCode,
    ClientCredentials,
    TokenExchange,
}

impl GrantType {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "authorization_code" => Some(Self::AuthorizationCode),
            "refresh_token" => Some(Self::RefreshToken),
            "urn:ietf:params:oauth:grant-type:device_code" => Some(Self::DeviceCode),
            "client_credentials" => Some(Self::ClientCredentials),
            "urn:ietf:params:oauth:grant-type:token-exchange" => Some(Self::TokenExchange),
            _ => None,
        }
    }
}
