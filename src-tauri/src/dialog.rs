//! Dialogs on the desktop while the app runs.

use tauri::{AppHandle, Manager as _};
use tauri_plugin_dialog::{DialogExt as _, MessageDialogButtons, MessageDialogKind};
use valetkey_api::error::ApiError;

use crate::actions::{ActionError, Actions};
use crate::api_client::describe;

/// Asks, and runs `action` after a yes.
pub(crate) fn confirm<D, F>(
    app: &AppHandle,
    title: &str,
    question: &str,
    answers: [&str; 2],
    action: D,
) where
    D: FnOnce(Actions) -> F + Send + 'static,
    F: Future<Output = Result<(), Box<ApiError>>> + Send + 'static,
{
    let handle = app.clone();
    ask(app, title, question, answers, move |said_yes| {
        if said_yes {
            tauri::async_runtime::spawn(async move {
                let actions = handle.state::<Actions>().inner().clone();
                if let Err(error) = action(actions).await {
                    show_error(&handle, &error);
                }
            });
        }
    });
}

/// Asks a question with two answers; `answered` gets true for the first.
pub(crate) fn ask(
    app: &AppHandle,
    title: &str,
    question: &str,
    [yes, no]: [&str; 2],
    answered: impl FnOnce(bool) + Send + 'static,
) {
    app.dialog()
        .message(quoted(question))
        .title(title)
        .kind(MessageDialogKind::Warning)
        .buttons(MessageDialogButtons::OkCancelCustom(
            yes.to_owned(),
            no.to_owned(),
        ))
        .show(answered);
}

/// Reports an error, and offers what can be done by hand.
pub(crate) fn failed(app: &AppHandle, failed: ActionError) {
    let (url, why) = match failed {
        ActionError::Api(error) => return show_error(app, &error),
        ActionError::NoBrowser { url, why } => (url, why),
    };
    let text = format!(
        "{why}.\n\nCopy the address and open it in a browser yourself. Settings has the browser's \
         command."
    );
    let buttons = ["Copy the address", "Close"];
    let title = "The browser cannot be opened";
    confirm(app, title, &text, buttons, |actions| async move {
        actions.clipboard.put_address(url).await
    });
}

/// Reports an error.
pub(crate) fn show_error(app: &AppHandle, error: &ApiError) {
    app.dialog()
        .message(quoted(&describe(error)))
        .title("Valet Key")
        .kind(MessageDialogKind::Error)
        .show(|_| {});
}

/// Our messages put literals in back-ticks, which a dialog of the desktop shows as they are: quotes
/// take their place.
pub(crate) fn quoted(text: &str) -> String {
    let mut parts = text.split('`');
    let mut shown = parts.next().unwrap_or_default().to_owned();
    for (part, quote) in parts.zip(['“', '”'].into_iter().cycle()) {
        shown.push(quote);
        shown.push_str(part);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_in_quotes() {
        let shown = quoted("`mail` is locked; run `valetkey stop`");
        assert_eq!(shown, "“mail” is locked; run “valetkey stop”");
        assert_eq!(quoted("no literal"), "no literal");
    }
}
