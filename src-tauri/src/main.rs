//! The desktop shell: tray, window, notifications, autostart. It runs the agent in its own process,
//! with the same listeners as `valetkey-agent`, and translates between the person and the API; it
//! decides nothing about logins.
//!
//! Start: take the lock of the home (or ask the process that holds it), open the agent and its
//! listeners, then the tray. Two threads matter: the main one runs the desktop's event loop,
//! [`embedded_agent`] runs the agent's runtime, which also runs every async task of the shell.
//! [`watcher`] follows the event log and reads snapshots for tray and notifications.
//!
//! | module | purpose |
//! | --- | --- |
//! | `startup` | starts everything below |
//! | `single_instance` | one agent per home: this process, a running app, or a headless agent |
//! | `embedded_agent` | the agent in this process: open, serve, stop |
//! | `display` | whether there is a display |
//! | `context` | page, capabilities and icons, compiled in |
//! | `prompt` | a dialog before the app runs, in a child process |
//! | `child_process` | this program again, as a child process |
//! | `api_client` | the shell's own requests to the API, typed |
//! | `state` | the shell's own state: what was shown once |
//! | `actions` | what menu, window and notifications can start: sign in, disconnect, copy a token |
//! | `snapshot` | the agent's state, for tray and notifications |
//! | `watcher` | follows the events, updates `tray` and `notifications` |
//! | `tray` | icon and menu |
//! | `notifications` | which change leads to a notification, and its text |
//! | `notifier` | shows notifications and runs their actions |
//! | `window` | the one window: its child process, the handle and the link to it |
//! | `window_process` | the child process: shows the page, holds no secret |
//! | `ipc` | the messages between the two |
//! | `commands`, `route` | what the page and the shell share: generated for the page |
//! | `bridge` | runs the commands of the page |
//! | `dialog` | questions and errors while the app runs |
//! | `demo` | a provider to try the app with |
//! | `clipboard` | a copied token, and when it is cleared |
//! | `keychain` | unlocks the keychain when the person asks |
//! | `downloads` | files that the page exports |
//! | `autostart` | start at login |
//! | `session_state` | pauses while the session is locked or idle |

mod actions;
mod api_client;
mod approval_window;
mod args;
mod autostart;
mod bridge;
mod child_process;
mod clipboard;
mod commands;
mod context;
mod demo;
mod dialog;
mod display;
mod downloads;
mod embedded_agent;
mod ipc;
mod keychain;
mod notifications;
mod notifier;
mod prompt;
mod route;
mod session_state;
mod single_instance;
mod snapshot;
mod startup;
mod state;
mod tray;
mod watcher;
mod window;
mod window_process;

use std::process::ExitCode;

use args::Subprocess;
use clap::Parser as _;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match &args.subprocess {
        Some(Subprocess::Prompt(prompt)) => return prompt::run(prompt),
        Some(Subprocess::Window { at }) => return window_process::run(at.as_deref()),
        Some(Subprocess::TryTray) => return tray::appindicator::run(),
        None => {}
    }
    match startup::run(&args) {
        Ok(code) => code,
        Err(failure) => {
            startup::report(&failure);
            failure.exit_code()
        }
    }
}
