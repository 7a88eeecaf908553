//! The desktop shell: tray, window, notifications, autostart. It hosts the agent in its own process,
//! behind the same doors as `valetkey-agent`, and translates between the person and the API; it
//! decides nothing about logins.
//!
//! Start: take the home's lock (else ask whoever has it), open the agent and its doors, then the
//! tray. Two threads matter: the main one runs the desktop's event loop, [`host`] runs the agent's
//! runtime, and every async task of the shell runs there too. Views hold no truth: [`watch`] follows
//! the event log and reads fresh snapshots for tray and notifications.
//!
//! | module | question it answers |
//! | --- | --- |
//! | `turn` | who is the agent of this home: we, our other window, or a headless agent |
//! | `host` | the agent in this process: start, serve, stop |
//! | `screen` | whether there is anything to show something on |
//! | `ask` | a question before the app runs, in a process of its own |
//! | `face` | the shell's own requests to the API, typed |
//! | `bridge` | the page's requests to the API, and what else it may ask of the shell |
//! | `window` | the one window: made when asked for, gone when closed |
//! | `page` | the window's own process: shows the page, holds no secret |
//! | `wire` | what the two say to each other |
//! | `own_process` | this program once more, beside itself |
//! | `watch` | follows the events, tells `tray` and `notices` |
//! | `tray` | icon and menu: a picture of the last snapshot |
//! | `deeds` | what menu, window and notifications can start: sign in, disconnect, copy a token |
//! | `dialog` | questions and words on the desktop while the app runs |
//! | `notices` | which change is worth a notification, and its words |
//! | `notify` | putting a notification on the desktop, and its action coming back |
//! | `demo` | a provider to try the app with |
//! | `clipboard` | a copied token, and its end |
//! | `downloads` | a file that the page exports |
//! | `autostart` | start at login |

mod args;
mod ask;
mod autostart;
mod bridge;
mod clipboard;
mod deeds;
mod demo;
mod dialog;
mod downloads;
mod face;
mod host;
mod notices;
mod notify;
mod own_process;
mod page;
mod screen;
mod shell;
mod tray;
mod turn;
mod watch;
mod window;
mod wire;

use std::process::ExitCode;

use args::Part;
use clap::Parser as _;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match &args.part {
        Some(Part::Ask(question)) => return ask::run(question),
        Some(Part::Window { at }) => return page::run(at.as_deref()),
        Some(Part::TryTray) => return tray::appindicator::run(),
        None => {}
    }
    match shell::run(&args) {
        Ok(code) => code,
        Err(failure) => {
            shell::say(&failure);
            failure.exit_code()
        }
    }
}
