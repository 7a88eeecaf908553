//! The commands that the page can call in the shell, and their replies.
//!
//! This is the one definition of that interface: `ui/src/backend/shell.gen.ts` is generated from it by
//! the test below, and `build.rs` reads the names from `capabilities/window.json`, which the test
//! compares with it.

use serde::{Deserialize, Serialize};

/// The commands of the page with their arguments.
#[derive(Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "command", content = "args", rename_all = "snake_case")]
pub(crate) enum Command {
    /// One request to the API.
    Request {
        method: String,
        path: String,
        body: Option<String>,
    },
    /// An event stream. Its text comes piece by piece, an empty one is the end.
    Follow {
        path: String,
        /// The page passes a channel, the window's process its id.
        #[cfg_attr(test, ts(rename = "onText", type = "unknown"))]
        stream: u32,
    },
    /// Ends an event stream.
    Unfollow { id: u32 },
    /// Opens a web address in the person's browser.
    OpenUrl { url: String },
    /// Copies a token to the clipboard. The page asked the person first.
    CopyToken { connection: String },
    /// Gets a new token from the provider, which stays in this process.
    RefreshNow { connection: String },
    /// Saves an export in the person's downloads; answers where.
    SaveFile { name: String, text: String },
    /// Answers the shell's own state.
    ShellState {},
    /// Turns start at login on or off.
    SetAutostart { enabled: bool },
    /// The person does not want to start the app at login, for now.
    LoginOfferDone {},
    /// Starts a provider to try the app with; answers the id of its authenticator.
    BeginDemo {},
    /// Shows the folder of the log.
    OpenLogFolder {},
    /// The person has finished the first steps.
    FirstStartDone {},
    /// Asks the person to unlock the keychain.
    UnlockKeychain {},
    /// Ends the app.
    Quit {},
}

/// The page's name for the channel of an event stream.
pub(crate) const STREAM_ARGUMENT: &str = "onText";

/// What each command answers.
#[derive(Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(tag = "command", content = "reply", rename_all = "snake_case")]
pub(crate) enum Reply {
    Request(ApiReply),
    /// The status with which the stream began.
    Follow(u16),
    Unfollow(()),
    OpenUrl(()),
    CopyToken(Copied),
    RefreshNow(()),
    /// The path of the file.
    SaveFile(String),
    ShellState(ShellState),
    SetAutostart(()),
    LoginOfferDone(()),
    /// The id of its authenticator.
    BeginDemo(String),
    OpenLogFolder(()),
    FirstStartDone(()),
    UnlockKeychain(()),
    Quit(()),
}

/// A whole response of the API.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct ApiReply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Copied {
    pub(crate) clears_in_seconds: u32,
}

/// The shell's own state.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct ShellState {
    pub(crate) version: &'static str,
    /// None where it is unknown.
    pub(crate) autostart: Option<bool>,
    pub(crate) tray_problem: Option<String>,
    pub(crate) notification_problem: Option<String>,
    pub(crate) log_folder: String,
    pub(crate) first_start: bool,
    pub(crate) login_offered: bool,
    /// Whether the demo provider is installed.
    pub(crate) demo: bool,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use serde_json::Value;
    use ts_rs::{Config, TS};

    use super::*;
    use crate::route::Route;

    fn generated() -> String {
        let config = Config::default();
        let types = [
            Route::decl(&config),
            Command::decl(&config),
            ApiReply::decl(&config),
            Copied::decl(&config),
            ShellState::decl(&config),
            Reply::decl(&config),
        ];
        let types = types.map(|it| format!("export {it}\n")).join("");
        let routes = serde_json::to_string(&Route::examples().map(|it| (it.fragment(), it)));
        format!(
            "// Generated from src-tauri by: UPDATE_SHELL_TYPES=1 cargo nextest run -p valetkey-desktop\n\n\
             {types}\n\
             /** Fragments that the shell opens, each with the route that it means. */\n\
             export const SHELL_ROUTES: readonly [string, Route][] = {};\n",
            routes.expect("routes serialise")
        )
    }

    #[test]
    fn the_page_has_the_types_of_the_shell() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/src/backend/shell.gen.ts");
        if std::env::var_os("UPDATE_SHELL_TYPES").is_some() {
            fs::write(&path, generated()).unwrap();
        } else {
            let hint = "UPDATE_SHELL_TYPES=1 cargo nextest run -p valetkey-desktop";
            assert!(
                fs::read_to_string(&path).unwrap() == generated(),
                "types changed: {hint}"
            );
        }
    }

    #[test]
    fn the_page_may_call_exactly_these_commands() {
        let config = Config::default();
        let declared = Command::decl(&config);
        let declared: BTreeSet<_> = declared
            .split("\"command\": \"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .map(|name| format!("allow-{}", name.replace('_', "-")))
            .collect();
        let capability: Value =
            serde_json::from_str(include_str!("../capabilities/window.json")).unwrap();
        let allowed: Vec<String> =
            serde_json::from_value(capability["permissions"].clone()).unwrap();
        assert_eq!(declared, allowed.into_iter().collect());
    }

    #[test]
    fn the_channel_of_a_stream_has_one_name() {
        assert!(Command::decl(&Config::default()).contains(&format!("{STREAM_ARGUMENT}: unknown")));
    }
}
