//! Questions and words on the desktop while the app runs.

use tauri::{AppHandle, Manager as _};
use tauri_plugin_dialog::{DialogExt as _, MessageDialogButtons, MessageDialogKind};
use valetkey_api::error::ApiError;

use crate::deeds::{Deeds, Failed};
use crate::face::{Refusal, words};

/// Asks, and does it after a yes.
pub(crate) fn confirm<D, F>(
    app: &AppHandle,
    title: &str,
    question: String,
    [yes, no]: [&str; 2],
    deed: D,
) where
    D: FnOnce(Deeds) -> F + Send + 'static,
    F: Future<Output = Result<(), Refusal>> + Send + 'static,
{
    let handle = app.clone();
    app.dialog()
        .message(question)
        .title(title)
        .kind(MessageDialogKind::Warning)
        .buttons(MessageDialogButtons::OkCancelCustom(
            yes.to_owned(),
            no.to_owned(),
        ))
        .show(move |said_yes| {
            if said_yes {
                tauri::async_runtime::spawn(async move {
                    let deeds = handle.state::<Deeds>().inner().clone();
                    if let Err(error) = deed(deeds).await {
                        tell(&handle, &error);
                    }
                });
            }
        });
}

/// Says what did not work, and offers what can be done by hand.
pub(crate) fn failed(app: &AppHandle, failed: Failed) {
    let (url, why) = match failed {
        Failed::Refused(error) => return tell(app, &error),
        Failed::Unopened { url, why } => (url, why),
    };
    let text = format!(
        "{why}.\n\nCopy the address and open it in a browser yourself. Settings has the browser's \
         command."
    );
    let buttons = ["Copy the address", "Close"];
    let title = "The browser cannot be opened";
    confirm(app, title, text, buttons, |deeds| async move {
        deeds.copied.put_address(url).await
    });
}

/// Says what did not work.
pub(crate) fn tell(app: &AppHandle, error: &ApiError) {
    app.dialog()
        .message(words(error))
        .title("Valet Key")
        .kind(MessageDialogKind::Error)
        .show(|_| {});
}
