//! Every path of the provider.

use std::sync::Arc;

use axum::Router;
use axum::routing::{any, delete, get, post};

use crate::shared::Shared;
use crate::{authorize, control, device, discovery, echo, pushed, resource, revoke, token};

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(discovery::metadata),
        )
        .route(
            "/.well-known/oauth-authorization-server",
            get(discovery::metadata),
        )
        .route("/jwks", get(discovery::jwks))
        .route("/authorize", get(authorize::authorize))
        .route("/authorize/decision", post(authorize::decision))
        .route("/par", post(pushed::push))
        .route("/device_authorization", post(device::authorization))
        .route("/device", get(device::page).post(device::decision))
        .route("/token", post(token::token))
        .route("/revoke", post(revoke::standard))
        .route("/applications/{client}/token", delete(revoke::github_token))
        .route("/applications/{client}/grant", delete(revoke::github_grant))
        .route("/api/auth.revoke", post(revoke::slack))
        .route(
            "/userinfo",
            get(resource::userinfo).post(resource::userinfo),
        )
        .route("/api/me", get(resource::me))
        .route("/api/echo", any(echo::echo))
        .route("/api/stream", get(echo::stream))
        .route("/api/redirect", get(echo::redirect))
        .nest("/_control", control::router())
        .with_state(shared)
}
