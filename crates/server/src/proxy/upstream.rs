//! The HTTP clients towards hosts: as the agent's own, but for answers without end and without a limit
//! of size.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, Method};
use tokio::time::{Instant, sleep, sleep_until};
use url::Url;
use valetkey_agent::protocol::{NoAnswer, Unreachable, client_builder, unreachable};

/// How long a host may let a request wait. Bodies have no limit: a stream may be silent for as long as
/// its program waits.
#[derive(Debug, Clone, Copy)]
struct Timeouts {
    /// Until the connection is there, TLS included.
    connect: Duration,
    /// Without a byte of the request being taken, or, once all of it is sent, without the head of a
    /// response.
    response: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            // Models and reports take minutes; the clients of language models wait this long.
            response: Duration::from_mins(10),
        }
    }
}

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
    timeouts: Timeouts,
}

impl Upstream {
    /// Sends a request; returns when the head of the answer is there. Follows no redirect. Decodes a
    /// compressed answer, so that a token in it can be found.
    pub(super) async fn send(
        &self,
        method: Method,
        url: Url,
        headers: HeaderMap,
        (body, turn): (reqwest::Body, HostsTurn),
    ) -> Result<reqwest::Response, Unreachable> {
        let slot = match url.scheme() {
            "https" => &self.secure,
            _ => &self.loopback,
        };
        let client = client(slot, url.scheme() == "https", self.timeouts.connect).await?;
        turn.set(true);
        let host = url.host_str().unwrap_or_default().to_owned();
        let silent = silent(host, &turn, self.timeouts.response);
        let mut request = reqwest::Request::new(method, url);
        *request.headers_mut() = headers;
        *request.body_mut() = Some(body);
        let executed = async {
            client.execute(request).await.map_err(|error| {
                let error = unreachable(&error);
                if error.kind == NoAnswer::BadCertificate {
                    // An authority that is trusted from now on counts at the next request.
                    *lock(slot) = None;
                }
                error
            })
        };
        tokio::select! {
            biased;
            executed = executed => executed,
            error = silent => Err(error),
        }
    }
}

/// Since when a request waits for its host, and not for its program to send more.
#[derive(Debug, Clone, Default)]
pub(super) struct HostsTurn(Arc<Mutex<Option<Instant>>>);

impl HostsTurn {
    /// Whether it is the host's turn from now on.
    pub(super) fn set(&self, is_hosts: bool) {
        *self.lock() = is_hosts.then(Instant::now);
    }

    fn end(&self, timeout: Duration) -> Option<Instant> {
        self.lock().map(|since| since + timeout)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns once the host has been waited for too long.
async fn silent(host: String, turn: &HostsTurn, timeout: Duration) -> Unreachable {
    loop {
        let now = Instant::now();
        match turn.end(timeout) {
            Some(end) if end <= now => {
                let reason = format!("{host} did not answer within {} s", timeout.as_secs());
                let kind = NoAnswer::Lost;
                return Unreachable { reason, kind };
            }
            Some(end) => sleep_until(end).await,
            None => sleep(timeout).await,
        }
    }
}

async fn client(
    slot: &Mutex<Option<reqwest::Client>>,
    secure: bool,
    connect_timeout: Duration,
) -> Result<reqwest::Client, Unreachable> {
    if let Some(client) = &*lock(slot) {
        return Ok(client.clone());
    }
    let build = move || {
        client_builder(secure)
            .user_agent(concat!("valetkey/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connect_timeout)
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

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use bytes::Bytes;
    use http_body_util::channel::Channel;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::super::body::RequestBody;
    use super::*;

    const SHORT: Duration = Duration::from_millis(300);
    const BOUND: Duration = Duration::from_secs(20);

    fn upstream() -> Upstream {
        Upstream {
            timeouts: Timeouts {
                connect: SHORT / 3,
                response: SHORT,
            },
            ..Upstream::default()
        }
    }

    /// A host that answers with `answer` once it has read so many bytes; with none it is silent.
    async fn host(scheme: &str, length: usize, answer: &'static [u8]) -> Url {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut read = Vec::new();
            while read.len() < length {
                stream.read_buf(&mut read).await.unwrap();
            }
            stream.write_all(answer).await.unwrap();
            std::future::pending::<()>().await;
        });
        Url::parse(&format!("{scheme}://{address}/x")).unwrap()
    }

    async fn send(url: Url, mut body: RequestBody) -> Result<reqwest::Response, Unreachable> {
        let sent = upstream();
        let sent = sent.send(Method::POST, url, HeaderMap::new(), body.take());
        timeout(BOUND, sent).await.expect("in time")
    }

    fn whole() -> RequestBody {
        RequestBody::Whole(Bytes::from_static(b"all"))
    }

    #[tokio::test]
    async fn a_silent_host_is_not_waited_for_for_ever() {
        let silent = host("http", usize::MAX, b"").await;
        let error = send(silent, whole()).await.unwrap_err();
        assert_eq!(error.kind, NoAnswer::Lost);
        assert!(error.reason.contains("did not answer within"), "{error:?}");
        let without_tls = host("https", usize::MAX, b"").await;
        let error = send(without_tls, whole()).await.unwrap_err();
        assert_eq!(error.kind, NoAnswer::NotSent, "{error:?}");
    }

    #[tokio::test]
    async fn a_host_that_takes_nothing_is_not_waited_for_for_ever() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/x", listener.local_addr().unwrap());
        let (mut sender, body) = Channel::<Bytes>::new(1);
        tokio::spawn(async move {
            let chunk = Bytes::from(vec![0; 1 << 20]);
            while sender.send_data(chunk.clone()).await.is_ok() {}
        });
        let body = RequestBody::Stream(Bytes::new(), Body::new(body));
        let error = send(Url::parse(&url).unwrap(), body).await.unwrap_err();
        assert!(error.reason.contains("did not answer within"), "{error:?}");
    }

    #[tokio::test]
    async fn a_program_may_take_its_time_and_a_stream_be_silent() {
        let (mut sender, body) = Channel::<Bytes>::new(1);
        tokio::spawn(async move {
            for _ in 0..4 {
                sleep(SHORT * 2 / 3).await;
                sender.send_data(Bytes::from(vec![0; 4_096])).await.unwrap();
            }
        });
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        let url = host("http", 4 * 4_096, head).await;
        let body = RequestBody::Stream(Bytes::new(), Body::new(body));
        let mut response = send(url, body).await.expect("the head");
        let body = timeout(SHORT * 3, response.chunk()).await;
        body.expect_err("the host may still send it");
    }
}
