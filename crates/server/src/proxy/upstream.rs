//! The HTTP clients towards hosts: as the agent's own, but for answers without end and without a limit
//! of size.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method};
use url::Url;
use valetkey_agent::protocol::{NoAnswer, Unreachable, client_builder, unreachable};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// An idle connection is closed after this long; until then it saves the next request a handshake.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_IDLE_PER_HOST: usize = 32;

/// The clients, made at the first request.
#[derive(Debug, Default)]
pub(super) struct Upstream {
    /// https; dropped when the root certificates that it read do not suffice.
    secure: Mutex<Option<reqwest::Client>>,
    /// http, which is loopback always.
    loopback: Mutex<Option<reqwest::Client>>,
}

impl Upstream {
    /// Sends a request; returns when the head of the answer is there. Follows no redirect. Decodes a
    /// compressed answer, so that a token in it can be found.
    pub(super) async fn send(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        body: reqwest::Body,
    ) -> Result<reqwest::Response, Unreachable> {
        let slot = match url.scheme() {
            "https" => &self.secure,
            _ => &self.loopback,
        };
        let client = client(slot, url.scheme() == "https").await?;
        let mut request = reqwest::Request::new(method, url);
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body);
        client.execute(request).await.map_err(|error| {
            let error = unreachable(&error);
            if error.kind == NoAnswer::BadCertificate {
                // An authority that is trusted from now on counts at the next request.
                *lock(slot) = None;
            }
            error
        })
    }
}

async fn client(
    slot: &Mutex<Option<reqwest::Client>>,
    secure: bool,
) -> Result<reqwest::Client, Unreachable> {
    if let Some(client) = &*lock(slot) {
        return Ok(client.clone());
    }
    let build = move || {
        client_builder(secure)
            .user_agent(concat!("valetkey/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
            .gzip(true)
            .brotli(true)
            .deflate(true)
            .zstd(true)
            .build()
    };
    let client = tokio::task::spawn_blocking(build)
        .await
        .expect("building a client does not panic")
        .map_err(|error| unreachable(&error))?;
    Ok(lock(slot).get_or_insert(client).clone())
}

fn lock(slot: &Mutex<Option<reqwest::Client>>) -> MutexGuard<'_, Option<reqwest::Client>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
