//! Following the audit log: server-sent events. The bus says only that there is something new; the
//! events are read from the log, so a follower that falls behind misses nothing.

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
use valetkey_api::core::event::EventId;

use crate::app::App;
use crate::convert;
use crate::error_response::ErrorResponse;

pub(super) const MAX_PAGE: u32 = 1_000;
/// How often a quiet stream sends a comment, so that a dead follower is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// Events after `filter.after` (else from now on), for as long as somebody reads.
pub(super) async fn stream(app: &App, filter: EventFilter) -> Result<Response, ErrorResponse> {
    // First the bus, then the log: nothing falls in between.
    let news = app.agent().follow();
    let after = match filter.after {
        Some(after) => after,
        None => last_id(app).await?,
    };
    let (sender, body) = Channel::<Bytes>::new(8);
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
            () = follower.run(news) => {}
            () = stop.requested() => {}
        }
    });
    let mut response = Response::new(Body::new(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The reader is gone, or the log cannot be read.
struct Ended;

struct Follower {
    app: App,
    filter: EventFilter,
    sender: Sender<Bytes>,
}

impl Follower {
    async fn run(mut self, mut news: Receiver<EventId>) {
        while self.next(&mut news).await.is_ok() {}
    }

    async fn next(&mut self, news: &mut Receiver<EventId>) -> Result<(), Ended> {
        while self.send_page().await? {}
        match timeout(KEEP_ALIVE, news.recv()).await {
            Ok(Ok(_) | Err(RecvError::Lagged(_))) => Ok(()),
            Ok(Err(RecvError::Closed)) => Err(Ended),
            Err(_quiet) => self.send(": keep-alive\n\n".to_owned()).await,
        }
    }

    /// Whether there may be more.
    async fn send_page(&mut self) -> Result<bool, Ended> {
        let page = self.app.agent().events(self.filter.clone()).await;
        let page = page.map_err(|error| {
            tracing::warn!(%error, "a follower of the log was sent away");
            Ended
        })?;
        let more = page.len() == MAX_PAGE as usize;
        for (id, event) in page {
            let kind = event.kind.as_str();
            let view = convert::event(&self.app, id, event);
            let json = serde_json::to_string(&view).expect("reply types serialise");
            let EventId(number) = id;
            self.send(format!("id: {number}\nevent: {kind}\ndata: {json}\n\n"))
                .await?;
            self.filter.after = Some(id);
        }
        Ok(more)
    }

    async fn send(&mut self, text: String) -> Result<(), Ended> {
        self.sender.send_data(text.into()).await.map_err(|_| Ended)
    }
}

/// The newest event of the whole log.
pub(super) async fn last_id(app: &App) -> Result<EventId, ErrorResponse> {
    let newest = EventFilter {
        limit: 1,
        ..EventFilter::default()
    };
    let newest = app.agent().events(newest).await?;
    Ok(newest.last().map_or(EventId::default(), |(id, _)| *id))
}
