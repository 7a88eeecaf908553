//! Words on the desktop before the app runs, or when it cannot: in a short-lived process of our own,
//! since a process has its desktop's event loop only once.

use std::process::{ExitCode, Stdio};

use tauri_plugin_dialog::{DialogExt as _, MessageDialogButtons, MessageDialogKind};

use crate::args::{Part, Question};
use crate::{own_process, screen};

/// Exit code of the process that asks where there is no screen (sysexits: unavailable).
const NOWHERE: u8 = 69;

/// What the person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// They cannot be asked: no screen.
    Unasked,
}

/// Asks, and waits for the answer.
pub(crate) fn ask(question: &Question) -> Answer {
    let part = Part::Ask(question.clone());
    let asked = own_process::command()
        .args(part.to_args())
        .stdin(Stdio::null())
        .status();
    match asked {
        Ok(status) if status.success() => Answer::Yes,
        Ok(status) if status.code() == Some(NOWHERE.into()) => Answer::Unasked,
        Ok(_) => Answer::No,
        Err(error) => {
            tracing::warn!(%error, "the question cannot be asked");
            Answer::Unasked
        }
    }
}

/// The process that asks. Its exit code is the answer.
pub(crate) fn run(question: &Question) -> ExitCode {
    if !screen::is_there() {
        return ExitCode::from(NOWHERE);
    }
    let (message, buttons, kind) = match question {
        Question::TakeOver { process } => {
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
        Question::Tell { message } => (
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
                .message(message)
                .title("Valet Key")
                .kind(kind)
                .buttons(buttons)
                .show(move |yes| handle.exit(i32::from(!yes)));
            Ok(())
        })
        .build(crate::shell::context());
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
        Err(_) => ExitCode::from(NOWHERE),
    }
}
