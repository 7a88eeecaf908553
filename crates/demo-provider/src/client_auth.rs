//! Client authentication: none (public clients), `client_secret_post`, `client_secret_basic` or a signed
//! assertion (RFC 7523), never two at once (RFC 6749 section 2.3).

use axum::http::{HeaderMap, header};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use crate::form::{Basic, Form};
use crate::oauth_error::OAuthError;
use crate::request_log::now_ms;
use crate::settings::{Client, Settings};
use crate::shared::Shared;

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// An assertion ends at most so many seconds after it arrived.
const LONGEST_ASSERTION: u64 = 60;

pub(crate) fn authenticate<'s>(
    shared: &Shared,
    settings: &'s Settings,
    headers: &HeaderMap,
    form: &Form,
) -> Result<&'s Client, OAuthError> {
    let posted_id = form.one("client_id")?;
    let posted_secret = form.one("client_secret")?;
    let basic = match headers.get(header::AUTHORIZATION) {
        None => None,
        Some(value) => Some(value.to_str().ok().and_then(Basic::parse).ok_or(
            OAuthError::InvalidSecret("The Authorization header is not a Basic header."),
        )?),
    };
    if let Some(assertion) = form.one("client_assertion")? {
        if basic.is_some() || posted_secret.is_some() {
            return Err(TWO_METHODS);
        }
        if form.one("client_assertion_type")? != Some(JWT_BEARER) {
            return Err(OAuthError::Malformed("client_assertion_type is unknown."));
        }
        let id = posted_id.ok_or(OAuthError::Malformed("client_id is missing."))?;
        let client = settings.client(id).ok_or(OAuthError::UnknownClient)?;
        check_assertion(shared, client, assertion).map_err(OAuthError::InvalidSecret)?;
        return Ok(client);
    }
    let (id, secret) = match (&basic, posted_secret) {
        (Some(_), Some(_)) => return Err(TWO_METHODS),
        (Some(basic), None) if posted_id.is_some_and(|id| id != basic.id) => {
            return Err(OAuthError::Malformed(
                "Header and body name different clients.",
            ));
        }
        (Some(basic), None) => (basic.id.as_str(), Some(basic.secret.as_str())),
        (None, secret) => (
            posted_id.ok_or(OAuthError::Malformed("client_id is missing."))?,
            secret,
        ),
    };
    let client = settings.client(id).ok_or(OAuthError::UnknownClient)?;
    check_secret(client, secret)?;
    Ok(client)
}

const TWO_METHODS: OAuthError =
    OAuthError::Malformed("The client uses two authentication methods.");

/// A public client may send an empty Basic secret, which some servers require, but no other.
pub(crate) fn check_secret(client: &Client, secret: Option<&str>) -> Result<(), OAuthError> {
    match (client.secret.as_deref(), secret) {
        _ if client.public_key.is_some() => Err(OAuthError::InvalidSecret(
            "The client must sign an assertion.",
        )),
        (None, None | Some("")) => Ok(()),
        (None, Some(_)) => Err(OAuthError::InvalidSecret("A public client has no secret.")),
        (Some(_), None) => Err(OAuthError::InvalidSecret("The client must authenticate.")),
        (Some(registered), Some(sent)) if registered == sent => Ok(()),
        (Some(_), Some(_)) => Err(OAuthError::InvalidSecret("The secret is wrong.")),
    }
}

/// RFC 7523 section 3, without tolerance.
fn check_assertion(shared: &Shared, client: &Client, assertion: &str) -> Result<(), &'static str> {
    let key = match (&client.public_key, &client.secret) {
        (Some(jwk), _) => serde_json::from_value::<Jwk>(jwk.clone())
            .ok()
            .and_then(|jwk| DecodingKey::from_jwk(&jwk).ok()),
        (None, Some(secret)) => Some(DecodingKey::from_secret(secret.as_bytes())),
        (None, None) => None,
    };
    let key = key.ok_or("The client has no key.")?;
    let header = decode_header(assertion).map_err(|_| "The assertion is no JWT.")?;
    let mut validation = Validation::new(header.alg);
    validation.validate_exp = false;
    validation.validate_aud = false;
    let claims = decode::<Value>(assertion, &key, &validation)
        .map_err(|_| "The signature of the assertion is wrong.")?
        .claims;
    if claims["iss"] != *client.id || claims["sub"] != *client.id {
        return Err("The assertion is of another client.");
    }
    let endpoint = format!("{}/token", shared.issuer);
    if claims["aud"] != *shared.issuer && claims["aud"] != *endpoint {
        return Err("The assertion is for another server.");
    }
    let now = now_ms() / 1000;
    let end = claims["exp"].as_u64().ok_or("The assertion has no end.")?;
    if !(now..=now + LONGEST_ASSERTION).contains(&end) {
        return Err("The assertion has expired, or lives for too long.");
    }
    let id = claims["jti"].as_str().ok_or("The assertion has no jti.")?;
    if !shared.is_new_assertion(id) {
        return Err("The assertion was used before.");
    }
    Ok(())
}
