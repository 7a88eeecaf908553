//! A copied token: kept out of clipboard histories where the desktop lets us, and gone again soon,
//! at the latest with the app.
//!
//! Whoever owns the clipboard is another program and may hang, so one thread of its own does all of
//! this, and nobody waits for it without a bound. It holds one thing at a time, as the clipboard does.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use arboard::{Clipboard, SetExtLinux as _};
use tokio::sync::oneshot;
use tokio::time::timeout;
use valetkey_api::core::secret::AccessToken;
use valetkey_api::error::{ApiError, ErrorCode};

use crate::face::Refusal;

/// Then the clipboard is cleared, if it still holds the token.
pub(crate) const CLEARED_AFTER: Duration = Duration::from_secs(30);

/// On X11 and Wayland an address is there as long as this process serves it; a sign-in waits no longer.
const ADDRESS_KEPT_FOR: Duration = Duration::from_mins(5);

/// So long somebody waits for a clipboard that hangs; longer than the X11 clipboard asks its owner.
const PATIENCE: Duration = Duration::from_secs(10);
/// And the end of the app.
const PATIENCE_AT_THE_END: Duration = Duration::from_secs(1);

/// Wishes that wait while the clipboard hangs; people make no more.
const WAITING: usize = 8;

/// The clipboard, as far as it is ours. A cheap handle.
#[derive(Clone)]
pub(crate) struct Copied(SyncSender<Wish>);

enum Wish {
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

impl Copied {
    /// Starts the thread.
    pub(crate) fn begin() -> Self {
        let (wishes, heard) = sync_channel(WAITING);
        let thread = thread::Builder::new().name("clipboard".to_owned());
        if let Err(error) = thread.spawn(move || serve(&heard)) {
            tracing::warn!(%error, "nothing can be copied");
        }
        Self(wishes)
    }

    /// Puts `token` on the clipboard for [`CLEARED_AFTER`], also if it was there before.
    pub(crate) async fn put(&self, token: AccessToken) -> Result<(), Refusal> {
        let put = self.put_text(Text::Token(token)).await;
        put.map_err(|why| unusable(&why, "`valetkey token` in a terminal prints it"))
    }

    /// Puts an address there that the person opens by hand.
    pub(crate) async fn put_address(&self, url: String) -> Result<(), Refusal> {
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
        let wished = self.0.try_send(Wish::Put { text, done });
        wished.map_err(|_| HANGS.to_owned())?;
        match timeout(PATIENCE, answer).await {
            Ok(Ok(put)) => put.map_err(|error| error.to_string()),
            Ok(Err(_)) | Err(_) => Err(HANGS.to_owned()),
        }
    }

    /// Clears the clipboard if it still holds the token, at the end of the app.
    pub(crate) fn clear(&self) {
        let (done, cleared) = sync_channel(1);
        if self.0.try_send(Wish::Clear { done }).is_err()
            || cleared.recv_timeout(PATIENCE_AT_THE_END).is_err()
        {
            tracing::warn!("the clipboard does not answer, so it may not be cleared");
        }
    }
}

const HANGS: &str = "it does not answer";

/// What is on the clipboard by our doing.
struct Held {
    /// On X11 and Wayland the text is served by this process, from this handle.
    clipboard: Clipboard,
    text: Text,
    ends_at: Instant,
}

/// The thread.
fn serve(wishes: &Receiver<Wish>) {
    let mut held: Option<Held> = None;
    loop {
        let wish = match &held {
            Some(it) => wishes.recv_timeout(it.ends_at.saturating_duration_since(Instant::now())),
            None => wishes.recv().map_err(RecvTimeoutError::from),
        };
        match wish {
            // Nobody waits for it any more: they were told that it did not work.
            Ok(Wish::Put { done, .. }) if done.is_closed() => {}
            Ok(Wish::Put { text, done }) => {
                let put = Held::put(text).map(|it| held = Some(it));
                done.send(put).ok();
            }
            Ok(Wish::Clear { done }) => {
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
                ADDRESS_KEPT_FOR
            }
        };
        Ok(Self {
            clipboard,
            text,
            ends_at: Instant::now() + lasts,
        })
    }

    /// An address may stay, with a clipboard that keeps things.
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

fn unusable(why: &str, hint: &str) -> Refusal {
    let words = format!("the clipboard cannot be used: {why}");
    ApiError::new(ErrorCode::Internal, words).hint(hint).into()
}
