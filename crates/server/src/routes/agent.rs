//! The agent itself.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use valetkey_api::agent::{
    AgentStatus, Check, CheckOutcome, DoctorReport, Settings, SettingsPatch, ShutdownReply,
    Version, WindowReply,
};

use crate::app::{App, OpenDoors};
use crate::caller::Caller;
use crate::document;
use crate::extract::Sent;
use crate::permission::Act;
use crate::refused::Refused;
use crate::reply::{Accepted, Ok200};
use crate::{start, views};

/// See how the agent is
///
/// Changes nothing and prompts nobody.
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/status", tag = "agent",
    responses((status = 200, body = AgentStatus))
))]
pub(super) async fn status(
    State(app): State<App>,
    caller: Caller,
) -> Result<Ok200<AgentStatus>, Refused> {
    app.allow(&caller, Act::Manage)?;
    Ok(Ok200(views::status(&app).await))
}

/// See the settings
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/settings", tag = "agent",
    responses((status = 200, body = Settings))
))]
pub(super) async fn settings(
    State(app): State<App>,
    caller: Caller,
) -> Result<Ok200<Settings>, Refused> {
    app.allow(&caller, Act::Manage)?;
    Ok(Ok200(app.agent().settings()))
}

/// Change settings
#[cfg_attr(test, utoipa::path(
    patch, path = "/api/v1/settings", tag = "agent",
    request_body = SettingsPatch,
    responses((status = 200, body = Settings))
))]
pub(super) async fn change_settings(
    State(app): State<App>,
    caller: Caller,
    Sent(patch): Sent<SettingsPatch>,
) -> Result<Ok200<Settings>, Refused> {
    let actor = app.allow(&caller, Act::Manage)?;
    if !patch.browser.is_keep() {
        app.allow(&caller, Act::SetCommand)?;
    }
    let patch = |settings: &mut Settings| patch.apply(settings);
    let changed = app.agent().change_settings(patch, &actor).await?;
    start::set_log_level(changed.log_level);
    Ok(Ok200(changed))
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
) -> Result<Ok200<AgentStatus>, Refused> {
    let actor = app.allow(&caller, Act::Manage)?;
    app.agent().pause(&actor).await?;
    Ok(Ok200(views::status(&app).await))
}

/// Resume
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/resume", tag = "agent",
    responses((status = 200, body = AgentStatus))
))]
pub(super) async fn resume(
    State(app): State<App>,
    caller: Caller,
) -> Result<Ok200<AgentStatus>, Refused> {
    let actor = app.allow(&caller, Act::Manage)?;
    app.agent().resume(&actor).await?;
    Ok(Ok200(views::status(&app).await))
}

/// Stop the agent
///
/// It finishes what it has begun, stores what is not stored, and ends.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/shutdown", tag = "agent",
    responses((status = 202, body = ShutdownReply))
))]
pub(super) async fn shutdown(
    State(app): State<App>,
    caller: Caller,
) -> Result<Accepted<ShutdownReply>, Refused> {
    let actor = app.allow(&caller, Act::Manage)?;
    tracing::info!(%actor, "asked to stop");
    app.stop().request();
    Ok(Accepted(ShutdownReply {
        pid: std::process::id(),
    }))
}

/// Show the window
///
/// Of the desktop app; an agent without a desktop is `not_configured`.
#[cfg_attr(test, utoipa::path(
    post, path = "/api/v1/window", tag = "agent",
    responses((status = 202, body = WindowReply))
))]
pub(super) async fn window(
    State(app): State<App>,
    caller: Caller,
) -> Result<Accepted<WindowReply>, Refused> {
    app.allow(&caller, Act::Manage)?;
    app.want_window()?;
    Ok(Accepted(WindowReply {
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
) -> Result<Ok200<DoctorReport>, Refused> {
    app.allow(&caller, Act::Manage)?;
    let found = app.agent().doctor().await;
    let doors = app.doors();
    let mut checks: Vec<Check> = found.into_iter().map(views::check).collect();
    checks.push(socket(&doors));
    checks.push(port(&doors));
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

fn socket(doors: &OpenDoors) -> Check {
    let path = doors.socket.display();
    let (outcome, message, hint) = if doors.socket.as_os_str().is_empty() {
        (CheckOutcome::Skipped, "none is open".to_owned(), None)
    } else if doors.socket.exists() {
        (CheckOutcome::Ok, format!("`{path}` is open"), None)
    } else {
        let hint = "restart the agent: `valetkey serve`".to_owned();
        let message = format!("`{path}` was removed by somebody");
        (CheckOutcome::Failed, message, Some(hint))
    };
    Check {
        name: "socket".to_owned(),
        outcome,
        message,
        hint,
    }
}

fn port(doors: &OpenDoors) -> Check {
    let (outcome, message) = match (doors.port, &doors.port_problem) {
        (Some(port), _) => (CheckOutcome::Ok, format!("127.0.0.1:{port} is open")),
        (None, Some(problem)) => (CheckOutcome::Failed, problem.clone()),
        (None, None) => (CheckOutcome::Skipped, "none is open".to_owned()),
    };
    let hint = "end the program that has the port, or start with another `--port`";
    Check {
        name: "port".to_owned(),
        hint: (outcome == CheckOutcome::Failed).then(|| hint.to_owned()),
        outcome,
        message,
    }
}

/// Read this document
#[cfg_attr(test, utoipa::path(
    get, path = "/api/v1/openapi.json", tag = "agent",
    responses((status = 200, body = serde_json::Value))
))]
pub(super) async fn openapi(State(app): State<App>, caller: Caller) -> Result<Response, Refused> {
    app.allow(&caller, Act::ReadManual)?;
    let json = HeaderValue::from_static("application/json");
    Ok(([(CONTENT_TYPE, json)], document::COMMITTED).into_response())
}
