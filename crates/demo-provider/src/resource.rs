//! What an access token gives access to: `/userinfo` and the protected resource `/api/me`.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::form::bearer;
use crate::request_log::fingerprint;
use crate::response::json_response;
use crate::settings::{Account, Dialect};
use crate::shared::Shared;

/// The account, in the format of the dialect.
pub(crate) async fn userinfo(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let settings = shared.settings();
    let Some(holder) = holder(&shared, &headers) else {
        return match settings.dialect {
            Dialect::Standard | Dialect::Github => unauthorized(&headers),
            Dialect::Slack => {
                json_response(&json!({ "ok": false, "error": "invalid_auth" }), false)
            }
        };
    };
    let Some(account) = settings.account(&holder.account) else {
        return unauthorized(&headers);
    };
    let body = match settings.dialect {
        Dialect::Standard => standard_userinfo(account, &holder),
        Dialect::Github => json!({
            "login": account.id,
            "id": github_id(account),
            "name": account.name,
            "email": null,
        }),
        Dialect::Slack => json!({
            "ok": true,
            "user": account.id,
            "user_id": format!("U0{}", account.id.to_uppercase()),
            "team": "Demo team",
            "team_id": "T0DEMO",
        }),
    };
    json_response(&body, false)
}

/// The email address only with the scope `email`.
fn standard_userinfo(account: &Account, holder: &Holder) -> Value {
    let mut body = json!({
        "sub": account.id,
        "name": account.name,
        "preferred_username": account.id,
    });
    if holder.scopes.iter().any(|scope| scope == "email") {
        body["email"] = account.email().into();
        body["email_verified"] = true.into();
    }
    body
}

/// GitHub's ids are numbers; this one is a hash of the login.
fn github_id(account: &Account) -> u32 {
    account.id.bytes().fold(1, |id: u32, byte| {
        id.wrapping_mul(31).wrapping_add(u32::from(byte))
    })
}

/// Shows whether a token is valid: 200 with its account, else 401 `invalid_token`.
pub(crate) async fn me(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let Some(holder) = holder(&shared, &headers) else {
        return unauthorized(&headers);
    };
    let body = json!({
        "account": holder.account,
        "client_id": holder.client,
        "scopes": holder.scopes,
        "token_sha256": holder.token_sha256,
    });
    json_response(&body, false)
}

pub(crate) struct Holder {
    account: String,
    client: String,
    scopes: Vec<String>,
    token_sha256: String,
}

pub(crate) fn holder(shared: &Shared, headers: &HeaderMap) -> Option<Holder> {
    let token = bearer(headers.get(header::AUTHORIZATION)?.to_str().ok()?)?;
    let tokens = shared.token_store();
    let access = tokens.access(token, Instant::now())?;
    Some(Holder {
        account: access.account.to_owned(),
        client: access.client.to_owned(),
        scopes: access.scopes.to_vec(),
        token_sha256: fingerprint(token),
    })
}

impl Holder {
    /// Which of these scopes the token does not have.
    pub(crate) fn lacks(&self, needed: &[String]) -> bool {
        needed.iter().any(|scope| !self.scopes.contains(scope))
    }
}

/// The token lacks some of these scopes, in the words of the dialect.
pub(crate) fn insufficient_scope(dialect: Dialect, holder: &Holder, needed: &[String]) -> Response {
    let refused = |status, body: &Value, headers: &[(&'static str, String)]| {
        let mut response = (status, json_response(body, false)).into_response();
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::try_from(value.as_str()) {
                response.headers_mut().insert(*name, value);
            }
        }
        response
    };
    match dialect {
        Dialect::Standard => {
            let scope = needed.join(" ");
            let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
            let body = json!({ "error": "insufficient_scope" });
            let headers = [("www-authenticate", challenge)];
            refused(StatusCode::FORBIDDEN, &body, &headers)
        }
        Dialect::Github => {
            let headers = [
                ("x-accepted-oauth-scopes", needed.join(", ")),
                ("x-oauth-scopes", holder.scopes.join(", ")),
            ];
            let body = json!({ "message": "Resource not accessible" });
            refused(StatusCode::FORBIDDEN, &body, &headers)
        }
        Dialect::Slack => {
            let needed = needed.join(",");
            let body = json!({ "ok": false, "error": "missing_scope", "needed": needed });
            refused(StatusCode::OK, &body, &[])
        }
    }
}

/// RFC 6750 section 3: no error code for a request without a token.
pub(crate) fn unauthorized(headers: &HeaderMap) -> Response {
    let challenge = if headers.contains_key(header::AUTHORIZATION) {
        "Bearer realm=\"demo\", error=\"invalid_token\", error_description=\"The token is not valid\""
    } else {
        "Bearer realm=\"demo\""
    };
    let body = json_response(&json!({ "error": "invalid_token" }), false);
    let mut response = (StatusCode::UNAUTHORIZED, body).into_response();
    response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static(challenge),
    );
    response
}
