//! Starts the app: takes the lock, opens the agent, then tray, window and notifications.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::mpsc;

use tauri::{AppHandle, Manager as _, RunEvent};
use valetkey_api::ErrorCode;
use valetkey_api::error_text::ErrorText;
use valetkey_server::start::{self, Failure, LogOptions};

use crate::actions::Actions;
use crate::api_client::describe;
use crate::args::{Args, Prompt};
use crate::demo::{self, Demo};
use crate::embedded_agent::EmbeddedAgent;
use crate::prompt::{self, Answer};
use crate::single_instance::{self, Instance};
use crate::state::Shell;
use crate::window::handle as window_handle;
use crate::{approval_window, context, display, notifier, session_state, tray, watcher, window};

/// Exit code without a display (sysexits).
const UNAVAILABLE: u8 = 69;

/// Runs until the person quits.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    start::harden();
    let home = start::home()?;
    let lock = match single_instance::acquire(&home)? {
        Instance::Acquired(lock) => lock,
        Instance::WindowShown => {
            // It may be on another screen: that of an earlier login.
            writeln!(
                std::io::stderr(),
                "Valet Key runs already; its window is in front."
            )
            .ok();
            return Ok(ExitCode::SUCCESS);
        }
        // Nobody chose to run it without a window.
        Instance::Background => single_instance::take_over(&home)?,
        Instance::Headless(process) => match prompt::show(&Prompt::TakeOver { process }) {
            Answer::Yes => single_instance::take_over(&home)?,
            Answer::No => return Ok(ExitCode::SUCCESS),
            Answer::NoDisplay => {
                let process = process.map_or(String::new(), |pid| format!(" (process {pid})"));
                return Ok(no_screen(
                    &format!(
                        "an agent without a window runs already{process}, and there is no screen to \
                         ask on whether this app may take over"
                    ),
                    "`valetkey status` shows its state; `valetkey stop` stops it",
                ));
            }
        },
    };
    if !display::is_available() {
        return Ok(no_screen(
            "there is no screen to show a window on",
            "`valetkey serve` runs without one",
        ));
    }
    let log = LogOptions {
        verbose: args.verbose,
        to_stderr: args.verbose,
    };
    start::start_log(&home, log)?;
    let embedded = EmbeddedAgent::open(home.clone(), lock, args)?;
    tauri::async_runtime::set(embedded.handle());
    let actions = Actions::new(embedded.app.clone());
    let shell = Shell { home };
    let hidden = args.hidden;
    let (report, failed) = mpsc::channel();
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_autostart::init(
            tauri_plugin_autostart::MacosLauncher::LaunchAgent,
            Some(vec!["--hidden"]),
        ))
        .plugin(tauri_plugin_dialog::init())
        .manage(actions)
        .manage(shell)
        .manage(Demo::default())
        .setup(move |app| {
            // Tauri would panic with it.
            if let Err(failure) = begin(app.handle(), embedded, hidden) {
                report.send(failure).ok();
                app.handle().exit(1);
            }
            Ok(())
        })
        .build(context::load())
        .map_err(|error| {
            Failure::new(ErrorCode::Internal, format!("no desktop: {error}"))
                .hint("`valetkey serve` runs without one")
        })?;
    app.run_return(|app, event| match event {
        // The last dialog was closed; the tray keeps the app running.
        RunEvent::ExitRequested {
            code: None, api, ..
        } => api.prevent_exit(),
        RunEvent::Exit => app.state::<Actions>().clipboard.clear(),
        _ => {}
    });
    match failed.try_recv() {
        Ok(failure) => Err(failure),
        Err(_) => Ok(ExitCode::SUCCESS),
    }
}

fn no_screen(message: &str, hint: &str) -> ExitCode {
    let text = ErrorText::new(message).hint(Some(hint));
    write!(std::io::stderr(), "{text}").ok();
    ExitCode::from(UNAVAILABLE)
}

fn begin(app: &AppHandle, embedded: EmbeddedAgent, hidden: bool) -> Result<(), Failure> {
    let agent = embedded.app.clone();
    let handle = app.clone();
    tray::create(app);
    window::begin(app);
    embedded
        .serve(move || handle.exit(0))
        .map_err(|error| Failure::new(ErrorCode::Internal, format!("no thread: {error}")))?;

    let problem = tray::problem();
    if let Some(problem) = &problem {
        tracing::warn!(problem, "tray");
    }
    let no_tray = problem.is_some();
    notifier::begin(app);
    tauri::async_runtime::spawn(demo::clear(app.clone()));
    approval_window::begin(app, agent.clone());
    tauri::async_runtime::spawn(watcher::run(app.clone()));
    session_state::begin(agent.clone());
    let handle = app.clone();
    tauri::async_runtime::spawn(async move {
        loop {
            agent.window_wanted().await;
            window_handle::show(&handle, None);
        }
    });
    if !hidden || no_tray {
        window_handle::show(app, None);
    }
    Ok(())
}

/// Reports why it could not start: on stderr, and in a dialog where there is a display.
pub(crate) fn report(failure: &Failure) {
    let text = describe(&failure.0);
    // stderr may be closed.
    writeln!(std::io::stderr(), "error: {text}").ok();
    prompt::show(&Prompt::Tell { message: text });
}
