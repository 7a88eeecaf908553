//! A copied token: kept out of clipboard histories where the desktop supports it, and cleared after
//! 30 seconds or when the app ends.
//!
//! The clipboard is owned by another program, which may hang, so one thread does all of this, and
//! everything that waits for it has a timeout.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use arboard::{Clipboard, SetExtLinux as _};
use tokio::sync::oneshot;
use tokio::time::timeout;
use valetkey_api::core::secret::AccessToken;
use valetkey_api::error::{ApiError, ErrorCode};

/// When the clipboard is cleared, if it still holds the token.
pub(crate) const CLEARED_AFTER: Duration = Duration::from_secs(30);

/// On X11 and Wayland this process serves what it copied; a sign-in times out after this.
const ADDRESS_LIFETIME: Duration = Duration::from_mins(5);

/// Longer than the X11 clipboard waits for its owner.
const COPY_TIMEOUT: Duration = Duration::from_secs(10);
/// When the app ends.
const CLEAR_TIMEOUT: Duration = Duration::from_secs(1);

/// Requests that may wait while the clipboard hangs.
const MAX_QUEUED: usize = 8;

/// A cheap handle on the clipboard thread.
#[derive(Clone)]
pub(crate) struct TokenClipboard(SyncSender<Request>);

enum Request {
    Put {
        text: Text,
        done: oneshot::Sender<Result<(), arboard::Error>>,
    },
    Clear {
        done: SyncSender<()>,
    },
}

enum Text {
    Token(AccessToken),
    Address(String),
}

impl TokenClipboard {
    pub(crate) fn start() -> Self {
        let (requests, receiver) = sync_channel(MAX_QUEUED);
        let thread = thread::Builder::new().name("clipboard".to_owned());
        if let Err(error) = thread.spawn(move || serve(&receiver)) {
            tracing::warn!(%error, "nothing can be copied");
        }
        Self(requests)
    }

    /// Puts `token` on the clipboard for [`CLEARED_AFTER`], also if it was there before.
    pub(crate) async fn put(&self, token: AccessToken) -> Result<(), Box<ApiError>> {
        let put = self.put_text(Text::Token(token)).await;
        put.map_err(|why| unusable(&why, "`valetkey token` in a terminal prints it"))
    }

    /// Puts an address there that the person opens by hand.
    pub(crate) async fn put_address(&self, url: String) -> Result<(), Box<ApiError>> {
        let put = self.put_text(Text::Address(url)).await;
        put.map_err(|why| {
            unusable(
                &why,
                "`valetkey connect --no-browser` in a terminal prints one",
            )
        })
    }

    async fn put_text(&self, text: Text) -> Result<(), String> {
        let (done, answer) = oneshot::channel();
        let sent = self.0.try_send(Request::Put { text, done });
        sent.map_err(|_| HANGS.to_owned())?;
        match timeout(COPY_TIMEOUT, answer).await {
            Ok(Ok(put)) => put.map_err(|error| error.to_string()),
            Ok(Err(_)) | Err(_) => Err(HANGS.to_owned()),
        }
    }

    /// Clears the clipboard if it still holds the token, at the end of the app.
    pub(crate) fn clear(&self) {
        let (done, cleared) = sync_channel(1);
        if self.0.try_send(Request::Clear { done }).is_err()
            || cleared.recv_timeout(CLEAR_TIMEOUT).is_err()
        {
            tracing::warn!("the clipboard does not answer, so it may not be cleared");
        }
    }
}

const HANGS: &str = "it does not answer";

/// What this app has put on the clipboard.
struct Held {
    /// On X11 and Wayland the text is served by this process, from this handle.
    clipboard: Clipboard,
    text: Text,
    ends_at: Instant,
}

fn serve(requests: &Receiver<Request>) {
    let mut held: Option<Held> = None;
    loop {
        let request = match &held {
            Some(it) => requests.recv_timeout(it.ends_at.saturating_duration_since(Instant::now())),
            None => requests.recv().map_err(RecvTimeoutError::from),
        };
        match request {
            // The caller has given up and was told that it failed.
            Ok(Request::Put { done, .. }) if done.is_closed() => {}
            Ok(Request::Put { text, done }) => {
                let put = Held::put(text).map(|it| held = Some(it));
                done.send(put).ok();
            }
            Ok(Request::Clear { done }) => {
                if let Some(it) = held.take() {
                    it.end();
                }
                done.send(()).ok();
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Some(it) = held.take() {
                    it.end();
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

impl Held {
    fn put(text: Text) -> Result<Self, arboard::Error> {
        let mut clipboard = Clipboard::new()?;
        let lasts = match &text {
            Text::Token(token) => {
                set_secret(&mut clipboard, token.expose())?;
                CLEARED_AFTER
            }
            Text::Address(url) => {
                clipboard.set_text(url)?;
                ADDRESS_LIFETIME
            }
        };
        Ok(Self {
            clipboard,
            text,
            ends_at: Instant::now() + lasts,
        })
    }

    /// An address may stay on a clipboard that keeps it.
    fn end(mut self) {
        let Text::Token(token) = &self.text else {
            return;
        };
        let text = self.clipboard.get_text();
        let still_there = text.is_ok_and(|text| text == token.expose());
        if still_there && let Err(error) = self.clipboard.clear() {
            tracing::warn!(%error, "the clipboard is not cleared");
        }
    }
}

fn set_secret(clipboard: &mut Clipboard, text: &str) -> Result<(), arboard::Error> {
    clipboard.set().exclude_from_history().text(text)
}

fn unusable(why: &str, hint: &str) -> Box<ApiError> {
    let message = format!("the clipboard cannot be used: {why}");
    ApiError::new(ErrorCode::Internal, message)
        .hint(hint)
        .into()
}
