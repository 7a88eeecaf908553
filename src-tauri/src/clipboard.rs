//! A copied token: kept out of clipboard histories where the desktop lets us, and gone again soon,
//! at the latest with the app.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arboard::Clipboard;
use tokio::time::{Instant, sleep, sleep_until};
use valetkey_api::core::secret::AccessToken;
use valetkey_api::error::{ApiError, ErrorCode};

use crate::face::Refusal;

/// Then the clipboard is cleared, if it still holds the token.
pub(crate) const CLEARED_AFTER: Duration = Duration::from_secs(30);

/// On X11 and Wayland an address is there as long as this process serves it; a sign-in waits no longer.
const ADDRESS_KEPT_FOR: Duration = Duration::from_mins(5);

/// What is on the clipboard by our doing. A cheap handle.
#[derive(Clone, Default)]
pub(crate) struct Copied(Arc<Mutex<Option<Copy>>>);

struct Copy {
    /// On X11 and Wayland the text is served by this process, from this handle.
    clipboard: Clipboard,
    token: AccessToken,
    ends_at: Instant,
}

impl Copied {
    /// Puts `token` on the clipboard for [`CLEARED_AFTER`], also if it was there before.
    pub(crate) fn put(&self, token: AccessToken) -> Result<(), Refusal> {
        let mut clipboard = Clipboard::new().map_err(|error| unusable(&error))?;
        set(&mut clipboard, token.expose()).map_err(|error| unusable(&error))?;
        let ends_at = Instant::now() + CLEARED_AFTER;
        *self.lock() = Some(Copy {
            clipboard,
            token,
            ends_at,
        });
        let this = self.clone();
        tokio::spawn(async move {
            sleep_until(ends_at).await;
            // A later copy has its own end.
            if let Some(copy) = this.lock().take_if(|it| it.ends_at <= ends_at) {
                copy.clear();
            }
        });
        Ok(())
    }

    /// Clears the clipboard if it still holds the token.
    pub(crate) fn clear(&self) {
        if let Some(copy) = self.lock().take() {
            copy.clear();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Copy>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Copy {
    fn clear(mut self) {
        let text = self.clipboard.get_text();
        let still_there = text.is_ok_and(|text| text == self.token.expose());
        if still_there && let Err(error) = self.clipboard.clear() {
            tracing::warn!(%error, "the clipboard is not cleared");
        }
    }
}

/// Puts an address there that the person opens by hand.
pub(crate) fn put_address(url: String) -> Result<(), Refusal> {
    let mut clipboard = Clipboard::new().map_err(|error| unusable(&error))?;
    clipboard.set_text(url).map_err(|error| unusable(&error))?;
    tokio::spawn(async move {
        sleep(ADDRESS_KEPT_FOR).await;
        drop(clipboard);
    });
    Ok(())
}

#[cfg(target_os = "linux")]
fn set(clipboard: &mut Clipboard, text: &str) -> Result<(), arboard::Error> {
    use arboard::SetExtLinux as _;
    clipboard.set().exclude_from_history().text(text)
}

#[cfg(target_os = "macos")]
fn set(clipboard: &mut Clipboard, text: &str) -> Result<(), arboard::Error> {
    use arboard::SetExtApple as _;
    clipboard.set().exclude_from_history().text(text)
}

#[cfg(windows)]
fn set(clipboard: &mut Clipboard, text: &str) -> Result<(), arboard::Error> {
    use arboard::SetExtWindows as _;
    clipboard.set().exclude_from_history().text(text)
}

fn unusable(error: &arboard::Error) -> Refusal {
    ApiError::new(
        ErrorCode::Internal,
        format!("the clipboard cannot be used: {error}"),
    )
    .hint("`valetkey token` in a terminal prints it")
    .into()
}
