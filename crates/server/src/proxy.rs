//! The proxy: a program sends a request for a host of a connection here, and the connection's token is
//! added on the way. The program never sees it.
//!
//! `/proxy/{connection}/{path}` goes to the connection's first host, `/proxy/{connection}/@{host}/{path}`
//! to another of them; to none else, and never where tokens are issued. Redirects are not followed, what
//! the host sends back is searched for the token, and bodies stream both ways. What is under way ends as
//! soon as it would no longer be let begin ([`valetkey_agent::Exchange`]).
//!
//! | module | what it does |
//! | --- | --- |
//! | `address` | reads the path |
//! | `outgoing` | what a connection's person allows, and the request to the host |
//! | `headers` | which headers pass, where a redirect leads |
//! | `body` | bodies on their way through |
//! | `scrub` | masks a token that comes back |
//! | `scope_refusal` | answers which say that the token lacks scopes |
//! | `web_socket` | connections that were switched to WebSocket |
//! | `frames` | where a WebSocket's frames begin and end |
//! | `upstream` | the HTTP clients towards hosts |
//! | `failure` | failures in the shape that the program can show |

mod address;
mod body;
mod failure;
mod frames;
mod headers;
mod outgoing;
mod record;
mod scope_refusal;
mod scrub;
mod upstream;
mod web_socket;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::any;
use http::header::{CONNECTION, HOST, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use hyper::upgrade::OnUpgrade;
use valetkey_agent::protocol::NoAnswer;
use valetkey_agent::{Actor, AgentError, LiveGrant, ProxyGrant, Requester};
use valetkey_api::core::id::ConnectionId;

use crate::app::{App, connection_key};
use crate::caller::Caller;
use crate::error_response::ErrorResponse;
use crate::listeners::{GuardError, PROXY_PATH, Streamed, SwitchedConnection};
use crate::permission::Action;
use address::Address;
use body::{Download, RequestBody, Withdrawn};
use failure::{Failure, Shape};
use outgoing::Outgoing;
use record::Record;
use scrub::Scrubber;
use upstream::Upstream;
use web_socket::WebSocket;

/// Longest method, in bytes: it stands in the audit log.
const MAX_METHOD: usize = 32;

/// The state of the proxy. A cheap handle.
#[derive(Clone)]
struct Proxy {
    app: App,
    upstream: Arc<Upstream>,
}

/// The routes of the proxy.
pub(crate) fn router(app: App) -> Router {
    let proxy = Proxy {
        app,
        upstream: Arc::default(),
    };
    Router::new()
        .route(PROXY_PATH, any(handle))
        .route(&format!("{PROXY_PATH}{{*rest}}"), any(handle))
        .with_state(proxy)
}

/// The guard's refusal of a request to the proxy. It names no way to sign in: a program would try it.
pub(crate) fn refusal(error: GuardError) -> Response {
    let error = ErrorResponse::from(error).into_error();
    let mut response = Failure::of(error, None).into_response(Shape::Problem);
    let close = HeaderValue::from_static("close");
    response.headers_mut().insert(CONNECTION, close);
    response
}

/// Any method. A failure of our own takes the shape that the program can show.
async fn handle(State(proxy): State<Proxy>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut body = match RequestBody::read(&parts, body).await {
        Ok(body) => body,
        Err(body::Incomplete) => {
            return Failure::body_incomplete().into_response(Shape::of(&parts, None));
        }
    };
    match proxy.answer(&mut parts, &mut body).await {
        Ok(response) => response,
        Err(failure) => failure.into_response(Shape::of(&parts, body.whole())),
    }
}

impl Proxy {
    async fn answer(&self, parts: &mut Parts, body: &mut RequestBody) -> Result<Response, Failure> {
        let caller = parts.extensions.get::<Caller>().cloned();
        let on_upgrade = parts.extensions.remove::<OnUpgrade>();
        let switched = parts.extensions.remove::<SwitchedConnection>();
        let upgrade = on_upgrade.map(|program| (program, switched));
        let caller = caller.ok_or_else(|| {
            let error = ErrorResponse::from(GuardError::NoKey).into_error();
            Failure::of(error, None)
        })?;
        let path = parts.uri.path().to_owned();
        let address = Address::parse(&path)?;
        check_framing(parts)?;
        let api_error = |error: ErrorResponse| Failure::of(error.into_error(), Some(&caller));
        let agent_error =
            |error: AgentError| api_error(self.app.error_response(error, &caller.asked_by()));
        let key = connection_key(&address.connection()?, None).map_err(api_error)?;
        let allowed = self.app.allow_connection(&caller, &key, Action::UseProxy);
        let id = allowed.map_err(api_error)?;
        let requester = caller.requester();
        let actor = requester.actor.clone();
        let mut record = Record::new(self.app.agent(), id, &actor, &parts.method, address);
        let answered = async {
            let grant = self.app.agent().proxy_grant(id, &requester).await;
            let grant = grant.map_err(agent_error)?;
            let outgoing = Outgoing::check(parts, address, &grant)?;
            record.host(&outgoing.host);
            let method = (!outgoing.web_socket).then(|| parts.method.to_string());
            let exchange = self
                .app
                .agent()
                .exchange(&grant, outgoing.host.clone(), method);
            let mut withdrawn: Withdrawn = Box::pin(exchange.withdrawn());
            let sent = async {
                let (outgoing, record) = (&outgoing, &mut record);
                let sent = self.send(outgoing, body, grant, &requester, &agent_error, record);
                let (response, live) = sent.await?;
                if headers::is_encoded(response.headers()) {
                    return Err(Failure::encoding(outgoing.host.authority()));
                }
                let mut alert = Some(self.alert(live.id, outgoing.host.authority(), &actor));
                let found = self.scope_refusal(outgoing, response, &live, &caller, &mut alert);
                let (response, refusal) = found.await?;
                Ok::<_, Failure>((response, refusal, live, alert))
            };
            let (response, refusal, live, alert) = tokio::select! {
                biased;
                error = &mut withdrawn => return Err(agent_error(error)),
                sent = sent => sent?,
            };
            if let Some(refusal) = &refusal
                && matches!(Shape::of(parts, body.whole()), Shape::JsonRpc(_))
            {
                return Err(refusal.failure(response, &live, alert).await);
            }
            let passed = self.pass_on(&outgoing, response, withdrawn, &live, alert, upgrade);
            let mut response = passed.await?;
            if let Some(refusal) = &refusal {
                refusal.add_to(response.headers_mut());
            }
            Ok(response)
        };
        let answered = answered.await;
        record.finish(&answered);
        answered
    }

    /// Sends the request; once more if the token was refused and there is another one by now. Nothing
    /// of the first answer has gone on by then.
    async fn send(
        &self,
        outgoing: &Outgoing<'_>,
        body: &mut RequestBody,
        grant: ProxyGrant,
        requester: &Requester,
        agent_error: &impl Fn(AgentError) -> Failure,
        record: &mut Record,
    ) -> Result<(reqwest::Response, Arc<LiveGrant>), Failure> {
        let (agent, host) = (self.app.agent(), outgoing.host.authority());
        let refused = || Failure::refused(&outgoing.connection, host);
        let mut asked_again = false;
        let asked = &mut asked_again;
        let response = self.send_once(outgoing, body, &grant, asked, agent_error, record);
        let response = response.await?;
        // Another token of this login would lack the same scopes.
        if response.status() != StatusCode::UNAUTHORIZED
            || scope_refusal::is_one(outgoing.provider, &response)
        {
            return Ok((response, grant.live));
        }
        let replaced = agent.replace_refused_by_host(&grant.live, requester).await;
        if !replaced.map_err(agent_error)? {
            return Err(refused());
        }
        if body.whole().is_none() {
            return Err(Failure::replaced(host));
        }
        let grant = agent.renewed_proxy_grant(grant).await;
        let grant = grant.map_err(agent_error)?;
        // What the person allows may have changed meanwhile.
        Outgoing::check(outgoing.parts, outgoing.address, &grant)?;
        let asked = &mut asked_again;
        let response = self.send_once(outgoing, body, &grant, asked, agent_error, record);
        let response = response.await?;
        if response.status() == StatusCode::UNAUTHORIZED
            && !scope_refusal::is_one(outgoing.provider, &response)
        {
            return Err(refused());
        }
        Ok((response, grant.live))
    }

    /// Sends the request with this token; once more in all (`asked_again`) if the host wants another proof
    /// for a bound one.
    async fn send_once(
        &self,
        outgoing: &Outgoing<'_>,
        body: &mut RequestBody,
        grant: &ProxyGrant,
        asked_again: &mut bool,
        agent_error: &impl Fn(AgentError) -> Failure,
        record: &mut Record,
    ) -> Result<reqwest::Response, Failure> {
        let agent = self.app.agent();
        let (method, url) = (&outgoing.parts.method, outgoing.url()?);
        loop {
            let credentials = agent.credentials(grant, method.as_str(), &url);
            let credentials = credentials
                .map_err(agent_error)?
                .ok_or_else(|| Failure::target("the token does not fit into a header"))?;
            let headers = outgoing.headers(&credentials);
            let sent = self
                .upstream
                .send(method.clone(), url.clone(), headers, body.take());
            // Before the host has it: the program may hang up at any moment.
            let sent_before = record.set_sent(true);
            let response = sent.await.map_err(|error| {
                if matches!(error.kind, NoAnswer::NotSent | NoAnswer::BadCertificate) {
                    record.set_sent(sent_before);
                }
                Failure::unreachable(&error)
            })?;
            agent.note_answer(&url, response.headers());
            let wants_proof = response.status() == StatusCode::UNAUTHORIZED
                && !*asked_again
                && agent.wants_other_proof(&credentials, &url, response.headers());
            if !wants_proof {
                return Ok(response);
            }
            *asked_again = true;
            if body.whole().is_none() {
                return Err(Failure::proof(outgoing.host.authority()));
            }
        }
    }

    async fn pass_on(
        &self,
        outgoing: &Outgoing<'_>,
        received: reqwest::Response,
        withdrawn: Withdrawn,
        live: &LiveGrant,
        mut alert: Option<impl FnOnce() + Send + Unpin + 'static>,
        upgrade: Option<(OnUpgrade, Option<SwitchedConnection>)>,
    ) -> Result<Response, Failure> {
        let status = received.status();
        let is_switched = status == StatusCode::SWITCHING_PROTOCOLS;
        let host = outgoing.host.authority();
        let mut headers = headers::from_host(received.headers(), is_switched);
        let mut scrubber = Scrubber::new(&live.grant.access_token);
        headers::rewrite_location(
            &mut headers,
            &outgoing.address,
            received.url(),
            &outgoing.hosts,
        );
        if mask_headers(&mut headers, &mut scrubber)
            && let Some(alert) = alert.take()
        {
            alert();
        }
        scrubber.take_found();
        let mut response = if is_switched {
            let upgrade = upgrade.filter(|_| outgoing.web_socket);
            let (program, switched) = upgrade.ok_or_else(|| Failure::protocol(host))?;
            let upgraded = received.upgrade().await;
            let socket = WebSocket {
                program,
                host: upgraded.map_err(|_| Failure::protocol(host))?,
                withdrawn,
                scrubber,
                alert: move || {
                    if let Some(alert) = alert {
                        alert();
                    }
                },
                connection: switched,
            };
            socket.spawn(self.app.stop().clone());
            Response::new(Body::empty())
        } else {
            let body: reqwest::Body = received.into();
            let mut response =
                Response::new(Body::new(Download::new(body, withdrawn, scrubber, alert)));
            response.extensions_mut().insert(Streamed);
            response
        };
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    /// Says that a host sent the token back.
    fn alert(&self, id: ConnectionId, host: &str, actor: &Actor) -> impl FnOnce() + Send + use<> {
        let agent = self.app.agent().clone();
        let (host, actor) = (host.to_owned(), actor.clone());
        move || agent.record_scrubbed(id, &host, &actor)
    }
}

/// What no program sends that means one request to a host of its connection.
fn check_framing(parts: &Parts) -> Result<(), Failure> {
    let headers = &parts.headers;
    if parts.uri.authority().is_some() {
        return Err(Failure::target("the request names another server"));
    }
    if parts.method.as_str().len() > MAX_METHOD {
        return Err(Failure::target("the method is not one that anybody has"));
    }
    if parts.method == Method::TRACE {
        return Err(Failure::target("TRACE is not passed on"));
    }
    let is_preflight = headers.contains_key("access-control-request-method");
    let from_page = headers
        .get_all("sec-fetch-site")
        .iter()
        .any(|site| site != "none" && site != "same-origin");
    let own_origin = |origin: &HeaderValue| {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let origin = origin.to_str().ok();
        let origin = origin.and_then(|origin| origin.strip_prefix("http://"));
        origin.is_some() && origin == host
    };
    let own_origin = headers.get_all(ORIGIN).iter().all(own_origin);
    if is_preflight || from_page || !own_origin {
        return Err(Failure::from_page());
    }
    Ok(())
}

fn mask_headers(headers: &mut HeaderMap, scrubber: &mut Scrubber) -> bool {
    let mut found = false;
    for value in headers.values_mut() {
        let mut bytes = value.as_bytes().to_vec();
        if scrubber.mask(&mut bytes)
            && let Ok(masked) = HeaderValue::from_bytes(&bytes)
        {
            *value = masked;
            found = true;
        }
    }
    found
}
