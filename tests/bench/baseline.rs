//! The baseline: a bare axum server on a Unix socket that answers fixed bytes, and reads about a process
//! that connects what the agent reads, if it is told to.

use std::fs;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread;

use axum::Router;
use axum::body::Bytes;
use axum::extract::connect_info::Connected;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use axum::serve::IncomingStream;
use serde::{Deserialize, Serialize};

/// What the server answers, and how it runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Baseline {
    pub(crate) socket: PathBuf,
    /// The file that holds the body of every answer.
    pub(crate) body: PathBuf,
    pub(crate) threads: usize,
    /// Reads who connects.
    pub(crate) looks: bool,
}

/// Whoever connected was looked at.
#[derive(Debug, Clone)]
struct LookedAt;

impl Connected<IncomingStream<'_, tokio::net::UnixListener>> for LookedAt {
    fn connect_info(stream: IncomingStream<'_, tokio::net::UnixListener>) -> Self {
        let peer = stream.io().peer_cred().expect("a connected socket");
        look_at(peer.pid().expect("Linux names it"));
        Self
    }
}

/// The reads by which the agent knows a process again that connected before.
fn look_at(pid: i32) {
    // What is hidden from the agent is hidden from this, too.
    let _ = fs::metadata(format!("/proc/{pid}/exe"));
    let _ = fs::read_link(format!("/proc/{pid}/cwd"));
}

/// The role of this process. Serves until it is killed.
pub(crate) fn serve(baseline: &Baseline) {
    let body = Bytes::from(fs::read(&baseline.body).expect("the body is readable"));
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
            scope.spawn(|| serve_in_thread(listener, router, baseline.looks));
        }
    });
}

fn serve_in_thread(listener: UnixListener, router: Router, looks: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        let listener = tokio::net::UnixListener::from_std(listener).expect("it does not block");
        let served = if looks {
            let service = router.into_make_service_with_connect_info::<LookedAt>();
            axum::serve(listener, service).await
        } else {
            axum::serve(listener, router).await
        };
        served.expect("it serves until it is killed");
    });
}
