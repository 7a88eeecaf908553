//! `POST /token`: exchanges codes and refresh tokens for access tokens.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde_json::{Value, json};

use crate::client_auth::authenticate;
use crate::dpop;
use crate::endpoint::GrantType;
use crate::fault::IdTokenFlaw;
use crate::form::Form;
use crate::grant::{Approval, CodeExchange, Issued, NewTokens, RefreshRequest};
use crate::id_token::Claims;
use crate::oauth_error::OAuthError;
use crate::pushed::check_resource;
use crate::response::{json_response, prefers_json};
use crate::settings::{Client, Dialect, Settings};
use crate::shared::Shared;

pub(crate) async fn token(
    State(shared): State<Arc<Shared>>,
    flaw: Option<Extension<IdTokenFlaw>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let settings = shared.settings();
    let flaw = flaw.map(|Extension(flaw)| flaw);
    match issue(&shared, &settings, &headers, &body, flaw) {
        Ok(body) => {
            let as_form = settings.dialect == Dialect::Github && !prefers_json(&headers);
            json_response(&body, as_form)
        }
        Err(error) => error.response(settings.dialect, &headers),
    }
}

fn issue(
    shared: &Shared,
    settings: &Settings,
    headers: &HeaderMap,
    body: &[u8],
    flaw: Option<IdTokenFlaw>,
) -> Result<Value, OAuthError> {
    require_form(headers)?;
    let form = Form::parse(body);
    let client = authenticate(shared, settings, headers, &form)?;
    check_resource(settings, &form)?;
    let jkt = dpop::at_token_endpoint(shared, settings, headers)?;
    let grant = form
        .one("grant_type")?
        .ok_or(OAuthError::Malformed("grant_type is missing."))?;
    let grant = GrantType::parse(grant).ok_or(OAuthError::UnsupportedGrantType)?;
    let new = NewTokens {
        access_token: shared.mint(settings, "access"),
        refresh_token: shared.mint(settings, "refresh"),
        jkt,
    };
    let now = Instant::now();
    let issued = match grant {
        GrantType::AuthorizationCode => {
            let request = CodeExchange {
                code: form
                    .one("code")?
                    .ok_or(OAuthError::Malformed("code is missing."))?,
                client: &client.id,
                redirect_uri: form.one("redirect_uri")?,
                verifier: form.one("code_verifier")?,
            };
            shared
                .token_store()
                .exchange(&request, new, settings, now)?
        }
        GrantType::DeviceCode => {
            let code = form
                .one("device_code")?
                .ok_or(OAuthError::Malformed("device_code is missing."))?;
            let allowed = shared
                .device_codes()
                .poll(code, &client.id, settings, now)?;
            let approval = Approval {
                client: client.id.clone(),
                account: allowed.account,
                scopes: allowed.scopes,
                redirect_uri: String::new(),
                challenge: None,
                nonce: None,
                jkt: None,
            };
            shared.token_store().issue(approval, new, settings, now).1
        }
        // With a refresh token where the settings issue them, although nobody needs one.
        GrantType::ClientCredentials => {
            if client.secret.is_none() && client.public_key.is_none() {
                return Err(OAuthError::UnauthorizedClient);
            }
            let scopes = form.one("scope")?.unwrap_or_default();
            let approval = direct_approval(client, &client.id, settings, scopes);
            shared.token_store().issue(approval, new, settings, now).1
        }
        GrantType::TokenExchange => {
            let subject = form
                .one("subject_token")?
                .ok_or(OAuthError::Malformed("subject_token is missing."))?;
            let mut store = shared.token_store();
            let account = store.access(subject, now).map(|it| it.account.to_owned());
            let account =
                account.ok_or(OAuthError::Malformed("The subject token is not valid."))?;
            let scopes = form.one("scope")?.unwrap_or_default();
            let approval = direct_approval(client, &account, settings, scopes);
            store.issue(approval, new, settings, now).1
        }
        GrantType::RefreshToken => {
            let request = RefreshRequest {
                refresh_token: form
                    .one("refresh_token")?
                    .ok_or(OAuthError::Malformed("refresh_token is missing."))?,
                client: &client.id,
                scopes: form
                    .one("scope")?
                    .map(|scope| split_scopes(settings.dialect, scope)),
            };
            shared.token_store().refresh(request, new, settings, now)?
        }
    };
    let id_token = id_token(shared, settings, client, &issued, flaw);
    Ok(match settings.dialect {
        Dialect::Standard if issued.jkt.is_some() => flat_response(&issued, "DPoP", " ", id_token),
        Dialect::Standard => flat_response(&issued, "Bearer", " ", id_token),
        Dialect::Github => flat_response(&issued, "bearer", ",", id_token),
        Dialect::Slack => json!({
            "ok": true,
            "app_id": "A0DEMO",
            "authed_user": slack_user(&issued),
            "team": { "id": "T0DEMO", "name": "Demo team" },
        }),
    })
}

