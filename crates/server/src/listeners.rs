//! The two listeners of an agent: a Unix socket for programs of this user, loopback TCP for holders of
//! client keys. Both serve the same router; a listener only says who is asking (see
//! [`crate::caller`]).

mod connection_limiter;
mod free_memory;
mod http_server;
mod loopback;
mod loopback_guard;
mod rate_limiter;
mod surface;
mod unix_socket;
mod write_timeout;

use std::io;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tower::Service as _;

pub use http_server::Limits;
pub(crate) use http_server::{Streamed, SwitchedConnection};
pub use loopback::{LoopbackError, LoopbackListener};
pub(crate) use loopback_guard::GuardError;
pub use loopback_guard::Verifier;
pub use rate_limiter::Rate;
pub(crate) use surface::{CONNECT_PATH, KEY_HEADER, PROXY_PATH, names_metadata};
pub use unix_socket::UnixSocket;

/// The router's response. The router itself never fails.
fn call(router: &Router, request: Request) -> impl Future<Output = Response> + Send + use<> {
    let response = router.clone().call(request);
    async move {
        match response.await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// A failed accept leaves the connection in the queue; without a pause the loop would spin.
async fn pause_after(error: &io::Error) {
    tracing::warn!(%error, "accept");
    tokio::time::sleep(Duration::from_millis(50)).await;
}
