//! What an access token gives access to: `/userinfo` and the protected resource `/api/me`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::dpop::{self, Expected};
use crate::oauth_error::OAuthError;
use crate::request_log::fingerprint;
use crate::response::json_response;
use crate::settings::{Account, Dialect};
use crate::shared::Shared;

/// The account, in the format of the dialect.
pub(crate) async fn userinfo(State(shared): State<Arc<Shared>>, presented: Presented) -> Response {
    let settings = shared.settings();
    let holder = match (holder(&shared, &presented), settings.dialect) {
        (Ok(holder), _) => holder,
        (Err(refused), Dialect::Standard | Dialect::Github) => return *refused,
        (Err(_), Dialect::Slack) => {
            return json_response(&json!({ "ok": false, "error": "invalid_auth" }), false);
        }
    };
    let Some(account) = settings.account(&holder.account) else {
        return unauthorized(&presented.headers);
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
pub(crate) async fn me(State(shared): State<Arc<Shared>>, presented: Presented) -> Response {
    let holder = match holder(&shared, &presented) {
        Ok(holder) => holder,
        Err(refused) => return *refused,
    };
    let body = json!({
        "account": holder.account,
        "client_id": holder.client,
        "scopes": holder.scopes,
        "token_sha256": holder.token_sha256,
    });
    json_response(&body, false)
}

/// A request to a protected resource.
pub(crate) struct Presented {
    method: Method,
    path: String,
    headers: HeaderMap,
}

impl<S: Sync> FromRequestParts<S> for Presented {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self {
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            headers: parts.headers.clone(),
        })
    }
}

pub(crate) struct Holder {
    account: String,
    client: String,
    scopes: Vec<String>,
    token_sha256: String,
}

/// Whose the token is; a bound one counts only with a proof (RFC 9449, section 7).
pub(crate) fn holder(shared: &Shared, presented: &Presented) -> Result<Holder, Box<Response>> {
    let headers = &presented.headers;
    let authorization = headers.get(header::AUTHORIZATION);
    let authorization = authorization.and_then(|value| value.to_str().ok());
    let (scheme, token) = authorization
        .and_then(|value| value.split_once(' '))
        .ok_or_else(|| Box::new(unauthorized(headers)))?;
    let token = token.trim();
    let (holder, bound_to) = {
        let tokens = shared.token_store();
        let access = tokens
            .access(token, Instant::now())
            .ok_or_else(|| Box::new(unauthorized(headers)))?;
        let holder = Holder {
            account: access.account.to_owned(),
            client: access.client.to_owned(),
            scopes: access.scopes.to_vec(),
            token_sha256: fingerprint(token),
        };
        (holder, access.jkt.map(ToOwned::to_owned))
    };
    let Some(bound_to) = bound_to else {
        let is_bearer = scheme.eq_ignore_ascii_case("bearer");
        return is_bearer
            .then_some(holder)
            .ok_or_else(|| Box::new(unauthorized(headers)));
    };
    let expected = Expected {
        method: presented.method.as_str(),
        path: &presented.path,
        access_token: Some(token),
    };
    let proven = dpop::check(shared, &shared.settings(), headers, &expected);
    match proven {
        Ok(key) if key == bound_to && scheme.eq_ignore_ascii_case("dpop") => Ok(holder),
        Ok(_) => Err(Box::new(challenge(
            "DPoP error=\"invalid_token\"",
            "invalid_token",
        ))),
        Err(OAuthError::UseDpopNonce) => Err(Box::new(challenge(
            "DPoP error=\"use_dpop_nonce\"",
            "use_dpop_nonce",
        ))),
        Err(_) => Err(Box::new(challenge(
            "DPoP error=\"invalid_dpop_proof\"",
            "invalid_dpop_proof",
        ))),
    }
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
fn unauthorized(headers: &HeaderMap) -> Response {
    let words = if headers.contains_key(header::AUTHORIZATION) {
        "Bearer realm=\"demo\", error=\"invalid_token\", error_description=\"The token is not valid\""
    } else {
        "Bearer realm=\"demo\""
    };
    challenge(words, "invalid_token")
}

fn challenge(words: &'static str, error: &str) -> Response {
    let body = json_response(&json!({ "error": error }), false);
    let mut response = (StatusCode::UNAUTHORIZED, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(words));
    response
}
