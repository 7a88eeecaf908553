//! Answers in which a host says that the token lacks scopes.
//!
//! What is missing is recorded with the connection, and the person can grant it. An MCP client is told
//! by an error of ours, whose `data` holds the host's answer; every other program gets the host's answer
//! as it is, since its library reads it, with two headers more.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use reqwest::ResponseBuilderExt as _;
use serde_json::json;
use tokio::time::{Instant, timeout_at};
use valetkey_agent::LiveGrant;
use valetkey_agent::protocol::unreachable;
use valetkey_api::ApiError;
use valetkey_api::core::provider::{HostAnswer, Provider};
use valetkey_api::core::scope::Scopes;

use super::Proxy;
use super::body::Resumed;
use super::failure::Failure;
use super::outgoing::Outgoing;
use super::scrub::Scrubber;
use crate::caller::Caller;

/// So much of an answer is read to find out why it refuses.
const MAX_READ: usize = 16 * 1024;
/// And for so long.
const READ_TIMEOUT: Duration = Duration::from_secs(5);

const MISSING_SCOPES: &str = "x-valet-key-missing-scopes";
const CONNECT_URL: &str = "x-valet-key-connect-url";

/// That a host refused a request for want of scopes.
pub(super) struct ScopeRefusal {
    error: ApiError,
}

/// Whether the head of an answer says that the token lacks scopes.
pub(super) fn is_one(provider: &Provider, response: &reqwest::Response) -> bool {
    named(provider, response.status(), response.headers(), b"").is_some()
}

impl Proxy {
    /// What the connection lacks, if the host says so. The answer goes on unchanged. A scope that holds
    /// the token counts for nothing, and `alert` is called.
    pub(super) async fn scope_refusal(
        &self,
        outgoing: &Outgoing<'_>,
        response: reqwest::Response,
        live: &LiveGrant,
        caller: &Caller,
        alert: &mut Option<impl FnOnce()>,
    ) -> Result<(reqwest::Response, Option<ScopeRefusal>), Failure> {
        let (provider, status) = (outgoing.provider, response.status());
        let (response, start) =
            if provider.names_scopes_in_body(status.as_u16()) && is_json(response.headers()) {
                read_start(response).await?
            } else {
                (response, Bytes::new())
            };
        let Some(named) = named(provider, status, response.headers(), &start) else {
            return Ok((response, None));
        };
        let token = &live.grant.access_token;
        let is_free = |scope: &&str| !Scrubber::new(token).mask_cut(scope.as_bytes()).1;
        let free: Scopes = named.iter().filter(is_free).map(str::to_owned).collect();
        if free != named
            && let Some(alert) = alert.take()
        {
            alert();
        }
        let agent = self.app.agent();
        let host = outgoing.host.authority();
        let actor = caller.actor();
        let needed = agent.record_needed_scopes(live, host, &free, &actor).await;
        let refusal = needed.map(|needed| ScopeRefusal {
            error: self
                .app
                .needed_scopes_error(live, &needed, &caller.asked_by()),
        });
        Ok((response, refusal))
    }
}

impl ScopeRefusal {
    /// For an MCP client: it takes a status 403 for an invitation to sign in by itself. `alert` is
    /// called if the token is in what was read, or the beginning of it at its end.
    pub(super) async fn failure(
        &self,
        response: reqwest::Response,
        live: &LiveGrant,
        alert: Option<impl FnOnce()>,
    ) -> Failure {
        let status = response.status().as_u16();
        let start = read_start(response).await;
        let start = start.map_or_else(|_| Bytes::new(), |(_, start)| start);
        let (body, found) = Scrubber::new(&live.grant.access_token).mask_cut(&start);
        if found && let Some(alert) = alert {
            alert();
        }
        let data = json!({
            "missing_scopes": self.error.missing_scopes,
            "connect_url": self.error.connect_url,
            "host_status": status,
            "host_body": String::from_utf8_lossy(&body),
        });
        Failure::lacks_scopes(self.error.clone(), data)
    }

    /// For all others.
    pub(super) fn add_to(&self, headers: &mut HeaderMap) {
        let scopes = self.error.missing_scopes.join(" ");
        for (name, value) in [
            (MISSING_SCOPES, Some(scopes.as_str())),
            (CONNECT_URL, self.error.connect_url.as_deref()),
        ] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        }
    }
}

fn named(
    provider: &Provider,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Option<Scopes> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let challenges = headers.get_all(WWW_AUTHENTICATE).iter();
    let challenges: Vec<&str> = challenges.filter_map(|value| value.to_str().ok()).collect();
    provider.needed_scopes(&HostAnswer {
        status: status.as_u16(),
        challenges: &challenges,
        accepted: text("x-accepted-oauth-scopes"),
        held: text("x-oauth-scopes"),
        body,
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json"))
}

/// Reads the beginning of an answer, which is still in the answer afterwards.
async fn read_start(response: reqwest::Response) -> Result<(reqwest::Response, Bytes), Failure> {
    let (status, version) = (response.status(), response.version());
    let (headers, url) = (response.headers().clone(), response.url().clone());
    let mut body: reqwest::Body = response.into();
    let mut start = BytesMut::new();
    let deadline = Instant::now() + READ_TIMEOUT;
    while start.len() < MAX_READ {
        match timeout_at(deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    start.extend_from_slice(&data);
                }
            }
            Ok(Some(Err(error))) => return Err(Failure::unreachable(&unreachable(&error))),
            Ok(None) | Err(_) => break,
        }
    }
    let start = start.freeze();
    let body = reqwest::Body::wrap(Resumed::new(start.clone(), body));
    let mut again = http::Response::builder()
        .status(status)
        .version(version)
        .url(url)
        .body(body)
        .expect("the parts of a response make one");
    *again.headers_mut() = headers;
    Ok((again.into(), start))
}
