//! Scopes that a connection turns out to lack: hosts name them when they refuse requests through the
//! proxy.
//!
//! A request may be under way while the person grants what it lacked, and its refusal arrive later. So
//! what a host says counts only for the grants since the last sign-in.

use std::sync::Arc;

use serde_json::json;
use valetkey_core::connection::Connection;
use valetkey_core::connection_state::Status;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::needed_scopes::NeededScopes;
use valetkey_core::scope::Scopes;

use crate::grants;
use crate::key::Actor;
use crate::registry::{Entry, LiveGrant};
use crate::state::{Agent, Inner};

impl Agent {
    /// A host refused a request with the token of `live` for want of these scopes. Returns what the
    /// connection is known to lack of them, if it does; recorded when that is news.
    pub async fn record_needed_scopes(
        &self,
        live: &LiveGrant,
        host: &str,
        named: &Scopes,
        who: &Actor,
    ) -> Option<NeededScopes> {
        let inner = &self.inner;
        let (known, is_news) = {
            let registry = inner.registry();
            let entry = registry.get(live.id)?;
            let missing = missing(entry, live, named)?;
            let row = &entry.row;
            let news = NeededScopes::with(row.needed.as_ref(), &missing, host, inner.now());
            (of(row, &missing), news.is_some())
        };
        if !is_news {
            return known;
        }
        let (live, host, named) = (live.clone(), host.to_owned(), named.clone());
        let (task_inner, who) = (Arc::clone(inner), who.clone());
        // To the end: what memory knows, the disk knows.
        let recorded = async move { record(&task_inner, &live, &host, &named, &who).await };
        inner.run(recorded).await.ok().flatten()
    }
}

async fn record(
    inner: &Inner,
    live: &LiveGrant,
    host: &str,
    named: &Scopes,
    who: &Actor,
) -> Option<NeededScopes> {
    let _one_writer = grants::lock(inner, live.id).await.ok()?;
    let now = inner.now();
    let (needed, missing) = {
        let mut registry = inner.registry();
        let entry = registry.get_mut(live.id)?;
        let missing = missing(entry, live, named)?;
        let row = &mut entry.row;
        let Some(needed) = NeededScopes::with(row.needed.as_ref(), &missing, host, now) else {
            return of(row, &missing);
        };
        row.needed = Some(needed);
        (of(row, &missing), missing)
    };
    grants::save_row(inner, live.id).await;
    let event = Event::new(EventKind::ConnectionLacksScopes, now)
        .connection(live.id)
        .actor(who)
        .detail(json!({ "host": host, "scopes": missing }));
    inner.record(event).await;
    needed
}

/// What the connection lacks of the scopes that were named; None if nothing, or if a sign-in came first.
fn missing(entry: &Entry, live: &LiveGrant, named: &Scopes) -> Option<Scopes> {
    let is_late = entry
        .signed_in
        .is_some_and(|signed_in| live.grant.generation < signed_in);
    let missing = named.missing_from(&entry.row.scopes);
    let is_gone = entry.row.state.status == Status::Removing;
    (!is_late && !is_gone && !missing.is_empty()).then_some(missing)
}

/// What the row knows of these.
fn of(row: &Connection, missing: &Scopes) -> Option<NeededScopes> {
    let needed = row.needed.clone()?;
    Some(NeededScopes {
        scopes: missing.clone(),
        ..needed
    })
}
