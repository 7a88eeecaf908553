//! Arguments of the commands for programs and for the agent.

use std::ffi::OsString;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;
use jiff::{SignedDuration, Timestamp};
use valetkey_api::core::event::EventKind;

use crate::{completion, duration};

/// `valetkey providers`
#[derive(Debug, Args)]
pub(crate) struct Provider {
    /// One provider: how a client is registered there; or words to search for
    pub(crate) words: Vec<String>,
}

/// `valetkey run`
#[derive(Debug, Args)]
#[command(override_usage = "valetkey run --env <VAR=CONNECTION>... [OPTIONS] -- <COMMAND>...")]
pub(crate) struct Run {
    /// Set VAR to a fresh token of the connection; may be repeated
    #[arg(long = "env", value_name = "VAR=CONNECTION", value_parser = variable, required = true)]
    pub(crate) variables: Vec<Variable>,
    /// The tokens must still live this long, such as `90s` or `10min`
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = duration::seconds,
        allow_hyphen_values = true
    )]
    pub(crate) min_ttl: Option<u64>,
    /// The command and its arguments
    #[arg(last = true, required = true)]
    pub(crate) command: Vec<OsString>,
}

/// An environment variable and the connection whose token it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) connection: String,
}

/// `valetkey key`
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make a key; it is shown once
    Create(NewKey),
    /// List the keys
    List,
    /// Revoke a key
    Revoke {
        /// Name or id of the key
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        key: String,
    },
}

/// `valetkey access`
#[derive(Debug, Subcommand)]
pub(crate) enum Access {
    /// List rules, and requests that nobody has answered
    List,
    /// Allow a request; while the desktop app runs, its window opens for the answer
    Allow(Allow),
    /// Deny a request for ten minutes
    Deny {
        /// Its number in `valetkey access list`
        request: u64,
    },
    /// Remove a rule
    Remove {
        /// The beginning of its id
        rule: String,
    },
}

/// `valetkey access allow`
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct Allow {
    /// Its number in `valetkey access list`
    pub(crate) request: u64,
    /// For one request [default: until the rule is removed]
    #[arg(long, conflicts_with = "hour")]
    pub(crate) once: bool,
    /// For an hour
    #[arg(long)]
    pub(crate) hour: bool,
    /// Only in the project (the repository or folder) in which it asked
    #[arg(long)]
    pub(crate) this_project: bool,
    /// Through the proxy only, without the token
    #[arg(long)]
    pub(crate) proxy_only: bool,
}

/// `valetkey key create`
#[derive(Debug, Args)]
pub(crate) struct NewKey {
    /// What it is for
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Only these connections, separated by commas [default: all]
    #[arg(
        long,
        value_name = "CONNECTION",
        value_delimiter = ',',
        add = ArgValueCompleter::new(completion::connections)
    )]
    pub(crate) connections: Option<Vec<String>>,
    /// It may also manage connections, authenticators, events and settings
    #[arg(long)]
    pub(crate) manage: bool,
    /// It ends after this long, such as `30d` [default: when it is revoked]
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = duration::seconds_with_unit,
        allow_hyphen_values = true
    )]
    pub(crate) expires: Option<u64>,
}

/// `valetkey events`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Events {
    #[command(subcommand)]
    pub(crate) action: Option<EventsAction>,
    #[command(flatten)]
    pub(crate) selection: EventSelection,
    /// Only later than this event
    #[arg(long, value_name = "ID")]
    pub(crate) after: Option<i64>,
    /// Only earlier than this event
    #[arg(long, value_name = "ID", conflicts_with = "follow")]
    pub(crate) before: Option<i64>,
    /// Print new events as they come, until Ctrl-C; with `--json` one a line
    #[arg(long, short, conflicts_with = "limit")]
    pub(crate) follow: bool,
    /// At most so many
    #[arg(
        long,
        default_value_t = 50,
        value_parser = clap::value_parser!(u32).range(1..=1000),
        allow_negative_numbers = true
    )]
    pub(crate) limit: u32,
}

/// What to do with the whole log.
#[derive(Debug, Subcommand)]
pub(crate) enum EventsAction {
    /// Check that no line was changed, removed or cut off by something other than Valet Key
    Verify,
    /// Write the log to stdout, the oldest line first
    Export(ExportEvents),
}

/// Which lines.
#[derive(Debug, Args)]
pub(crate) struct EventSelection {
    /// Only about this connection
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(completion::connections))]
    pub(crate) connection: Option<String>,
    /// Only of this kind, such as `token.served`
    #[arg(long, value_parser = kind)]
    pub(crate) kind: Option<EventKind>,
    /// Only asked for by a program, key or window whose name contains this
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    pub(crate) by: Option<String>,
    /// Only of the last `7d` or `12h`, or since a time such as `2026-11-01T00:00:00Z`
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub(crate) since: Option<Timestamp>,
}

