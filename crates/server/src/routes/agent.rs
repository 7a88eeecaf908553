//! The agent itself.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use valetkey_api::Patch;
use valetkey_api::agent::{
    AgentStatus, Check, DoctorReport, Settings, SettingsPatch, SettingsQuery, ShutdownResponse,
    Version, WindowResponse,
};
use valetkey_api::command_line::missing_program;
use valetkey_api::core::settings::RetentionDays;

use crate::app::App;
use crate::caller::Caller;
use crate::confirmation::{Change, widens};
use crate::error_response::ErrorResponse;
use crate::extract::{JsonBody, QueryParams};
use crate::permission::Action;
use crate::response::{Accepted, Ok200};
use crate::{convert, doctor, document, start};

/// Show the agent's status
///
/// Changes nothing and prompts nobody.
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/status", tag = "agent",
    responses((status = 200, body = AgentStatus))
))]
pub(super) async fn status(
    State(app): State<App>,
    caller: Caller,
) -> Result<Ok200<AgentStatus>, ErrorResponse> {
    app.allow(&caller, Action::Manage)?;
    Ok(Ok200(convert::status(&app).await))
}

/// Show the settings
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/settings", tag = "agent",
    responses((status = 200, body = Settings))
))]
pub(super) async fn settings(
    State(app): State<App>,
    caller: Caller,
) -> Result<Ok200<Settings>, ErrorResponse> {
    app.allow(&caller, Action::Manage)?;
    Ok(Ok200(app.agent().settings()))
}

/// Change settings
///
/// A port that client keys are used at is changed only with `force`.
#[cfg_attr(test, utoipa::path(
    patch, path = "/api/v1/settings", tag = "agent",
    params(SettingsQuery), request_body = SettingsPatch,
    responses(
        (status = 200, body = Settings),
        (status = 409, body = valetkey_api::ErrorBody)
    )
))]
pub(super) async fn change_settings(
    State(app): State<App>,
    caller: Caller,
    QueryParams(query): QueryParams<SettingsQuery>,
    JsonBody(patch): JsonBody<SettingsPatch>,
) -> Result<Ok200<Settings>, ErrorResponse> {
    let actor = app.allow(&caller, Action::Manage)?;
    if !patch.browser.is_keep() {
        app.allow(&caller, Action::SetCommand)?;
    }
    if !query.force {
        check_browser(&patch.browser, &caller)?;
        app.check_port_change(&patch.port)?;
    }
    if patch.access_policy.is_some() {
        app.allow(&caller, Action::SetAccessPolicy)?;
    }
    let one_change = &app.changes().settings;
    let _guard = app
        .confirm_all(&caller, one_change, || Ok(widening(&app, &patch)))
        .await?;
    let patch = |settings: &mut Settings| patch.apply(settings);
    let changed = app.agent().change_settings(patch, &actor).await?;
    start::set_log_level(changed.log_level);
    Ok(Ok200(changed))
}

/// What of a patch widens.
fn widening(app: &App, patch: &SettingsPatch) -> Vec<Change> {
    let settings = app.agent().settings();
    let mut changes = Vec::new();
    let command = match &patch.browser {
        Patch::Keep => None,
        Patch::Clear => Some(None),
        Patch::Set(command) => Some(Some(command.clone())),
    };
    changes.extend(command.map(|command| Change::Browser { command }));
    let policy = patch.access_policy;
    let policy = policy.filter(|policy| widens(settings.access_policy, *policy));
    changes.extend(policy.map(Change::Policy));
    let days = patch.retention_days.map(RetentionDays::get);
    let days = days.filter(|days| *days < settings.retention_days.get());
    changes.extend(days.map(|days| Change::Retention { days }));
    if settings.pause_on_lock && patch.pause_on_lock == Some(false) {
        changes.push(Change::NoPauseOnLock);
    }
    if settings.pause_on_idle && patch.pause_on_idle == Some(false) {
        changes.push(Change::NoPauseOnIdle);
    }
    changes
}

/// Refuses a command of the window whose program is missing. The command line checks its own: its
/// `PATH` may be another one.
fn check_browser(browser: &Patch<String>, caller: &Caller) -> Result<(), ErrorResponse> {
    let (Caller::Window, Patch::Set(command)) = (caller, browser) else {
        return Ok(());
    };
    match missing_program(command) {
        None => Ok(()),
        Some(program) => Err(ErrorResponse::invalid(
            format!("there is no program `{program}`"),
            "write the command as in a terminal, such as `firefox -P work`",
        )),
    }
}

