//! Our HTTP client: bounded in time and size, follows nothing, remembers nothing.

use std::error::Error as _;
use std::sync::OnceLock;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use oauth2::HttpRequest;
use reqwest::redirect::Policy;
use valetkey_core::token_reply::Answer;
use zeroize::Zeroizing;

/// For the connection alone.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// For the whole answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Largest body that is read, in bytes.
const LARGEST: usize = 1024 * 1024;

/// Sends requests to providers. Cheap until the first request: the TLS set-up waits for it.
#[derive(Default)]
pub struct ProviderClient {
    client: OnceLock<reqwest::Client>,
}

/// No usable answer came.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Unreachable {
    /// Why, without secrets.
    pub reason: String,
    /// Whether the provider may have carried out the request all the same.
    pub maybe_sent: bool,
}

impl ProviderClient {
    fn client(&self) -> Result<&reqwest::Client, Unreachable> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let built = reqwest::Client::builder()
            .user_agent(concat!("valetkey/", env!("CARGO_PKG_VERSION")))
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECT_LIMIT)
            .timeout(ANSWER_LIMIT)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(Duration::from_secs(20))
            .build()
            .map_err(|error| unreachable(&error))?;
        Ok(self.client.get_or_init(|| built))
    }

    /// Sends a request as the `oauth2` crate built it.
    pub(super) async fn send(&self, request: HttpRequest) -> Result<Answer, Unreachable> {
        let request = request.map(reqwest::Body::from);
        let request = reqwest::Request::try_from(request).map_err(|error| unreachable(&error))?;
        self.execute(request).await
    }

    /// Sends a request built with [`Self::request`].
    pub(super) async fn execute(&self, request: reqwest::Request) -> Result<Answer, Unreachable> {
        let mut response = self
            .client()?
            .execute(request)
            .await
            .map_err(|error| unreachable(&error))?;
        let text = |name| {
            let value = response.headers().get(name)?;
            value.to_str().ok().map(str::to_owned)
        };
        let mut answer = Answer {
            status: response.status().as_u16(),
            content_type: text(CONTENT_TYPE),
            retry_after: text(RETRY_AFTER),
            body: Zeroizing::new(Vec::new()),
        };
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| unreachable(&error))?
        {
            if answer.body.len() + chunk.len() > LARGEST {
                let reason = "the answer is larger than 1 MiB".to_owned();
                return Err(Unreachable {
                    reason,
                    maybe_sent: true,
                });
            }
            answer.body.extend_from_slice(&chunk);
        }
        Ok(answer)
    }

    /// A request of our own; JSON is what we want back.
    pub(super) fn request(
        &self,
        method: http::Method,
        url: &str,
    ) -> Result<reqwest::RequestBuilder, Unreachable> {
        Ok(self
            .client()?
            .request(method, url)
            .header(ACCEPT, "application/json"))
    }
}

/// Says what failed without the URL, whose query could hold a secret.
pub(super) fn unreachable(error: &reqwest::Error) -> Unreachable {
    let mut root: &dyn std::error::Error = error;
    while let Some(source) = root.source() {
        root = source;
    }
    let host = error
        .url()
        .and_then(|url| url.host_str())
        .unwrap_or("the provider");
    let reason = if error.is_timeout() {
        format!("{host} did not answer in time")
    } else if error.is_connect() {
        format!("cannot connect to {host}: {root}")
    } else if error.source().is_none() {
        format!("the request to {host} could not be sent")
    } else {
        format!("the connection to {host} broke: {root}")
    };
    Unreachable {
        reason,
        maybe_sent: !error.is_connect() && !error.is_builder(),
    }
}
