//! Connections and their state.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use valetkey_api::agent::AgentStatus;
use valetkey_api::connections::{
    ConnectionList, ConnectionView, Disconnected, NeededScopes, OAuthOffer, Revocation,
};
use valetkey_api::core::connection::{KeepWarm, RefreshError, RefreshErrorKind};
use valetkey_api::core::connection_state::Status;
use valetkey_api::core::id::AuthenticatorId;
use valetkey_api::core::name::{ConnectionName, InProfile};
use valetkey_api::core::printable::printable;
use valetkey_api::token::{TestMethod, TestResponse};

use super::failure::{hint, warning};
use super::table::{Cell, Table, fields};
use super::time::{ago, length, until};
use super::{agent, proxy, scopes, sign_in};
use crate::style::{Style, Tone};

/// `valetkey status` as JSON.
#[derive(Serialize)]
pub(crate) struct Overview {
    pub(crate) agent: AgentStatus,
    #[serde(flatten)]
    pub(crate) list: ConnectionList,
    /// Authenticators that are disabled: their connections hand out nothing.
    #[serde(rename = "disabled_authenticators")]
    pub(crate) disabled: Vec<AuthenticatorId>,
}

/// `valetkey status` where there are no connections: what to do.
pub(crate) fn none(status: &AgentStatus, style: Style) -> String {
    let how = match status.authenticators {
        0 => "register a client with `valetkey add`; `valetkey providers` shows where",
        _ => "sign in with `valetkey connect NAME`; `valetkey list` shows the names",
    };
    format!("no connections yet\n{}", hint(how, style))
}

/// `valetkey status`
pub(crate) fn overview(overview: &Overview, now: Timestamp, style: Style) -> String {
    let line = agent::line(&overview.agent, style);
    if overview.list.connections.is_empty() {
        return line;
    }
    format!("{}\n{line}", table(overview, now, style))
}

fn table(overview: &Overview, now: Timestamp, style: Style) -> String {
    let rows = &overview.list.connections;
    let profiles = rows.iter().any(|row| row.profile.as_str() != "default");
    let mut headings = vec!["CONNECTION", "ACCOUNT", "STATUS", ""];
    if profiles {
        headings.insert(1, "PROFILE");
    }
    let mut table = Table::new(&headings);
    for row in rows {
        let is_disabled = overview.disabled.contains(&row.authenticator_id);
        let (status, tone) = status(row, is_disabled);
        let mut cells = vec![
            Cell::toned(&row.name.to_string(), Tone::Heading),
            row.account.display_name.as_deref().unwrap_or("-").into(),
            Cell::toned(status, tone),
            outlook(row, is_disabled, now).into(),
        ];
        if profiles {
            cells.insert(1, row.profile.as_str().into());
        }
        table.row(cells);
    }
    table.render(style)
}

/// Its name, with the profile that it stands in.
pub(super) fn full_name(view: &ConnectionView) -> InProfile<&ConnectionName> {
    InProfile::new(view.profile.clone(), &view.name)
}

/// The state in a word.
fn status(view: &ConnectionView, is_disabled: bool) -> (&'static str, Tone) {
    if is_disabled {
        return ("disabled", Tone::Warning);
    }
    let is_wrong = view
        .refresh_error
        .as_ref()
        .is_some_and(|refresh_error| refresh_error.kind == RefreshErrorKind::FixClient);
    match view.status {
        Status::Active | Status::Refreshing if is_wrong => ("fix client", Tone::Warning),
        Status::Connecting => ("connecting", Tone::Faint),
        Status::Active if lacks_scopes(view).is_some() => ("needs more", Tone::Warning),
        Status::Active => ("active", Tone::Good),
        Status::Refreshing => ("refreshing", Tone::Good),
        Status::Expired => ("expired", Tone::Warning),
        Status::NeedsReconnect if view.api_key.is_some() => ("needs a key", Tone::Error),
        Status::NeedsReconnect => ("sign in again", Tone::Error),
        Status::Removing => ("removing", Tone::Faint),
    }
}

/// The scopes that a host asks for, if a sign-in may bring them.
fn lacks_scopes(view: &ConnectionView) -> Option<&NeededScopes> {
    view.needed_scopes
        .as_ref()
        .filter(|needed| needed.is_offered)
}

/// The command that brings scopes that are missing.
fn step_up(view: &ConnectionView, needed: &NeededScopes) -> String {
    let name = full_name(view).argument();
    let scopes = needed.scopes.join(",");
    let scopes = printable(&scopes);
    match &view.api_key {
        Some(key) => format!(
            "`valetkey connect {name} --api-key-stdin` with a {} that has {scopes}",
            printable(&key.name)
        ),
        None => format!("`valetkey connect {name} --scopes {scopes}`"),
    }
}

