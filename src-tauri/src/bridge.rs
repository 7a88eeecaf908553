//! The commands of the page: any request to the API, as the window, and what only the shell can do.
//!
//! No token passes here: the token routes answer 403 to the window, and copying or refreshing one is
//! done in this process.

use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tauri::{AppHandle, Manager as _};
use valetkey_api::browser;
use valetkey_api::error::{ApiError, ErrorCode};

use crate::actions::{ActionError, Actions};
use crate::commands::{Command, Copied, Reply, ShellState};
use crate::ipc::ToWindow;
use crate::state::{Once, Shell};
use crate::window::link::WindowLink;
use crate::{autostart, clipboard, demo, downloads, keychain, notifier, tray};

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
) -> Result<Reply, Box<ApiError>> {
    let actions = app.state::<Actions>();
    let shell = app.state::<Shell>();
    Ok(match command {
        Command::Request { method, path, body } => {
            let method = self::method(&method)?;
            Reply::Request(actions.api.request(method, &path, body).await?)
        }
        Command::Follow { path, stream } => {
            let begun = follow(&actions, link, &path, stream).await;
            if begun.is_err() {
                link.streams().end(stream);
            }
            Reply::Follow(begun?)
        }
        Command::Unfollow { id } => {
            link.streams().end(id);
            Reply::Unfollow(())
        }
        Command::OpenUrl { url } => Reply::OpenUrl(open_url(&actions, &url).await?),
        Command::CopyToken { connection } => {
            actions.copy_token(&connection).await?;
            let seconds = clipboard::CLEARED_AFTER.as_secs();
            Reply::CopyToken(Copied {
                clears_in_seconds: seconds.try_into().unwrap_or(u32::MAX),
            })
        }
        Command::RefreshNow { connection } => {
            Reply::RefreshNow(actions.refresh(&connection).await?)
        }
        Command::SaveFile { name, text } => Reply::SaveFile(save(app, name, text).await?),
        Command::ShellState {} => Reply::ShellState(state(app, &shell).await),
        Command::SetAutostart { enabled } => {
            autostart::set(app, enabled)?;
            shell.mark_seen(Once::LoginOffer);
            Reply::SetAutostart(())
        }
        Command::LoginOfferDone {} => {
            shell.mark_seen(Once::LoginOffer);
            Reply::LoginOfferDone(())
        }
        Command::BeginDemo {} => Reply::BeginDemo(demo::begin(app).await?),
        Command::OpenLogFolder {} => Reply::OpenLogFolder(open_log_folder(&shell).await?),
        Command::FirstStartDone {} => {
            shell.mark_seen(Once::FirstSteps);
            Reply::FirstStartDone(())
        }
        Command::UnlockKeychain {} => Reply::UnlockKeychain(keychain::unlock().await?),
        Command::Quit {} => {
            actions.quit();
            Reply::Quit(())
        }
    })
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

async fn open_log_folder(shell: &Shell) -> Result<(), Box<ApiError>> {
    let folder = shell.home.state.clone();
    let message = format!("`{}` cannot be shown", folder.display());
    let open = move || {
        let mut openers = open::commands(folder);
        openers.iter_mut().any(|it| browser::launch(it).is_ok())
    };
    if tokio::task::spawn_blocking(open).await.unwrap_or(false) {
        return Ok(());
    }
    let error = ApiError::new(ErrorCode::Internal, message);
    Err(error.hint("open it in your file manager").into())
}
