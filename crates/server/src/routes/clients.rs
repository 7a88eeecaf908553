//! Client keys: how programs come in by the loopback listener.

use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use valetkey_agent::KeyAsk;
use valetkey_api::clients::{ClientCreated, ClientList, ClientView, NewClient};

use crate::app::{App, connection_key};
use crate::caller::Caller;
use crate::extract::{Segment, Sent};
use crate::permission::Act;
use crate::refused::Refused;
use crate::reply::{Created, Ok200};
use crate::views;

/// List client keys
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/clients", tag = "clients",
    responses((status = 200, body = ClientList))
))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Ok200<ClientList>, Refused> {
    app.allow(&caller, Act::SeeAccess)?;
    let mut rows = app.agent().keys();
    rows.sort_by_key(|row| row.created_at);
    let clients = rows.iter().map(|row| views::client(&app, row)).collect();
    Ok(Ok200(ClientList { clients }))
}

/// Create a client key
///
/// The key is shown this once.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/clients", tag = "clients",
    request_body = NewClient,
    responses((status = 201, body = ClientCreated))
))]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    Sent(new): Sent<NewClient>,
) -> Result<Created<ClientCreated>, Refused> {
    let actor = app.allow(&caller, Act::ChangeAccess)?;
    let named = |name: &String| connection_key(name, new.profile.clone());
    let connections = new
        .connections
        .as_ref()
        .map(|names| names.iter().map(named).collect::<Result<Vec<_>, _>>())
        .transpose()?;
    let ask = KeyAsk {
        name: new.name.unwrap_or_else(|| free_name(&app)),
        connections,
        manage: new.manage,
        expires_at: new.expires_in.map(end).transpose()?,
    };
    let (row, key) = app.agent().create_key(ask, &actor).await?;
    Ok(Created(ClientCreated {
        client: views::client(&app, &row),
        key,
        base_url: app.base_url(),
    }))
}

/// Revoke a client key
#[cfg_attr(test, utoipa::path(
    delete, path = "/api/v1/clients/{id}", tag = "clients",
    params(("id" = String, Path, description = "UUID or name")),
    responses((status = 200, body = ClientView))
))]
pub(super) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Segment(id): Segment,
) -> Result<Ok200<ClientView>, Refused> {
    let actor = app.allow(&caller, Act::ChangeAccess)?;
    let row = app.agent().revoke_key(&id, &actor).await?;
    Ok(Ok200(views::client(&app, &row)))
}

/// The first of `key-1`, `key-2` ... that is free.
fn free_name(app: &App) -> String {
    let taken = app.agent().keys();
    // One more number than there are keys.
    (1..=taken.len() + 1)
        .map(|number| format!("key-{number}"))
        .find(|name| taken.iter().all(|row| row.name != *name))
        .expect("fewer keys than numbers")
}

fn end(seconds: u64) -> Result<Timestamp, Refused> {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| {
            Timestamp::now()
                .checked_add(SignedDuration::from_secs(seconds))
                .ok()
        })
        .ok_or_else(|| {
            Refused::invalid(
                "`expires_in` is too long",
                "leave it out: it then lives until it is revoked",
            )
        })
}
