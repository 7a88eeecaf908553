//! A dialog before the app runs, or when it cannot start: in a short-lived process of its own, because
//! a process can run the desktop's event loop only once.

use std::process::{ExitCode, Stdio};

use tauri_plugin_dialog::{DialogExt as _, MessageDialogButtons, MessageDialogKind};

use crate::args::{Prompt, Subprocess};
use crate::dialog::quoted;
use crate::{child_process, context, display};

/// Exit code of that process without a display (sysexits: unavailable).
const NO_DISPLAY: u8 = 69;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// There is no display to ask on.
    NoDisplay,
}

/// Shows it and waits for the answer.
pub(crate) fn show(prompt: &Prompt) -> Answer {
    let subprocess = Subprocess::Prompt(prompt.clone());
    let status = child_process::command()
        .args(subprocess.to_args())
        .stdin(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => Answer::Yes,
        Ok(status) if status.code() == Some(NO_DISPLAY.into()) => Answer::NoDisplay,
        Ok(_) => Answer::No,
        Err(error) => {
            tracing::warn!(%error, "the dialog cannot be shown");
            Answer::NoDisplay
        }
    }
}

/// The process that shows it. Its exit code is the answer.
pub(crate) fn run(prompt: &Prompt) -> ExitCode {
    if !display::is_available() {
        return ExitCode::from(NO_DISPLAY);
    }
    let (message, buttons, kind) = match prompt {
        Prompt::TakeOver { process } => {
            let process = process.map_or(String::new(), |pid| format!(" (process {pid})"));
            let message = format!(
                "Valet Key already runs on this computer without a window{process}, and serves \
                 your programs.\n\nThis app can take over: the other one stops, nothing is lost, \
                 and programs find the app in its place."
            );
            let buttons =
                MessageDialogButtons::OkCancelCustom("Take over".to_owned(), "Leave it".to_owned());
            (message, buttons, MessageDialogKind::Info)
        }
        Prompt::Tell { message } => (
            message.clone(),
            MessageDialogButtons::Ok,
            MessageDialogKind::Error,
        ),
    };
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .setup(move |app| {
            let handle = app.handle().clone();
            app.dialog()
                .message(quoted(&message))
                .title("Valet Key")
                .kind(kind)
                .buttons(buttons)
                .show(move |yes| handle.exit(i32::from(!yes)));
            Ok(())
        })
        .build(context::load());
    match app {
        Ok(app) => {
            let code = app.run_return(|_, event| {
                if let tauri::RunEvent::ExitRequested {
                    code: None, api, ..
                } = event
                {
                    api.prevent_exit();
                }
            });
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
        Err(_) => ExitCode::from(NO_DISPLAY),
    }
}
