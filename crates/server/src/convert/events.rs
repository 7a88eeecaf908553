//! `EventView` and `ClientView`.

use valetkey_agent::vault::ClientKeyRow;
use valetkey_agent::{Agent, AuthenticatorKey, ConnectionKey};
use valetkey_api::clients::{ClientConnection, ClientView};
use valetkey_api::core::event::{Event, EventId};
use valetkey_api::core::id::{AuthenticatorId, ConnectionId};
use valetkey_api::events::{EventDetail, EventView};

use crate::app::App;

/// One line of the log, with the current names of what it is about, or the last known ones.
pub(crate) fn event(agent: &Agent, id: EventId, event: &Event) -> EventView {
    let logged = |field: &str| event.detail.get(field)?.as_str().map(str::to_owned);
    let connection = event
        .connection
        .and_then(|id| connection_name(agent, id))
        .or_else(|| logged("connection"));
    let authenticator = event
        .authenticator
        .and_then(|id| authenticator_name(agent, id).or_else(|| logged("name")));
    EventView {
        id,
        at: event.at,
        kind: event.kind,
        connection_id: event.connection,
        connection,
        authenticator_id: event.authenticator,
        authenticator,
        session_id: event.sign_in,
        actor: event.actor.clone(),
        detail: EventDetail::read(&event.detail),
    }
}

fn connection_name(agent: &Agent, id: ConnectionId) -> Option<String> {
    match agent.connection(&ConnectionKey::Id(id)) {
        Ok(view) => Some(view.name.to_string()),
        Err(_) => agent.removed_name(id),
    }
}

fn authenticator_name(agent: &Agent, id: AuthenticatorId) -> Option<String> {
    let view = agent.authenticator(&AuthenticatorKey::Id(id)).ok()?;
    Some(view.authenticator.name.to_string())
}

/// A client key, with those of its connections that still exist.
pub(crate) fn client(app: &App, row: &ClientKeyRow) -> ClientView {
    let connection = |id: &ConnectionId| {
        let view = app.agent().connection(&ConnectionKey::Id(*id)).ok()?;
        Some(ClientConnection {
            profile: view.profile,
            name: view.name,
        })
    };
    let own = |ids: &Vec<ConnectionId>| ids.iter().filter_map(connection).collect();
    ClientView {
        id: row.id,
        name: row.name.clone(),
        connections: row.connections.as_ref().map(own),
        manage: row.manage,
        created_at: row.created_at,
        expires_at: row.expires_at,
        used_at: row.used_at,
    }
}
