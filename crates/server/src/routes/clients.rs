//! Client keys, for programs at the loopback listener.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use valetkey_agent::{Agent, ConnectionKey, NewKey};
use valetkey_api::clients::{ClientCreated, ClientList, ClientView, NewClient};

use crate::app::{App, connection_key};
use crate::caller::Caller;
use crate::confirmation::{Change, KeyAccess};
use crate::convert;
use crate::error_response::ErrorResponse;
use crate::extract::{JsonBody, PathParam};
use crate::permission::Action;
use crate::response::{Ok200, secret_json};

/// List client keys
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/clients", tag = "clients",
    responses((status = 200, body = ClientList))
))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
) -> Result<Ok200<ClientList>, ErrorResponse> {
    app.allow(&caller, Action::ReadKeys)?;
    let mut rows = app.agent().keys();
    rows.sort_by_key(|row| row.created_at);
    let clients = rows.iter().map(|row| convert::client(&app, row)).collect();
    Ok(Ok200(ClientList { clients }))
}

/// Create a client key
///
/// The key is shown this once. It is used at the port that the loopback listener has: the first key
/// fixes that port in the settings.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/clients", tag = "clients",
    request_body = NewClient,
    responses(
        (status = 201, body = ClientCreated),
        (status = 404, body = valetkey_api::ErrorBody),
        (status = 409, body = valetkey_api::ErrorBody)
    )
))]
pub(super) async fn create(
    State(app): State<App>,
    caller: Caller,
    JsonBody(new): JsonBody<NewClient>,
) -> Result<Response, ErrorResponse> {
    let actor = app.allow(&caller, Action::ChangeKeys)?;
    let named = |name: &String| connection_key(name, new.profile.clone());
    let connections = new
        .connections
        .as_ref()
        .map(|names| names.iter().map(named).collect::<Result<Vec<_>, _>>())
        .transpose()?;
    let ask = NewKey {
        name: new.name.unwrap_or_else(|| free_name(&app)),
        connections,
        manage: new.manage,
        expires_at: new.expires_in.map(end).transpose()?,
    };
    let agent = app.agent();
    let ask = agent.check_new_key(&ask)?;
    let change = Change::NewKey {
        key: KeyAccess {
            name: ask.name.clone(),
            connections: ask.connections.as_deref().map(|keys| names(agent, keys)),
            manage: ask.manage,
        },
        ends_at: ask.expires_at,
    };
    app.confirm(change, caller.asked_by()).await?;
    app.keep_port(&actor).await?;
    let (row, key) = agent.create_key(ask, &actor).await?;
    let created = ClientCreated {
        client: convert::client(&app, &row),
        key,
        base_url: app.base_url(),
    };
    Ok(secret_json(StatusCode::CREATED, &created))
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
    PathParam(id): PathParam,
) -> Result<Ok200<ClientView>, ErrorResponse> {
    let actor = app.allow(&caller, Action::ChangeKeys)?;
    let row = app.agent().revoke_key(&id, &actor).await?;
    Ok(Ok200(convert::client(&app, &row)))
}

/// Confirm a client key
///
/// One that was made while no desktop app ran. Confirmed in the desktop app.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/clients/{id}/confirm", tag = "clients",
    params(("id" = String, Path, description = "UUID or name")),
    responses((status = 200, body = ClientView))
))]
pub(super) async fn confirm(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<Ok200<ClientView>, ErrorResponse> {
    let actor = app.allow(&caller, Action::ConfirmKey)?;
    let agent = app.agent();
    let mut row = agent.key(&id)?;
    if agent.awaits_confirmation(&row) {
        let connections = row.connections.as_ref();
        let change = Change::ConfirmKey(KeyAccess {
            name: row.name.clone(),
            connections: connections.map(|ids| agent.name_connections(ids)),
            manage: row.manage,
        });
        app.confirm(change, caller.asked_by()).await?;
        row = agent.confirm_key(row.id, &actor).await?;
    }
    Ok(Ok200(convert::client(&app, &row)))
}

fn names(agent: &Agent, connections: &[ConnectionKey]) -> Vec<String> {
    let views = connections
        .iter()
        .filter_map(|key| agent.connection(key).ok());
    views.map(|view| view.name.to_string()).collect()
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

fn end(seconds: u64) -> Result<Timestamp, ErrorResponse> {
    i64::try_from(seconds)
        .ok()
        .and_then(|seconds| {
            Timestamp::now()
                .checked_add(SignedDuration::from_secs(seconds))
                .ok()
        })
        .ok_or_else(|| {
            ErrorResponse::invalid(
                "a key cannot live that long",
                "choose a shorter time, or none: it then lives until it is revoked",
            )
        })
}
