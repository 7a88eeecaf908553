//! The control interface, for tests that run the provider as a process of its own. It says
//! nothing that the in-process handle does not say too.

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
use crate::journal::{Filter, Request};
use crate::patch;
use crate::settings::Settings;
use crate::shared::Shared;

const LONGEST_WAIT_MS: u64 = 60_000;

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
    patch::merge(&mut settings, &change);
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
    gate: String,
}

async fn release(State(shared): Provider, Json(release): Json<Release>) -> StatusCode {
    shared.faults().release(&release.gate);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    endpoint: Option<Endpoint>,
    grant: Option<GrantType>,
    #[serde(default = "one")]
    count: usize,
    #[serde(default = "ten_seconds")]
    timeout_ms: u64,
    #[serde(default)]
    ended: bool,
}

fn one() -> usize {
    1
}

fn ten_seconds() -> u64 {
    10_000
}

impl Asked {
    fn filter(&self) -> Filter {
        Filter {
            endpoint: self.endpoint,
            grant: self.grant,
        }
    }
}

async fn requests(State(shared): Provider, Query(asked): Query<Asked>) -> Json<Vec<Request>> {
    Json(shared.journal.requests(asked.filter()))
}

async fn wait(State(shared): Provider, Query(asked): Query<Asked>) -> Json<Value> {
    let limit = Duration::from_millis(asked.timeout_ms.min(LONGEST_WAIT_MS));
    let filter = asked.filter();
    let reached = if asked.ended {
        tokio::time::timeout(limit, shared.journal.ended(filter, asked.count)).await
    } else {
        tokio::time::timeout(limit, shared.journal.arrived(filter, asked.count)).await
    };
    Json(json!({ "reached": reached.is_ok(), "count": shared.journal.count(filter) }))
}

async fn families(State(shared): Provider) -> Json<Vec<Family>> {
    Json(shared.ledger().families())
}

async fn issued(State(shared): Provider) -> Json<Vec<String>> {
    Json(shared.issued())
}

async fn expire_access_tokens(State(shared): Provider) -> StatusCode {
    shared.ledger().expire_access_tokens(Instant::now());
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    account: String,
}

async fn revoke(State(shared): Provider, Json(revoke): Json<Revoke>) -> StatusCode {
    shared.ledger().revoke_account(&revoke.account);
    StatusCode::NO_CONTENT
}

async fn reset(State(shared): Provider) -> StatusCode {
    shared.reset();
    StatusCode::NO_CONTENT
}
