//! The control interface, for tests that run the provider as a separate process. It offers what
//! the in-process handle offers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::endpoint::{Endpoint, GrantType};
use crate::fault::Fault;
use crate::grant::Family;
use crate::merge_patch;
use crate::request_log::{Filter, Request};
use crate::settings::Settings;
use crate::shared::Shared;

const MAX_WAIT_MS: u64 = 60_000;

type Provider = State<Arc<Shared>>;

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route(
            "/settings",
            get(settings).put(replace_settings).patch(patch_settings),
        )
        .route("/faults", get(faults).post(add_fault).delete(clear_faults))
        .route("/release", post(release))
        .route("/requests", get(requests))
        .route("/wait", get(wait))
        .route("/families", get(families))
        .route("/issued", get(issued))
        .route("/expire_access_tokens", post(expire_access_tokens))
        .route("/revoke", post(revoke))
        .route("/reset", post(reset))
}

async fn settings(State(shared): Provider) -> Json<Settings> {
    Json(shared.settings().as_ref().clone())
}

async fn replace_settings(
    State(shared): Provider,
    Json(settings): Json<Settings>,
) -> Json<Settings> {
    shared.set(settings.clone());
    Json(settings)
}

async fn patch_settings(State(shared): Provider, Json(change): Json<Value>) -> Response {
    let mut settings = json!(*shared.settings());
    merge_patch::merge(&mut settings, &change);
    match serde_json::from_value::<Settings>(settings) {
        Ok(settings) => {
            shared.set(settings.clone());
            Json(settings).into_response()
        }
        Err(problem) => (StatusCode::BAD_REQUEST, problem.to_string()).into_response(),
    }
}

async fn faults(State(shared): Provider) -> Json<Vec<Fault>> {
    Json(shared.faults().waiting().to_vec())
}

async fn add_fault(State(shared): Provider, Json(fault): Json<Fault>) -> StatusCode {
    shared.faults().add(fault);
    StatusCode::CREATED
}

async fn clear_faults(State(shared): Provider) -> StatusCode {
    shared.faults().clear();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    latch: String,
}

async fn release(State(shared): Provider, Json(release): Json<Release>) -> StatusCode {
    shared.faults().release(&release.latch);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestQuery {
    endpoint: Option<Endpoint>,
    grant: Option<GrantType>,
    #[serde(default = "default_count")]
    count: usize,
    #[serde(default = "default_timeout_ms")]
    timeout_ms: u64,
    #[serde(default)]
    ended: bool,
}

fn default_count() -> usize {
    1
}

fn default_timeout_ms() -> u64 {
    10_000
}

impl RequestQuery {
    fn filter(&self) -> Filter {
        Filter {
            endpoint: self.endpoint,
            grant: self.grant,
        }
    }
}

async fn requests(
    State(shared): Provider,
    Query(query): Query<RequestQuery>,
) -> Json<Vec<Request>> {
    Json(shared.request_log.requests(query.filter()))
}

async fn wait(State(shared): Provider, Query(query): Query<RequestQuery>) -> Json<Value> {
    let timeout = Duration::from_millis(query.timeout_ms.min(MAX_WAIT_MS));
    let filter = query.filter();
    let reached = if query.ended {
        tokio::time::timeout(timeout, shared.request_log.ended(filter, query.count)).await
    } else {
        tokio::time::timeout(timeout, shared.request_log.arrived(filter, query.count)).await
    };
    Json(json!({ "reached": reached.is_ok(), "count": shared.request_log.count(filter) }))
}

async fn families(State(shared): Provider) -> Json<Vec<Family>> {
    Json(shared.token_store().families())
}

async fn issued(State(shared): Provider) -> Json<Vec<String>> {
    Json(shared.issued())
}

async fn expire_access_tokens(State(shared): Provider) -> StatusCode {
    shared.token_store().expire_access_tokens(Instant::now());
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    account: String,
}

async fn revoke(State(shared): Provider, Json(revoke): Json<Revoke>) -> StatusCode {
    shared.token_store().revoke_account(&revoke.account);
    StatusCode::NO_CONTENT
}

async fn reset(State(shared): Provider) -> StatusCode {
    shared.reset();
    StatusCode::NO_CONTENT
}
