//! What a live access token opens: `/userinfo` and the protected resource `/api/me`.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::answer::json_answer;
use crate::form::bearer;
use crate::journal::fingerprint;
use crate::settings::{Account, Dialect};
use crate::shared::Shared;

/// Who signed in, in the words of the dialect.
pub(crate) async fn userinfo(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let settings = shared.settings();
    let Some(holder) = holder(&shared, &headers) else {
        return match settings.dialect {
            Dialect::Standard | Dialect::Github => unauthorized(&headers),
            Dialect::Slack => json_answer(&json!({ "ok": false, "error": "invalid_auth" }), false),
        };
    };
    let Some(account) = settings.account(&holder.account) else {
        return unauthorized(&headers);
    };
    let answer = match settings.dialect {
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
    json_answer(&answer, false)
}

/// The mail address only to those who were granted `email`.
fn standard_userinfo(account: &Account, holder: &Holder) -> Value {
    let mut answer = json!({
        "sub": account.id,
        "name": account.name,
        "preferred_username": account.id,
    });
    if holder.scopes.iter().any(|scope| scope == "email") {
        answer["email"] = account.email().into();
        answer["email_verified"] = true.into();
    }
    answer
}

/// GitHub's ids are numbers. This one is stable for a login.
fn github_id(account: &Account) -> u32 {
    account.id.bytes().fold(1, |id: u32, byte| {
        id.wrapping_mul(31).wrapping_add(u32::from(byte))
    })
}

/// Proves that a token really works: 200 with whose it is, else 401 `invalid_token`.
pub(crate) async fn me(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let Some(holder) = holder(&shared, &headers) else {
        return unauthorized(&headers);
    };
    let answer = json!({
        "account": holder.account,
        "client_id": holder.client,
        "scopes": holder.scopes,
        "token_sha256": holder.token_sha256,
    });
    json_answer(&answer, false)
}

struct Holder {
    account: String,
    client: String,
    scopes: Vec<String>,
    token_sha256: String,
}

fn holder(shared: &Shared, headers: &HeaderMap) -> Option<Holder> {
    let token = bearer(headers.get(header::AUTHORIZATION)?.to_str().ok()?)?;
    let ledger = shared.ledger();
    let access = ledger.access(token, Instant::now())?;
    Some(Holder {
        account: access.account.to_owned(),
        client: access.client.to_owned(),
        scopes: access.scopes.to_vec(),
        token_sha256: fingerprint(token),
    })
}

/// RFC 6750 section 3: no error code for a request that brought no token at all.
fn unauthorized(headers: &HeaderMap) -> Response {
    let challenge = if headers.contains_key(header::AUTHORIZATION) {
        "Bearer realm=\"demo\", error=\"invalid_token\", error_description=\"The token is not live\""
    } else {
        "Bearer realm=\"demo\""
    };
    let answer = json_answer(&json!({ "error": "invalid_token" }), false);
    let mut answer = (StatusCode::UNAUTHORIZED, answer).into_response();
    answer.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static(challenge),
    );
    answer
}
