//! Tokens for programs. The first of these routes is the hot path: a token from memory is answered
//! without waiting for anything.

use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use valetkey_agent::protocol::TokenTest;
use valetkey_agent::{
    ANSWER_TIMEOUT, ConnectionKey, Invalidated, Requester, ServedToken, TokenRequirements,
};
use valetkey_api::connections::ProfileQuery;
use valetkey_api::core::access::Usage;
use valetkey_api::core::id::ConnectionId;
use valetkey_api::core::name::ConnectionName;
use valetkey_api::core::provider::ApiAuth;
use valetkey_api::core::scope::Scopes;
use valetkey_api::core::secret::Fingerprint;
use valetkey_api::token::{
    InvalidateRequest, InvalidateResponse, TestMethod, TestResponse, TokenRequest,
};

use crate::app::{App, connection_key};
use crate::caller::Caller;
use crate::convert;
use crate::error_response::ErrorResponse;
use crate::extract::{JsonBody, PathParam, QueryParams};
use crate::permission::Action;
use crate::response::{Ok200, secret_json};

/// Hand out a token
///
/// From memory if it is fresh, else after one refresh that all callers share.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/credentials/connections/{id}/token", tag = "tokens",
    params(("id" = String, Path, description = "UUID, `authenticator` or `authenticator/account`"), ProfileQuery),
    request_body = TokenRequest,
    responses(
        (status = 200, body = valetkey_api::token::TokenResponse),
        (status = 409, body = valetkey_api::ErrorBody),
        (status = 502, body = valetkey_api::ErrorBody)
    )
))]
pub(super) async fn token(
    State(app): State<App>,
    caller: Caller,
    PathParam(name): PathParam,
    QueryParams(query): QueryParams<ProfileQuery>,
    JsonBody(request): JsonBody<TokenRequest>,
) -> Result<Response, ErrorResponse> {
    let key = connection_key(&name, query.profile)?;
    let ask = ask(request)?;
    let id = app.allow_connection(&caller, &key, Action::UseToken)?;
    let requester = caller.requester();
    if let Some(answer) = app.agent().cached_token(id, &ask, &requester) {
        return Ok(reply(&answer));
    }
    answer(&app, id, &ask, &requester, &caller).await
}

/// Refresh a token now
///
/// Joins a refresh that is under way. Never answers from memory.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/credentials/connections/{id}/refresh", tag = "tokens",
    params(("id" = String, Path, description = "UUID, `authenticator` or `authenticator/account`"), ProfileQuery),
    request_body = TokenRequest,
    responses(
        (status = 200, body = valetkey_api::token::TokenResponse),
        (status = 409, body = valetkey_api::ErrorBody),
        (status = 502, body = valetkey_api::ErrorBody)
    )
))]
pub(super) async fn refresh(
    State(app): State<App>,
    caller: Caller,
    PathParam(name): PathParam,
    QueryParams(query): QueryParams<ProfileQuery>,
    JsonBody(request): JsonBody<TokenRequest>,
) -> Result<Response, ErrorResponse> {
    let key = connection_key(&name, query.profile)?;
    let ask = TokenRequirements {
        force: true,
        ..ask(request)?
    };
    let id = app.allow_connection(&caller, &key, Action::UseToken)?;
    answer(&app, id, &ask, &caller.requester(), &caller).await
}

async fn answer(
    app: &App,
    id: ConnectionId,
    ask: &TokenRequirements,
    requester: &Requester,
    caller: &Caller,
) -> Result<Response, ErrorResponse> {
    match app.agent().token(id, ask, requester).await {
        Ok(answer) => Ok(reply(&answer)),
        Err(error) => Err(app.error_response(error, &caller.asked_by())),
    }
}

fn ask(request: TokenRequest) -> Result<TokenRequirements, ErrorResponse> {
    if request.resource.is_some() {
        return Err(ErrorResponse::invalid(
            "tokens cannot be narrowed to a `resource` yet",
            "leave `resource` out",
        ));
    }
    let wait = request.wait_seconds.map(Duration::from_secs);
    if wait.is_some_and(|wait| wait > ANSWER_TIMEOUT) {
        let longest = ANSWER_TIMEOUT.as_secs();
        return Err(ErrorResponse::invalid(
            format!("`wait_seconds` is at most {longest}"),
            "an answer that comes later counts for the next request",
        ));
    }
    let min_valid = request.min_valid_seconds.map(i64::try_from).transpose();
    let min_valid = min_valid.map_err(|_| {
        ErrorResponse::invalid(
            "`min_valid_seconds` is longer than anything lives",
            "leave it out, or ask for some minutes",
        )
    })?;
    let scopes = request.scopes.map(Scopes::from);
    let only = scopes.clone().filter(|_| request.only_scopes);
    if request.only_scopes && only.as_ref().is_none_or(Scopes::is_empty) {
        return Err(ErrorResponse::invalid(
            "`only_scopes` needs `scopes`",
            "name the scopes that the token may have",
        ));
    }
    Ok(TokenRequirements {
        min_valid: min_valid.map(SignedDuration::from_secs),
        scopes,
        only,
        force: false,
        usage: Usage::Token,
        wait,
    })
}

