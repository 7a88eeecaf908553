//! What the page may ask: any route of the API, as the window, and the few deeds that need the shell.
//!
//! Tokens never come here: the token routes answer 403 to the window, and copying or renewing
//! one is done in this process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::Method;
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tauri::{AppHandle, Manager as _};
use tokio::task::AbortHandle;
use valetkey_api::error::{ApiError, ErrorCode};

use crate::deeds::{Deeds, Failed};
use crate::face::{Refusal, Reply};
use crate::shell::{Once, Shell};
use crate::window::Page;
use crate::wire::ToWindow;
use crate::{autostart, clipboard, demo, downloads, notify, tray};

/// The event streams that the page follows.
#[derive(Default)]
pub(crate) struct Streams(Mutex<HashMap<u32, Stream>>);

enum Stream {
    /// Asked for; it has not begun.
    Awaited,
    Running(AbortHandle),
}

impl Streams {
    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Stream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn awaited(&self, id: u32) {
        self.lock().insert(id, Stream::Awaited);
    }

    /// One that was ended before it began is ended now.
    fn begun(&self, id: u32, task: AbortHandle) {
        let mut streams = self.lock();
        streams.retain(|_, it| !matches!(it, Stream::Running(task) if task.is_finished()));
        match streams.get_mut(&id) {
            Some(stream) => *stream = Stream::Running(task),
            None => task.abort(),
        }
    }

    fn end(&self, id: u32) {
        if let Some(Stream::Running(task)) = self.lock().remove(&id) {
            task.abort();
        }
    }

    /// The page is gone.
    pub(crate) fn end_all(&self) {
        for (_, stream) in self.lock().drain() {
            if let Stream::Running(task) = stream {
                task.abort();
            }
        }
    }
}

/// The commands of the page, each with what it brings along.
#[derive(Deserialize)]
#[serde(tag = "command", content = "args", rename_all = "snake_case")]
pub(crate) enum Ask {
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
    /// Tells how the shell itself is.
    ShellState {},
    /// Starts the app at login, or no more.
    SetAutostart { enabled: bool },
    /// The person does not want to start the app at login, for now.
    LoginOfferDone {},
    /// Starts a provider to try the app with; answers its authenticator's id.
    BeginDemo {},
    /// Shows the folder of the log.
    OpenLogFolder {},
    /// The person has seen the first steps.
    FirstStartDone {},
}

/// Reads a command of the page; call it in the order in which the page called.
pub(crate) fn read(page: &Page, command: &str, args: Value) -> Result<Ask, Refusal> {
    let ask = [("command", command.into()), ("args", args)];
    let ask = ask.into_iter().map(|(key, value)| (key.to_owned(), value));
    let ask: Ask = serde_json::from_value(Value::Object(ask.collect()))
        .map_err(|error| ApiError::new(ErrorCode::InvalidRequest, error.to_string()))?;
    if let Ask::Follow { stream, .. } = &ask {
        page.streams().awaited(*stream);
    }
    Ok(ask)
}

/// Carries out a command of the page.
pub(crate) async fn answer(app: &AppHandle, page: &Page, ask: Ask) -> Result<Value, Refusal> {
    let deeds = app.state::<Deeds>();
    let shell = app.state::<Shell>();
    let answer = match ask {
        Ask::Request { method, path, body } => {
            let Reply { status, body } =
                deeds.face.ask(self::method(&method)?, &path, body).await?;
            json!({"status": status, "body": body})
        }
        Ask::Follow { path, stream } => {
            let begun = follow(&deeds, page, &path, stream).await;
            if begun.is_err() {
                page.streams().end(stream);
            }
            begun?.into()
        }
        Ask::Unfollow { id } => {
            page.streams().end(id);
            Value::Null
        }
        Ask::OpenUrl { url } => open_url(&deeds, &url).await.map(Value::from)?,
        Ask::CopyToken { connection } => {
            deeds.copy_token(&connection).await?;
            json!({"clears_in_seconds": clipboard::CLEARED_AFTER.as_secs()})
        }
        Ask::RefreshNow { connection } => deeds.refresh(&connection).await.map(Value::from)?,
        Ask::SaveFile { name, text } => save(app, name, text).await?.into(),
        Ask::ShellState {} => json!(state(app, &shell).await),
        Ask::SetAutostart { enabled } => {
            autostart::set(app, enabled)?;
            shell.seen(Once::LoginOffer);
            Value::Null
        }
        Ask::LoginOfferDone {} => {
            shell.seen(Once::LoginOffer);
            Value::Null
        }
        Ask::BeginDemo {} => demo::begin(app).await?.into(),
        Ask::OpenLogFolder {} => open_log_folder(&shell).map(Value::from)?,
        Ask::FirstStartDone {} => {
            shell.seen(Once::FirstSteps);
            Value::Null
        }
    };
    Ok(answer)
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

/// Answers with the status once the stream has begun.
async fn follow(deeds: &Deeds, page: &Page, path: &str, stream: u32) -> Result<u16, Refusal> {
    let response = deeds.face.begin(Method::GET, path, None).await?;
    let status = response.status().as_u16();
    let mut body = response.into_body();
    let to = page.clone();
    let task = tokio::spawn(async move {
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(bytes) = frame.into_data() else {
                continue;
            };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if !to.tell(&ToWindow::Text { stream, text }).await {
                return;
            }
        }
        let text = String::new();
        to.tell(&ToWindow::Text { stream, text }).await;
    });
    page.streams().begun(stream, task.abort_handle());
    Ok(status)
}

async fn open_url(deeds: &Deeds, url: &str) -> Result<(), Refusal> {
    let opened = deeds.open_browser(url).await;
    opened.map_err(|failed| match failed {
        Failed::Refused(error) => error,
        // The page has the address, and says how to go on by hand.
        Failed::Unopened { why, .. } => {
            let words = "the browser cannot be opened";
            let hint = "copy the address into a browser, or set its command in Settings";
            let error = ApiError::new(ErrorCode::Internal, words);
            error.reason(why).hint(hint).into()
        }
    })
}

async fn save(app: &AppHandle, name: String, text: String) -> Result<String, Refusal> {
    let app = app.clone();
    let save = move || downloads::save(&app, &name, &text);
    let saved = tokio::task::spawn_blocking(save).await;
    let saved = saved.map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))??;
    Ok(saved.display().to_string())
}

/// How the shell itself is.
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
    // Asked anew: a panel may have come since the start.
    let handle = app.clone();
    let problems = move || (tray::problem(), notify::problem(&handle));
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
        demo: demo::is_there(),
    }
}

fn open_log_folder(shell: &Shell) -> Result<(), Refusal> {
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
