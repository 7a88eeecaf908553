//! The one window. It lives in a process of its own, see `page`: made when somebody asks for it,
//! gone with everything of its web engine when it is closed. This side starts it, brings it to the
//! front, and carries out what its page asks, see `bridge`.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use tauri::{AppHandle, Manager as _};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use valetkey_api::error::{ApiError, ErrorCode};

use crate::args::Part;
use crate::bridge::{self, Ask, Streams};
use crate::face::Refusal;
use crate::wire::{self, FromWindow, ToWindow};
use crate::{dialog, own_process};

/// A window that was asked for stands in front within this time, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many messages wait for a page that is slow to hear; then who says the next one waits too.
const AHEAD: usize = 64;

/// Where in the page to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Wherever it was.
    Anywhere,
    /// The list of connections.
    Connections,
    /// One connection's details, by its id.
    Connection(String),
    /// The settings.
    Settings,
}

impl Place {
    fn fragment(&self) -> Option<String> {
        match self {
            Self::Anywhere => None,
            Self::Connections => Some("#/connections".to_owned()),
            Self::Connection(id) => Some(format!("#/connections/{id}")),
            Self::Settings => Some("#/settings".to_owned()),
        }
    }
}

/// The app's handle on its window.
struct Window {
    wanted: mpsc::UnboundedSender<Place>,
    focused: AtomicBool,
}

/// From now on a window can be asked for.
pub(crate) fn begin(app: &AppHandle) {
    let (wanted, wishes) = mpsc::unbounded_channel();
    app.manage(Window {
        wanted,
        focused: AtomicBool::new(false),
    });
    tauri::async_runtime::spawn(serve(app.clone(), wishes));
}

/// Shows the window in front, and makes it first if there is none.
pub(crate) fn show(app: &AppHandle, place: &Place) {
    // Nobody listens any more while the app ends.
    app.state::<Window>().wanted.send(place.clone()).ok();
}

/// Whether the person looks at it.
pub(crate) fn is_focused(app: &AppHandle) -> bool {
    app.state::<Window>().focused.load(Ordering::Relaxed)
}

async fn serve(app: AppHandle, mut wishes: mpsc::UnboundedReceiver<Place>) {
    while let Some(wish) = wishes.recv().await {
        let mut next = Some(wish);
        while let Some(place) = next.take() {
            match open(&app, &place, &mut wishes).await {
                Ok(missed) => next = missed,
                Err(error) => {
                    tracing::error!(%error, "window");
                    dialog::tell(&app, &no_window(&error));
                }
            }
        }
    }
}

fn no_window(error: &io::Error) -> ApiError {
    let words = "the window cannot be opened";
    ApiError::new(ErrorCode::Internal, words)
        .reason(error.to_string())
        .hint("the icon in the tray and `valetkey` go on working; `oauth.log` says more")
}

/// One window, from its start to its end; the wish that came too late for it.
async fn open(
    app: &AppHandle,
    place: &Place,
    wishes: &mut mpsc::UnboundedReceiver<Place>,
) -> io::Result<Option<Place>> {
    let part = Part::Window {
        at: place.fragment(),
    };
    let mut command = own_process::command();
    command.args(part.to_args());
    let mut process = Command::from(command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let page = Page::new(process.stdin.take().expect("piped above"));
    let heard = process.stdout.take().expect("piped above");
    let mut life = Life {
        app,
        page: &page,
        unanswered: 1,
        missed: None,
        patience: Instant::now() + PATIENCE,
    };
    let ended = life.live(&mut process, heard, wishes).await;
    let was_shown = life.unanswered == 0 || life.missed.is_some();
    let missed = life.missed.take();
    page.streams().end_all();
    let window = app.state::<Window>();
    window.focused.store(false, Ordering::Relaxed);
    match ended {
        Ok(status) if status.success() => Ok(missed),
        Ok(status) if was_shown => {
            tracing::warn!(%status, "the window ended by itself");
            Ok(missed)
        }
        Ok(status) => Err(io::Error::other(format!("its process ended: {status}"))),
        Err(error) => Err(error),
    }
}

/// What is known of an open window.
struct Life<'a> {
    app: &'a AppHandle,
    page: &'a Page,
    /// Wishes that it has not answered by standing in front; the first one is its start.
    unanswered: u32,
    /// The last of them, but for the first.
    missed: Option<Place>,
    /// When it counts as hanging, unless it has answered all.
    patience: Instant,
}

