//! Revocation: RFC 7009, GitHub's and Slack's.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::client_auth::{authenticate, check_secret};
use crate::form::{Basic, Form, bearer};
use crate::oauth_error::OAuthError;
use crate::response::json_response;
use crate::settings::{RevocationScope, Settings};
use crate::shared::Shared;
use crate::token::require_form;

/// RFC 7009: 200 also for unknown tokens.
pub(crate) async fn standard(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let settings = shared.settings();
    let revoke = || -> Result<(), OAuthError> {
        require_form(&headers)?;
        let form = Form::parse(&body);
        let client = authenticate(&shared, &settings, &headers, &form)?;
        let token = form
            .one("token")?
            .ok_or(OAuthError::Malformed("token is missing."))?;
        let scope = settings.revocation_scope;
        shared.token_store().revoke(token, &client.id, scope);
        Ok(())
    };
    match revoke() {
        Ok(()) => StatusCode::OK.into_response(),
        Err(error) => error.response(settings.dialect, &headers),
    }
}

/// `DELETE /applications/{client_id}/token`: that access token alone.
pub(crate) async fn github_token(
    State(shared): State<Arc<Shared>>,
    Path(client): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    github(&shared.settings(), &client, &headers, &body, |token| {
        let scope = RevocationScope::Grant;
        shared.token_store().revoke(token, &client, scope)
    })
}

/// `DELETE /applications/{client_id}/grant`: everything that the account granted this client.
pub(crate) async fn github_grant(
    State(shared): State<Arc<Shared>>,
    Path(client): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    github(&shared.settings(), &client, &headers, &body, |token| {
        let scope = RevocationScope::Consent;
        shared.token_store().revoke(token, &client, scope)
    })
}

/// GitHub requires Basic authentication with the id of the path, and JSON `{"access_token"}`; it
/// answers 422 for an unknown token.
fn github(
    settings: &Settings,
    client: &str,
    headers: &HeaderMap,
    body: &[u8],
    revoke: impl FnOnce(&str) -> bool,
) -> Response {
    let basic = authorization(headers).and_then(Basic::parse);
    let known = basic
        .filter(|basic| basic.id == client)
        .is_some_and(|basic| {
            settings
                .client(client)
                .is_some_and(|client| check_secret(client, Some(&basic.secret)).is_ok())
        });
    if !known {
        return (StatusCode::UNAUTHORIZED, message("Bad credentials")).into_response();
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    match body["access_token"].as_str() {
        Some(token) if revoke(token) => StatusCode::NO_CONTENT.into_response(),
        Some(_) | None => (
            StatusCode::UNPROCESSABLE_ENTITY,
            message("Validation Failed"),
        )
            .into_response(),
    }
}

/// `POST /api/auth.revoke`: the Bearer token and its refresh token.
pub(crate) async fn slack(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let mut tokens = shared.token_store();
    let revoked = authorization(&headers)
        .and_then(bearer)
        .is_some_and(|token| {
            let client = tokens
                .access(token, Instant::now())
                .map(|access| access.client.to_owned());
            client.is_some_and(|client| tokens.revoke_grant(token, &client))
        });
    let body = if revoked {
        json!({ "ok": true, "revoked": true })
    } else {
        json!({ "ok": false, "error": "invalid_auth" })
    };
    json_response(&body, false)
}

fn authorization(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()
}

fn message(text: &str) -> Response {
    json_response(&json!({ "message": text }), false)
}
