//! Pushed authorization requests (RFC 9126): `POST /par`. A `request_uri` works once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::client_auth::authenticate;
use crate::form::Form;
use crate::oauth_error::OAuthError;
use crate::response::json_response;
use crate::settings::{PushedRequests, Settings};
use crate::shared::{Shared, random};
use crate::token::require_form;

const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

/// The requests that wait for their browser, as query strings.
#[derive(Debug, Default)]
pub(crate) struct PushedStore(HashMap<String, Waiting>);

#[derive(Debug)]
struct Waiting {
    client: String,
    query: String,
    expires_at: Instant,
}

/// Takes the parameters of an authorization request.
pub(crate) async fn push(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let settings = shared.settings();
    match keep(&shared, &settings, &headers, &body) {
        Ok(body) => (StatusCode::CREATED, json_response(&body, false)).into_response(),
        Err(error) => error.response(settings.dialect, &headers),
    }
}

fn keep(
    shared: &Shared,
    settings: &Settings,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Value, OAuthError> {
    require_form(headers)?;
    let form = Form::parse(body);
    let client = authenticate(shared, settings, headers, &form)?;
    if form.one("request_uri")?.is_some() {
        return Err(OAuthError::Malformed("A request_uri cannot be pushed."));
    }
    if form.one("client_id")? != Some(&client.id) {
        return Err(OAuthError::Malformed("client_id is missing."));
    }
    check_resource(settings, &form)?;
    let pairs = form.into_pairs();
    let pairs = pairs
        .into_iter()
        .filter(|(name, _)| name != "client_secret");
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let uri = format!("{PREFIX}{}", random());
    let lifetime = settings.pushed_request_lifetime();
    let waiting = Waiting {
        client: client.id.clone(),
        query,
        expires_at: Instant::now() + lifetime,
    };
    shared.pushed().0.insert(uri.clone(), waiting);
    Ok(json!({ "request_uri": uri, "expires_in": lifetime.as_secs() }))
}

/// The query that an authorization request stands for: its own, or the one that was pushed.
pub(crate) fn resolve(
    shared: &Shared,
    settings: &Settings,
    query: String,
) -> Result<String, String> {
    let form = Form::parse(query.as_bytes());
    let Some(uri) = form.all("request_uri").next() else {
        return match settings.pushed_requests {
            PushedRequests::Optional => Ok(query),
            PushedRequests::Required => Err("The request was not pushed.".to_owned()),
        };
    };
    let waiting = shared.pushed().0.remove(uri);
    let waiting = waiting.filter(|waiting| {
        Instant::now() < waiting.expires_at && form.all("client_id").next() == Some(&waiting.client)
    });
    waiting
        .map(|waiting| waiting.query)
        .ok_or_else(|| "The request_uri is unknown or has expired.".to_owned())
}

/// RFC 8707, section 2: the resource must be the one that there is, letter by letter.
pub(crate) fn check_resource(settings: &Settings, form: &Form) -> Result<(), OAuthError> {
    match &settings.resource {
        Some(known) if form.one("resource")? != Some(known) => Err(OAuthError::InvalidTarget),
        Some(_) | None => Ok(()),
    }
}
