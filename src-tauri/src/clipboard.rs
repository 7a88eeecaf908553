//! A copied token: kept out of clipboard histories where the desktop lets us, and gone again soon.

use std::time::Duration;

use arboard::Clipboard;
use tokio::time::sleep;
use valetkey_api::core::secret::AccessToken;
use valetkey_api::error::{ApiError, ErrorCode};

use crate::face::Refusal;

/// Then the clipboard is cleared, if it still holds the token.
pub(crate) const CLEARED_AFTER: Duration = Duration::from_secs(30);

/// Puts `token` on the clipboard for [`CLEARED_AFTER`].
pub(crate) fn put(token: AccessToken) -> Result<(), Refusal> {
    let mut clipboard = Clipboard::new().map_err(|error| unusable(&error))?;
    set(&mut clipboard, token.expose()).map_err(|error| unusable(&error))?;
    tokio::spawn(async move {
        sleep(CLEARED_AFTER).await;
        // On X11 and Wayland the text is served by this process, from this handle.
        let still_there = clipboard
            .get_text()
            .is_ok_and(|text| text == token.expose());
        if still_there && let Err(error) = clipboard.clear() {
            tracing::warn!(%error, "the clipboard is not cleared");
        }
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
