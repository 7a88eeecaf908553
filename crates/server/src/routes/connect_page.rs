//! The connect page: see [`crate::connect_page`].

use axum::extract::State;
use axum::response::Response;
use valetkey_agent::{AgentError, AuthenticatorKey, LinkTarget};
use valetkey_api::core::actor::Actor;
use valetkey_api::core::catalogue;
use valetkey_api::core::provider::Provider;

use crate::app::App;
use crate::connect_page;
use crate::extract::PathParam;

pub(super) async fn show(State(app): State<App>, PathParam(nonce): PathParam) -> Response {
    match app.agent().connect_link_target(&nonce) {
        Some(target) => {
            let (title, provider) = authenticator(&app, &target);
            connect_page::sign_in_page(&title, provider, &target)
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

/// `GitHub`, or `GitHub (work)`; and its provider.
fn authenticator(app: &App, target: &LinkTarget) -> (String, &'static Provider) {
    let name = &target.connection;
    let key = AuthenticatorKey::Name(target.profile.clone(), name.authenticator.clone());
    let found = app.agent().authenticator(&key).ok();
    let found = found.as_ref().map(|view| &view.authenticator);
    let display_name = found.map_or_else(
        || name.authenticator.to_string(),
        |authenticator| authenticator.display_name.clone(),
    );
    let provider = found.map_or("custom", |authenticator| &authenticator.provider);
    let title = match &name.account {
        None => display_name,
        Some(account) => format!("{display_name} ({account})"),
    };
    (title, catalogue::provider_or_custom(provider))
}
