//! Fetches documents of servers that nobody vouches for. No redirect is followed, nothing large is
//! read, and what a server names is fetched only where [`Network`] lets it.

use std::time::Duration;

use ::http::Request;
use ::http::header::{ACCEPT, CONTENT_TYPE, HeaderName, LOCATION, WWW_AUTHENTICATE};
use bytes::Bytes;
use serde_json::{Value, json};
use valetkey_core::discovery::{Challenge, DiscoveryFailure, Network};
use valetkey_core::endpoint_url::EndpointUrl;

use super::http::{NoAnswer, read};
use super::network::network_of;
use super::{ProviderClient, Unreachable, request};

/// One document takes no longer than this.
const DOCUMENT_TIMEOUT: Duration = Duration::from_secs(10);
/// Revision of MCP with a handshake, and one without.
const STATEFUL: &str = "2025-11-25";
const STATELESS: &str = "2026-07-28";
/// A request of MCP that changes nothing.
const TOOLS: &str = "tools/list";
/// Headers of MCP's Streamable HTTP.
const SESSION: &str = "mcp-session-id";
const VERSION: &str = "mcp-protocol-version";

/// Why there is no document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindError {
    /// A server says something that is refused.
    Refused(DiscoveryFailure),
    /// Ask again later.
    Unreachable(Unreachable),
}

impl From<DiscoveryFailure> for FindError {
    fn from(failure: DiscoveryFailure) -> Self {
        Self::Refused(failure)
    }
}

/// What is at a place where a document may be.
pub(super) enum Fetched {
    Document(Vec<u8>),
    /// Nothing.
    Absent,
    /// Nothing but the advice to look elsewhere.
    Redirected(String),
}

/// How a server answers a client without a token.
pub(super) struct Probe {
    pub(super) status: u16,
    pub(super) challenge: Option<Challenge>,
    pub(super) location: Option<String>,
    /// Where the documents may be that it names.
    pub(super) network: Network,
}

impl ProviderClient {
    /// Fetches a document that may be there.
    pub(super) async fn document(&self, url: &str, network: Network) -> Result<Fetched, FindError> {
        let parsed = network.check(url).map_err(|why| DiscoveryFailure::BadUrl {
            url: url.to_owned(),
            why,
        })?;
        let request = Request::get(uri(&parsed)?)
            .header(ACCEPT, "application/json")
            .body(Bytes::new())
            .map_err(|_| not_built(&parsed))?;
        let response = in_time(&parsed, self.execute(request, network)).await?;
        let status = response.status().as_u16();
        match status {
            200 => {}
            300..=399 => {
                let to = header(&response, LOCATION).unwrap_or_default();
                return Ok(Fetched::Redirected(to));
            }
            408 | 429 | 500.. => {
                return Err(unavailable(&parsed, &format!("answered HTTP {status}")));
            }
            _ => return Ok(Fetched::Absent),
        }
        match in_time(&parsed, read(response)).await {
            Ok(mut answer) => Ok(Fetched::Document(std::mem::take(&mut *answer.body))),
            Err(FindError::Unreachable(error)) if error.kind == NoAnswer::TooLarge => {
                Err(DiscoveryFailure::TooLarge {
                    url: url.to_owned(),
                }
                .into())
            }
            Err(error) => Err(error),
        }
    }

    /// Sends what an MCP client sends first, without a token: the handshake, and where that is answered or
    /// not known (2026-07-28 has none), a request. Its challenge counts as well.
    pub(super) async fn probe(&self, url: &EndpointUrl) -> Result<Probe, FindError> {
        let client = json!({ "name": "valetkey", "version": env!("CARGO_PKG_VERSION") });
        let parameters =
            json!({ "protocolVersion": STATEFUL, "capabilities": {}, "clientInfo": client });
        let greeting = self.message(url, "initialize", parameters, &[]).await?;
        let first = Probe::of(url, &greeting);
        let session = header(&greeting, HeaderName::from_static(SESSION));
        let session = session.iter().map(|session| (SESSION, session.as_str()));
        let second = match first.status {
            200 => {
                let headers: Vec<_> = session.chain([(VERSION, STATEFUL)]).collect();
                self.message(url, TOOLS, json!({}), &headers).await
            }
            400 => {
                let meta = json!({
                    "io.modelcontextprotocol/protocolVersion": STATELESS,
                    "io.modelcontextprotocol/clientInfo": client,
                    "io.modelcontextprotocol/clientCapabilities": {},
                });
                let headers = [(VERSION, STATELESS), ("mcp-method", TOOLS)];
                self.message(url, TOOLS, json!({ "_meta": meta }), &headers)
                    .await
            }
            _ => return Ok(first),
        };
        let second = second.ok().map(|response| Probe::of(url, &response));
        Ok(match second.filter(|it| it.status == 401) {
            Some(challenged) => Probe {
                network: first.network,
                ..challenged
            },
            None => first,
        })
    }

    async fn message(
        &self,
        url: &EndpointUrl,
        method: &str,
        parameters: Value,
        headers: &[(&str, &str)],
    ) -> Result<reqwest::Response, FindError> {
        let body = json!({"jsonrpc": "2.0", "id": method, "method": method, "params": parameters});
        let mut request = Request::post(uri(url)?)
            .header(ACCEPT, "application/json, text/event-stream")
            .header(CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(Bytes::from(body.to_string()))
            .map_err(|_| not_built(url))?;
        in_time(url, self.execute(request, Network::Any)).await
    }
}

impl Probe {
    fn of(url: &EndpointUrl, response: &reqwest::Response) -> Self {
        let headers = response.headers().get_all(WWW_AUTHENTICATE);
        let challenge = Challenge::read(headers.iter().filter_map(|value| value.to_str().ok()));
        Self {
            status: response.status().as_u16(),
            challenge,
            location: header(response, LOCATION),
            network: network_of(url, response),
        }
    }
}

fn header(response: &reqwest::Response, name: HeaderName) -> Option<String> {
    Some(response.headers().get(name)?.to_str().ok()?.to_owned())
}

pub(super) fn uri(url: &EndpointUrl) -> Result<::http::Uri, FindError> {
    request::uri(url).map_err(|_| not_built(url))
}

pub(super) fn not_built(url: &EndpointUrl) -> FindError {
    FindError::Refused(DiscoveryFailure::BadUrl {
        url: url.to_string(),
        why: "no request can be sent to this URL".to_owned(),
    })
}

pub(super) fn unavailable(url: &EndpointUrl, what: &str) -> FindError {
    FindError::Unreachable(Unreachable {
        reason: format!("{} {what}", url.host()),
        kind: NoAnswer::Lost,
    })
}

pub(super) async fn in_time<T>(
    url: &EndpointUrl,
    work: impl Future<Output = Result<T, Unreachable>>,
) -> Result<T, FindError> {
    match tokio::time::timeout(DOCUMENT_TIMEOUT, work).await {
        Ok(done) => done.map_err(FindError::Unreachable),
        Err(_) => Err(unavailable(url, "did not answer in time")),
    }
}
