//! The catalogue, and the OAuth clients registered there.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value};
use valetkey_agent::{AuthenticatorChange, AuthenticatorKey};
use valetkey_api::authenticators::{
    AuthenticatorExport, AuthenticatorList, AuthenticatorQuery, AuthenticatorRemoved,
    AuthenticatorSaved, AuthenticatorView, ExportRequest, ProviderList,
};
use valetkey_api::connections::{ForceQuery, ProfileQuery};
use valetkey_api::core::authenticator::Authenticator;
use valetkey_api::core::draft::DraftInput;
use valetkey_api::core::id::AuthenticatorId;
use valetkey_api::core::name::ProfileName;

use crate::app::App;
use crate::caller::Caller;
use crate::confirmation::Change;
use crate::convert::{self, authenticator_key};
use crate::error_response::ErrorResponse;
use crate::extract::{JsonBody, PathParam, QueryParams};
use crate::permission::Action;
use crate::response::{Created, Ok200, secret_json};

/// List providers
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/oauth/providers", tag = "authenticators",
    responses((status = 200, body = ProviderList))
))]
pub(super) async fn providers(
    State(app): State<App>,
    caller: Caller,
) -> Result<Ok200<ProviderList>, ErrorResponse> {
    app.allow(&caller, Action::Manage)?;
    Ok(Ok200(ProviderList::of_catalogue("")))
}

/// List authenticators
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/oauth/authenticators", tag = "authenticators",
    params(AuthenticatorQuery),
    responses((status = 200, body = AuthenticatorList))
))]
pub(super) async fn list(
    State(app): State<App>,
    caller: Caller,
    QueryParams(query): QueryParams<AuthenticatorQuery>,
) -> Result<Ok200<AuthenticatorList>, ErrorResponse> {
    app.allow(&caller, Action::Manage)?;
    let include_disabled = query.include_disabled.unwrap_or(true);
    let found = app
        .agent()
        .authenticators(query.profile.as_ref(), include_disabled);
    let connections = app.agent().connections(query.profile.as_ref());
    let authenticators = found
        .iter()
        .map(|view| convert::authenticator(view, &connections))
        .collect();
    Ok(Ok200(AuthenticatorList { authenticators }))
}

/// Add an authenticator
///
/// Everything that is wrong is named at once, in `problems`.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/oauth/authenticators", tag = "authenticators",
    params(ProfileQuery),
    request_body = valetkey_api::authenticators::forms::NewAuthenticator,
    responses(
        (status = 201, body = AuthenticatorSaved),
        (status = 409, body = valetkey_api::ErrorBody)
    )
))]
pub(super) async fn add(
    State(app): State<App>,
    caller: Caller,
    QueryParams(query): QueryParams<ProfileQuery>,
    JsonBody(members): JsonBody<Map<String, Value>>,
) -> Result<Created<AuthenticatorSaved>, ErrorResponse> {
    let actor = app.allow(&caller, Action::Manage)?;
    let input = DraftInput::from_members(members);
    let profile = query.profile.unwrap_or_default();
    let added = app.agent().add_authenticator(input, profile, &actor).await;
    let (view, warnings) = added?;
    Ok(Created(AuthenticatorSaved {
        authenticator: convert::authenticator(&view, &[]),
        warnings,
    }))
}

/// Show an authenticator
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/oauth/authenticators/{id}", tag = "authenticators",
    params(("id" = String, Path, description = "UUID or name"), ProfileQuery),
    responses((status = 200, body = AuthenticatorView))
))]
pub(super) async fn show(
    State(app): State<App>,
    caller: Caller,
    PathParam(name): PathParam,
    QueryParams(query): QueryParams<ProfileQuery>,
) -> Result<Ok200<AuthenticatorView>, ErrorResponse> {
    app.allow(&caller, Action::Manage)?;
    let key = authenticator_key(&name, query.profile)?;
    Ok(Ok200(view(&app, &key)?))
}