/// Pause
///
/// Hands out nothing until resumed, also after a restart.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/pause", tag = "agent",
    responses((status = 200, body = AgentStatus))
))]
pub(super) async fn pause(
    State(app): State<App>,
    caller: Caller,
) -> Result<Ok200<AgentStatus>, ErrorResponse> {
    let actor = app.allow(&caller, Action::Manage)?;
    let _guard = app.changes().settings.lock().await;
    app.agent().pause(&actor).await?;
    Ok(Ok200(convert::status(&app).await))
}

/// Resume
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/resume", tag = "agent",
    responses((status = 200, body = AgentStatus))
))]
pub(super) async fn resume(
    State(app): State<App>,
    caller: Caller,
) -> Result<Ok200<AgentStatus>, ErrorResponse> {
    let actor = app.allow(&caller, Action::Manage)?;
    // A pause that begins after this look stays.
    if app.agent().is_paused() {
        app.confirm(Change::Resume, caller.asked_by()).await?;
        app.agent().resume(&actor).await?;
    }
    Ok(Ok200(convert::status(&app).await))
}

/// Stop the agent
///
/// It finishes work in progress, stores what is not stored, and ends.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/shutdown", tag = "agent",
    responses((status = 202, body = ShutdownResponse))
))]
pub(super) async fn shutdown(
    State(app): State<App>,
    caller: Caller,
) -> Result<Accepted<ShutdownResponse>, ErrorResponse> {
    let actor = app.allow(&caller, Action::Manage)?;
    app.confirm_for_program(Change::Stop, &caller).await?;
    tracing::info!(%actor, "asked to stop");
    app.stop().request();
    Ok(Accepted(ShutdownResponse {
        pid: std::process::id(),
        client_keys: app.agent().keys().len(),
    }))
}

/// Show the window
///
/// Of the desktop app; an agent without a desktop is `not_configured`.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/window", tag = "agent",
    responses(
        (status = 202, body = WindowResponse),
        (status = 409, body = valetkey_api::ErrorBody)
    )
))]
pub(super) async fn window(
    State(app): State<App>,
    caller: Caller,
) -> Result<Accepted<WindowResponse>, ErrorResponse> {
    app.allow(&caller, Action::Manage)?;
    app.want_window()?;
    Ok(Accepted(WindowResponse {
        pid: std::process::id(),
    }))
}

/// Check the agent
///
/// Writes, reads and deletes one probe item in the secret store.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/doctor", tag = "agent",
    responses((status = 200, body = DoctorReport))
))]
pub(super) async fn doctor(
    State(app): State<App>,
    caller: Caller,
) -> Result<Ok200<DoctorReport>, ErrorResponse> {
    app.allow(&caller, Action::Manage)?;
    let found = app.agent().doctor().await;
    let addresses = app.addresses();
    let mut checks: Vec<Check> = found.into_iter().map(convert::check).collect();
    checks.push(doctor::disk(&app.home().data));
    checks.push(doctor::socket(&addresses));
    checks.push(doctor::port(&addresses));
    checks.extend(doctor::own_providers(app.home()));
    checks.extend(doctor::changed_endpoints(
        &app.agent().authenticators(None, true),
    ));
    let versions = app.agent().versions().await?;
    let version = |name: &str, version: String| Version {
        name: name.to_owned(),
        version,
    };
    Ok(Ok200(DoctorReport {
        checks,
        now: Timestamp::now(),
        versions: vec![
            version("agent", env!("CARGO_PKG_VERSION").to_owned()),
            version("sqlite", versions.sqlite.to_owned()),
            version("database", versions.schema.to_string()),
        ],
    }))
}

/// Read this document
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "agent",
    responses((status = 200, body = serde_json::Value))
))]
pub(super) async fn openapi(
    State(app): State<App>,
    caller: Caller,
) -> Result<Response, ErrorResponse> {
    app.allow(&caller, Action::ReadApiDocument)?;
    let json = HeaderValue::from_static("application/json");
    Ok(([(CONTENT_TYPE, json)], document::COMMITTED).into_response())
}
