//! Sign-ins. No route opens a browser; the client does.

use std::path::PathBuf;
use std::time::Duration;

use axum::extract::State;
use tokio::sync::MutexGuard;
use valetkey_agent::AuthenticatorKey;
use valetkey_agent::sign_in::{self, KeyOptions, SignInOptions, TokenOptions};
use valetkey_api::core::id::SignInId;
use valetkey_api::core::name::{AccountLabel, ProfileName};
use valetkey_api::core::scope::Scopes;
use valetkey_api::sign_in::{
    PastedCallback, SignInMethod, SignInRequest, SignInStarted, SignInView, WaitQuery,
};

use crate::app::App;
use crate::caller::Caller;
use crate::confirmation::Change;
use crate::convert;
use crate::error_response::ErrorResponse;
use crate::extract::{JsonBody, PathParam, QueryParams};
use crate::permission::Action;
use crate::response::{Accepted, Ok200};

/// Longest long poll, in seconds.
const MAX_WAIT: u64 = 60;

/// Begin a sign-in
///
/// Opens no browser: open `authorize_url` if there is one, then wait for the session.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/credentials/connections", tag = "sign-ins",
    request_body = SignInRequest,
    responses(
        (status = 202, body = SignInStarted),
        (status = 404, body = valetkey_api::ErrorBody),
        (status = 409, body = valetkey_api::ErrorBody),
        (status = 502, body = valetkey_api::ErrorBody)
    )
))]
pub(super) async fn begin(
    State(app): State<App>,
    caller: Caller,
    JsonBody(request): JsonBody<SignInRequest>,
) -> Result<Accepted<SignInStarted>, ErrorResponse> {
    let actor = app.allow(&caller, Action::Manage)?;
    let profile = request.profile.clone().unwrap_or_default();
    let (authenticator, label) = authenticator(&request.authenticator, profile)?;
    let account = request.account.as_deref().map(convert::label).transpose()?;
    let account = account.or(label);
    let has_secret = matches!(
        request.method,
        SignInMethod::ApiKey | SignInMethod::RefreshToken
    );
    if request.register_again && has_secret {
        return Err(ErrorResponse::invalid(
            "only a sign-in registers another client",
            "leave `register_again` out",
        ));
    }
    let method = match request.method {
        SignInMethod::Browser => sign_in::SignInMethod::Browser,
        SignInMethod::Paste => sign_in::SignInMethod::Paste,
        SignInMethod::Device => sign_in::SignInMethod::Device,
        SignInMethod::ApiKey => {
            let options = key_options(request, authenticator, account)?;
            let (key, account) = (&options.authenticator, options.account.as_ref());
            let confirmed = confirm_replacing(&app, &caller, key, account, options.replace);
            let _guard = confirmed.await?;
            let begun = app.agent().connect_with_key(options, &actor).await?;
            return Ok(Accepted(started(begun)));
        }
        SignInMethod::RefreshToken => {
            let options = token_options(request, authenticator, account)?;
            let (key, account) = (&options.authenticator, options.account.as_ref());
            let confirmed = confirm_replacing(&app, &caller, key, account, options.replace);
            let _guard = confirmed.await?;
            let begun = app.agent().import_token(options, &actor).await?;
            return Ok(Accepted(started(begun)));
        }
    };
    let has_secret = request.secret.is_some() || request.expires_at.is_some();
    if has_secret || request.moved_from.is_some() {
        return Err(ErrorResponse::invalid(
            "`secret`, `expires_at` and `moved_from` go with a key or refresh token that you have",
            "send the method `api_key` or `refresh_token`, too, or leave them out",
        ));
    }
    let options = SignInOptions {
        authenticator,
        account,
        replace: request.replace,
        scopes: Scopes::from(request.scopes),
        only_scopes: request.only_scopes,
        register_again: request.register_again,
        method,
        reason: request.reason,
    };
    let begun = app.agent().begin_sign_in(options, &actor).await?;
    Ok(Accepted(started(begun)))
}

/// What the person gave.
fn key_options(
    request: SignInRequest,
    authenticator: AuthenticatorKey,
    account: Option<AccountLabel>,
) -> Result<KeyOptions, ErrorResponse> {
    if !request.scopes.is_empty() || request.only_scopes {
        return Err(ErrorResponse::invalid(
            "a key has the scopes that it was made with",
            "leave `scopes` out",
        ));
    }
    if request.moved_from.is_some() {
        return Err(ErrorResponse::invalid(
            "`moved_from` goes with the method `refresh_token`",
            "leave it out",
        ));
    }
    let key = request
        .secret
        .ok_or_else(|| ErrorResponse::invalid("`secret` is missing", "send the key as `secret`"))?;
    Ok(KeyOptions {
        authenticator,
        account,
        replace: request.replace,
        key,
        expires_at: request.expires_at,
        reason: request.reason,
    })
}