impl Life<'_> {
    /// Until the process ends; a hanging one is ended.
    async fn live(
        &mut self,
        process: &mut Child,
        heard: ChildStdout,
        wishes: &mut mpsc::UnboundedReceiver<Place>,
    ) -> io::Result<ExitStatus> {
        let mut heard = BufReader::new(heard).lines();
        loop {
            tokio::select! {
                line = heard.next_line() => match line {
                    Ok(Some(line)) => self.hear(&line),
                    // It says no more: it ends, or shall.
                    Ok(None) | Err(_) => break,
                },
                // Its web engine may hold the pipe open for a while.
                status = process.wait() => return status,
                Some(wish) = wishes.recv() => self.wish(wish),
                () = sleep_until(self.patience), if self.unanswered > 0 => {
                    tracing::warn!("the window hangs and is ended");
                    process.kill().await?;
                    break;
                }
            }
        }
        if let Ok(status) = timeout(PATIENCE, process.wait()).await {
            return status;
        }
        process.kill().await?;
        process.wait().await
    }

    fn hear(&mut self, line: &str) {
        match serde_json::from_str(line) {
            Ok(FromWindow::Asked { id, command, args }) => {
                let ask = bridge::read(self.page, &command, args);
                let (app, page) = (self.app.clone(), self.page.clone());
                tauri::async_runtime::spawn(answer(app, page, id, ask));
            }
            Ok(FromWindow::Shown) => {
                self.unanswered = self.unanswered.saturating_sub(1);
                if self.unanswered == 0 {
                    self.missed = None;
                }
            }
            Ok(FromWindow::Focused(focused)) => {
                let window = self.app.state::<Window>();
                window.focused.store(focused, Ordering::Relaxed);
            }
            Err(error) => tracing::warn!(%error, "the window says what nobody understands"),
        }
    }

    fn wish(&mut self, wish: Place) {
        let fragment = wish.fragment();
        self.missed = Some(wish);
        self.unanswered += 1;
        self.patience = Instant::now() + PATIENCE;
        let page = self.page.clone();
        tauri::async_runtime::spawn(async move {
            page.tell(&ToWindow::Show { fragment }).await;
        });
    }
}

async fn answer(app: AppHandle, page: Page, id: u32, ask: Result<Ask, Refusal>) {
    let done = match ask {
        Ok(ask) => bridge::answer(&app, &page, ask).await,
        Err(refusal) => Err(refusal),
    };
    let message = match done {
        Ok(value) => ToWindow::Answered { id, value },
        Err(refusal) => ToWindow::Refused {
            id,
            error: json!(refusal),
        },
    };
    page.tell(&message).await;
}

/// The page of an open window.
#[derive(Clone)]
pub(crate) struct Page(Arc<Inner>);

struct Inner {
    lines: mpsc::Sender<String>,
    streams: Streams,
}

impl Page {
    /// Whole lines go down the pipe, whatever becomes of who says them.
    fn new(mut pipe: ChildStdin) -> Self {
        let (lines, mut said) = mpsc::channel::<String>(AHEAD);
        tauri::async_runtime::spawn(async move {
            while let Some(line) = said.recv().await {
                if pipe.write_all(line.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
        Self(Arc::new(Inner {
            lines,
            streams: Streams::default(),
        }))
    }

    /// Says something; false if nobody is there any more. Waits while the page is slow to hear.
    pub(crate) async fn tell(&self, message: &ToWindow) -> bool {
        self.0.lines.send(wire::line(message)).await.is_ok()
    }

    /// The event streams that it follows.
    pub(crate) fn streams(&self) -> &Streams {
        &self.0.streams
    }
}
