//! The doors: a Unix socket for programs of this user, loopback TCP for holders of client keys. Both
//! serve the same router; a door only says who is asking (see [`crate::caller`]).

mod gate;
mod guests;
mod hall;
mod lock;
mod open;
mod private_dir;
mod socket;
mod stall;
mod tcp;

use std::io;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tower::Service as _;

pub use gate::KeyCheck;
pub(crate) use gate::{CONNECT, Denied};
pub use hall::Limits;
pub use lock::{Lock, LockError};
pub use open::Doors;
pub use socket::Socket;
pub use tcp::{Tcp, TcpError};

/// The router's reply; it has no errors, only replies that say so.
fn answer(router: &Router, request: Request) -> impl Future<Output = Response> + Send + use<> {
    let reply = router.clone().call(request);
    async move {
        match reply.await {
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
