//! The connection to the process of an open window: the pipe to it, and the event streams that its
//! page follows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::AsyncWriteExt as _;
use tokio::process::ChildStdin;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::ipc::{self, ToWindow};

/// Messages that may be queued for a slow page; then senders wait.
const MAX_QUEUED: usize = 64;

/// A cheap handle on the page of an open window.
#[derive(Clone)]
pub(crate) struct WindowLink(Arc<Inner>);

struct Inner {
    lines: mpsc::Sender<String>,
    streams: Streams,
}

impl WindowLink {
    /// One task writes, so that a cancelled sender never leaves half a line in the pipe.
    pub(super) fn new(mut pipe: ChildStdin) -> Self {
        let (lines, mut queued) = mpsc::channel::<String>(MAX_QUEUED);
        tauri::async_runtime::spawn(async move {
            while let Some(line) = queued.recv().await {
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

    /// Sends a message; false if the window is gone. Waits while the queue is full.
    pub(crate) async fn send(&self, message: &ToWindow) -> bool {
        self.0.lines.send(ipc::line(message)).await.is_ok()
    }

    /// The event streams that it follows.
    pub(crate) fn streams(&self) -> &Streams {
        &self.0.streams
    }
}

/// The event streams that the page follows.
#[derive(Default)]
pub(crate) struct Streams(Mutex<HashMap<u32, Stream>>);

enum Stream {
    /// Requested; it has not begun.
    Requested,
    Running(AbortHandle),
}

impl Streams {
    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Stream>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn requested(&self, id: u32) {
        self.lock().insert(id, Stream::Requested);
    }

    /// One that was ended before it began is ended now.
    pub(crate) fn begun(&self, id: u32, task: AbortHandle) {
        let mut streams = self.lock();
        streams.retain(|_, it| !matches!(it, Stream::Running(task) if task.is_finished()));
        match streams.get_mut(&id) {
            Some(stream) => *stream = Stream::Running(task),
            None => task.abort(),
        }
    }

    pub(crate) fn end(&self, id: u32) {
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
