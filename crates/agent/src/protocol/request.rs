//! Requests that carry secrets: forms (RFC 6749, sections 4.1.3 and 6; RFC 7009) with client
//! authentication. A body is wiped when its request and all copies of it are gone.

use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use ::http::{HeaderValue, Request, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use oauth2::PkceCodeVerifier;
use url::form_urlencoded::{self, byte_serialize};
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::provider::ClientAuth;
use valetkey_core::secret::{AccessToken, ClientSecret, RefreshToken};
use zeroize::Zeroizing;

use crate::client::Client;

/// A request that could not be built; a matter of the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no request can be sent to this URL")]
pub(super) struct NotBuilt;

/// What can be revoked (RFC 7009, section 2.1).
#[derive(Clone, Copy)]
pub(super) enum RevocableToken<'a> {
    Access(&'a AccessToken),
    Refresh(&'a RefreshToken),
}

/// Exchanges an authorization code; `redirect_uri` as it was in the authorization request.
pub(super) fn exchange_code(
    client: &Client,
    code: &str,
    redirect_uri: &str,
    verifier: Option<&PkceCodeVerifier>,
) -> Result<Request<Bytes>, NotBuilt> {
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect_uri),
    ];
    fields.extend(verifier.map(|verifier| ("code_verifier", verifier.secret().as_str())));
    let endpoints = &client.endpoints;
    authenticated(client, endpoints.client_auth, &endpoints.token_url, fields)
}

/// Refreshes; asks for no scope, so that the granted ones stay as they are.
pub(super) fn refresh(client: &Client, token: &RefreshToken) -> Result<Request<Bytes>, NotBuilt> {
    let fields = vec![
        ("grant_type", "refresh_token"),
        ("refresh_token", token.expose()),
    ];
    let endpoints = &client.endpoints;
    authenticated(client, endpoints.client_auth, &endpoints.token_url, fields)
}

/// Revokes one token; the client authenticates as `client_auth` says.
pub(super) fn revoke(
    client: &Client,
    client_auth: ClientAuth,
    url: &EndpointUrl,
    token: RevocableToken<'_>,
) -> Result<Request<Bytes>, NotBuilt> {
    let (hint, token) = match token {
        RevocableToken::Access(token) => ("access_token", token.expose()),
        RevocableToken::Refresh(token) => ("refresh_token", token.expose()),
    };
    let fields = vec![("token", token), ("token_type_hint", hint)];
    authenticated(client, client_auth, url, fields)
}

/// A form with the client's authentication (RFC 6749, section 2.3.1), in exactly one way. A client
/// that has no secret only names itself (section 3.2.1).
fn authenticated<'a>(
    client: &'a Client,
    client_auth: ClientAuth,
    url: &EndpointUrl,
    mut fields: Vec<(&'a str, &'a str)>,
) -> Result<Request<Bytes>, NotBuilt> {
    let client_id = client.authenticator.client_id.as_str();
    let mut request = Request::post(uri(url)?)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    match (&client.secret, client_auth) {
        (Some(secret), ClientAuth::ClientSecretBasic) => {
            request = request.header(AUTHORIZATION, basic(client_id, secret)?);
        }
        (Some(secret), ClientAuth::ClientSecretPost) => {
            fields.extend([("client_id", client_id), ("client_secret", secret.expose())]);
        }
        (Some(_), ClientAuth::None) | (None, _) => fields.push(("client_id", client_id)),
    }
    let form = Zeroizing::new(form(&fields).into_bytes());
    request.body(wiped(form)).map_err(|_| NotBuilt)
}

/// Both halves are form-encoded first (RFC 6749, section 2.3.1).
fn basic(client_id: &str, secret: &ClientSecret) -> Result<HeaderValue, NotBuilt> {
    let encoded = |text: &str| Zeroizing::new(byte_serialize(text.as_bytes()).collect::<String>());
    let (id, secret) = (encoded(client_id), encoded(secret.expose()));
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