/// Change an authenticator
///
/// A merge patch (RFC 7396) with `is_active` beside it. Connections stay signed in. Logins, and a
/// client secret that is not given anew, are bound to their servers: a change that would send them
/// to another one is a `conflict`, unless `force`. A client key never changes where secrets are sent.
#[cfg_attr(test, utoipa::path(
    patch, path = "/api/v1/oauth/authenticators/{id}", tag = "authenticators",
    params(("id" = String, Path, description = "UUID or name"), ForceQuery),
    request_body = valetkey_api::authenticators::forms::AuthenticatorPatch,
    responses(
        (status = 200, body = AuthenticatorSaved),
        (status = 409, body = valetkey_api::ErrorBody)
    )
))]
pub(super) async fn update(
    State(app): State<App>,
    caller: Caller,
    PathParam(name): PathParam,
    QueryParams(query): QueryParams<ForceQuery>,
    JsonBody(mut members): JsonBody<Map<String, Value>>,
) -> Result<Ok200<AuthenticatorSaved>, ErrorResponse> {
    let actor = app.allow(&caller, Action::Manage)?;
    let key = authenticator_key(&name, query.profile)?;
    // From here on the id travels: while the person is asked, another one may get the name.
    let key = AuthenticatorKey::Id(app.agent().authenticator(&key)?.authenticator.id);
    let is_active = match members.remove("is_active") {
        None => None,
        Some(Value::Bool(is_active)) => Some(is_active),
        Some(_) => {
            return Err(ErrorResponse::invalid(
                "`is_active` is true or false",
                "send `{\"is_active\": false}` to disable it",
            ));
        }
    };
    let input = DraftInput::from_members(members);
    let one_change = &app.changes().logins;
    let confirmed = app.confirm_all(&caller, one_change, || {
        let mut changes = widening(&app, &caller, &key, &input)?;
        if is_active == Some(true) {
            changes.extend(enabling(&app, &key)?);
        }
        Ok(changes)
    });
    let _guard = confirmed.await?;
    let change = AuthenticatorChange {
        input,
        is_active,
        force: query.force,
    };
    let saved = app.agent().update_authenticator(&key, change, &actor);
    let (view, warnings) = saved.await?;
    let connections = app.agent().connections(Some(&view.authenticator.profile));
    Ok(Ok200(AuthenticatorSaved {
        authenticator: convert::authenticator(&view, &connections),
        warnings,
    }))
}

/// What of this change widens.
fn widening(
    app: &App,
    caller: &Caller,
    key: &AuthenticatorKey,
    input: &DraftInput,
) -> Result<Vec<Change>, ErrorResponse> {
    let agent = app.agent();
    let name = agent.authenticator(key)?.authenticator.name.to_string();
    let mut changes = Vec::new();
    let routes = agent.rerouted(key, input)?;
    if !routes.is_empty() {
        app.allow(caller, Action::ChangeEndpoints)?;
        changes.push(Change::Endpoints {
            authenticator: name.clone(),
            routes,
        });
    }
    let hosts = agent.added_api_hosts(key, input)?;
    if !hosts.is_empty() {
        app.allow(caller, Action::ChangeApiHosts)?;
        changes.push(Change::ApiHosts {
            authenticator: name,
            hosts,
        });
    }
    Ok(changes)
}

/// What enabling it widens: programs may use its logins again.
fn enabling(app: &App, key: &AuthenticatorKey) -> Result<Option<Change>, ErrorResponse> {
    let view = app.agent().authenticator(key)?;
    let connections = app.agent().connections(Some(&view.authenticator.profile));
    let own = connections
        .iter()
        .filter(|it| it.row.authenticator == view.authenticator.id);
    let connections: Vec<_> = own.map(|it| it.name.to_string()).collect();
    let widens = !view.authenticator.is_active && !connections.is_empty();
    Ok(widens.then(|| Change::Enable {
        authenticator: view.authenticator.name.to_string(),
        connections,
    }))
}

