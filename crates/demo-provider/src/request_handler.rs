//! Handles one request: logs it, holds it, processes it and changes the response, as the waiting
//! faults demand.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use tower::ServiceExt as _;

use crate::authorize;
use crate::endpoint::{Endpoint, GrantType};
use crate::fault::{Fault, FaultKind};
use crate::fault_queue::Until;
use crate::fault_response;
use crate::form::Form;
use crate::oauth_error::error_response;
use crate::request_log::{self, LogEntry, Outcome, fingerprint, now_ms};
use crate::shared::Shared;

const MAX_REQUEST_BYTES: usize = 1024 * 1024;

/// Closes the connection without a response.
#[derive(Debug)]
pub(crate) struct ConnectionClosed;

impl std::fmt::Display for ConnectionClosed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("closed by a fault")
    }
}

impl std::error::Error for ConnectionClosed {}

/// A request whose body has arrived.
struct ReceivedRequest {
    shared: Arc<Shared>,
    router: Router,
    endpoint: Endpoint,
    form: Form,
    request: Request<Bytes>,
}

pub(crate) async fn handle(
    shared: Arc<Shared>,
    router: Router,
    request: Request<Incoming>,
) -> Result<Response<Body>, ConnectionClosed> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_REQUEST_BYTES).collect().await else {
        return Ok(StatusCode::PAYLOAD_TOO_LARGE.into_response());
    };
    let request = Request::from_parts(parts, body.to_bytes());
    let Some(endpoint) = Endpoint::of(request.method(), request.uri().path()) else {
        return Ok(process(router, request).await);
    };
    let form = params(&request);
    ReceivedRequest {
        shared,
        router,
        endpoint,
        form,
        request,
    }
    .handle()
    .await
}

impl ReceivedRequest {
    async fn handle(self) -> Result<Response<Body>, ConnectionClosed> {
        let grant = self
            .form
            .one("grant_type")
            .ok()
            .flatten()
            .and_then(GrantType::parse);
        let entry = self.log(grant);
        let (shared, endpoint) = (self.shared.clone(), self.endpoint);
        let plan = self.shared.faults().take(self.endpoint, grant);
        if let Some(fault) = &plan.response {
            entry.set_fault(fault.fault.name());
        }
        let (before, after) = match plan.hold {
            Some(hold) if hold.after_processing => (None, Some(hold.until)),
            Some(hold) => (Some(hold.until), None),
            None => (None, None),
        };
        wait(before).await;
        let response = match plan.response {
            Some(fault) => self.apply(fault).await,
            None => Ok(process(self.router, self.request).await),
        };
        wait(after).await;
        let response = response.map(|mut response| {
            add_nonce(&shared, endpoint, &mut response);
            response
        });
        entry.finish(match &response {
            Ok(response) => Outcome::Answered(response.status().as_u16()),
            Err(ConnectionClosed) => Outcome::Closed,
        });
        response
    }

    fn log(&self, grant: Option<GrantType>) -> LogEntry {
        let first = |name| self.form.all(name).next();
        self.shared.request_log.arrive(request_log::Request {
            number: 0,
            endpoint: self.endpoint,
            method: self.request.method().to_string(),
            path: self.request.uri().path().to_owned(),
            grant,
            client_id: first("client_id").map(ToOwned::to_owned),
            refresh_token_sha256: first("refresh_token").map(fingerprint),
            at_ms: now_ms(),
            fault: None,
            outcome: Outcome::Pending,
            params: self.form.clone().into_pairs(),
            headers: self.request.headers().clone(),
        })
    }

    async fn apply(mut self, fault: Fault) -> Result<Response<Body>, ConnectionClosed> {
        if let FaultKind::IdToken { flaw } = fault.fault {
            self.request.extensions_mut().insert(flaw);
        }
        let oauth_error = self.oauth_error(&fault.fault);
        let unchanged = if fault.after_processing || fault.fault.needs_real_response() {
            process(self.router, self.request).await
        } else {
            fault_response::placeholder()
        };
        Ok(match fault.fault {
            FaultKind::Latency { .. }
            | FaultKind::Latch { .. }
            | FaultKind::Hang
            | FaultKind::IdToken { .. } => unchanged,
            FaultKind::Edit { patch } => fault_response::edit(unchanged, &patch).await,
            FaultKind::Truncated => fault_response::truncate(unchanged).await,
            FaultKind::Huge { bytes } => fault_response::pad(unchanged, bytes).await,
            FaultKind::Close => return Err(ConnectionClosed),
            FaultKind::OauthError { .. } => oauth_error.unwrap_or(unchanged),
            FaultKind::Status {
                status,
                retry_after,
            } => fault_response::bare_status(status, retry_after.as_deref()),
            FaultKind::Html { status } => fault_response::html(status),
            FaultKind::Redirect { status, location } => fault_response::redirect(status, &location),
            FaultKind::Empty { status } => fault_response::raw(status, [], String::new()),
            FaultKind::Raw {
                status,
                headers,
                body,
            } => {
                let headers = headers
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()));
                fault_response::raw(status, headers, body)
            }
        })
    }

    /// The response of `FaultKind::OauthError`: a redirect at the authorization endpoint, a body
    /// elsewhere.
    fn oauth_error(&self, fault: &FaultKind) -> Option<Response<Body>> {
        let FaultKind::OauthError {
            error,
            description,
            status,
        } = fault
        else {
            return None;
        };
        let description = description.as_deref();
        if matches!(self.endpoint, Endpoint::Authorize | Endpoint::Decision) {
            let text = description.unwrap_or_default();
            return Some(authorize::error_redirect(
                &self.shared,
                &self.form,
                error,
                text,
            ));
        }
        let dialect = self.shared.settings().dialect;
        let status = status.map(fault_response::status_code);
        Some(error_response(
            dialect,
            self.request.headers(),
            error,
            description,
            status,
        ))
    }
}

/// Tells the nonce that the next proof must hold (RFC 9449, section 8).
fn add_nonce(shared: &Shared, endpoint: Endpoint, response: &mut Response<Body>) {
    let takes_proofs = matches!(
        endpoint,
        Endpoint::Token | Endpoint::Userinfo | Endpoint::Api
    );
    let nonce = shared.settings().dpop_nonce.clone();
    if let Some(nonce) = nonce.filter(|_| takes_proofs)
        && let Ok(nonce) = HeaderValue::try_from(nonce)
    {
        response.headers_mut().entry("dpop-nonce").or_insert(nonce);
    }
}

async fn process(router: Router, request: Request<Bytes>) -> Response<Body> {
    match router.oneshot(request.map(Body::from)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

async fn wait(until: Option<Until>) {
    match until {
        None => {}
        Some(Until::After(time)) => tokio::time::sleep(time).await,
        Some(Until::Released(mut latch)) => {
            // An error means that the latch was removed, and with it the reason to wait.
            let _ = latch.wait_for(|open| *open).await;
        }
        Some(Until::ClientDisconnects) => std::future::pending().await,
    }
}

fn params(request: &Request<Bytes>) -> Form {
    if has_prefix(
        request.headers(),
        &header::CONTENT_TYPE,
        b"application/x-www-form-urlencoded",
    ) {
        Form::parse(request.body())
    } else {
        Form::parse(request.uri().query().unwrap_or_default().as_bytes())
    }
}

fn has_prefix(headers: &HeaderMap, name: &HeaderName, prefix: &[u8]) -> bool {
    headers
        .get(name)
        .is_some_and(|value| value.as_bytes().starts_with(prefix))
}
