//! The connect page: see [`crate::connect_page`].

use axum::extract::State;
use axum::response::Response;
use valetkey_agent::{AgentError, AuthenticatorKey, LinkTarget};
use valetkey_api::core::actor::Actor;

use crate::app::App;
use crate::connect_page;
use crate::extract::PathParam;

pub(super) async fn show(State(app): State<App>, PathParam(nonce): PathParam) -> Response {
    match app.agent().connect_link_target(&nonce) {
        Some(target) => {
            connect_page::sign_in_page(&title(&app, &target), &target.scopes, &target.asked_by)
        }
        None => connect_page::link_expired(),
    }
}

/// Begins the sign-in and redirects the browser to the provider.
pub(super) async fn begin(State(app): State<App>, PathParam(nonce): PathParam) -> Response {
    if app.agent().connect_link_target(&nonce).is_none() {
        return connect_page::link_expired();
    }
    let actor = Actor::ConnectPage.into();
    match app.agent().follow_connect_link(&nonce, &actor).await {
        Ok(begun) if begun.paste_only => {
            // The address at which it ends would have to be pasted, and this page has no field for that.
            app.agent().cancel_sign_in(begun.id, &actor).await.ok();
            connect_page::sign_in_failed(
                "This sign-in ends on a page of its own, whose address must be pasted",
            )
        }
        Ok(begun) => begun
            .authorize_url
            .map_or_else(connect_page::signing_in, |url| {
                connect_page::redirect_to(&url)
            }),
        Err(AgentError::NotFound { kind: "link", .. }) => connect_page::link_expired(),
        Err(AgentError::RateLimited { retry_after }) => connect_page::too_many_sign_ins(
            u64::try_from(retry_after.as_secs()).unwrap_or(0).max(1),
        ),
        Err(error) => connect_page::sign_in_failed(&error.to_string()),
    }
}

/// `GitHub`, or `GitHub (work)`.
fn title(app: &App, target: &LinkTarget) -> String {
    let name = &target.connection;
    let key = AuthenticatorKey::Name(target.profile.clone(), name.authenticator.clone());
    let display_name = app.agent().authenticator(&key).map_or_else(
        |_| name.authenticator.to_string(),
        |view| view.authenticator.display_name.clone(),
    );
    match &name.account {
        None => display_name,
        Some(account) => format!("{display_name} ({account})"),
    }
}
