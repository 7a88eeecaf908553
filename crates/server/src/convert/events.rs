//! `EventView` and `ClientView`.

use valetkey_agent::vault::{self, ClientKeyRow, LogCheck};
use valetkey_agent::{Agent, AuthenticatorKey, ConnectionKey};
use valetkey_api::clients::{ClientConnection, ClientView};
use valetkey_api::core::event::{Event, EventId};
use valetkey_api::core::id::{AuthenticatorId, ConnectionId};
use valetkey_api::events::{
    EventDetail, EventView, EventsVerified, LogProblem, LogProblemKind, UncleanEnd,
};

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

/// What the check of the log found.
pub(crate) fn log_check(found: LogCheck) -> EventsVerified {
    let problem = |problem: vault::LogProblem| LogProblem {
        kind: match problem.kind {
            vault::LogProblemKind::Changed => LogProblemKind::Changed,
            vault::LogProblemKind::Removed => LogProblemKind::Removed,
            vault::LogProblemKind::Cut => LogProblemKind::Cut,
            vault::LogProblemKind::FoundAtStart => LogProblemKind::FoundAtStart,
        },
        first: problem.first,
        last: problem.last,
        why: problem.why,
    };
    EventsVerified {
        intact: found.problems.is_empty(),
        lines: found.lines,
        first: found.first,
        last: found.last,
        uncovered: found.uncovered,
        pruned_until: found.pruned_until,
        problems: found.problems.into_iter().map(problem).collect(),
        further_problems: found.further_problems,
        unclean_ends: found.unclean_ends,
        last_unclean_end: found
            .last_unclean_end
            .map(|(line, at)| UncleanEnd { line, at }),
        chained_late: found.late,
    }
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
        is_active: !app.agent().awaits_confirmation(row),
    }
}