/// The one place where a token is serialised, straight from the grant in memory, in the shape of a
/// [`TokenResponse`](valetkey_api::token::TokenResponse).
fn reply(answer: &ServedToken) -> Response {
    let (live, grant) = (&answer.live, &answer.live.grant);
    let body = HandedOut {
        access_token: grant.access_token.expose(),
        token_type: grant.token_type.as_str(),
        expires_at: grant.expires_at,
        expires_in: grant.remaining(answer.at).map(|left| left.as_secs().max(0)),
        scopes: &grant.scopes,
        connection: &live.connection,
        account: live.account.as_deref(),
        fingerprint: &live.fingerprint,
        api_auth: answer.api_auth.as_ref(),
    };
    secret_json(StatusCode::OK, &body)
}

#[derive(Serialize)]
struct HandedOut<'a> {
    access_token: &'a str,
    token_type: &'a str,
    expires_at: Option<Timestamp>,
    expires_in: Option<i64>,
    scopes: &'a Scopes,
    connection: &'a ConnectionName,
    account: Option<&'a str>,
    fingerprint: &'a Fingerprint,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_auth: Option<&'a ApiAuth>,
}

/// Report that a token was refused
///
/// If it is still the current one it is replaced; a report about an older one changes nothing.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/credentials/connections/{id}/invalidate", tag = "tokens",
    params(("id" = String, Path, description = "UUID, `authenticator` or `authenticator/account`"), ProfileQuery),
    request_body = InvalidateRequest,
    responses(
        (status = 200, body = InvalidateResponse),
        (status = 409, body = valetkey_api::ErrorBody),
        (status = 502, body = valetkey_api::ErrorBody)
    )
))]
pub(super) async fn invalidate(
    State(app): State<App>,
    caller: Caller,
    PathParam(name): PathParam,
    QueryParams(query): QueryParams<ProfileQuery>,
    JsonBody(request): JsonBody<InvalidateRequest>,
) -> Result<Ok200<InvalidateResponse>, ErrorResponse> {
    let key = connection_key(&name, query.profile)?;
    let id = app.allow_connection(&caller, &key, Action::UseToken)?;
    let requester = caller.requester();
    let done = app.agent().invalidate(id, &request.fingerprint, &requester);
    match done.await {
        Ok(done) => Ok(Ok200(InvalidateResponse {
            was_current: done == Invalidated::Refreshed,
        })),
        Err(error) => Err(app.error_response(error, &caller.asked_by())),
    }
}

/// Test a connection
///
/// Asks the provider whether it takes the token; one that it refuses is refreshed and tried once more.
/// Hands out none.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/credentials/connections/{id}/test", tag = "connections",
    params(("id" = String, Path, description = "UUID, `authenticator` or `authenticator/account`"), ProfileQuery),
    responses(
        (status = 200, body = TestResponse),
        (status = 409, body = valetkey_api::ErrorBody),
        (status = 502, body = valetkey_api::ErrorBody)
    )
))]
pub(super) async fn test(
    State(app): State<App>,
    caller: Caller,
    PathParam(name): PathParam,
    QueryParams(query): QueryParams<ProfileQuery>,
) -> Result<Ok200<TestResponse>, ErrorResponse> {
    let key = connection_key(&name, query.profile)?;
    let key = ConnectionKey::Id(app.allow_reading(&caller, &key)?.row.id);
    let began = Instant::now();
    let tested = app.agent().test(&key).await;
    let tested = tested.map_err(|error| app.error_response(error, &caller.asked_by()))?;
    let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let view = app.agent().connection(&key)?;
    let (method, host, account) = match tested.outcome {
        TokenTest::Accepted { host, account } => (TestMethod::Userinfo, host, account),
        TokenTest::NotKnown => (TestMethod::Stored, None, None),
        TokenTest::Refused => return Err(convert::token_refused(&view, tested.refreshed)),
        TokenTest::Unreachable { reason } => return Err(convert::test_unreachable(&view, reason)),
    };
    let connection = convert::connection(view);
    Ok(Ok200(TestResponse {
        connection,
        method,
        refreshed: tested.refreshed,
        host,
        account,
        elapsed_ms,
    }))
}
