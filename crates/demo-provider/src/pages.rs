//! The HTML pages: consent and error. Everything is inline and without scripts; every value from a
//! request is escaped.

use std::fmt::Write as _;

use crate::settings::Account;

const STYLE: &str = include_str!("page.css");

const KEY: &str = r#"<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><circle cx="8" cy="16" r="4.5"/><path d="m11.3 12.7 8.2-8.2M16 8l3 3"/></svg>"#;
const DEMO: &str = r#"<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M9 3h6M10 3v6.2L4.8 18a2 2 0 0 0 1.7 3h11a2 2 0 0 0 1.7-3L14 9.2V3M7.5 14.5h9"/></svg>"#;
const STOP: &str = r#"<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" aria-hidden="true"><circle cx="12" cy="12" r="9"/><path d="M12 7.5v5.5M12 16.5v.01"/></svg>"#;

/// What the consent page shows.
pub(crate) struct ConsentPage<'a> {
    pub(crate) client_name: &'a str,
    /// The query of the authorization request, which the page posts back.
    pub(crate) query: &'a str,
    pub(crate) scopes: &'a [String],
    pub(crate) login_hint: Option<&'a str>,
    pub(crate) accounts: &'a [Account],
}

/// Asks which account signs in, for which scopes, and whether to allow it.
pub(crate) fn consent(page: &ConsentPage<'_>) -> String {
    let client = escape(page.client_name);
    let body = format!(
        r#"<form class="card" method="post" action="/authorize/decision">
<input type="hidden" name="request" value="{query}">
<div class="head"><div class="marks"><div class="mark key">{KEY}</div><div class="link"><i></i><i></i><i></i></div><div class="mark demo">{DEMO}</div></div>
<h1>Let “{client}” use your account?</h1><p>{promise}</p></div>
<fieldset><legend>Sign in as</legend><div class="people">{people}</div></fieldset>
{scopes}<div class="acts"><button id="deny" name="decision" value="deny">Deny</button><button id="allow" class="primary" name="decision" value="allow">Allow</button></div>
</form>"#,
        query = escape(page.query),
        promise = if page.scopes.is_empty() {
            "It learns who you are, and nothing more."
        } else {
            "It gets only what you tick below."
        },
        people = people(page.accounts, page.login_hint),
        scopes = scopes(page.scopes),
    );
    document("Allow access? · Demo provider", &body)
}

/// What the page of a device grant shows.
pub(crate) struct DevicePage<'a> {
    /// None: no request has this code.
    pub(crate) client_name: Option<&'a str>,
    pub(crate) user_code: &'a str,
    pub(crate) accounts: &'a [Account],
}

/// Asks for the code of a device grant, and whether to allow it (RFC 8628, section 3.3).
pub(crate) fn device(page: &DevicePage<'_>) -> String {
    let code = escape(page.user_code);
    let body = match page.client_name {
        None => format!(
            r#"<form class="card" method="get" action="/device">
<div class="head"><div class="marks"><div class="mark demo">{DEMO}</div></div>
<h1>Connect a device</h1><p>Enter the code that the device shows.</p></div>
<label class="person"><span class="text">Code <input name="user_code" value="{code}" autofocus></span></label>
<div class="acts"><button class="primary">Continue</button></div></form>"#
        ),
        Some(client) => format!(
            r#"<form class="card" method="post" action="/device">
<input type="hidden" name="user_code" value="{code}">
<div class="head"><div class="marks"><div class="mark key">{KEY}</div><div class="link"><i></i><i></i><i></i></div><div class="mark demo">{DEMO}</div></div>
<h1>Let “{client}” use your account?</h1><p>Allow it only if your device shows the code <code>{code}</code>.</p></div>
<fieldset><legend>Sign in as</legend><div class="people">{people}</div></fieldset>
<div class="acts"><button id="deny" name="decision" value="deny">Deny</button><button id="allow" class="primary" name="decision" value="allow">Allow</button></div>
</form>"#,
            client = escape(client),
            people = people(page.accounts, None),
        ),
    };
    document("Connect a device · Demo provider", &body)
}

/// The end of a device grant in the browser.
pub(crate) fn device_done(allowed: bool) -> String {
    let words = if allowed {
        "The device is connected. You can close this page."
    } else {
        "The device gets nothing. You can close this page."
    };
    let body = format!(
        r#"<div class="card"><div class="head"><div class="marks"><div class="mark demo">{DEMO}</div></div><h1 id="done">{words}</h1></div></div>"#
    );
    document("Connect a device · Demo provider", &body)
}

/// The error page for a request that cannot be answered by a redirect.
pub(crate) fn problem(text: &str) -> String {
    let body = format!(
        r#"<div class="card"><div class="head"><div class="marks"><div class="mark bad">{STOP}</div></div>
<h1>This sign-in cannot go on</h1><p id="problem">{}</p></div></div>"#,
        escape(text)
    );
    document("Cannot sign in · Demo provider", &body)
}

fn document(title: &str, body: &str) -> String {
    format!(
        r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>{title}</title><style>{STYLE}</style></head>
<body><main>{body}<footer>Demo provider, on this machine only. No account here is real.</footer></main></body></html>"#
    )
}

fn people(accounts: &[Account], hint: Option<&str>) -> String {
    let hinted = accounts
        .iter()
        .position(|account| hint.is_some_and(|hint| hint == account.id || hint == account.email()));
    let mut html = String::new();
    for (number, account) in accounts.iter().enumerate() {
        let checked = if number == hinted.unwrap_or(0) {
            " checked"
        } else {
            ""
        };
        // Writing to a String cannot fail.
        let _ = write!(
            html,
            r#"<label class="person"><input type="radio" name="account" value="{id}"{checked}><span class="face f{colour}" aria-hidden="true">{initials}</span><span class="text"><b>{name}</b><span>{email}</span></span></label>"#,
            id = escape(&account.id),
            colour = number % 5,
            initials = escape(&initials(&account.name)),
            name = escape(&account.name),
            email = escape(&account.email()),
        );
    }
    html
}

/// `openid` cannot be unticked, because sign-in needs it.
fn scopes(scopes: &[String]) -> String {
    if scopes.is_empty() {
        return String::new();
    }
    let mut rows = String::new();
    for scope in scopes {
        let value = escape(scope);
        let _ = if scope == "openid" {
            write!(
                rows,
                r#"<label class="scope fixed"><input type="hidden" name="scope" value="openid"><input type="checkbox" checked disabled>{}</label>"#,
                describe(scope, &value)
            )
        } else {
            write!(
                rows,
                r#"<label class="scope"><input type="checkbox" name="scope" value="{value}" checked>{}</label>"#,
                describe(scope, &value)
            )
        };
    }
    format!(r#"<fieldset><legend>It may</legend><div class="scopes">{rows}</div></fieldset>"#)
}

fn describe(scope: &str, escaped: &str) -> String {
    let words = match scope {
        "openid" => "Know who you are",
        "profile" => "See your name",
        "email" => "See your e-mail address",
        "offline_access" => "Stay signed in while you are away",
        "files.read" => "Read your files",
        "files.write" => "Change and delete your files",
        "calendar.read" => "Read your calendar",
        _ => "Use something else",
    };
    format!(r#"<span class="text"><span>{words}</span><code>{escaped}</code></span>"#)
}

fn initials(name: &str) -> String {
    name.split_whitespace()
        .filter_map(|word| word.chars().next())
        .take(2)
        .collect()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_from_outside_never_opens_a_tag_or_leaves_an_attribute(text: String) {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
        }
    }
}
