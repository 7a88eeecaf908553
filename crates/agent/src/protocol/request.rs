//! Requests that carry secrets: forms (RFC 6749, sections 4.1.3 and 6; RFC 7009; RFC 7662; RFC 8628; RFC 8707; RFC 9126) with
//! client authentication, as JSON where a provider wants that. A body is wiped when its request and all copies of it are gone.

use std::collections::BTreeMap;

use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use ::http::{HeaderName, HeaderValue, Request, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use oauth2::PkceCodeVerifier;
use serde_json::json;
use url::form_urlencoded::{self, byte_serialize};
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::provider::{ApiAuth, ClientAuth, TokenBody};
use valetkey_core::scope::Scopes;
use valetkey_core::secret::{AccessToken, ClientSecret, DeviceCode, RefreshToken};
use valetkey_core::secret_json;
use zeroize::Zeroizing;

use super::direct::DirectRequest;
use super::signing_key::sign_with_secret;
use crate::client::Client;

/// A request that could not be built; a matter of the URL, or of the key that signs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no request can be made")]
pub(super) struct NotBuilt;

/// How long an assertion is good, in seconds.
const ASSERTION_LIFETIME: i64 = 60;

/// What can be revoked (RFC 7009, section 2.1).
#[derive(Clone, Copy)]
pub(super) enum RevocableToken<'a> {
    Access(&'a AccessToken),
    Refresh(&'a RefreshToken),
}

impl RevocableToken<'_> {
    pub(super) fn expose(&self) -> &str {
        match self {
            Self::Access(token) => token.expose(),
            Self::Refresh(token) => token.expose(),
        }
    }
}

/// Exchanges an authorization code; `redirect_uri` as it was in the authorization request.
pub(super) fn exchange_code(
    client: &Client,
    code: &str,
    redirect_uri: &str,
    verifier: Option<&PkceCodeVerifier>,
    now: Timestamp,
) -> Result<Request<Bytes>, NotBuilt> {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
    ];
    fields.extend(verifier.map(|verifier| ("code_verifier", verifier.secret().as_str())));
    let endpoints = &client.endpoints;
    fields.extend(additions(&endpoints.exchange_params));
    token_request(client, &endpoints.token_url, fields, now)
}

/// Pushes the parameters of an authorization request (RFC 9126, section 2.1).
pub(super) fn push(
    client: &Client,
    url: &EndpointUrl,
    parameters: &[(String, String)],
    now: Timestamp,
) -> Result<Request<Bytes>, NotBuilt> {
    let fields = parameters
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let client_auth = client.endpoints.client_auth;
    authenticated(
        client,
        client_auth,
        TokenBody::Form,
        url,
        fields.collect(),
        now,
    )
}

/// Asks for a device code (RFC 8628, section 3.1).
pub(super) fn authorize_device(
    client: &Client,
    url: &EndpointUrl,
    scopes: &Scopes,
    now: Timestamp,
) -> Result<Request<Bytes>, NotBuilt> {
    let endpoints = &client.endpoints;
    let scopes = scopes.join(&endpoints.scope_separator);
    let mut fields = Vec::new();
    if !scopes.is_empty() {
        fields.push((endpoints.device_scope_param.as_str(), scopes.as_str()));
    }
    fields.extend(resource(client));
    authenticated(
        client,
        endpoints.client_auth,
        TokenBody::Form,
        url,
        fields,
        now,
    )
}

/// Asks whether the person has agreed (RFC 8628, section 3.4).
pub(super) fn poll_device(
    client: &Client,
    code: &DeviceCode,
    now: Timestamp,
) -> Result<Request<Bytes>, NotBuilt> {
    let fields = vec![
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", code.expose()),
    ];
    token_request(client, &client.endpoints.token_url, fields, now)
}

/// Refreshes; asks for no scope, so that the granted ones stay as they are, or for fewer of them.
pub(super) fn refresh(
    client: &Client,
    token: &RefreshToken,
    narrow: Option<&Scopes>,
    now: Timestamp,
) -> Result<Request<Bytes>, NotBuilt> {
    let endpoints = &client.endpoints;
    let scopes = narrow.map(|scopes| scopes.join(&endpoints.scope_separator));
    let mut fields = vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", token.expose()),
    ];
    fields.extend(scopes.iter().map(|scopes| ("scope", scopes.as_str())));
    fields.extend(additions(&endpoints.refresh_params));
    token_request(client, &endpoints.refresh_url, fields, now)
}

