//! The process of the window: it shows the page and forwards the page's commands to the app over a
//! pipe. A closed window ends the process, and with it the whole web engine. A page that breaks out of
//! the engine finds no token here.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use serde_json::{Value, json};
use tauri::ipc::{Channel, Invoke, InvokeBody, InvokeResolver, JavaScriptChannelId};
use tauri::{
    AppHandle, Manager as _, RunEvent, Url, WebviewUrl, WebviewWindowBuilder, WindowEvent, Wry,
};
use valetkey_server::start;

use crate::commands::STREAM_ARGUMENT;
use crate::ipc::{self, FromWindow, ToWindow};
use crate::{child_process, context};

/// Named in `capabilities/window.json`.
const LABEL: &str = "main";

/// The pipe to the app.
struct ToApp(Mutex<Box<dyn Write + Send>>);

/// Whether the app was asked to close the window.
#[derive(Default)]
struct Closing(AtomicBool);

/// Calls of the page that have no reply yet, and its event streams.
#[derive(Default)]
struct Calls {
    next: AtomicU32,
    pending: Mutex<HashMap<u32, Call>>,
    streams: Mutex<HashMap<u32, Channel<String>>>,
}

struct Call {
    resolver: InvokeResolver<Wry>,
    /// The stream that was asked for.
    stream: Option<u32>,
}

impl Calls {
    fn pending(&self) -> MutexGuard<'_, HashMap<u32, Call>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn streams(&self) -> MutexGuard<'_, HashMap<u32, Channel<String>>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows the window until it is closed, or the app is gone.
pub(crate) fn run(fragment: Option<&str>) -> ExitCode {
    start::harden();
    let pipes = match child_process::take_pipes() {
        Ok(pipes) => pipes,
        Err(error) => return no_window(&error),
    };
    let page = format!("index.html{}", fragment.unwrap_or_default());
    let app = tauri::Builder::default()
        .manage(Calls::default())
        .manage(Closing::default())
        .manage(ToApp(Mutex::new(Box::new(pipes.to_app))))
        .invoke_handler(forward)
        .setup(move |app| {
            make(app.handle(), page)?;
            send(app.handle(), &FromWindow::Shown);
            let handle = app.handle().clone();
            thread::Builder::new()
                .name("app".to_owned())
                .spawn(move || receive(&handle, pipes.from_app))?;
            Ok(())
        })
        .build(context::load());
    match app {
        Ok(app) => {
            app.run(|app, event| {
                let RunEvent::WindowEvent { event, .. } = event else {
                    return;
                };
                match event {
                    WindowEvent::Focused(focused) => send(app, &FromWindow::Focused(focused)),
                    // The app may have to ask first. A second attempt closes it in any case.
                    WindowEvent::CloseRequested { api, .. }
                        if !app.state::<Closing>().0.swap(true, Ordering::Relaxed) =>
                    {
                        api.prevent_close();
                        send(app, &FromWindow::CloseRequested);
                    }
                    _ => {}
                }
            });
            ExitCode::SUCCESS
        }
        Err(error) => no_window(&error),
    }
}

fn no_window(error: &dyn std::fmt::Display) -> ExitCode {
    // Shared with the app.
    writeln!(std::io::stderr(), "error: no window: {error}").ok();
    ExitCode::FAILURE
}

fn make(app: &AppHandle, page: String) -> tauri::Result<()> {
    WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App(page.into()))
        .title("Valet Key")
        .inner_size(1040.0, 700.0)
        .min_inner_size(640.0, 480.0)
        // The page takes dropped files itself.
        .disable_drag_drop_handler()
        // Nothing but our own page is ever shown; links go to the system's browser.
        .on_navigation(is_page)
        .build()
        .map(drop)
}

/// Whether this URL is of our own page: exactly the origin that Tauri serves it at.
fn is_page(url: &Url) -> bool {
    url.scheme() == "tauri" && url.host_str() == Some("localhost") && url.port().is_none()
}

