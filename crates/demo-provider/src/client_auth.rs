//! Which client speaks: public, `client_secret_post` or `client_secret_basic`, exactly one.

use axum::http::{HeaderMap, header};

use crate::form::{Basic, Form};
use crate::refusal::Refusal;
use crate::settings::{Client, Settings};

pub(crate) fn authenticate<'s>(
    settings: &'s Settings,
    headers: &HeaderMap,
    form: &Form,
) -> Result<&'s Client, Refusal> {
    let posted_id = form.one("client_id")?;
    let posted_secret = form.one("client_secret")?;
    let basic = match headers.get(header::AUTHORIZATION) {
        None => None,
        Some(value) => Some(value.to_str().ok().and_then(Basic::parse).ok_or(
            Refusal::BadSecret("The Authorization header is no Basic header."),
        )?),
    };
    let (id, secret) = match (&basic, posted_secret) {
        (Some(_), Some(_)) => {
            return Err(Refusal::Malformed("The client authenticates in two ways."));
        }
        (Some(basic), None) if posted_id.is_some_and(|id| id != basic.id) => {
            return Err(Refusal::Malformed("Header and body name two clients."));
        }
        (Some(basic), None) => (basic.id.as_str(), Some(basic.secret.as_str())),
        (None, secret) => (
            posted_id.ok_or(Refusal::Malformed("client_id is missing."))?,
            secret,
        ),
    };
    let client = settings.client(id).ok_or(Refusal::UnknownClient)?;
    check_secret(client, secret)?;
    Ok(client)
}

/// A public client may send an empty Basic secret (some servers ask for that), but no other.
pub(crate) fn check_secret(client: &Client, secret: Option<&str>) -> Result<(), Refusal> {
    match (client.secret.as_deref(), secret) {
        (None, None | Some("")) => Ok(()),
        (None, Some(_)) => Err(Refusal::BadSecret("A public client has no secret.")),
        (Some(_), None) => Err(Refusal::BadSecret("The client must authenticate.")),
        (Some(right), Some(sent)) if right == sent => Ok(()),
        (Some(_), Some(_)) => Err(Refusal::BadSecret("The secret is wrong.")),
    }
}
