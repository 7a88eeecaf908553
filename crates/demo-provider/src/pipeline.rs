//! One request from arrival to answer: recorded, held, carried out, spoilt, as the faults say.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, Request, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use tower::ServiceExt as _;

use crate::authorize;
use crate::endpoint::{Endpoint, GrantType};
use crate::fault::{Fault, FaultKind};
use crate::fault_queue::Until;
use crate::form::Form;
use crate::journal::{self, Outcome, Ticket, fingerprint, now_ms};
use crate::refusal::error_answer;
use crate::shared::Shared;
use crate::spoil;

const REQUEST_LIMIT: usize = 1024 * 1024;

/// The connection ends without an answer.
#[derive(Debug)]
pub(crate) struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("cut by a fault")
    }
}

impl std::error::Error for Cut {}

/// A request whose body has arrived.
struct Call {
    shared: Arc<Shared>,
    router: Router,
    endpoint: Endpoint,
    form: Form,
    request: Request<Bytes>,
}

pub(crate) async fn answer(
    shared: Arc<Shared>,
    router: Router,
    request: Request<Incoming>,
) -> Result<Response<Body>, Cut> {
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, REQUEST_LIMIT).collect().await else {
        return Ok(StatusCode::PAYLOAD_TOO_LARGE.into_response());
    };
    let request = Request::from_parts(parts, body.to_bytes());
    let Some(endpoint) = Endpoint::of(request.method(), request.uri().path()) else {
        return Ok(carry_out(router, request).await);
    };
    let form = params(&request);
    Call {
        shared,
        router,
        endpoint,
        form,
        request,
    }
    .suffer()
    .await
}

impl Call {
    async fn suffer(self) -> Result<Response<Body>, Cut> {
        let grant = self
            .form
            .one("grant_type")
            .ok()
            .flatten()
            .and_then(GrantType::parse);
        let ticket = self.record(grant);
        let plan = self.shared.faults().take(self.endpoint, grant);
        if let Some(fault) = &plan.answer {
            ticket.struck_by(fault.fault.name());
        }
        let (before, after) = match plan.hold {
            Some(hold) if hold.after_processing => (None, Some(hold.until)),
            Some(hold) => (Some(hold.until), None),
            None => (None, None),
        };
        wait(before).await;
        let answer = match plan.answer {
            Some(fault) => self.strike(fault).await,
            None => Ok(carry_out(self.router, self.request).await),
        };
        wait(after).await;
        ticket.end(match &answer {
            Ok(answer) => Outcome::Answered(answer.status().as_u16()),
            Err(Cut) => Outcome::Closed,
        });
        answer
    }

    fn record(&self, grant: Option<GrantType>) -> Ticket {
        let first = |name| self.form.all(name).next();
        self.shared.journal.arrive(journal::Request {
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

    async fn strike(mut self, fault: Fault) -> Result<Response<Body>, Cut> {
        if let FaultKind::IdToken { flaw } = fault.fault {
            self.request.extensions_mut().insert(flaw);
        }
        let refused = self.refused(&fault.fault);
        let right = if fault.after_processing || fault.fault.builds_on_the_right_answer() {
            carry_out(self.router, self.request).await
        } else {
            spoil::plausible()
        };
        Ok(match fault.fault {
            FaultKind::Latency { .. }
            | FaultKind::Gate { .. }
            | FaultKind::Hang
            | FaultKind::IdToken { .. } => right,
            FaultKind::Edit { patch } => spoil::edit(right, &patch).await,
            FaultKind::Truncated => spoil::truncate(right).await,
            FaultKind::Huge { bytes } => spoil::inflate(right, bytes).await,
            FaultKind::Close => return Err(Cut),
            FaultKind::OauthError { .. } => refused.unwrap_or(right),
            FaultKind::Status {
                status,
                retry_after,
            } => spoil::bare_status(status, retry_after.as_deref()),
            FaultKind::Html { status } => spoil::html(status),
            FaultKind::Redirect { status, location } => spoil::redirect(status, &location),
            FaultKind::Empty { status } => spoil::raw(status, [], String::new()),
            FaultKind::Raw {
                status,
                headers,
                body,
            } => {
                let headers = headers
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str()));
                spoil::raw(status, headers, body)
            }
        })
    }

    /// The refusal that an `OauthError` stands for: in the redirect where the browser is asked, in
    /// the body elsewhere.
    fn refused(&self, fault: &FaultKind) -> Option<Response<Body>> {
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
            return Some(authorize::refuse(&self.shared, &self.form, error, text));
        }
        let dialect = self.shared.settings().dialect;
        let status = status.map(spoil::known);
        Some(error_answer(
            dialect,
            self.request.headers(),
            error,
            description,
            status,
        ))
    }
}

async fn carry_out(router: Router, request: Request<Bytes>) -> Response<Body> {
    match router.oneshot(request.map(Body::from)).await {
        Ok(answer) => answer,
        Err(never) => match never {},
    }
}

async fn wait(until: Option<Until>) {
    match until {
        None => {}
        Some(Until::After(time)) => tokio::time::sleep(time).await,
        Some(Until::Released(mut gate)) => {
            // An error means that the gate is gone, and with it the reason to wait.
            let _ = gate.wait_for(|open| *open).await;
        }
        Some(Until::ClientLeaves) => std::future::pending().await,
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
