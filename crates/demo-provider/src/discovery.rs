//! The two metadata documents and the JWKS.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::response::json_response;
use crate::settings::{Pkce, PushedRequests};
use crate::shared::Shared;

pub(crate) async fn metadata(State(shared): State<Arc<Shared>>) -> Response {
    let settings = shared.settings();
    if !settings.discovery {
        return StatusCode::NOT_FOUND.into_response();
    }
    let issuer = &shared.issuer;
    let mut document = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "pushed_authorization_request_endpoint": format!("{issuer}/par"),
        "require_pushed_authorization_requests":
            settings.pushed_requests == PushedRequests::Required,
        "dpop_signing_alg_values_supported": ["ES256"],
        "device_authorization_endpoint": format!("{issuer}/device_authorization"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "grant_types_supported": [
            "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code",
            "client_credentials", "urn:ietf:params:oauth:grant-type:token-exchange",
        ],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "scopes_supported": [
            "openid", "profile", "email", "offline_access", "files.read", "files.write",
            "calendar.read",
        ],
        "token_endpoint_auth_methods_supported": [
            "none", "client_secret_basic", "client_secret_post", "private_key_jwt",
            "client_secret_jwt",
        ],
        "authorization_response_iss_parameter_supported": settings.send_iss,
    });
    match settings.pkce {
        Pkce::Required | Pkce::Optional => {
            document["code_challenge_methods_supported"] = json!(["S256"]);
        }
        Pkce::Refused => {}
    }
    json_response(&document, false)
}

pub(crate) async fn jwks(State(shared): State<Arc<Shared>>) -> Response {
    json_response(shared.signer.jwks(), false)
}
