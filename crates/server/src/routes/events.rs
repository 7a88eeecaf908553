//! The audit log.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::HeaderMap;
use valetkey_agent::vault::EventFilter;
use valetkey_api::core::event::EventId;
use valetkey_api::events::{EventList, EventQuery, EventsVerified};

use super::event_stream;
use crate::app::{App, connection_key};
use crate::caller::Caller;
use crate::convert;
use crate::error_response::ErrorResponse;
use crate::event_feed::{MAX_PAGE, last_id};
use crate::extract::QueryParams;
use crate::permission::Action;
use crate::response::Ok200;

/// Read the audit log
///
/// With `follow` the reply is a stream of server-sent events that goes on; `Last-Event-ID` resumes
/// it.
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/events", tag = "events",
    params(EventQuery),
    responses(
        (status = 200, content((EventList = "application/json"), (String = "text/event-stream"))),
        (status = 404, body = valetkey_api::ErrorBody)
    )
))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    QueryParams(query): QueryParams<EventQuery>,
) -> Result<Response, ErrorResponse> {
    app.allow(&caller, Action::Manage)?;
    let mut filter = filter(&app, &query)?;
    if query.follow {
        if filter.before.is_some() {
            return Err(ErrorResponse::invalid(
                "`before` looks back and `follow` ahead",
                "leave one of them out",
            ));
        }
        filter.after = last_event_id(&headers).or(filter.after);
        return event_stream::stream(&app, filter).await;
    }
    let last_id = last_id(app.agent()).await?;
    let found = app.agent().events(filter).await?;
    let events = found
        .into_iter()
        .map(|(id, event)| convert::event(app.agent(), id, &event))
        .collect();
    Ok(Ok200(EventList { events, last_id }).into_response())
}

/// Verify the audit log
///
/// Checks every line against the chain whose key is in the keychain: what was changed, removed or cut
/// off by something other than Valet Key is found.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/events/verify", tag = "events",
    responses((status = 200, body = EventsVerified))
))]
pub(super) async fn verify(
    State(app): State<App>,
    caller: Caller,
) -> Result<Ok200<EventsVerified>, ErrorResponse> {
    app.allow(&caller, Action::Manage)?;
    let found = app.agent().check_log().await?;
    Ok(Ok200(convert::log_check(found)))
}

fn filter(app: &App, query: &EventQuery) -> Result<EventFilter, ErrorResponse> {
    let connection = query
        .connection
        .as_deref()
        .map(|name| connection_key(name, query.profile.clone()))
        .transpose()?
        .map(|key| match key {
            // The log outlives its connections.
            valetkey_agent::ConnectionKey::Id(id) => Ok(id),
            named @ valetkey_agent::ConnectionKey::Name(..) => {
                let view = app.agent().connection(&named);
                view.map(|view| view.row.id).map_err(ErrorResponse::from)
            }
        })
        .transpose()?;
    let limit = query.limit.unwrap_or(100);
    if !(1..=MAX_PAGE).contains(&limit) {
        return Err(ErrorResponse::invalid(
            format!("`limit` is 1 to {MAX_PAGE}"),
            "page on with `before` or `after`",
        ));
    }
    Ok(EventFilter {
        after: query.after,
        before: query.before,
        connection,
        kinds: query.kind.into_iter().collect(),
        since: query.since,
        actor: query.actor.clone(),
        limit,
    })
}

/// A browser's `EventSource` sends where its stream broke off.
fn last_event_id(headers: &HeaderMap) -> Option<EventId> {
    let id = headers.get("last-event-id")?.to_str().ok()?;
    id.parse().ok().map(EventId)
}