fn raise(app: &AppHandle, fragment: Option<&str>) -> tauri::Result<()> {
    let window = app.get_webview_window(LABEL);
    // It is being closed.
    let window = window.ok_or(tauri::Error::WindowNotFound)?;
    if let Some(fragment) = fragment {
        // The page routes by fragment; assigning one loads nothing.
        window.eval(format!("location.hash = {}", json!(fragment)))?;
    }
    window.unminimize()?;
    window.show()?;
    window.set_focus()
}

/// Forwards every command of the page; the app knows which there are.
fn forward(invoke: Invoke<Wry>) -> bool {
    let Invoke {
        message, resolver, ..
    } = invoke;
    let app = message.webview_ref().app_handle().clone();
    let calls = app.state::<Calls>();
    let InvokeBody::Json(mut args) = message.payload().clone() else {
        resolver.reject(json!({"code": "invalid_request", "message": "commands take JSON"}));
        return true;
    };
    let channel: Option<JavaScriptChannelId> = args
        .get(STREAM_ARGUMENT)
        .and_then(Value::as_str)
        .and_then(|channel| channel.parse().ok());
    let stream = channel.map(|channel| {
        let channel = channel.channel_on::<Wry, String>(message.webview());
        let stream = channel.id();
        args["stream"] = stream.into();
        calls.streams().insert(stream, channel);
        stream
    });
    let command = message.command().to_owned();
    if command == "unfollow"
        && let Some(stream) = args["id"].as_u64().and_then(|id| id.try_into().ok())
    {
        calls.streams().remove(&stream);
    }
    let id = calls.next.fetch_add(1, Ordering::Relaxed);
    calls.pending().insert(id, Call { resolver, stream });
    send(&app, &FromWindow::Called { id, command, args });
    true
}

fn send(app: &AppHandle, message: &FromWindow) {
    let to_app = app.state::<ToApp>();
    let mut to_app = to_app.0.lock().unwrap_or_else(PoisonError::into_inner);
    let written = to_app.write_all(ipc::line(message).as_bytes());
    if written.and_then(|()| to_app.flush()).is_err() {
        app.exit(0);
    }
}

/// Reads the app's messages until it ends.
fn receive(app: &AppHandle, from_app: impl Read) {
    let calls = app.state::<Calls>();
    for line in BufReader::new(from_app).lines() {
        let Ok(message) = line.map(|line| serde_json::from_str(&line)) else {
            break;
        };
        let Ok(message) = message else { continue };
        match message {
            ToWindow::Done { id, value } => {
                if let Some(call) = calls.pending().remove(&id) {
                    call.resolver.resolve(value);
                }
            }
            ToWindow::Failed { id, error } => {
                if let Some(call) = calls.pending().remove(&id) {
                    if let Some(stream) = call.stream {
                        calls.streams().remove(&stream);
                    }
                    call.resolver.reject(error);
                }
            }
            ToWindow::Text { stream, text } => {
                let mut streams = calls.streams();
                let has_ended = text.is_empty();
                // The page may be gone.
                let sent = streams.get(&stream).map(|channel| channel.send(text));
                if has_ended || sent.is_some_and(|sent| sent.is_err()) {
                    streams.remove(&stream);
                }
            }
            ToWindow::Close => break,
            ToWindow::Show { fragment } => {
                let handle = app.clone();
                let shown = app.run_on_main_thread(move || {
                    if raise(&handle, fragment.as_deref()).is_ok() {
                        send(&handle, &FromWindow::Shown);
                    }
                });
                if shown.is_err() {
                    break;
                }
            }
        }
    }
    app.exit(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_origin_of_the_page_is_navigated_to() {
        let allowed = |url: &str| is_page(&url.parse().expect("a URL"));
        assert!(allowed("tauri://localhost/index.html#/connection/7"));
        for url in [
            "http://tauri.localhost/",
            "https://tauri.localhost:8443/",
            "tauri://evil.example/index.html",
            "tauri://localhost:99/index.html",
            "https://example.com/",
            "data:text/html,x",
        ] {
            assert!(!allowed(url), "{url}");
        }
    }
}
