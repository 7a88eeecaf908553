//! The words of a sign-in, from the click to the account.

use jiff::Timestamp;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use valetkey_api::connections::ConnectionView;
use valetkey_api::core::name::{AccountLabel, ConnectionName, InProfile};
use valetkey_api::core::printable::printable;
use valetkey_api::core::scope::Scopes;
use valetkey_api::sign_in::{DevicePrompt, FailedSignIn, SignInCompleted, SignInStarted};

use super::failure::{hint, warning};
use super::time::{ago, until};
use super::{connections, scopes};
use crate::style::{Style, Tone};

/// The last sign-in, which failed: when, why and what to do.
pub(super) fn failed(sign_in: &FailedSignIn, now: Timestamp) -> String {
    let error = &sign_in.error;
    let why = format!("failed {}: {}", ago(now, sign_in.ended_at), error.message);
    match &error.hint {
        Some(hint) => format!("{why}; {hint}"),
        None => why,
    }
}

/// Before the wait: what is waited for, and how long.
pub(crate) fn waiting(name: &str, started: &SignInStarted, now: Timestamp, style: Style) -> String {
    let name = style.paint(Tone::Heading, printable(name));
    if started.authorize_url.is_none() {
        return format!("connecting `{name}`; no browser is needed (Ctrl-C cancels)\n");
    }
    let limit = until(now, started.expires_at);
    format!(
        "waiting for you to sign in to `{name}` in the browser (at most {limit}; Ctrl-C cancels)\n"
    )
}

/// Before the browser opens: what the connection gains and loses; nothing where it stays as it is.
pub(crate) fn scope_change(started: &SignInStarted, style: Style) -> String {
    let line = |words: &str, scopes: &Scopes| {
        let scopes = scopes::in_words(scopes, &started.provider);
        let words = style.paint(Tone::Heading, words);
        format!("{words}: {scopes}\n")
    };
    let mut text = String::new();
    if !started.added_scopes.is_empty() {
        text.push_str(&line("asks for more scopes", &started.added_scopes));
    }
    if !started.dropped_scopes.is_empty() {
        text.push_str(&line("no longer asks for", &started.dropped_scopes));
    }
    text
}

/// Where there is no browser: the address.
pub(crate) fn by_hand(url: &str) -> String {
    let address = printable(url);
    format!("open this address in a browser:\n\n{address}\n\n")
}

/// Another address takes the place of the one that was shown.
pub(crate) fn newer_address(url: &str, style: Style) -> String {
    let note = "the address above has expired if nobody has opened it";
    format!(
        "{}\nopen this one instead:\n\n{}\n\n",
        style.paint(Tone::Warning, note),
        printable(url)
    )
}

/// The code of a device grant. Whoever is talked into entering somebody else's code gives their account
/// away (RFC 8628, section 5.4).
pub(crate) fn enter_code(device: &DevicePrompt, style: Style) -> String {
    let code = style.paint(Tone::Heading, printable(&device.user_code));
    let page = printable(&device.verification_uri);
    format!(
        "open this address in a browser on any device:\n\n{page}\n\nand enter the code {code}\n\n"
    ) + &hint(
        "enter only a code that you asked for yourself: it gives this machine access to your account",
        style,
    )
}

/// A QR code of this address, in half-height blocks: its light parts are painted, its dark ones are the
/// background. Nothing if the address is too long for one.
pub(crate) fn qr_code(address: &str, style: Style) -> String {
    let Ok(code) = QrCode::with_error_correction_level(address, EcLevel::L) else {
        return String::new();
    };
    let mut drawn = code.render::<Dense1x2>();
    drawn
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark);
    let drawn = drawn.build();
    let lines = drawn
        .lines()
        .map(|line| style.paint(Tone::Inverse, line).to_string());
    lines
        .chain([String::new(), String::new()])
        .collect::<Vec<_>>()
        .join("\n")
}

/// How to come back where the browser cannot reach the agent.
pub(crate) fn way_back(started: &SignInStarted, style: Style) -> String {
    let back = format!(
        "it ends at `{}...`; if that page cannot be shown, paste its whole address here",
        printable(started.redirect_uri.as_deref().unwrap_or_default())
    );
    hint(&back, style)
}

