//! The one window. It lives in a process of its own, see `window_process`: started when somebody asks
//! for it, and gone with its whole web engine when it is closed. This side starts it, brings it to
//! the front, and runs the commands of its page, see `bridge`.

pub(crate) mod handle;
pub(crate) mod link;

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde_json::json;
use tauri::{AppHandle, Manager as _};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{self, Child, ChildStdout};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use valetkey_api::error::{ApiError, ErrorCode};

use self::handle::ShowRequest;
use self::link::WindowLink;
use crate::actions::Actions;
use crate::args::Subprocess;
use crate::bridge;
use crate::commands::Command;
use crate::ipc::{FromWindow, ToWindow};
use crate::state::{Once, Shell};
use crate::{child_process, dialog, tray};

/// How long a window may take to come to the front, also on a busy machine.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(30);

/// Serves requests for the window from now on.
pub(crate) fn begin(app: &AppHandle) {
    let requests = handle::manage(app);
    tauri::async_runtime::spawn(serve(app.clone(), requests));
}

async fn serve(app: AppHandle, mut requests: mpsc::UnboundedReceiver<ShowRequest>) {
    while let Some(request) = requests.recv().await {
        let mut next = Some(request);
        while let Some(request) = next.take() {
            match open(&app, &request, &mut requests).await {
                Ok(missed) => next = missed,
                Err(error) => {
                    tracing::error!(%error, "window");
                    dialog::show_error(&app, &no_window(&error));
                }
            }
        }
    }
}

fn no_window(error: &io::Error) -> ApiError {
    let message = "the window cannot be opened";
    ApiError::new(ErrorCode::Internal, message)
        .reason(error.to_string())
        .hint("the tray icon and `valetkey` still work; see `oauth.log`")
}

/// Runs one window until it ends. Returns a request that came too late for it.
async fn open(
    app: &AppHandle,
    request: &ShowRequest,
    requests: &mut mpsc::UnboundedReceiver<ShowRequest>,
) -> io::Result<Option<ShowRequest>> {
    let subprocess = Subprocess::Window {
        at: request.fragment(),
    };
    let mut program = child_process::command();
    program.args(subprocess.to_args());
    let mut process = process::Command::from(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let link = WindowLink::new(process.stdin.take().expect("piped above"));
    let output = process.stdout.take().expect("piped above");
    let mut window = OpenWindow {
        app,
        link: &link,
        unanswered: 1,
        missed: None,
        deadline: Instant::now() + RESPONSE_TIMEOUT,
    };
    let ended = window.run(&mut process, output, requests).await;
    let was_shown = window.unanswered == 0 || window.missed.is_some();
    let missed = window.missed.take();
    link.streams().end_all();
    handle::set_focused(app, false);
    match ended {
        Ok(status) if status.success() => Ok(missed),
        Ok(status) if was_shown => {
            tracing::warn!(%status, "the window ended unexpectedly");
            Ok(missed)
        }
        Ok(status) => Err(io::Error::other(format!("its process ended: {status}"))),
        Err(error) => Err(error),
    }
}

struct OpenWindow<'a> {
    app: &'a AppHandle,
    link: &'a WindowLink,
    /// Requests that it has not answered by coming to the front; the first is its start.
    unanswered: u32,
    /// The last of them, except the first.
    missed: Option<ShowRequest>,
    /// When it counts as hanging, unless it has answered all.
    deadline: Instant,
}

impl OpenWindow<'_> {
    /// Runs until the process ends; kills one that hangs.
    async fn run(
        &mut self,
        process: &mut Child,
        output: ChildStdout,
        requests: &mut mpsc::UnboundedReceiver<ShowRequest>,
    ) -> io::Result<ExitStatus> {
        let mut lines = BufReader::new(output).lines();
        loop {
            tokio::select! {
                line = lines.next_line() => match line {
                    Ok(Some(line)) => self.receive(&line),
                    // It closed its output: it ends, or is killed.
                    Ok(None) | Err(_) => break,
                },
                // Its web engine may hold the pipe open for a while.
                status = process.wait() => return status,
                Some(request) = requests.recv() => self.show(request),
                () = sleep_until(self.deadline), if self.unanswered > 0 => {
                    tracing::warn!("the window does not respond and is killed");
                    process.kill().await?;
                    break;
                }
            }
        }
        if let Ok(status) = timeout(RESPONSE_TIMEOUT, process.wait()).await {
            return status;
        }
        process.kill().await?;
        process.wait().await
    }

    fn receive(&mut self, text: &str) {
        match serde_json::from_str(text) {
            Ok(FromWindow::Called { id, command, args }) => {
                let called = bridge::read(self.link, &command, &args);
                let (app, link) = (self.app.clone(), self.link.clone());
                tauri::async_runtime::spawn(answer(app, link, id, called));
            }
            Ok(FromWindow::Shown) => {
                self.unanswered = self.unanswered.saturating_sub(1);
                if self.unanswered == 0 {
                    self.missed = None;
                }
            }
            Ok(FromWindow::CloseRequested) => {
                tauri::async_runtime::spawn(close(self.app.clone(), self.link.clone()));
            }
            Ok(FromWindow::Focused(focused)) => {
                handle::set_focused(self.app, focused);
            }
            Err(error) => tracing::warn!(%error, "unreadable message from the window"),
        }
    }

    fn show(&mut self, request: ShowRequest) {
        let fragment = request.fragment();
        self.missed = Some(request);
        self.unanswered += 1;
        self.deadline = Instant::now() + RESPONSE_TIMEOUT;
        let link = self.link.clone();
        tauri::async_runtime::spawn(async move {
            link.send(&ToWindow::Show { fragment }).await;
        });
    }
}

/// Closes the window. Without a tray icon the app would go on unseen: the first time, the person is
/// asked.
async fn close(app: AppHandle, link: WindowLink) {
    let tray = tokio::task::spawn_blocking(tray::problem).await;
    let no_tray = tray.ok().flatten().is_some();
    if !no_tray || app.state::<Shell>().has_seen(Once::CloseWithoutTray) {
        link.send(&ToWindow::Close).await;
        return;
    }
    let question = "This desktop shows no tray icon, so nothing on the screen will show that Valet Key \
                    is running.\n\nWhile it runs, it refreshes your tokens and serves your programs; start \
                    it again to see its window. After Quit, programs get no tokens.";
    let handle = app.clone();
    // A question that is closed without an answer must not end the app.
    let answer = move |quit: bool| {
        if quit {
            handle.state::<Actions>().quit();
        } else {
            handle.state::<Shell>().mark_seen(Once::CloseWithoutTray);
            tauri::async_runtime::spawn(async move { link.send(&ToWindow::Close).await });
        }
    };
    dialog::ask(
        &app,
        "Keep Valet Key running?",
        question,
        ["Quit", "Keep running"],
        answer,
    );
}

async fn answer(
    app: AppHandle,
    link: WindowLink,
    id: u32,
    command: Result<Command, Box<ApiError>>,
) {
    let done = match command {
        Ok(command) => bridge::run(&app, &link, command).await,
        Err(error) => Err(error),
    };
    let message = match done {
        Ok(reply) => ToWindow::Done {
            id,
            value: json!(reply)["reply"].take(),
        },
        Err(error) => ToWindow::Failed {
            id,
            error: json!(error),
        },
    };
    link.send(&message).await;
}