/// Export authenticators
///
/// As `valetkey import` reads them back. A client secret is left to a variable, unless `secrets` asks for
/// it: then the caller is a program, and while the desktop app runs the person confirms it.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/oauth/export", tag = "authenticators",
    params(ProfileQuery),
    request_body = ExportRequest,
    responses(
        (status = 200, body = AuthenticatorExport),
        (status = 404, body = valetkey_api::ErrorBody),
        (status = 502, body = valetkey_api::ErrorBody)
    )
))]
pub(super) async fn export(
    State(app): State<App>,
    caller: Caller,
    QueryParams(query): QueryParams<ProfileQuery>,
    JsonBody(request): JsonBody<ExportRequest>,
) -> Result<Response, ErrorResponse> {
    let actor = app.allow(&caller, Action::Manage)?;
    let agent = app.agent();
    let ids: Vec<AuthenticatorId> = match request.authenticators {
        None => {
            let all = agent.authenticators(query.profile.as_ref(), true);
            all.iter().map(|view| view.authenticator.id).collect()
        }
        Some(names) => names
            .iter()
            .map(|name| {
                let key = authenticator_key(name, query.profile.clone())?;
                Ok(agent.authenticator(&key)?.authenticator.id)
            })
            .collect::<Result<_, ErrorResponse>>()?,
    };
    let authenticators = if request.secrets {
        app.allow(&caller, Action::ExportSecrets)?;
        let one_change = &app.changes().logins;
        let _guard = app
            .confirm_all(&caller, one_change, || exports_secrets(&app, &ids))
            .await?;
        agent.export_with_secrets(&ids, &actor).await?
    } else {
        agent.export_authenticators(&ids)?
    };
    let export = AuthenticatorExport { authenticators };
    Ok(secret_json(StatusCode::OK, &export))
}

/// The question about the client secrets of these authenticators, if they have any.
fn exports_secrets(app: &App, ids: &[AuthenticatorId]) -> Result<Vec<Change>, ErrorResponse> {
    let mut named = Vec::new();
    for id in ids {
        let view = app.agent().authenticator(&AuthenticatorKey::Id(*id))?;
        let Authenticator { name, profile, .. } = &*view.authenticator;
        if view.authenticator.has_secret {
            named.push(if *profile == ProfileName::default() {
                name.to_string()
            } else {
                format!("{name} (profile {profile})")
            });
        }
    }
    let is_some = !named.is_empty();
    let change = Change::ExportSecrets {
        authenticators: named,
    };
    Ok(is_some.then_some(change).into_iter().collect())
}

/// Remove an authenticator
///
/// One with connections is a `conflict`, unless `force` disconnects them first.
#[cfg_attr(test, utoipa::path(
    delete, path = "/api/v1/oauth/authenticators/{id}", tag = "authenticators",
    params(("id" = String, Path, description = "UUID or name"), ForceQuery),
    responses(
        (status = 200, body = AuthenticatorRemoved),
        (status = 409, body = valetkey_api::ErrorBody)
    )
))]
pub(super) async fn remove(
    State(app): State<App>,
    caller: Caller,
    PathParam(name): PathParam,
    QueryParams(query): QueryParams<ForceQuery>,
) -> Result<Ok200<AuthenticatorRemoved>, ErrorResponse> {
    let actor = app.allow(&caller, Action::Manage)?;
    let key = authenticator_key(&name, query.profile)?;
    let authenticator = view(&app, &key)?;
    let disconnected = app
        .agent()
        .remove_authenticator(&key, query.force, &actor)
        .await?;
    Ok(Ok200(AuthenticatorRemoved {
        authenticator,
        disconnected: disconnected
            .into_iter()
            .map(convert::disconnected)
            .collect(),
    }))
}

fn view(app: &App, key: &AuthenticatorKey) -> Result<AuthenticatorView, ErrorResponse> {
    let view = app.agent().authenticator(key)?;
    let connections = app.agent().connections(Some(&view.authenticator.profile));
    Ok(convert::authenticator(&view, &connections))
}
