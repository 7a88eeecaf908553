//! The one HTTP client towards providers.
//!
//! No redirects (they would carry secrets elsewhere), no cookies, bounded time and size, and errors
//! that say the one thing that matters for a refresh: could the provider have seen the request?

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::http::header::{CONTENT_TYPE, DATE, HeaderName, RETRY_AFTER};
use ::http::{Request, Uri};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::jwk::Jwk;
use reqwest::redirect::Policy;
use valetkey_core::discovery::Network;
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::freshness;
use valetkey_core::token_error::{SignInFailure, http_date};
use valetkey_core::token_response::Answer;
use zeroize::Zeroizing;

use super::dpop::ProofServers;
use super::metadata::{Cache, Metadata};
use super::network::PublicResolver;
use super::provider_time::ProviderTime;
use super::request::NotBuilt;
use crate::client::Client;
use crate::clock::Clock;

/// No answer of a provider is larger than this.
const LARGEST_BODY: usize = 1 << 20;

/// Until the whole answer of one request is there.
const TOTAL: Duration = Duration::from_secs(30);
/// A refresh is sent once more if its answer was lost, each time once more with another nonce.
pub(crate) const MAX_REFRESH_TIME: Duration = TOTAL.saturating_mul(4);

/// The times of so many hosts are remembered.
const MAX_TIMES: usize = 32;
/// Clocks that differ by less count as equal.
const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_secs(20);

/// Time limits of one request.
#[derive(Debug, Clone, Copy)]
pub(super) struct HttpLimits {
    /// Until the connection (and TLS) stands.
    pub(super) connect: Duration,
    /// Until the whole answer is there.
    pub(super) total: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            total: TOTAL,
        }
    }
}

/// No usable answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unreachable {
    /// Why, without secrets.
    pub reason: String,
    /// How far the request got.
    pub kind: NoAnswer,
}

impl Unreachable {
    /// What it means for a sign-in.
    pub(super) fn into_failure(self) -> SignInFailure {
        let reason = self.reason;
        match self.kind {
            NoAnswer::BadCertificate => SignInFailure::Untrusted { reason },
            NoAnswer::NotSent | NoAnswer::Lost | NoAnswer::TooLarge => {
                SignInFailure::TryLater { reason }
            }
        }
    }
}

/// How far a request got that brought no usable answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// Nowhere: there was no connection.
    NotSent,
    /// Nowhere: whoever was reached could not prove to be the provider.
    BadCertificate,
    /// The provider may have carried it out, and its answer was lost on the way.
    Lost,
    /// The answer is there, only too much of it: asking again would bring the same.
    TooLarge,
}

/// The request of a client brought nothing to be read.
#[derive(Debug)]
pub(super) enum NoUsableAnswer {
    NotBuilt(NotBuilt),
    Unreachable(Unreachable),
}

impl NoUsableAnswer {
    /// What it means for a sign-in.
    pub(super) fn into_failure(self) -> SignInFailure {
        match self {
            Self::NotBuilt(error) => SignInFailure::FixClient {
                reason: error.to_string(),
            },
            Self::Unreachable(error) => error.into_failure(),
        }
    }
}

impl From<NotBuilt> for NoUsableAnswer {
    fn from(error: NotBuilt) -> Self {
        Self::NotBuilt(error)
    }
}

impl From<Unreachable> for NoUsableAnswer {
    fn from(error: Unreachable) -> Self {
        Self::Unreachable(error)
    }
}

/// Speaks with providers, and remembers what they publish. Cheap until the first request.
pub struct ProviderClient {
    limits: HttpLimits,
    pub(super) clock: Arc<dyn Clock>,
    pub(crate) proof_servers: ProofServers,
    /// By host, the newest last.
    times: Mutex<Vec<ProviderTime>>,
    /// https, through the proxy that the environment names. Holds the root certificates that the
    /// system had when it was made; dropped when they do not suffice.
    secure: Mutex<Option<reqwest::Client>>,
    /// https to public addresses only; for URLs that a server has named.
    public: Mutex<Option<reqwest::Client>>,
    /// http, which is loopback always: no proxy may see it, and it needs no certificates.
    loopback: Mutex<Option<reqwest::Client>>,
    pub(super) metadata: Cache<Metadata>,
    pub(super) keys: Cache<Vec<Jwk>>,
}