/// The browser could not be opened.
pub(crate) fn no_browser(why: &str, style: Style) -> String {
    warning("the browser cannot be opened", why, style)
}

/// What was pasted is not the address.
pub(crate) fn bad_paste(why: &str, style: Style) -> String {
    warning(
        why,
        "paste the whole address of the page that the sign-in ended at",
        style,
    )
}

/// After it, where another account was asked for: the provider signed in the one that was there.
pub(crate) fn same_account(view: &ConnectionView, asked: &AccountLabel, style: Style) -> String {
    let provider = printable(&view.provider_name);
    let authenticator = &view.authenticator;
    let what = format!(
        "this is not `{authenticator}/{asked}`: {provider} signed in the account of `{}` again",
        view.name
    );
    let todo = format!(
        "choose the other account at {provider} (sign out there, or use a private window), then run \
         `valetkey connect {} --account {asked}` again",
        InProfile::new(view.profile.clone(), authenticator).argument()
    );
    completed(view, true, None, style) + &warning(&what, &todo, style)
}

/// After it: what the person should know about a key, of this connection or of the one that it had.
pub(crate) fn about_keys(done: &SignInCompleted, style: Style) -> String {
    let view = &done.connection;
    let mut text = String::new();
    if let Some(reason) = &done.unverified {
        let provider = printable(&view.provider_name);
        text.push_str(&warning(
            &format!(
                "{provider} did not say whose it is ({}), so it was stored untested",
                printable(reason)
            ),
            &format!(
                "`valetkey test {}` tries it",
                connections::full_name(view).argument()
            ),
            style,
        ));
    }
    if let Some(old) = &done.replaced_key {
        let todo = match &old.page {
            Some(page) => format!("delete it at {} if nothing else uses it", printable(page)),
            None => "delete it there if nothing else uses it".to_owned(),
        };
        text.push_str(&warning(
            &format!(
                "the {} that it had is still valid at {}",
                printable(&old.name),
                printable(&view.provider_name)
            ),
            &todo,
            style,
        ));
    }
    if let Some(better) = connections::better(view) {
        text.push_str(&hint(&better, style));
    }
    text
}

/// After it: who it is, and what was not granted. `instead_of`: the connection that was to be renewed.
pub(crate) fn completed(
    view: &ConnectionView,
    renewed: bool,
    instead_of: Option<&ConnectionName>,
    style: Style,
) -> String {
    let done = match (&view.api_key, renewed) {
        (Some(_), true) => "connected again",
        (Some(_), false) => "connected",
        (None, true) => "signed in again",
        (None, false) => "signed in",
    };
    let done = style.paint(Tone::Good, done);
    let account = match &view.account.display_name {
        Some(account) => format!(" as {}", printable(account)),
        None => String::new(),
    };
    let by_key = match &view.api_key {
        Some(key) => format!(" by {}", printable(&key.name)),
        None => String::new(),
    };
    let mut text = format!("{done}: `{}`{account}{by_key}\n", view.name);
    let name = connections::full_name(view).argument();
    if let Some(old) = instead_of {
        text.push_str(&warning(
            &format!("this is another account than that of `{old}`, so it is a new connection"),
            &format!("`{old}` stays as it is; `valetkey label {name} LABEL` renames the new one"),
            style,
        ));
    }
    if !view.missing_scopes.is_empty() {
        text.push_str(&warning(
            &format!(
                "not granted: {}",
                scopes::in_words(&view.missing_scopes, &view.provider)
            ),
            &format!(
                "granted: {}",
                scopes::in_words(&view.scopes, &view.provider)
            ),
            style,
        ));
    }
    text.push_str(&scopes::broad(&view.broad_scopes, &view.provider, style));
    text.push_str(&hint(
        &match &view.api_key {
            Some(_) => format!("`valetkey token {name}` prints it"),
            None => format!("`valetkey token {name}` prints its token"),
        },
        style,
    ));
    text
}

#[cfg(test)]
mod tests;
