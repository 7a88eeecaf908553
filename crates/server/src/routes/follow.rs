//! Following the audit log: server-sent events. The bus says only that there is something new; what
//! it is, is read from the log, so a follower that falls behind misses nothing.

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

use super::events::{MOST, last_id};
use crate::app::App;
use crate::refused::Refused;
use crate::views;

/// A quiet stream says this often that it lives, so that a dead follower is noticed.
const STILL_HERE: Duration = Duration::from_secs(30);

/// Events after `filter.after` (else from now on), for as long as somebody reads.
pub(super) async fn stream(app: &App, filter: EventFilter) -> Result<Response, Refused> {
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
            limit: MOST,
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
struct Over;

struct Follower {
    app: App,
    filter: EventFilter,
    sender: Sender<Bytes>,
}

impl Follower {
    async fn run(mut self, mut news: Receiver<EventId>) {
        while self.turn(&mut news).await.is_ok() {}
    }

    async fn turn(&mut self, news: &mut Receiver<EventId>) -> Result<(), Over> {
        while self.send_page().await? {}
        match timeout(STILL_HERE, news.recv()).await {
            Ok(Ok(_) | Err(RecvError::Lagged(_))) => Ok(()),
            Ok(Err(RecvError::Closed)) => Err(Over),
            Err(_quiet) => self.send(": still here\n\n".to_owned()).await,
        }
    }

    /// Whether there may be more.
    async fn send_page(&mut self) -> Result<bool, Over> {
        let page = self.app.agent().events(self.filter.clone()).await;
        let page = page.map_err(|error| {
            tracing::warn!(%error, "a follower of the log was sent away");
            Over
        })?;
        let more = page.len() == MOST as usize;
        for (id, event) in page {
            let kind = event.kind.as_str();
            let view = views::event(&self.app, id, event);
            let json = serde_json::to_string(&view).expect("reply types serialise");
            let EventId(number) = id;
            self.send(format!("id: {number}\nevent: {kind}\ndata: {json}\n\n"))
                .await?;
            self.filter.after = Some(id);
        }
        Ok(more)
    }

    async fn send(&mut self, text: String) -> Result<(), Over> {
        self.sender.send_data(text.into()).await.map_err(|_| Over)
    }
}
