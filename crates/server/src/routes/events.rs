//! The audit log.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use valetkey_agent::vault::EventFilter;
use valetkey_api::core::event::EventId;
use valetkey_api::events::{EventList, EventQuery};

use super::follow;
use crate::app::{App, connection_key};
use crate::caller::Caller;
use crate::extract::Asked;
use crate::permission::Act;
use crate::refused::Refused;
use crate::reply::Ok200;
use crate::views;

/// Most events in one reply.
pub(super) const MOST: u32 = 1_000;

/// Read the audit log
///
/// With `follow` the reply is a stream of server-sent events that goes on; `Last-Event-ID` resumes
/// it.
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/events", tag = "events",
    params(EventQuery),
    responses((status = 200, body = EventList))
))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Asked(query): Asked<EventQuery>,
) -> Result<Response, Refused> {
    app.allow(&caller, Act::Manage)?;
    let mut filter = filter(&app, &query)?;
    if query.follow {
        if filter.before.is_some() {
            return Err(Refused::invalid(
                "`before` looks back and `follow` ahead",
                "leave one of them out",
            ));
        }
        filter.after = resumed(&headers).or(filter.after);
        return follow::stream(&app, filter).await;
    }
    let last_id = last_id(&app).await?;
    let found = app.agent().events(filter).await?;
    let events = found
        .into_iter()
        .map(|(id, event)| views::event(&app, id, event))
        .collect();
    Ok(Ok200(EventList { events, last_id }).into_response())
}

fn filter(app: &App, query: &EventQuery) -> Result<EventFilter, Refused> {
    let connection = query
        .connection
        .as_deref()
        .map(|name| connection_key(name, query.profile.clone()))
        .transpose()?
        .map(|key| match key {
            // The log outlives its connections.
            valetkey_agent::ConnectionKey::Id(id) => Ok(id),
            named @ valetkey_agent::ConnectionKey::Name(..) => {
                app.agent().connection(&named).map(|view| view.row.id)
            }
        })
        .transpose()?;
    Ok(EventFilter {
        after: query.after,
        before: query.before,
        connection,
        kinds: query.kind.into_iter().collect(),
        limit: query.limit.unwrap_or(100).clamp(1, MOST),
        ..EventFilter::default()
    })
}

/// A browser's `EventSource` says where its stream broke off.
fn resumed(headers: &HeaderMap) -> Option<EventId> {
    let id = headers.get("last-event-id")?.to_str().ok()?;
    id.parse().ok().map(EventId)
}

/// The newest event of the whole log.
pub(super) async fn last_id(app: &App) -> Result<EventId, Refused> {
    let newest = EventFilter {
        limit: 1,
        ..EventFilter::default()
    };
    let newest = app.agent().events(newest).await?;
    Ok(newest.last().map_or(EventId::default(), |(id, _)| *id))
}