/// `valetkey events export`
#[derive(Debug, Args)]
pub(crate) struct ExportEvents {
    #[command(flatten)]
    pub(crate) selection: EventSelection,
    /// How it is written
    #[arg(long, value_enum, default_value_t = EventFormat::Json)]
    pub(crate) format: EventFormat,
}

/// How events are exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventFormat {
    /// An array, one event a line
    Json,
    /// A table with a head (RFC 4180)
    Csv,
}

/// `valetkey settings`
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// One setting [default: all]
    pub(crate) setting: Option<Setting>,
    /// Its new value
    #[arg(value_parser = NonEmptyStringValueParser::new(), allow_negative_numbers = true)]
    pub(crate) value: Option<String>,
    /// Go back to the default
    #[arg(long, requires = "setting", conflicts_with = "value")]
    pub(crate) unset: bool,
    /// Change the port although client keys are used at the old one, or set a browser that is not installed
    #[arg(long, requires = "setting")]
    pub(crate) force: bool,
}

/// The settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Setting {
    /// Command that opens the browser, such as `firefox -P work %s`; by default `$BROWSER`, then the desktop's own
    Browser,
    /// Notify when a login needs you: `on` (as from the start) or `off`
    NotifyNeedsYou,
    /// Notify when a token that cannot be renewed ends soon: `on` or `off`
    NotifyEndsSoon,
    /// Notify when a sign-in has ended: `on` or `off`
    NotifySignIn,
    /// When nothing is notified, such as `22:00-07:00`; what still needs you is told at its end
    QuietHours,
    /// Port of the loopback listener from the next start on; by default 4315
    Port,
    /// How much is logged: `error`, `warn`, `info` (as from the start) or `debug`
    LogLevel,
    /// When new connections are refreshed without being asked: `always`, `when-used` (as from the start) or `on-demand`
    KeepWarm,
    /// Days after which events of the audit log are deleted, 1 to 3650; by default 90
    Retention,
    /// Pause the desktop app while the session is locked: `on` or `off` (as from the start)
    PauseOnLock,
    /// Pause the desktop app while the desktop says that nobody uses the session: `on` or `off` (as from the start)
    PauseOnIdle,
    /// What a program gets that no rule decides about, while the desktop app runs: `ask` (as from the start), `allow` or `deny`
    AccessPolicy,
}

/// `valetkey serve`
#[derive(Debug, Args)]
#[command(
    after_help = "The encrypted file is opened by a key file of at least 32 random bytes (`VALETKEY_KEY_FILE`), or by a \
                  passphrase: the first line of the file in `VALETKEY_PASSPHRASE_FILE`, the text in \
                  `VALETKEY_PASSPHRASE`, or typed at a prompt."
)]
pub(crate) struct Serve {
    /// Where secrets are kept: `keychain`, `file` (encrypted) or `memory` (for a trial) [default:
    /// what `VALETKEY_SECRET_STORE` says, else `keychain`]
    #[arg(long, value_name = "STORE", value_parser = ["keychain", "file", "memory"])]
    pub(crate) secret_store: Option<String>,
    /// Port of the loopback listener [default: the setting, else 4315]
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// What programs get that no rule decides about: `allow`, or `deny` [default: `allow` until the
    /// desktop app has run, then `deny`]
    #[arg(long, value_name = "POLICY", value_parser = ["allow", "deny"])]
    pub(crate) policy: Option<String>,
}

fn variable(text: &str) -> Result<Variable, String> {
    let bad = || "write `VAR=connection`, such as `GH_TOKEN=github`".to_owned();
    let (name, connection) = text.split_once('=').ok_or_else(bad)?;
    let name_fits = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !name_fits || connection.is_empty() {
        return Err(bad());
    }
    Ok(Variable {
        name: name.to_owned(),
        connection: connection.to_owned(),
    })
}

fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let seconds = duration::seconds_with_unit(text)?;
    let span = i64::try_from(seconds).map(SignedDuration::from_secs);
    span.ok()
        .and_then(|span| Timestamp::now().checked_sub(span).ok())
        .ok_or_else(|| format!("`{text}` ago is before all time"))
}

fn kind(text: &str) -> Result<EventKind, String> {
    EventKind::parse(text).ok_or_else(|| {
        format!("`{text}` is not a kind of event; `valetkey events` shows their names")
    })
}