/// What happens next, in a few words.
fn outlook(view: &ConnectionView, is_disabled: bool, now: Timestamp) -> String {
    if is_disabled {
        let authenticator = InProfile::new(view.profile.clone(), &view.authenticator);
        return format!("`valetkey enable {}`", authenticator.argument());
    }
    let next = match view.status {
        Status::Connecting | Status::Removing => String::new(),
        Status::NeedsReconnect => {
            let name = full_name(view).argument();
            let by_key = view.api_key.as_ref().map_or("", |_| " --api-key-stdin");
            format!("`valetkey connect {name}{by_key}`")
        }
        Status::Active | Status::Refreshing | Status::Expired => token(view, now),
    };
    match (view.unsaved, next.is_empty()) {
        (false, _) => next,
        (true, true) => "not stored yet".to_owned(),
        (true, false) => format!("{next}; not stored yet"),
    }
}

fn token(view: &ConnectionView, now: Timestamp) -> String {
    if let Some(needed) = lacks_scopes(view) {
        return step_up(view, needed);
    }
    if let Some(refresh_error) = &view.refresh_error {
        return trouble(refresh_error, now);
    }
    if let Some(key) = &view.api_key {
        let name = printable(&key.name);
        return match view.expires_at {
            None => format!("{name}, without an end"),
            Some(end) if end <= now => format!("{name}, ended {}", ago(now, end)),
            Some(end) => format!("{name}, ends in {}", until(now, end)),
        };
    }
    match (view.refresh_due_at, view.expires_at) {
        (Some(due), _) if due <= now => "refreshes now".to_owned(),
        (Some(due), _) => format!("refreshes in {}", until(now, due)),
        (None, None) => "does not expire".to_owned(),
        (None, Some(_)) if view.refreshable => "refreshed when asked for".to_owned(),
        (None, Some(end)) if end <= now => format!("ended {}", ago(now, end)),
        (None, Some(end)) => format!("ends in {}, cannot be refreshed", until(now, end)),
    }
}

/// How to sign in instead of using a key, which is better.
pub(super) fn better(view: &ConnectionView) -> Option<String> {
    let offer = view.api_key.as_ref()?.oauth?;
    let name = full_name(view).argument();
    let authenticator = InProfile::new(view.profile.clone(), &view.authenticator).argument();
    Some(match offer {
        OAuthOffer::Ready => format!(
            "a sign-in is better than a key: it is refreshed, and ends when you disconnect; \
             `valetkey connect {name}` puts one in its place"
        ),
        OAuthOffer::NeedsClient => format!(
            "a sign-in is better than a key: it is refreshed, and ends when you disconnect; register a \
             client, then `valetkey update {authenticator} --client-id ID` and `valetkey connect {name}`"
        ),
    })
}

fn trouble(refresh_error: &RefreshError, now: Timestamp) -> String {
    let reason = &refresh_error.reason;
    let next = match refresh_error.retry_at {
        Some(at) if at <= now => "; trying again now".to_owned(),
        Some(at) => format!("; tries again in {}", until(now, at)),
        None => String::new(),
    };
    match refresh_error.kind {
        RefreshErrorKind::Later => format!("provider does not issue tokens now ({reason}){next}"),
        RefreshErrorKind::Unreachable | RefreshErrorKind::BadCertificate => {
            format!("provider cannot be reached ({reason}){next}")
        }
        RefreshErrorKind::NotStorable => format!("not refreshed ({reason}){next}"),
        RefreshErrorKind::Unclear => {
            format!("provider's answer was not understood ({reason}){next}")
        }
        RefreshErrorKind::SignInAgain => format!("login refused ({reason}){next}"),
        RefreshErrorKind::FixClient => format!("client refused ({reason}){next}"),
    }
}

/// `valetkey label`
pub(crate) fn labelled(old: &str, view: &ConnectionView, _: Style) -> String {
    format!("`{}` is now `{}`\n", printable(old), view.name)
}

/// `valetkey keep-warm`
pub(crate) fn kept_warm(view: &ConnectionView, _: Style) -> String {
    let name = &view.name;
    match view.keep_warm {
        KeepWarm::Always => format!("`{name}` is always refreshed before its token ends\n"),
        KeepWarm::WhenUsed | KeepWarm::OnDemand => {
            format!("`{name}` is refreshed {}\n", policy(view.keep_warm))
        }
    }
}

/// When it is refreshed without being asked.
const fn policy(keep_warm: KeepWarm) -> &'static str {
    match keep_warm {
        KeepWarm::Always => "always",
        KeepWarm::WhenUsed => "while it is used",
        KeepWarm::OnDemand => "when asked for",
    }
}

