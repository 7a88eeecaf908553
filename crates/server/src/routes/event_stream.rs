//! Follows the audit log by server-sent events. Past events are read from the log, new ones come from
//! the feed that all followers share ([`crate::event_feed`]).

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http_body_util::channel::{Channel, Sender};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use valetkey_agent::vault::EventFilter;

use crate::app::App;
use crate::error_response::ErrorResponse;
use crate::event_feed::{FeedEvent, MAX_PAGE, last_id};

/// How often an idle stream sends a comment, which detects a closed connection.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Events buffered for a slow reader, in addition to those of the feed.
const SEND_BUFFER: usize = 2;

/// Events after `filter.after`, or from now on, until the connection closes.
pub(super) async fn stream(app: &App, filter: EventFilter) -> Result<Response, ErrorResponse> {
    // Subscribes before it reads the log, so that no event is missed.
    let live = app.events().subscribe(app.agent(), app.stop()).await?;
    let after = match filter.after {
        Some(after) => after,
        None => last_id(app.agent()).await?,
    };
    let (sender, body) = Channel::<Bytes>::new(SEND_BUFFER);
    let follower = Follower {
        app: app.clone(),
        filter: EventFilter {
            after: Some(after),
            limit: MAX_PAGE,
            ..filter
        },
        sender,
    };
    let stop = app.stop().clone();
    tokio::spawn(async move {
        tokio::select! {
            _ended = follower.run(live) => {}
            () = stop.requested() => {}
        }
    });
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The connection is closed, or the log cannot be read.
struct Ended;

struct Follower {
    app: App,
    filter: EventFilter,
    sender: Sender<Bytes>,
}

impl Follower {
    async fn run(mut self, mut live: Receiver<FeedEvent>) -> Result<(), Ended> {
        self.catch_up().await?;
        loop {
            match timeout(KEEP_ALIVE, live.recv()).await {
                Ok(Ok(event)) => self.send_event(event).await?,
                Ok(Err(RecvError::Lagged(_))) => self.catch_up().await?,
                Ok(Err(RecvError::Closed)) => return Err(Ended),
                Err(_idle) => self.send(Bytes::from_static(b": keep-alive\n\n")).await?,
            }
        }
    }

    /// Sends the log to its end. Events that the feed repeats later are skipped.
    async fn catch_up(&mut self) -> Result<(), Ended> {
        loop {
            let page = self.app.agent().events(self.filter.clone()).await;
            let page = page.map_err(|error| {
                tracing::warn!(%error, "a follower of the log was disconnected");
                Ended
            })?;
            let more = page.len() == MAX_PAGE as usize;
            for (id, event) in page {
                let event = FeedEvent::new(self.app.agent(), id, &event);
                self.send_event(event).await?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    async fn send_event(&mut self, event: FeedEvent) -> Result<(), Ended> {
        if self.filter.after.is_some_and(|after| event.id <= after) || !self.matches(&event) {
            return Ok(());
        }
        self.filter.after = Some(event.id);
        self.send(event.text).await
    }

    fn matches(&self, event: &FeedEvent) -> bool {
        let EventFilter {
            connection,
            kinds,
            since,
            actor,
            ..
        } = &self.filter;
        (connection.is_none() || *connection == event.connection)
            && (kinds.is_empty() || kinds.contains(&event.kind))
            && since.is_none_or(|since| event.at >= since)
            && actor.as_ref().is_none_or(|text| event.actor.contains(text))
    }

    async fn send(&mut self, text: Bytes) -> Result<(), Ended> {
        self.sender.send_data(text).await.map_err(|_| Ended)
    }
}
