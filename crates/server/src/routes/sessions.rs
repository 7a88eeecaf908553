//! Sign-ins. No route here opens a browser: the face in front of the person does.

use std::time::Duration;

use axum::extract::State;
use valetkey_agent::AuthenticatorKey;
use valetkey_agent::sign_in::SignInAsk;
use valetkey_api::core::id::SignInId;
use valetkey_api::core::name::{AccountLabel, ProfileName};
use valetkey_api::core::scope::Scopes;
use valetkey_api::sign_in::{
    PastedCallback, SignInMethod, SignInRequest, SignInStarted, SignInView, WaitQuery,
};

use crate::app::App;
use crate::caller::Caller;
use crate::extract::{Asked, Segment, Sent};
use crate::permission::Act;
use crate::refused::Refused;
use crate::reply::{Accepted, Ok200};
use crate::views;

/// Longest wait of a long poll, in seconds.
const LONGEST: u64 = 60;

/// Begin a sign-in
///
/// Opens no browser: open `authorize_url`, then wait for the session.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/credentials/connections", tag = "sign-ins",
    request_body = SignInRequest,
    responses((status = 202, body = SignInStarted))
))]
pub(super) async fn begin(
    State(app): State<App>,
    caller: Caller,
    Sent(request): Sent<SignInRequest>,
) -> Result<Accepted<SignInStarted>, Refused> {
    let actor = app.allow(&caller, Act::Manage)?;
    let profile = request.profile.unwrap_or_default();
    let (authenticator, label) = authenticator(&request.authenticator, profile)?;
    let account = request.account.as_deref().map(views::label).transpose()?;
    let ask = SignInAsk {
        authenticator,
        account: account.or(label),
        scopes: Scopes::from(request.scopes),
        paste_only: match request.method {
            SignInMethod::Browser => false,
            SignInMethod::Paste => true,
        },
        reason: request.reason,
    };
    let begun = app.agent().begin_sign_in(ask, &actor).await?;
    Ok(Accepted(SignInStarted {
        session_id: begun.id,
        authorize_url: begun.authorize_url,
        redirect_uri: begun.redirect_uri,
        expires_at: begun.expires_at,
    }))
}

/// `github`, a UUID, or `github/work`, which names the account too.
fn authenticator(
    text: &str,
    profile: ProfileName,
) -> Result<(AuthenticatorKey, Option<AccountLabel>), Refused> {
    let (name, label) = match text.split_once('/') {
        None => (text, None),
        Some((name, label)) => (name, Some(views::label(label)?)),
    };
    Ok((views::authenticator_key(name, Some(profile))?, label))
}

/// See how a sign-in stands
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
    Segment(id): Segment,
    Asked(query): Asked<WaitQuery>,
) -> Result<Ok200<SignInView>, Refused> {
    app.allow(&caller, Act::Manage)?;
    let id = sign_in_id(&id)?;
    let longest = Duration::from_secs(query.wait.min(LONGEST));
    let view = tokio::select! {
        view = app.agent().wait_sign_in(id, longest) => view?,
        () = app.stop().requested() => app.agent().sign_in(id)?,
    };
    Ok(Ok200(views::sign_in(&app, view)?))
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
    Segment(id): Segment,
) -> Result<Ok200<SignInView>, Refused> {
    let actor = app.allow(&caller, Act::Manage)?;
    let view = app.agent().cancel_sign_in(sign_in_id(&id)?, &actor).await?;
    Ok(Ok200(views::sign_in(&app, view)?))
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
    Segment(id): Segment,
    Sent(pasted): Sent<PastedCallback>,
) -> Result<Ok200<SignInView>, Refused> {
    app.allow(&caller, Act::Manage)?;
    let id = sign_in_id(&id)?;
    let view = app.agent().finish_by_paste(id, &pasted.url).await?;
    Ok(Ok200(views::sign_in(&app, view)?))
}

fn sign_in_id(text: &str) -> Result<SignInId, Refused> {
    text.parse().map_err(|_| {
        Refused::not_found("there is no such sign-in", "start one: `valetkey connect`")
    })
}