/// `valetkey status NAME`
pub(crate) fn show(
    view: &ConnectionView,
    is_disabled: bool,
    now: Timestamp,
    style: Style,
) -> String {
    let (status, _) = status(view, is_disabled);
    let when = |time: Option<Timestamp>| time.map(|time| ago(now, time));
    let end = |time: Timestamp| {
        if time <= now {
            ago(now, time)
        } else {
            format!("in {}", until(now, time))
        }
    };
    let keep_warm = policy(view.keep_warm);
    let next = outlook(view, is_disabled, now);
    let mut rows = vec![
        ("connection", view.name.to_string()),
        ("profile", view.profile.to_string()),
        ("provider", view.provider_name.clone()),
        (
            "account",
            view.account
                .display_name
                .clone()
                .unwrap_or_else(|| "unknown".to_owned()),
        ),
        (
            "status",
            if next.is_empty() {
                status.to_owned()
            } else {
                format!("{status}: {next}")
            },
        ),
        ("may do", scopes::in_words(&view.scopes, &view.provider)),
    ];
    for (name, listed) in [
        ("more than most need", &view.broad_scopes),
        ("not granted", &view.missing_scopes),
    ] {
        if !listed.is_empty() {
            rows.push((name, scopes::in_words(listed, &view.provider)));
        }
    }
    if let Some(needed) = &view.needed_scopes {
        let words = scopes::in_words(&needed.scopes, &view.provider);
        let what = if needed.is_offered {
            step_up(view, needed)
        } else {
            format!("not granted in {} sign-ins that asked for it", needed.tries)
        };
        let (host, when) = (printable(&needed.host), ago(now, needed.at));
        rows.push((
            "lacks",
            format!("{words}, which {host} asked for {when}; {what}"),
        ));
    }
    rows.push((
        if view.api_key.is_some() {
            "key ends"
        } else {
            "token ends"
        },
        view.expires_at
            .map_or_else(|| "never, as far as announced".to_owned(), end),
    ));
    rows.extend(
        view.refresh_expires_at
            .map(|time| ("login ends", end(time))),
    );
    if view.refreshable {
        rows.push(("refreshed", keep_warm.to_owned()));
    }
    if let Some(key) = &view.api_key {
        let page = key
            .page
            .as_deref()
            .map_or_else(String::new, |page| format!(", made at {page}"));
        rows.push(("secret", format!("{}{page}", key.name)));
        rows.extend(better(view).map(|better| ("better", better)));
    }
    rows.push(("programs", proxy::policy(view)));
    if !view.api_hosts.is_empty() {
        let hosts: Vec<String> = view.api_hosts.iter().map(ToString::to_string).collect();
        rows.push(("API hosts", hosts.join(", ")));
    }
    rows.push((
        "last used",
        when(view.used_at).unwrap_or_else(|| "never".to_owned()),
    ));
    rows.push(("signed in", ago(now, view.created_at)));
    let failed = view.failed_sign_in.as_ref();
    rows.extend(failed.map(|it| ("last sign-in", sign_in::failed(it, now))));
    rows.push(("id", view.id.to_string()));
    fields(&rows, style)
}

/// `valetkey token` with `--min-ttl`, where the token ends sooner.
pub(crate) fn ends_sooner(name: &ConnectionName, left: i64, asked: u64, style: Style) -> String {
    let asked = SignedDuration::from_secs(i64::try_from(asked).unwrap_or(i64::MAX));
    let what = format!(
        "the token of `{name}` ends in {}, sooner than the {} that were asked for",
        length(SignedDuration::from_secs(left)),
        length(asked)
    );
    warning(
        &what,
        "the provider gives no token that lives longer",
        style,
    )
}

/// `valetkey disconnect`
pub(crate) fn disconnected(gone: &Disconnected, style: Style) -> String {
    let name = &gone.name;
    match &gone.revocation {
        Revocation::Revoked => format!("disconnected `{name}`; the provider revoked its tokens\n"),
        Revocation::NotPossible { reason } => format!(
            "disconnected `{name}`\n{}",
            warning("its tokens were not revoked", reason, style)
        ),
        Revocation::Failed { reason } => format!(
            "disconnected `{name}`\n{}",
            warning(
                "its tokens could not be revoked and live until they end",
                reason,
                style
            )
        ),
    }
}

/// `valetkey test`
pub(crate) fn tested(reply: &TestResponse, style: Style) -> String {
    let name = &reply.connection.name;
    let host = printable(reply.host.as_deref().unwrap_or("the provider"));
    let how = match reply.method {
        TestMethod::Userinfo => match &reply.account {
            Some(account) => format!("{host} says it is {}", printable(account)),
            None => format!("{host} accepts the token"),
        },
        TestMethod::Stored => {
            let what = "the token was not tried: the provider has no address for that";
            return format!("`{name}` has a token\n{}", hint(what, style));
        }
    };
    let works = style.paint(Tone::Good, "works");
    let after = if reply.refreshed {
        " after a refresh, since the token was refused"
    } else {
        ""
    };
    format!("`{name}` {works}{after}: {how} ({} ms)\n", reply.elapsed_ms)
}

#[cfg(test)]
mod tests;