/// What needs no person.
fn direct_approval(client: &Client, account: &str, settings: &Settings, scopes: &str) -> Approval {
    Approval {
        client: client.id.clone(),
        account: account.to_owned(),
        scopes: split_scopes(settings.dialect, scopes),
        redirect_uri: String::new(),
        challenge: None,
        nonce: None,
        jkt: None,
    }
}

/// Token requests are form bodies (RFC 6749 section 3.2).
pub(crate) fn require_form(headers: &HeaderMap) -> Result<(), OAuthError> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    match content_type {
        Some(name) if name.starts_with("application/x-www-form-urlencoded") => Ok(()),
        Some(_) | None => Err(OAuthError::Malformed("The body is not a form.")),
    }
}

/// Slack separates scopes with commas, all others with spaces.
pub(crate) fn split_scopes(dialect: Dialect, text: &str) -> Vec<String> {
    let separators: &[char] = match dialect {
        Dialect::Standard | Dialect::Github => &[' '],
        Dialect::Slack => &[',', ' '],
    };
    let mut scopes: Vec<String> = Vec::new();
    for scope in text.split(separators).filter(|scope| !scope.is_empty()) {
        if !scopes.iter().any(|known| known == scope) {
            scopes.push(scope.to_owned());
        }
    }
    scopes
}

fn flat_response(issued: &Issued, kind: &str, separator: &str, id_token: Option<String>) -> Value {
    let mut body = json!({
        "access_token": issued.access_token,
        "token_type": kind,
        "scope": issued.scopes.join(separator),
    });
    add_optional(&mut body, issued);
    if let Some(id_token) = id_token {
        body["id_token"] = id_token.into();
    }
    body
}

fn slack_user(issued: &Issued) -> Value {
    let mut user = json!({
        "id": issued.account,
        "scope": issued.scopes.join(","),
        "access_token": issued.access_token,
        "token_type": "user",
    });
    add_optional(&mut user, issued);
    user
}

fn add_optional(body: &mut Value, issued: &Issued) {
    if let Some(lifetime) = issued.lifetime {
        body["expires_in"] = announced(lifetime).into();
    }
    if let Some(refresh_token) = &issued.refresh_token {
        body["refresh_token"] = refresh_token.clone().into();
    }
}

/// Whole seconds, at least 1: some clients take 0 for "does not expire".
fn announced(lifetime: Duration) -> u64 {
    lifetime.as_secs().max(1)
}

/// Present when `openid` was granted and the account still exists.
fn id_token(
    shared: &Shared,
    settings: &Settings,
    client: &Client,
    issued: &Issued,
    flaw: Option<IdTokenFlaw>,
) -> Option<String> {
    if !issued.scopes.iter().any(|scope| scope == "openid") {
        return None;
    }
    let account = settings.account(&issued.account)?;
    let claims = Claims {
        issuer: &shared.issuer,
        subject: &account.id,
        name: &account.name,
        email: &account.email(),
        audience: &client.id,
        nonce: issued.nonce.as_deref(),
    };
    let token = shared.signer.sign(&claims, flaw);
    shared.remember(token.clone());
    Some(token)
}