/// Asks for a token that no person agrees to: for the client itself (RFC 6749, section 4.4.2), or in
/// exchange for the subject's (RFC 8693, section 2.1).
pub(super) fn direct(
    client: &Client,
    request: &DirectRequest<'_>,
    now: Timestamp,
) -> Result<Request<Bytes>, NotBuilt> {
    let endpoints = &client.endpoints;
    let scopes = request.scopes.join(&endpoints.scope_separator);
    let mut fields = match &request.subject {
        None => vec![("grant_type", "client_credentials")],
        Some(subject) => vec![
            (
                "grant_type",
                "urn:ietf:params:oauth:grant-type:token-exchange",
            ),
            ("subject_token", subject.expose()),
            (
                "subject_token_type",
                "urn:ietf:params:oauth:token-type:access_token",
            ),
        ],
    };
    if !scopes.is_empty() {
        fields.push(("scope", scopes.as_str()));
    }
    let named = [
        ("audience", &endpoints.audience),
        ("requested_token_type", &endpoints.requested_token_type),
    ];
    let named = named
        .iter()
        .filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    fields.extend(named);
    token_request(client, &endpoints.token_url, fields, now)
}

/// Asks what a token is (RFC 7662, section 2.1).
pub(super) fn introspect(
    client: &Client,
    url: &EndpointUrl,
    token: &AccessToken,
    now: Timestamp,
) -> Result<Request<Bytes>, NotBuilt> {
    let fields = vec![
        ("token", token.expose()),
        ("token_type_hint", "access_token"),
    ];
    authenticated(
        client,
        client.endpoints.client_auth,
        TokenBody::Form,
        url,
        fields,
        now,
    )
}

fn additions(params: &BTreeMap<String, String>) -> impl Iterator<Item = (&str, &str)> {
    params
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

/// Which service the tokens are for (RFC 8707, section 2).
fn resource(client: &Client) -> Option<(&str, &str)> {
    let resource = client.endpoints.resource.as_ref()?;
    Some(("resource", resource.as_str()))
}

/// A request to the token endpoint, or to where tokens are refreshed.
fn token_request<'a>(
    client: &'a Client,
    url: &EndpointUrl,
    mut fields: Vec<(&'a str, &'a str)>,
    now: Timestamp,
) -> Result<Request<Bytes>, NotBuilt> {
    let endpoints = &client.endpoints;
    fields.extend(resource(client));
    authenticated(
        client,
        endpoints.client_auth,
        endpoints.token_body,
        url,
        fields,
        now,
    )
}

/// Revokes one token; the client authenticates as `client_auth` says.
pub(super) fn revoke(
    client: &Client,
    client_auth: ClientAuth,
    url: &EndpointUrl,
    token: RevocableToken<'_>,
    now: Timestamp,
) -> Result<Request<Bytes>, NotBuilt> {
    let hint = match token {
        RevocableToken::Access(_) => "access_token",
        RevocableToken::Refresh(_) => "refresh_token",
    };
    let fields = vec![("token", token.expose()), ("token_type_hint", hint)];
    authenticated(client, client_auth, TokenBody::Form, url, fields, now)
}

/// The fields with the client's authentication (RFC 6749, section 2.3.1), in exactly one way. A client
/// that has no secret only names itself (section 3.2.1), at Reddit as a user without a password. `now` is
/// the time at the provider.
fn authenticated<'a>(
    client: &'a Client,
    client_auth: ClientAuth,
    body: TokenBody,
    url: &EndpointUrl,
    fields: Vec<(&'a str, &'a str)>,
    now: Timestamp,
) -> Result<Request<Bytes>, NotBuilt> {
    let mut fields = fields;
    let client_id = client.authenticator.client_id.as_str();
    let mut request = Request::post(uri(url)?).header(ACCEPT, "application/json");
    // Lives as long as the fields.
    let assertion;
    let signs = client.endpoints.client_auth.is_assertion() && client_auth != ClientAuth::None;
    // A pushed request names it whatever the authentication is.
    let is_named = fields.iter().any(|(name, _)| *name == "client_id");
    let own_name = (!is_named).then_some(("client_id", client_id));
    match (&client.secret, client_auth) {
        _ if signs => {
            assertion = sign_assertion(client, now)?;
            fields.extend(own_name);
            fields.extend([
                (
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                ),
                ("client_assertion", assertion.as_str()),
            ]);
        }
        (secret, ClientAuth::ClientSecretBasic) => {
            let secret = secret.as_ref().map_or("", ClientSecret::expose);
            request = request.header(AUTHORIZATION, basic(client_id, secret)?);
        }
        (Some(secret), ClientAuth::SecretAsUser) => {
            request = request.header(AUTHORIZATION, basic(secret.expose(), "")?);
        }
        (Some(secret), ClientAuth::ClientSecretPost) => {
            fields.extend(own_name);
            fields.push(("client_secret", secret.expose()));
        }
        (Some(_), ClientAuth::None | ClientAuth::PrivateKeyJwt | ClientAuth::ClientSecretJwt)
        | (None, _) => fields.extend(own_name),
    }
    let (content_type, body) = match body {
        TokenBody::Form => (
            "application/x-www-form-urlencoded",
            Zeroizing::new(form(&fields).into_bytes()),
        ),
        TokenBody::Json => {
            let object: BTreeMap<&str, &str> = fields.into_iter().collect();
            ("application/json", secret_json::to_vec(&object))
        }
    };
    request
        .header(CONTENT_TYPE, content_type)
        .body(wiped(body))
        .map_err(|_| NotBuilt)
}

