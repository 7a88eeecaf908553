//! The one window. It lives in a process of its own, see `page`: made when somebody asks for it,
//! gone with everything of its web engine when it is closed. This side starts it, brings it to the
//! front, and carries out what its page asks, see `bridge`.

use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tauri::{AppHandle, Manager as _};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, Command};
use tokio::sync::{Mutex, mpsc};

use crate::args::Part;
use crate::bridge::{self, Streams};
use crate::own_process;
use crate::wire::{self, FromWindow, ToWindow};

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
                Err(error) => tracing::error!(%error, "window"),
            }
            app.state::<Window>()
                .focused
                .store(false, Ordering::Relaxed);
        }
    }
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
    let pipe = process.stdin.take().expect("piped above");
    let page = Page(Arc::new(Inner {
        pipe: Mutex::new(pipe),
        streams: Streams::default(),
    }));
    let heard = process.stdout.take().expect("piped above");
    let mut heard = BufReader::new(heard).lines();
    let mut missed = None;
    loop {
        tokio::select! {
            line = heard.next_line() => {
                let Some(line) = line? else { break };
                match serde_json::from_str(&line) {
                    Ok(FromWindow::Asked { id, command, args }) => {
                        let ask = json!({"command": command, "args": args});
                        tauri::async_runtime::spawn(answer(app.clone(), page.clone(), id, ask));
                    }
                    Ok(FromWindow::Shown) => missed = None,
                    Ok(FromWindow::Focused(focused)) => {
                        app.state::<Window>().focused.store(focused, Ordering::Relaxed);
                    }
                    // A library that prints is no message.
                    Err(_) => {}
                }
            }
            Some(wish) = wishes.recv() => {
                let fragment = wish.fragment();
                missed = Some(wish);
                let page = page.clone();
                tauri::async_runtime::spawn(async move {
                    page.tell(&ToWindow::Show { fragment }).await;
                });
            }
        }
    }
    page.0.streams.end_all();
    let status = process.wait().await?;
    if !status.success() {
        tracing::warn!(%status, "the window ended by itself");
    }
    Ok(missed)
}

async fn answer(app: AppHandle, page: Page, id: u32, ask: serde_json::Value) {
    let message = match bridge::answer(&app, &page, ask).await {
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
    pipe: Mutex<ChildStdin>,
    streams: Streams,
}

impl Page {
    /// Says something; false if nobody is there any more. Waits while the page is slow to hear.
    pub(crate) async fn tell(&self, message: &ToWindow) -> bool {
        let line = wire::line(message);
        let mut pipe = self.0.pipe.lock().await;
        pipe.write_all(line.as_bytes()).await.is_ok()
    }

    /// The event streams that it follows.
    pub(crate) fn streams(&self) -> &Streams {
        &self.0.streams
    }
}
