//! All routes. Each is: parse, one permission, one agent call, convert.

mod access;
mod agent;
mod authenticators;
mod clients;
mod connect_page;
mod connections;
mod discovery;
mod event_stream;
mod events;
mod sessions;
mod tokens;

use axum::Router;
use axum::routing::{MethodRouter, get};

use crate::app::App;
use crate::error_response::{no_such_method, no_such_path};
use crate::listeners::CONNECT_PATH;
use crate::proxy;

/// The table of routes becomes a router. In tests also a list and a description, which must agree:
/// each route describes itself, and the running agent carries only the committed description.
macro_rules! routes {
    ($($path:literal => $($method:ident $handler:path),+;)*) => {
        fn api() -> Router<App> {
            Router::new()$(.route($path, MethodRouter::new()$(.$method($handler))+))*
        }

        #[cfg(test)]
        pub(crate) const ROUTES: &[(&str, &str)] = &[$($(($path, stringify!($method)),)+)*];

        #[cfg(test)]
        #[derive(utoipa::OpenApi)]
        #[openapi(paths($($($handler,)+)*))]
        pub(crate) struct Described;
    };
}

routes! {
    "/api/v1/status" => get agent::status;
    "/api/v1/settings" => get agent::settings, patch agent::change_settings;
    "/api/v1/pause" => post agent::pause;
    "/api/v1/resume" => post agent::resume;
    "/api/v1/shutdown" => post agent::shutdown;
    "/api/v1/window" => post agent::window;
    "/api/v1/doctor" => post agent::doctor;
    "/api/v1/openapi.json" => get agent::openapi;
    "/api/v1/events" => get events::list;
    "/api/v1/events/verify" => post events::verify;
    "/api/v1/clients" => get clients::list, post clients::create;
    "/api/v1/clients/{id}" => delete clients::revoke;
    "/api/v1/clients/{id}/confirm" => post clients::confirm;
    "/api/v1/rules" => get access::rules;
    "/api/v1/rules/{id}" => delete access::remove_rule;
    "/api/v1/rules/{id}/confirm" => post access::confirm_rule;
    "/api/v1/approvals" => get access::approvals;
    "/api/v1/approvals/{id}/show" => post access::show_approval;
    "/api/v1/approvals/{id}/answer" => post access::answer_approval;
    "/api/v1/oauth/providers" => get authenticators::providers;
    "/api/v1/oauth/discover" => post discovery::discover;
    "/api/v1/oauth/authenticators" => get authenticators::list, post authenticators::add;
    "/api/v1/oauth/authenticators/{id}" =>
        get authenticators::show, patch authenticators::update, delete authenticators::remove;
    "/api/v1/oauth/export" => post authenticators::export;
    "/api/v1/credentials/connections" => get connections::list, post sessions::begin;
    "/api/v1/credentials/connections/{id}" =>
        get connections::show, patch connections::update, delete connections::disconnect;
    "/api/v1/credentials/connections/{id}/token" => post tokens::token;
    "/api/v1/credentials/connections/{id}/refresh" => post tokens::refresh;
    "/api/v1/credentials/connections/{id}/invalidate" => post tokens::invalidate;
    "/api/v1/credentials/connections/{id}/test" => post tokens::test;
    "/api/v1/credentials/sessions/{id}" => get sessions::show, delete sessions::cancel;
    "/api/v1/credentials/sessions/{id}/callback" => post sessions::callback;
}

/// The one router behind every listener. A request carries its sender as an extension of type
/// [`Caller`](crate::caller::Caller); one without gets no further than the connect page.
pub fn router(app: App) -> Router {
    let connect = format!("{CONNECT_PATH}{{nonce}}");
    api()
        .route(&connect, get(connect_page::show).post(connect_page::begin))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .with_state(app.clone())
        .merge(proxy::router(app))
}