/// What the person gave.
fn token_options(
    request: SignInRequest,
    authenticator: AuthenticatorKey,
    account: Option<AccountLabel>,
) -> Result<TokenOptions, ErrorResponse> {
    if !request.scopes.is_empty() || request.only_scopes || request.expires_at.is_some() {
        return Err(ErrorResponse::invalid(
            "a refresh token has the scopes and the end that it was issued with",
            "leave `scopes`, `only_scopes` and `expires_at` out",
        ));
    }
    let token = request.secret.ok_or_else(|| {
        ErrorResponse::invalid("`secret` is missing", "send the refresh token as `secret`")
    })?;
    Ok(TokenOptions {
        authenticator,
        account,
        replace: request.replace,
        token,
        moved_from: request.moved_from.map(PathBuf::from),
        reason: request.reason,
    })
}

/// Whoever can put a secret of their own in the place of a login lets programs work with another account:
/// where that cannot be noticed, the person confirms it.
async fn confirm_replacing<'a>(
    app: &'a App,
    caller: &Caller,
    authenticator: &AuthenticatorKey,
    account: Option<&AccountLabel>,
    replace: bool,
) -> Result<MutexGuard<'a, ()>, ErrorResponse> {
    let replaced = || {
        let replaced = app.agent().replaceable(authenticator, account, replace);
        let change = replaced.map(|connection| Change::ReplaceLogin { connection });
        Ok(change.into_iter().collect())
    };
    app.confirm_all(caller, &app.changes().logins, replaced)
        .await
}

fn started(begun: sign_in::SignInView) -> SignInStarted {
    SignInStarted {
        session_id: begun.id,
        authorize_url: begun.authorize_url,
        redirect_uri: begun.redirect_uri,
        device: begun.device.map(convert::device),
        expires_at: begun.expires_at,
        provider: begun.catalogue_id,
        asked_scopes: begun.asked,
        added_scopes: begun.added,
        dropped_scopes: begun.dropped,
    }
}

/// `github`, a UUID, or `github/work`, which names the account too.
fn authenticator(
    text: &str,
    profile: ProfileName,
) -> Result<(AuthenticatorKey, Option<AccountLabel>), ErrorResponse> {
    let (name, label) = match text.split_once('/') {
        None => (text, None),
        Some((name, label)) => (name, Some(convert::label(label)?)),
    };
    Ok((convert::authenticator_key(name, Some(profile))?, label))
}

/// Show a sign-in
///
/// With `wait` the answer comes when it ends, or after so many seconds.
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/credentials/sessions/{id}", tag = "sign-ins",
    params(("id" = SignInId, Path, description = "`session_id` of the sign-in"), WaitQuery),
    responses((status = 200, body = SignInView))
))]
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
    QueryParams(query): QueryParams<WaitQuery>,
) -> Result<Ok200<SignInView>, ErrorResponse> {
    app.allow(&caller, Action::Manage)?;
    let id = sign_in_id(&id)?;
    if query.wait > MAX_WAIT {
        return Err(ErrorResponse::invalid(
            format!("`wait` is at most {MAX_WAIT}"),
            "ask again when it has passed",
        ));
    }
    let timeout = Duration::from_secs(query.wait);
    let view = tokio::select! {
        view = app.agent().wait_sign_in(id, timeout) => view?,
        () = app.stop().requested() => app.agent().sign_in(id)?,
    };
    Ok(Ok200(convert::sign_in(&app, view)?))
}

/// Cancel a sign-in
#[cfg_attr(test, utoipa::path(
    delete, path = "/api/v1/credentials/sessions/{id}", tag = "sign-ins",
    params(("id" = SignInId, Path, description = "`session_id` of the sign-in")),
    responses((status = 200, body = SignInView))
))]
pub(super) async fn cancel(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
) -> Result<Ok200<SignInView>, ErrorResponse> {
    let actor = app.allow(&caller, Action::Manage)?;
    let view = app.agent().cancel_sign_in(sign_in_id(&id)?, &actor).await?;
    Ok(Ok200(convert::sign_in(&app, view)?))
}

/// Finish a sign-in by pasting
///
/// Takes the address on which the browser ended.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/credentials/sessions/{id}/callback", tag = "sign-ins",
    params(("id" = SignInId, Path, description = "`session_id` of the sign-in")),
    request_body = PastedCallback,
    responses((status = 200, body = SignInView))
))]
pub(super) async fn callback(
    State(app): State<App>,
    caller: Caller,
    PathParam(id): PathParam,
    JsonBody(pasted): JsonBody<PastedCallback>,
) -> Result<Ok200<SignInView>, ErrorResponse> {
    app.allow(&caller, Action::Manage)?;
    let id = sign_in_id(&id)?;
    let view = app.agent().finish_by_paste(id, &pasted.url).await?;
    Ok(Ok200(convert::sign_in(&app, view)?))
}

fn sign_in_id(text: &str) -> Result<SignInId, ErrorResponse> {
    text.parse().map_err(|_| {
        ErrorResponse::not_found("there is no such sign-in", "start one: `valetkey connect`")
    })
}