impl ProviderClient {
    /// A client that compares this clock with those of the providers.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            limits: HttpLimits::default(),
            clock,
            proof_servers: ProofServers::default(),
            times: Mutex::default(),
            secure: Mutex::default(),
            public: Mutex::default(),
            loopback: Mutex::default(),
            metadata: Cache::default(),
            keys: Cache::default(),
        }
    }

    /// What time the last provider that answered said it was.
    pub(crate) fn last_time(&self) -> Option<ProviderTime> {
        self.lock_times().last().cloned()
    }

    fn lock_times(&self) -> MutexGuard<'_, Vec<ProviderTime>> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What time it is at the host of this URL, by its last answer; the time here if it has not answered
    /// yet.
    pub(super) fn time_at(&self, url: &EndpointUrl) -> Timestamp {
        let now = self.clock.reading();
        let url = url.to_url();
        let times = self.lock_times();
        let known = times.iter().find(|time| url.host_str() == Some(&time.host));
        let offset = known.map_or(SignedDuration::ZERO, |time| time.offset(&now));
        freshness::add(now.wall, -offset)
    }

    /// Sends the request of a client, which `build` makes for the time at the provider. An assertion
    /// that was refused is signed once more if the answer shows that the clocks differ: it may have
    /// counted as expired, or not yet valid.
    pub(super) async fn send_authenticated(
        &self,
        client: &Client,
        url: &EndpointUrl,
        build: impl Fn(Timestamp) -> Result<Request<Bytes>, NotBuilt>,
    ) -> Result<Answer, NoUsableAnswer> {
        let time = self.time_at(url);
        let answer = self.send_token_request(client, || build(time)).await?;
        let is_refused = matches!(answer.status, 400 | 401);
        let difference = self.time_at(url).duration_since(time).abs();
        if !client.endpoints.client_auth.is_assertion()
            || !is_refused
            || difference < MAX_CLOCK_SKEW
        {
            return Ok(answer);
        }
        tracing::debug!(
            ?difference,
            "the clock here differs from the provider's; asking once more"
        );
        let time = self.time_at(url);
        self.send_token_request(client, || build(time)).await
    }

    fn note_time(&self, response: &reqwest::Response) {
        let received = self.clock.reading();
        self.proof_servers
            .note(response.url(), response.headers(), received);
        let header = response.headers().get(DATE);
        let date = header.and_then(|date| http_date(date.to_str().ok()?));
        let host = response.url().host_str();
        let Some((date, host)) = date.zip(host) else {
            return;
        };
        let time = ProviderTime {
            host: host.to_owned(),
            date,
            received,
        };
        let mut times = self.lock_times();
        times.retain(|known| known.host != time.host);
        if times.len() == MAX_TIMES {
            times.remove(0);
        }
        times.push(time);
    }

    /// Sends one request and reads the whole answer, whatever its status.
    pub(super) async fn send(&self, request: Request<Bytes>) -> Result<Answer, Unreachable> {
        let response = self.execute(request, Network::Any).await?;
        read(response).await
    }

    /// Sends one request; the body of the answer is not read yet.
    pub(super) async fn execute(
        &self,
        request: Request<Bytes>,
        network: Network,
    ) -> Result<reqwest::Response, Unreachable> {
        let client = self.client(request.uri(), network).await?;
        let request = reqwest::Request::try_from(request).map_err(|error| unreachable(&error))?;
        let response = client.execute(request).await.map_err(|error| {
            let error = unreachable(&error);
            if error.kind == NoAnswer::BadCertificate {
                // An authority that is trusted from now on counts at the next request.
                *lock(&self.secure) = None;
                *lock(&self.public) = None;
            }
            error
        })?;
        self.note_time(&response);
        Ok(response)
    }

    async fn client(&self, uri: &Uri, network: Network) -> Result<reqwest::Client, Unreachable> {
        let secure = uri.scheme_str() == Some("https");
        let (slot, resolver) = match (secure, network) {
            (true, Network::Any) => (&self.secure, None),
            (true, Network::Public) => (&self.public, Some(PublicResolver::default())),
            (false, _) => (&self.loopback, None),
        };
        if let Some(client) = &*lock(slot) {
            return Ok(client.clone());
        }
        let mut builder = client_builder(secure);
        if let Some(resolver) = resolver {
            builder = builder.dns_resolver(Arc::new(resolver));
        }
        let builder = builder
            .user_agent(concat!("valetkey/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.limits.connect)
            .timeout(self.limits.total)
            .pool_max_idle_per_host(1)
            // Shorter than servers keep idle connections (Node 5 s, gunicorn 2 s): a request that meets
            // the end of one is lost, and a code or a rotating refresh token cannot be sent twice.
            .pool_idle_timeout(Duration::from_secs(1));
        // Reads the system's root certificates: some hundred of them.
        let built = tokio::task::spawn_blocking(move || builder.build());
        let client = built
            .await
            .expect("building a client does not panic")
            .map_err(|error| unreachable(&error))?;
        Ok(lock(slot).get_or_insert(client).clone())
    }
}

/// What every request with a token or secret has in common. `secure`: https, with the system's root
/// certificates and the proxy that the environment names; else http on loopback, with neither.
/// Building it reads some hundred certificates.
pub fn client_builder(secure: bool) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .redirect(Policy::none())
        .referer(false)
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd();
    if secure {
        builder
    } else {
        builder.no_proxy().tls_certs_only([])
    }
}

impl ProviderClient {
    #[cfg(test)]
    pub(super) fn with(limits: HttpLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }
}

