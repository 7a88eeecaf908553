//! A host behind the proxy whose answers take as long as a test wants, and which counts them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::any;
use bytes::Bytes;
use http::header;
use http_body_util::channel::Channel;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::fixture::TIMEOUT;
use crate::gateway::Host;

/// How many requests a host is busy with.
#[derive(Clone, Default)]
pub(crate) struct Busy(Arc<AtomicUsize>);

struct Counted(Busy);

impl Busy {
    fn begin(&self) -> Counted {
        self.0.fetch_add(1, Ordering::SeqCst);
        Counted(self.clone())
    }

    pub(crate) async fn is(&self, count: usize) {
        let counted = async {
            while self.0.load(Ordering::SeqCst) != count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let now = || self.0.load(Ordering::SeqCst);
        timeout(TIMEOUT, counted)
            .await
            .unwrap_or_else(|_| panic!("{} requests, not {count}", now()));
    }
}

impl std::ops::Deref for Busy {
    type Target = AtomicUsize;

    fn deref(&self) -> &AtomicUsize {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// `/events` never ends, `/silence` never answers, `/socket` sends frames.
pub(crate) async fn start() -> (Host, Busy) {
    let busy = Busy::default();
    let (of_events, of_silence, of_socket) = (busy.clone(), busy.clone(), busy.clone());
    let events = any(move || {
        let counted = of_events.begin();
        let (mut sender, body) = Channel::<Bytes>::new(1);
        tokio::spawn(async move {
            let _counted = counted;
            while sender
                .send_data(Bytes::from_static(b"data: x\n\n"))
                .await
                .is_ok()
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        });
        async {
            (
                [(header::CONTENT_TYPE, "text/event-stream")],
                Body::new(body),
            )
        }
    });
    let silence = any(move || {
        let counted = of_silence.begin();
        async move {
            let _counted = counted;
            std::future::pending::<()>().await;
        }
    });
    let socket = any(move |request| std::future::ready(frames(request, of_socket.begin())));
    let router = Router::new()
        .route("/events", events)
        .route("/silence", silence)
        .route("/socket", socket);
    (Host::start(router).await, busy)
}

/// A frame of a WebSocket, then, if asked, the beginning of another one.
fn frames(mut request: axum::extract::Request, counted: Counted) -> Response {
    let frames: &[u8] = match request.uri().query() {
        Some("cut") => b"\x81\x02hi\x81\x7e\x01\x00begin",
        _ => b"\x81\x02hi",
    };
    let upgrade = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        let _counted = counted;
        let mut stream = hyper_util::rt::TokioIo::new(upgrade.await.unwrap());
        stream.write_all(frames).await.unwrap();
        while let Ok(1..) = stream.read(&mut [0; 64]).await {}
    });
    Response::builder()
        .status(101)
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .body(Body::empty())
        .unwrap()
}
