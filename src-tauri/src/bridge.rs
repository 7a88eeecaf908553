//! The commands of the page: any request to the API, as the window, and what only the shell can do.
//!
//! No token passes here: the token routes answer 403 to the window, and copying or refreshing one is
//! done in this process.

use http::Method;
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tauri::{AppHandle, Manager as _};
use valetkey_api::error::{ApiError, ErrorCode};

use crate::actions::{ActionError, Actions};
use crate::api_client::Reply;
use crate::ipc::ToWindow;
use crate::state::{Once, Shell};
use crate::window::link::WindowLink;
use crate::{autostart, clipboard, demo, downloads, notifier, tray};

/// The commands of the page with their arguments.
#[derive(Deserialize)]
#[serde(tag = "command", content = "args", rename_all = "snake_case")]
pub(crate) enum Command {
    /// One request to the API.
    Request {
        method: String,
        path: String,
        body: Option<String>,
    },
    /// An event stream. Its text comes piece by piece, an empty one is the end.
    Follow { path: String, stream: u32 },
    /// Ends an event stream.
    Unfollow { id: u32 },
    /// Opens a web address in the person's browser.
    OpenUrl { url: String },
    /// Copies a token to the clipboard. The page asked the person first.
    CopyToken { connection: String },
    /// Gets a new token from the provider, which stays in this process.
    RefreshNow { connection: String },
    /// Saves an export in the person's downloads; answers where.
    SaveFile { name: String, text: String },
    /// Answers the shell's own state.
    ShellState {},
    /// Turns start at login on or off.
    SetAutostart { enabled: bool },
    /// The person does not want to start the app at login, for now.
    LoginOfferDone {},
    /// Starts a provider to try the app with; answers the id of its authenticator.
    BeginDemo {},
    /// Shows the folder of the log.
    OpenLogFolder {},
    /// The person has finished the first steps.
    FirstStartDone {},
}

/// Reads a command of the page; call it in the order in which the page called.
pub(crate) fn read(
    link: &WindowLink,
    command: &str,
    args: &Value,
) -> Result<Command, Box<ApiError>> {
    let command: Command = serde_json::from_value(json!({"command": command, "args": args}))
        .map_err(|error| ApiError::new(ErrorCode::InvalidRequest, error.to_string()))?;
    if let Command::Follow { stream, .. } = &command {
        link.streams().requested(*stream);
    }
    Ok(command)
}

/// Runs a command of the page.
pub(crate) async fn run(
    app: &AppHandle,
    link: &WindowLink,
    command: Command,
) -> Result<Value, Box<ApiError>> {
    let actions = app.state::<Actions>();
    let shell = app.state::<Shell>();
    let answer = match command {
        Command::Request { method, path, body } => {
            let Reply { status, body } = actions
                .api
                .request(self::method(&method)?, &path, body)
                .await?;
            json!({"status": status, "body": body})
        }
        Command::Follow { path, stream } => {
            let begun = follow(&actions, link, &path, stream).await;
            if begun.is_err() {
                link.streams().end(stream);
            }
            begun?.into()
        }
        Command::Unfollow { id } => {
            link.streams().end(id);
            Value::Null
        }
        Command::OpenUrl { url } => open_url(&actions, &url).await.map(Value::from)?,
        Command::CopyToken { connection } => {
            actions.copy_token(&connection).await?;
            json!({"clears_in_seconds": clipboard::CLEARED_AFTER.as_secs()})
        }
        Command::RefreshNow { connection } => {
            actions.refresh(&connection).await.map(Value::from)?
        }
        Command::SaveFile { name, text } => save(app, name, text).await?.into(),
        Command::ShellState {} => json!(state(app, &shell).await),
        Command::SetAutostart { enabled } => {
            autostart::set(app, enabled)?;
            shell.mark_seen(Once::LoginOffer);
            Value::Null
        }
        Command::LoginOfferDone {} => {
            shell.mark_seen(Once::LoginOffer);
            Value::Null
        }
        Command::BeginDemo {} => demo::begin(app).await?.into(),
        Command::OpenLogFolder {} => open_log_folder(&shell).map(Value::from)?,
        Command::FirstStartDone {} => {
            shell.mark_seen(Once::FirstSteps);
            Value::Null
        }
    };
    Ok(answer)
}

fn method(name: &str) -> Result<Method, Box<ApiError>> {
    match name {
        "GET" => Ok(Method::GET),
        "POST" => Ok(Method::POST),
        "PATCH" => Ok(Method::PATCH),
        "DELETE" => Ok(Method::DELETE),
        other => {
            let message = format!("the API has no method `{other}`");
            Err(ApiError::new(ErrorCode::InvalidRequest, message).into())
        }
    }
}

/// Answers with the status once the stream has begun.
async fn follow(
    actions: &Actions,
    link: &WindowLink,
    path: &str,
    stream: u32,
) -> Result<u16, Box<ApiError>> {
    let response = actions.api.send(Method::GET, path, None).await?;
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let to = link.clone();
    let task = tokio::spawn(async move {
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(bytes) = frame.into_data() else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if !to.send(&ToWindow::Text { stream, text }).await {
                return;
            }
        }
        let text = String::new();
        to.send(&ToWindow::Text { stream, text }).await;
    });
    link.streams().begun(stream, task.abort_handle());
    Ok(status)
}

async fn open_url(actions: &Actions, url: &str) -> Result<(), Box<ApiError>> {
    let opened = actions.open_browser(url).await;
    opened.map_err(|error| match error {
        ActionError::Api(error) => error,
        // The page has the address and shows it.
        ActionError::NoBrowser { why, .. } => {
            let message = "the browser cannot be opened";
            let hint = "copy the address into a browser, or set its command in Settings";
            let error = ApiError::new(ErrorCode::Internal, message);
            error.reason(why).hint(hint).into()
        }
    })
}

async fn save(app: &AppHandle, name: String, text: String) -> Result<String, Box<ApiError>> {
    let app = app.clone();
    let save = move || downloads::save(&app, &name, &text);
    let saved = tokio::task::spawn_blocking(save).await;
    let saved = saved.map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))??;
    Ok(saved.display().to_string())
}

/// The shell's own state.
#[derive(Debug, Serialize)]
struct ShellState {
    version: &'static str,
    autostart: Option<bool>,
    tray_problem: Option<String>,
    notification_problem: Option<String>,
    log_folder: String,
    first_start: bool,
    login_offered: bool,
    demo: bool,
}

async fn state(app: &AppHandle, shell: &Shell) -> ShellState {
    // Checked again: a panel may have started since.
    let handle = app.clone();
    let problems = move || (tray::problem(), notifier::problem(&handle));
    let problems = tokio::task::spawn_blocking(problems).await;
    let (tray_problem, notification_problem) = problems.unwrap_or_default();
    ShellState {
        version: env!("CARGO_PKG_VERSION"),
        autostart: autostart::is_on(app),
        tray_problem,
        notification_problem,
        log_folder: shell.home.state.display().to_string(),
        first_start: !shell.has_seen(Once::FirstSteps),
        login_offered: shell.has_seen(Once::LoginOffer),
        demo: demo::is_installed(),
    }
}

fn open_log_folder(shell: &Shell) -> Result<(), Box<ApiError>> {
    open::that_detached(&shell.home.state).map_err(|error| {
        let folder = shell.home.state.display();
        ApiError::new(
            ErrorCode::Internal,
            format!("`{folder}` cannot be shown: {error}"),
        )
        .hint("open it in your file manager")
        .into()
    })
}
