//! The baseline: a bare axum server on a Unix socket that answers fixed bytes.

use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread;

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use serde::{Deserialize, Serialize};

/// What the server answers, and how it runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Baseline {
    pub(crate) socket: PathBuf,
    /// The file that holds the body of every answer.
    pub(crate) body: PathBuf,
    pub(crate) threads: usize,
}

/// The role of this process. Serves until it is killed.
pub(crate) fn serve(baseline: &Baseline) {
    let body = Bytes::from(std::fs::read(&baseline.body).expect("the body is readable"));
    let answer = move |_request: Bytes| {
        let body = body.clone();
        async move { ([(CONTENT_TYPE, "application/json")], body) }
    };
    let router = Router::new().route("/api/v1/credentials/connections/{id}/token", post(answer));
    let listener = UnixListener::bind(&baseline.socket).expect("a free socket");
    listener.set_nonblocking(true).expect("our own socket");
    thread::scope(|scope| {
        for _ in 0..baseline.threads {
            let listener = listener.try_clone().expect("a free descriptor");
            let router = router.clone();
            scope.spawn(|| serve_in_thread(listener, router));
        }
    });
}

fn serve_in_thread(listener: UnixListener, router: Router) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let listener = tokio::net::UnixListener::from_std(listener).expect("it does not block");
        axum::serve(listener, router)
            .await
            .expect("it serves until it is killed");
    });
}