fn lock(slot: &Mutex<Option<reqwest::Client>>) -> MutexGuard<'_, Option<reqwest::Client>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
impl Default for ProviderClient {
    fn default() -> Self {
        Self::new(Arc::new(crate::clock::SystemClock::default()))
    }
}

/// Reads an answer to its end, up to 1 MiB.
pub(super) async fn read(mut response: reqwest::Response) -> Result<Answer, Unreachable> {
    let header = |name: HeaderName| {
        let value = response.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let mut answer = Answer {
        status: response.status().as_u16(),
        content_type: header(CONTENT_TYPE),
        retry_after: header(RETRY_AFTER),
        body: Zeroizing::default(),
    };
    let too_large = || Unreachable {
        reason: "the answer is larger than 1 MiB".to_owned(),
        kind: NoAnswer::TooLarge,
    };
    if response.content_length().unwrap_or(0) > LARGEST_BODY as u64 {
        return Err(too_large());
    }
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| unreachable(&error))?
    {
        if answer.body.len() + chunk.len() > LARGEST_BODY {
            return Err(too_large());
        }
        answer.body.extend_from_slice(&chunk);
    }
    Ok(answer)
}

/// Says what failed without the URL, whose query could hold a secret.
pub fn unreachable(error: &reqwest::Error) -> Unreachable {
    let mut root: &dyn Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    let host = error
        .url()
        .and_then(|url| url.host_str())
        .unwrap_or("the provider");
    let kind = if is_about_certificate(error) {
        NoAnswer::BadCertificate
    } else if error.is_connect() || error.is_builder() {
        NoAnswer::NotSent
    } else {
        NoAnswer::Lost
    };
    let reason = if kind == NoAnswer::BadCertificate {
        format!("{host} could not prove who it is: {root}")
    } else if error.is_builder() {
        format!("the request to {host} could not be made")
    } else if error.is_timeout() {
        format!("{host} did not answer in time")
    } else if error.is_connect() {
        format!("cannot connect to {host}: {root}")
    } else {
        format!("the connection to {host} broke: {root}")
    };
    Unreachable { reason, kind }
}

fn is_about_certificate(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        // What an I/O error carries is not among its sources.
        let carried = error.downcast_ref::<std::io::Error>();
        let carried = carried.and_then(std::io::Error::get_ref);
        let tls = match carried {
            Some(carried) => carried.downcast_ref::<rustls::Error>(),
            None => error.downcast_ref::<rustls::Error>(),
        };
        if let Some(tls) = tls {
            return matches!(tls, rustls::Error::InvalidCertificate(_));
        }
        cause = match carried {
            Some(carried) => Some(carried),
            None => error.source(),
        };
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::fake::{Fake, Reply};

    fn get(url: &str) -> Request<Bytes> {
        Request::get(url).body(Bytes::new()).unwrap()
    }

    fn quick() -> ProviderClient {
        ProviderClient::with(HttpLimits {
            connect: Duration::from_millis(500),
            total: Duration::from_millis(500),
        })
    }

    #[tokio::test]
    async fn status_type_wish_to_wait_and_body_are_kept() {
        let fake = Fake::start(vec![Reply::raw(
            "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nslow",
        )]);
        let answer = quick().send(get(&fake.url("/x"))).await.unwrap();
        assert_eq!(
            (answer.status, answer.retry_after.as_deref()),
            (429, Some("7"))
        );
        assert_eq!(answer.body.as_slice(), b"slow");
        let request = fake.requests().remove(0);
        assert!(
            request.head.contains("user-agent: valetkey/"),
            "{}",
            request.head
        );
        assert!(!request.head.contains("cookie"));
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_is_not_followed() {
        let fake = Fake::start(vec![Reply::raw(
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        )]);
        assert_eq!(
            quick().send(get(&fake.url("/x"))).await.unwrap().status,
            307
        );
        assert_eq!(fake.requests().len(), 1);
    }

    #[tokio::test]
    async fn an_answer_over_1_mib_is_refused_announced_or_not() {
        let fake = Fake::start(vec![
            Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{"),
            Reply::raw(&format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}",
                "x".repeat(LARGEST_BODY + 1)
            )),
        ]);
        for _ in 0..2 {
            let refused = quick().send(get(&fake.url("/x"))).await.unwrap_err();
            assert_eq!(refused.reason, "the answer is larger than 1 MiB");
            assert_eq!(refused.kind, NoAnswer::TooLarge);
        }
    }

    #[tokio::test]
    async fn only_a_connection_that_never_stood_counts_as_not_sent() {
        let nobody = quick().send(get(&Fake::nobody("/x"))).await.unwrap_err();
        assert_eq!(nobody.kind, NoAnswer::NotSent, "{nobody:?}");
        let truncated = Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{");
        for reply in [Reply::Drop, Reply::Hang, truncated] {
            let fake = Fake::start(vec![reply]);
            let lost = quick().send(get(&fake.url("/x"))).await.unwrap_err();
            assert_eq!(lost.kind, NoAnswer::Lost, "{lost:?}");
            assert!(!lost.reason.contains("/x"), "{lost:?}");
        }
    }
}
