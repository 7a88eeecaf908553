//! Accounts that are signed in.

use axum::extract::State;
use valetkey_agent::{ConnectionChange, ConnectionKey, LabelChange, MethodsChange};
use valetkey_api::Patch;
use valetkey_api::connections::{
    ConnectionList, ConnectionPatch, ConnectionView, Disconnected, ForceQuery, ProfileQuery,
};
use valetkey_api::core::proxy_settings::Widened;

use crate::app::{App, connection_key};
use crate::caller::Caller;
use crate::confirmation::Change;
use crate::convert;
use crate::error_response::ErrorResponse;
use crate::extract::{JsonBody, PathParam, QueryParams};
use crate::permission::Action;
use crate::response::Ok200;

/// List connections
///
/// A client key sees its own.
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/credentials/connections", tag = "connections",
    params(ProfileQuery),
    responses((status = 200, body = ConnectionList))
))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryParams(query): QueryParams<ProfileQuery>,
) -> Ok200<ConnectionList> {
    let views = app.agent().connections(query.profile.as_ref());
    let seen = views
        .into_iter()
        .filter(|view| {
            app.allow(&caller, Action::ReadConnection(view.row.id))
                .is_ok()
        })
        .map(convert::connection)
        .collect();
    Ok200(ConnectionList { connections: seen })
}

/// Show a connection
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/credentials/connections/{id}", tag = "connections",
    params(("id" = String, Path, description = "UUID, `authenticator` or `authenticator/account`"), ProfileQuery),
    responses((status = 200, body = ConnectionView))
))]
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    PathParam(name): PathParam,
    QueryParams(query): QueryParams<ProfileQuery>,
) -> Result<Ok200<ConnectionView>, ErrorResponse> {
    let key = connection_key(&name, query.profile)?;
    let view = app.allow_reading(&caller, &key)?;
    Ok(Ok200(convert::connection(view)))
}

/// Change a connection
#[cfg_attr(test, utoipa::path(
    patch, path = "/api/v1/credentials/connections/{id}", tag = "connections",
    params(("id" = String, Path, description = "UUID, `authenticator` or `authenticator/account`"), ProfileQuery),
    request_body = ConnectionPatch,
    responses(
        (status = 200, body = ConnectionView),
        (status = 409, body = valetkey_api::ErrorBody)
    )
))]
pub(super) async fn update(
    State(app): State<App>,
    caller: Caller,
    PathParam(name): PathParam,
    QueryParams(query): QueryParams<ProfileQuery>,
    JsonBody(patch): JsonBody<ConnectionPatch>,
) -> Result<Ok200<ConnectionView>, ErrorResponse> {
    let actor = app.allow(&caller, Action::Manage)?;
    let key = connection_key(&name, query.profile)?;
    // From here on the id travels: while the person is asked, another one may get the name.
    let key = ConnectionKey::Id(app.agent().connection_id(&key)?);
    let methods = match patch.allowed_methods {
        Patch::Keep => MethodsChange::Keep,
        Patch::Clear => MethodsChange::Any,
        Patch::Set(words) => MethodsChange::Only(convert::methods(&words)?),
    };
    let label = match patch.account {
        Patch::Keep => LabelChange::Keep,
        Patch::Clear => LabelChange::Remove,
        Patch::Set(label) => LabelChange::Set(convert::label(&label)?),
    };
    let change = ConnectionChange {
        keep_warm: patch.keep_warm,
        label,
        proxy_only: patch.proxy_only,
        methods,
    };
    let one_change = &app.changes().logins;
    let _guard = app
        .confirm_all(&caller, one_change, || {
            widening(&app, &caller, &key, &change)
        })
        .await?;
    let view = app.agent().update_connection(&key, change, &actor).await?;
    Ok(Ok200(convert::connection(view)))
}

/// What of this change widens.
fn widening(
    app: &App,
    caller: &Caller,
    key: &ConnectionKey,
    change: &ConnectionChange,
) -> Result<Vec<Change>, ErrorResponse> {
    let widened = app.agent().widened(key, change)?;
    if widened == Widened::default() {
        return Ok(Vec::new());
    }
    app.allow(caller, Action::WidenProxy)?;
    Ok(vec![Change::Proxy {
        connection: app.agent().connection(key)?.name.to_string(),
        widened,
    }])
}

/// Disconnect
///
/// Revokes the tokens at the provider where that is possible, then forgets them.
#[cfg_attr(test, utoipa::path(
    delete, path = "/api/v1/credentials/connections/{id}", tag = "connections",
    params(("id" = String, Path, description = "UUID, `authenticator` or `authenticator/account`"), ForceQuery),
    responses(
        (status = 200, body = Disconnected),
        (status = 409, body = valetkey_api::ErrorBody)
    )
))]
pub(super) async fn disconnect(
    State(app): State<App>,
    caller: Caller,
    PathParam(name): PathParam,
    QueryParams(query): QueryParams<ForceQuery>,
) -> Result<Ok200<Disconnected>, ErrorResponse> {
    let actor = app.allow(&caller, Action::Manage)?;
    let key = connection_key(&name, query.profile)?;
    let gone = app.agent().disconnect(&key, query.force, &actor).await?;
    Ok(Ok200(convert::disconnected(gone)))
}
