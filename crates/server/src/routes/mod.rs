//! All routes. Each is: parse, one permission, one agent call, convert.

mod agent;
mod authenticators;
mod clients;
mod connect;
mod connections;
mod events;
mod follow;
mod sessions;
mod tokens;

use axum::Router;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::doors::CONNECT;
use crate::refused::{no_such_method, no_such_path};

/// The one router behind every door. A request carries who asks as an extension of type
/// [`Caller`](crate::caller::Caller); one without is nobody's, and gets no further than the connect
/// page.
pub fn router(app: App) -> Router {
    let (api, _document) = documented().split_for_parts();
    let connect = format!("{CONNECT}{{nonce}}");
    api.route(&connect, get(connect::show).post(connect::begin))
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .with_state(app)
}

/// The routes of the API with their description. Each names its whole path: a nested router would
/// rewrite the address of every request.
pub(crate) fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(agent::status))
        .routes(routes!(agent::settings, agent::change_settings))
        .routes(routes!(agent::pause))
        .routes(routes!(agent::resume))
        .routes(routes!(agent::shutdown))
        .routes(routes!(agent::doctor))
        .routes(routes!(agent::openapi))
        .routes(routes!(authenticators::providers))
        .routes(routes!(authenticators::list, authenticators::add))
        .routes(routes!(
            authenticators::show,
            authenticators::update,
            authenticators::remove
        ))
        .routes(routes!(connections::list, sessions::begin))
        .routes(routes!(
            connections::show,
            connections::update,
            connections::disconnect
        ))
        .routes(routes!(tokens::token))
        .routes(routes!(tokens::refresh))
        .routes(routes!(tokens::invalidate))
        .routes(routes!(tokens::test))
        .routes(routes!(sessions::show, sessions::cancel))
        .routes(routes!(sessions::callback))
        .routes(routes!(clients::list, clients::create))
        .routes(routes!(clients::revoke))
        .routes(routes!(events::list))
}