/// A fresh assertion of the client (RFC 7523, section 3): for one request.
fn sign_assertion(client: &Client, now: Timestamp) -> Result<Zeroizing<String>, NotBuilt> {
    let client_id = &client.authenticator.client_id;
    let issued_at = now.as_second();
    let claims = json!({
        "iss": client_id,
        "sub": client_id,
        "aud": client.endpoints.assertion_audience,
        "iat": issued_at,
        "exp": issued_at + ASSERTION_LIFETIME,
        "jti": crate::random::token(),
    });
    let signed = match (&client.key, &client.secret) {
        (Some(key), _) => key.sign(&claims),
        (None, Some(secret)) => sign_with_secret(secret.expose(), &claims),
        (None, None) => return Err(NotBuilt),
    };
    signed.map_err(|_| NotBuilt)
}

/// Both halves are form-encoded first (RFC 6749, section 2.3.1).
pub(super) fn basic(client_id: &str, secret: &str) -> Result<HeaderValue, NotBuilt> {
    let encoded = |text: &str| Zeroizing::new(byte_serialize(text.as_bytes()).collect::<String>());
    let (id, secret) = (encoded(client_id), encoded(secret));
    let credentials = Zeroizing::new(format!("{}:{}", *id, *secret));
    authorization("Basic", &Zeroizing::new(STANDARD.encode(&*credentials)))
}

/// A value of `Authorization` that no log prints.
pub(super) fn authorization(scheme: &str, credentials: &str) -> Result<HeaderValue, NotBuilt> {
    let text = Zeroizing::new(format!("{scheme} {credentials}"));
    let mut value = HeaderValue::from_str(&text).map_err(|_| NotBuilt)?;
    value.set_sensitive(true);
    Ok(value)
}

/// The header that carries the token as API requests do.
pub(super) fn api_header(
    auth: &ApiAuth,
    token: &AccessToken,
) -> Result<(HeaderName, HeaderValue), NotBuilt> {
    let name = HeaderName::from_bytes(auth.header.as_bytes()).map_err(|_| NotBuilt)?;
    let mut value = HeaderValue::from_str(&auth.value(token)).map_err(|_| NotBuilt)?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// A form with the token, which stands in the header too (`digitalocean`).
pub(super) fn bearer_form(
    url: &EndpointUrl,
    token: &AccessToken,
) -> Result<Request<Bytes>, NotBuilt> {
    let form = Zeroizing::new(form(&[("token", token.expose())]).into_bytes());
    Request::post(uri(url)?)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(AUTHORIZATION, authorization("Bearer", token.expose())?)
        .body(wiped(form))
        .map_err(|_| NotBuilt)
}

/// Reserved at once: growing would leave copies of secrets behind in freed memory.
fn form(fields: &[(&str, &str)]) -> String {
    // A byte takes at most three; beside each field stand `=` and `&`.
    let longest = |(name, value): &(&str, &str)| 3 * (name.len() + value.len()) + 2;
    let size = fields.iter().map(longest).sum();
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(size));
    form.extend_pairs(fields).finish()
}

/// A body that is wiped with its last copy.
pub(super) fn wiped(body: Zeroizing<Vec<u8>>) -> Bytes {
    Bytes::from_owner(body)
}

/// The URL as a request target.
pub(super) fn uri(url: &EndpointUrl) -> Result<Uri, NotBuilt> {
    url.to_url().as_str().parse().map_err(|_| NotBuilt)
}
