//! What the page may ask: any route of the API, as the window, and the few deeds that need the shell.
//!
//! Tokens never come here: the token routes answer 403 to the window, and copying or renewing
//! one is done in this process.
#![expect(
    clippy::needless_pass_by_value,
    reason = "a command's arguments are made for it by Tauri"
)]

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use http::Method;
use http_body_util::BodyExt as _;
use serde::Serialize;
use tauri::ipc::Channel;
use tauri::{AppHandle, State};
use tokio::task::AbortHandle;
use valetkey_api::error::{ApiError, ErrorCode};

use crate::deeds::Deeds;
use crate::face::{Refusal, Reply};
use crate::shell::{Once, Shell};
use crate::{autostart, clipboard, downloads};

/// The event streams that the page follows.
#[derive(Default)]
pub(crate) struct Streams(Mutex<HashMap<u32, AbortHandle>>);

impl Streams {
    fn begun(&self, id: u32, task: AbortHandle) {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|_, task| !task.is_finished());
        streams.insert(id, task);
    }

    fn end(&self, id: u32) {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = streams.remove(&id) {
            task.abort();
        }
    }

    /// The page is gone.
    pub(crate) fn end_all(&self) {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        streams.drain().for_each(|(_, task)| task.abort());
    }
}

fn method(name: &str) -> Result<Method, Refusal> {
    match name {
        "GET" => Ok(Method::GET),
        "POST" => Ok(Method::POST),
        "PATCH" => Ok(Method::PATCH),
        "DELETE" => Ok(Method::DELETE),
        other => {
            let words = format!("the API knows no `{other}`");
            Err(ApiError::new(ErrorCode::InvalidRequest, words).into())
        }
    }
}

/// One request to the API.
#[tauri::command]
pub(crate) async fn request(
    deeds: State<'_, Deeds>,
    method: String,
    path: String,
    body: Option<String>,
) -> Result<Reply, Refusal> {
    deeds.face.ask(self::method(&method)?, &path, body).await
}

/// Follows an event stream, once it has begun with this status. Its text comes piece by piece, an
/// empty one is the end; the channel's id ends it before.
#[tauri::command]
pub(crate) async fn follow(
    deeds: State<'_, Deeds>,
    streams: State<'_, Streams>,
    path: String,
    on_text: Channel<String>,
) -> Result<u16, Refusal> {
    let response = deeds.face.begin(Method::GET, &path, None).await?;
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let id = on_text.id();
    let task = tokio::spawn(async move {
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(bytes) = frame.into_data() else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if on_text.send(text).is_err() {
                return;
            }
        }
        // The page may be gone.
        on_text.send(String::new()).ok();
    });
    streams.begun(id, task.abort_handle());
    Ok(status)
}

/// Ends an event stream.
#[tauri::command]
pub(crate) fn unfollow(streams: State<'_, Streams>, id: u32) {
    streams.end(id);
}

/// Opens a web address in the person's browser.
#[tauri::command]
pub(crate) async fn open_url(deeds: State<'_, Deeds>, url: String) -> Result<(), Refusal> {
    deeds.open_browser(&url).await
}

/// Copies a token to the clipboard. The page asked the person first.
#[tauri::command]
pub(crate) async fn copy_token(
    deeds: State<'_, Deeds>,
    connection: String,
) -> Result<Copied, Refusal> {
    deeds.copy_token(&connection).await?;
    Ok(Copied {
        clears_in_seconds: clipboard::CLEARED_AFTER.as_secs(),
    })
}

/// Gets a new token from the provider, which stays in this process.
#[tauri::command]
pub(crate) async fn refresh_now(
    deeds: State<'_, Deeds>,
    connection: String,
) -> Result<(), Refusal> {
    deeds.refresh(&connection).await
}

/// A token is on the clipboard.
#[derive(Debug, Serialize)]
pub(crate) struct Copied {
    clears_in_seconds: u64,
}

/// Saves an export in the person's downloads; answers where.
#[tauri::command]
pub(crate) async fn save_file(
    app: AppHandle,
    name: String,
    text: String,
) -> Result<String, Refusal> {
    let save = move || downloads::save(&app, &name, &text);
    let saved = tokio::task::spawn_blocking(save).await;
    let saved = saved.map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))??;
    Ok(saved.display().to_string())
}

/// How the shell itself is.
#[derive(Debug, Serialize)]
pub(crate) struct ShellState {
    version: &'static str,
    autostart: Option<bool>,
    tray_problem: Option<String>,
    notification_problem: Option<String>,
    log_folder: String,
    first_start: bool,
    login_offered: bool,
}

/// Tells how the shell itself is.
#[tauri::command]
pub(crate) async fn shell_state(
    app: AppHandle,
    shell: State<'_, Shell>,
) -> Result<ShellState, Refusal> {
    Ok(ShellState {
        version: env!("CARGO_PKG_VERSION"),
        autostart: autostart::is_on(&app),
        tray_problem: shell.tray_problem(),
        notification_problem: shell.notification_problem(),
        log_folder: shell.home.state.display().to_string(),
        first_start: !shell.has_seen(Once::FirstSteps),
        login_offered: shell.has_seen(Once::LoginOffer),
    })
}

/// Starts the app at login, or no more.
#[tauri::command]
pub(crate) fn set_autostart(
    app: AppHandle,
    shell: State<'_, Shell>,
    enabled: bool,
) -> Result<(), Refusal> {
    autostart::set(&app, enabled)?;
    shell.seen(Once::LoginOffer);
    Ok(())
}

/// The person does not want to start the app at login, for now.
#[tauri::command]
pub(crate) fn login_offer_done(shell: State<'_, Shell>) {
    shell.seen(Once::LoginOffer);
}

/// Shows the folder of the log.
#[tauri::command]
pub(crate) fn open_log_folder(shell: State<'_, Shell>) -> Result<(), Refusal> {
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

/// The person has seen the first steps.
#[tauri::command]
pub(crate) fn first_start_done(shell: State<'_, Shell>) {
    shell.seen(Once::FirstSteps);
}
