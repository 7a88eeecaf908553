//! From flags to a tray, and back.

use std::fs;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::mpsc;

use tauri::{AppHandle, Manager as _, RunEvent};
use valetkey_api::ErrorCode;
use valetkey_api::core::home::Home;
use valetkey_server::start::{self, Failure, LogOptions};

use crate::args::{Args, Question};
use crate::ask::{self, Answer};
use crate::deeds::Deeds;
use crate::demo::{self, Demo};
use crate::host::Hosted;
use crate::turn::{self, Turn};
use crate::window::{self, Place};
use crate::{face, notify, screen, tray, watch};

/// There is no screen (sysexits).
const UNAVAILABLE: u8 = 69;

/// What the shell knows about itself.
pub(crate) struct Shell {
    pub(crate) home: Home,
}

impl Shell {
    /// Whether the person has seen it.
    pub(crate) fn has_seen(&self, once: Once) -> bool {
        self.home.state.join(once.file()).exists()
    }

    /// The person has seen it.
    pub(crate) fn seen(&self, once: Once) {
        if let Err(error) = fs::write(self.home.state.join(once.file()), "") {
            tracing::warn!(%error, file = once.file(), "it will show again");
        }
    }
}

/// What is shown once: a file remembers that it was.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Once {
    /// The first steps.
    FirstSteps,
    /// The offer to start at login.
    LoginOffer,
}

impl Once {
    const fn file(self) -> &'static str {
        match self {
            Self::FirstSteps => "first-steps-seen",
            Self::LoginOffer => "login-offer-seen",
        }
    }
}

/// Page, capabilities and icons, compiled in.
pub(crate) fn context() -> tauri::Context {
    tauri::generate_context!()
}

/// Runs until the person quits.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Failure> {
    start::harden();
    let home = start::home()?;
    let lock = match turn::take(&home)? {
        Turn::Ours(lock) => lock,
        Turn::Shown => {
            // It may be on another screen: that of an earlier login.
            writeln!(
                std::io::stderr(),
                "Valet Key runs already; its window is in front."
            )
            .ok();
            return Ok(ExitCode::SUCCESS);
        }
        Turn::Headless(process) => match ask::ask(&Question::TakeOver { process }) {
            Answer::Yes => turn::take_over(&home)?,
            Answer::No => return Ok(ExitCode::SUCCESS),
            Answer::Unasked => {
                let process = process.map_or(String::new(), |pid| format!(" (process {pid})"));
                return Ok(no_screen(
                    &format!(
                        "an agent without a window runs already{process}, and there is no screen to \
                         ask on whether this app may take over"
                    ),
                    "`valetkey status` asks it how it is; `valetkey stop` ends it",
                ));
            }
        },
    };
    if !screen::is_there() {
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
    let hosted = Hosted::open(home.clone(), lock, args)?;
    tauri::async_runtime::set(hosted.handle());
    let deeds = Deeds::new(hosted.app.clone());
    let shell = Shell { home };
    let hidden = args.hidden;
    let (report, failed) = mpsc::channel();
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_autostart::init(
            tauri_plugin_autostart::MacosLauncher::LaunchAgent,
            Some(vec!["--hidden"]),
        ))
        .plugin(tauri_plugin_dialog::init())
        .manage(deeds)
        .manage(shell)
        .manage(Demo::default())
        .setup(move |app| {
            // Tauri would panic with it.
            if let Err(failure) = begin(app.handle(), hosted, hidden) {
                report.send(failure).ok();
                app.handle().exit(1);
            }
            Ok(())
        })
        .build(context())
        .map_err(|error| {
            Failure::new(ErrorCode::Internal, format!("no desktop: {error}"))
                .hint("`valetkey serve` runs without one")
        })?;
    app.run_return(|app, event| match event {
        // The last dialog was closed: the tray stays.
        RunEvent::ExitRequested {
            code: None, api, ..
        } => api.prevent_exit(),
        RunEvent::Exit => app.state::<Deeds>().copied.clear(),
        _ => {}
    });
    match failed.try_recv() {
        Ok(failure) => Err(failure),
        Err(_) => Ok(ExitCode::SUCCESS),
    }
}

/// Says so, on the only place left.
fn no_screen(message: &str, hint: &str) -> ExitCode {
    writeln!(std::io::stderr(), "error: {message}\n\nhint: {hint}").ok();
    ExitCode::from(UNAVAILABLE)
}

fn begin(app: &AppHandle, hosted: Hosted, hidden: bool) -> Result<(), Failure> {
    let agent = hosted.app.clone();
    let handle = app.clone();
    tray::put(app);
    window::begin(app);
    hosted
        .serve(move || handle.exit(0))
        .map_err(|error| Failure::new(ErrorCode::Internal, format!("no thread: {error}")))?;

    let problem = tray::problem();
    if let Some(problem) = &problem {
        tracing::warn!(problem, "tray");
    }
    let no_tray = problem.is_some();
    notify::begin(app);
    tauri::async_runtime::spawn(demo::clear(app.clone()));
    tauri::async_runtime::spawn(watch::run(app.clone()));
    let handle = app.clone();
    tauri::async_runtime::spawn(async move {
        loop {
            agent.window_wanted().await;
            window::show(&handle, &Place::Anywhere);
        }
    });
    if !hidden || no_tray {
        window::show(app, &Place::Anywhere);
    }
    Ok(())
}

/// Says why it could not start: on stderr, and on the desktop where there is one.
pub(crate) fn say(failure: &Failure) {
    let words = face::words(&failure.0);
    // Whoever closed stderr does not want to know.
    writeln!(std::io::stderr(), "error: {words}").ok();
    ask::ask(&Question::Tell { message: words });
}
