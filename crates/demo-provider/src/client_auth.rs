//! Client authentication: none (public clients), `client_secret_post` or `client_secret_basic`, never
//! two at once (RFC 6749 section 2.3).

use axum::http::{HeaderMap, header};

use crate::form::{Basic, Form};
use crate::oauth_error::OAuthError;
use crate::settings::{Client, Settings};

pub(crate) fn authenticate<'s>(
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
    let (id, secret) = match (&basic, posted_secret) {
        (Some(_), Some(_)) => {
            return Err(OAuthError::Malformed(
                "The client uses two authentication methods.",
            ));
        }
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

/// A public client may send an empty Basic secret, which some servers require, but no other.
pub(crate) fn check_secret(client: &Client, secret: Option<&str>) -> Result<(), OAuthError> {
    match (client.secret.as_deref(), secret) {
        (None, None | Some("")) => Ok(()),
        (None, Some(_)) => Err(OAuthError::InvalidSecret("A public client has no secret.")),
        (Some(_), None) => Err(OAuthError::InvalidSecret("The client must authenticate.")),
        (Some(registered), Some(sent)) if registered == sent => Ok(()),
        (Some(_), Some(_)) => Err(OAuthError::InvalidSecret("The secret is wrong.")),
    }
}
