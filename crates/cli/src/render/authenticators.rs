//! Providers and authenticators.

use std::fmt::Write as _;

use jiff::Timestamp;
use valetkey_api::authenticators::{
    AuthenticatorList, AuthenticatorRemoved, AuthenticatorSaved, AuthenticatorView, ProviderList,
    ProviderView,
};
use valetkey_api::core::name::InProfile;
use valetkey_api::core::printable::printable;
use valetkey_api::core::provider::ClientAuth;
use valetkey_api::core::redirect::RedirectUri;

use super::failure::hint;
use super::table::{Cell, Table, fields};
use super::{connections, sign_in};
use crate::style::{Style, Tone};

/// `valetkey list` where there are none.
pub(crate) fn none(style: Style) -> String {
    let how = "register one with `valetkey add`; `valetkey providers` shows where";
    format!("no authenticators yet\n{}", hint(how, style))
}

/// `valetkey list`
pub(crate) fn list(list: &AuthenticatorList, style: Style) -> String {
    let rows = &list.authenticators;
    let profiles = rows.iter().any(|row| row.profile.as_str() != "default");
    let mut headings = vec!["NAME", "PROVIDER", "CLIENT ID", "CONNECTIONS", "SCOPES"];
    if profiles {
        headings.insert(1, "PROFILE");
    }
    let mut table = Table::new(&headings);
    for row in rows {
        let mut cells: Vec<Cell> = vec![
            Cell::toned(row.name.as_str(), Tone::Heading),
            row.provider.as_str().into(),
            short(&row.client_id).into(),
            if row.is_active {
                row.connections.len().to_string().into()
            } else {
                Cell::toned("disabled", Tone::Warning)
            },
            row.scopes.to_string().into(),
        ];
        if profiles {
            cells.insert(1, row.profile.as_str().into());
        }
        table.row(cells);
    }
    table.render(style)
}

/// A client id, cut where it is long; words where there is none.
pub(super) fn short(client_id: &str) -> String {
    const MAX_CHARS: usize = 24;
    if client_id.is_empty() {
        return "none, API keys".to_owned();
    }
    if client_id.chars().count() <= MAX_CHARS {
        return client_id.to_owned();
    }
    let start: String = client_id.chars().take(MAX_CHARS - 1).collect();
    format!("{start}…")
}

/// `valetkey show`
#[expect(clippy::too_many_lines, reason = "one line for each field")]
pub(crate) fn show(view: &AuthenticatorView, now: Timestamp, style: Style) -> String {
    let names: Vec<String> = view.connections.iter().map(ToString::to_string).collect();
    let has_key = view.endpoints.client_auth == Some(ClientAuth::PrivateKeyJwt);
    let mut rows = vec![
        ("name", view.name.to_string()),
        ("profile", view.profile.to_string()),
        ("provider", view.provider.clone()),
        ("enabled", yes(view.is_active)),
        (
            "client id",
            if view.client_id.is_empty() {
                "none; its connections have API keys".to_owned()
            } else {
                view.client_id.clone()
            },
        ),
        (
            if has_key {
                "private key"
            } else {
                "client secret"
            },
            if view.has_client_secret {
                "stored"
            } else {
                "none"
            }
            .to_owned(),
        ),
        ("scopes", view.scopes.to_string()),
    ];
    if view.grant_type.needs_person() {
        rows.push(("redirect URI", view.redirect_uri.to_string()));
    } else {
        rows.push(("grant type", view.grant_type.as_str().to_owned()));
    }
    let subject = view.subject.as_ref().map(ToString::to_string);
    for (name, value) in [
        ("subject", &subject),
        ("audience", &view.audience),
        ("requested token type", &view.requested_token_type),
        ("assertion audience", &view.assertion_audience),
    ] {
        rows.extend(value.iter().map(|value| (name, value.clone())));
    }
    let endpoints = &view.endpoints;
    for (name, url) in [
        ("authorize URL", &endpoints.authorize_url),
        ("token URL", &endpoints.token_url),
        ("device URL", &endpoints.device_authorization_url),
        (
            "pushed authorization URL",
            &endpoints.pushed_authorization_url,
        ),
        ("revocation URL", &endpoints.revocation_url),
        ("userinfo URL", &endpoints.userinfo_url),
        ("issuer", &endpoints.issuer),
        ("resource", &endpoints.resource),
        ("MCP server", &view.mcp_server),
        ("console", &view.console_url),
    ] {
        rows.extend(url.iter().map(|url| (name, url.clone())));
    }
    rows.extend(
        endpoints
            .dpop
            .map(|dpop| ("tokens bound to a key (DPoP)", dpop.as_str().to_owned())),
    );
    for (name, value) in view.placeholders.iter().chain(&view.authorize_params) {
        rows.push((name, value.clone()));
    }
    if let Some(registration) = &view.registration {
        let when = registration.registered_at.strftime("%Y-%m-%d");
        let how = format!("by Valet Key at {} on {when}", registration.issuer);
        rows.push(("registered", how));
    }
    if view.assume_pkce {
        rows.push(("PKCE", "assumed, the server does not name it".to_owned()));
    }
    if !view.api_hosts.is_empty() {
        let hosts: Vec<String> = view.api_hosts.iter().map(ToString::to_string).collect();
        rows.push(("API hosts", hosts.join(", ")));
    }
    rows.extend(
        view.api_key_header
            .iter()
            .map(|it| ("key header", it.clone())),
    );
    let page = view
        .api_keys_page
        .iter()
        .filter(|_| view.client_id.is_empty());
    rows.extend(page.map(|it| ("keys", it.clone())));
    let names = if names.is_empty() && view.client_id.is_empty() {
        format!(
            "none; give a key with `valetkey connect {} --api-key-stdin`",
            argument(view)
        )
    } else if names.is_empty() {
        format!("none; sign in with `valetkey connect {}`", argument(view))
    } else {
        names.join(", ")
    };
    rows.push(("connections", names));
    if view.differs_from_file {
        let how = format!(
            "its file names others; `valetkey update {} --accept-endpoints` uses them",
            argument(view)
        );
        rows.push(("endpoints", how));
    }
    let failed = view.failed_sign_in.as_ref();
    rows.extend(failed.map(|it| ("last sign-in", sign_in::failed(it, now))));
    rows.push(("id", view.id.to_string()));
    fields(&rows, style)
}

/// Its name as an argument of a command.
fn argument(view: &AuthenticatorView) -> String {
    InProfile::new(view.profile.clone(), &view.name).argument()
}

fn yes(is: bool) -> String {
    if is { "yes" } else { "no" }.to_owned()
}

/// `valetkey add`: what to do next stands here, since nothing works yet.
pub(crate) fn added(saved: &AuthenticatorSaved, style: Style) -> String {
    let view = &saved.authenticator;
    let mut text = format!("added `{}`\n", view.name);
    if view.client_id.is_empty() {
        let give = format!(
            "give a key with `valetkey connect {} --api-key-stdin`",
            argument(view)
        );
        return text + &hint(&give, style);
    }
    let console = view.console_url.as_ref().map_or_else(
        || "your provider".to_owned(),
        |url| format!("<{}>", printable(url)),
    );
    let is_known = view.registration.is_some() || view.client_id.starts_with("https://");
    if let RedirectUri::Loopback { .. } = view.redirect_uri
        && view.grant_type.needs_person()
        && !is_known
    {
        let register = format!(
            "register the redirect URI `{}` at {console}",
            view.redirect_uri
        );
        text.push_str(&hint(&register, style));
    }
    let verb = if view.grant_type.needs_person() {
        "sign in"
    } else {
        "connect it"
    };
    text.push_str(&hint(
        &format!("{verb} with `valetkey connect {}`", argument(view)),
        style,
    ));
    text
}

/// `valetkey update`, `enable`, `disable`
pub(crate) fn updated(view: &AuthenticatorView) -> String {
    let state = if view.is_active { "" } else { " (disabled)" };
    format!("updated `{}`{state}\n", view.name)
}

/// `valetkey remove`
pub(crate) fn removed(removed: &AuthenticatorRemoved, style: Style) -> String {
    let mut text = String::new();
    for connection in &removed.disconnected {
        text.push_str(&connections::disconnected(connection, style));
    }
    writeln!(text, "removed `{}`", removed.authenticator.name).expect("a String takes everything");
    text
}

/// `valetkey providers`
pub(crate) fn providers(list: &ProviderList, style: Style) -> String {
    let mut table = Table::new(&["PROVIDER", "NAME", "SECRET", "REGISTER AT"]);
    for provider in &list.providers {
        table.row([
            Cell::toned(&provider.id, Tone::Heading),
            provider.display_name.as_str().into(),
            secret(provider).into(),
            provider.console_url.as_deref().unwrap_or("").into(),
        ]);
    }
    table.render(style)
}

fn secret(provider: &ProviderView) -> &'static str {
    match (provider.needs_client_secret, provider.has_default_client) {
        (true, _) => "needed",
        (false, true) => "not needed",
        (false, false) => "optional",
    }
}

/// `valetkey providers NAME`: how to register a client there.
pub(crate) fn provider(provider: &ProviderView, style: Style) -> String {
    let mut rows = vec![
        ("provider", provider.id.clone()),
        ("name", provider.display_name.clone()),
    ];
    rows.extend(
        provider
            .console_url
            .iter()
            .map(|url| ("register at", url.clone())),
    );
    rows.push(("redirect URI", provider.redirect.default.to_string()));
    rows.push(("client secret", secret(provider).to_owned()));
    rows.push(("default scopes", provider.default_scopes.join(" ")));
    for placeholder in &provider.placeholders {
        let default = placeholder.default.as_deref().unwrap_or("none");
        rows.push((
            &placeholder.name,
            format!("{} [default: {default}]", placeholder.note),
        ));
    }
    rows.extend(
        provider
            .docs_url
            .iter()
            .map(|url| ("documentation", url.clone())),
    );
    let mut text = fields(&rows, style);
    let mut section = |title: &str, lines: Vec<String>| {
        if lines.is_empty() {
            return;
        }
        write!(text, "\n{}\n", style.paint(Tone::Heading, title))
            .expect("a String takes everything");
        for line in lines {
            writeln!(text, "  {}", printable(&line)).expect("a String takes everything");
        }
    };
    let steps = provider.setup_steps.iter().enumerate();
    let steps = steps.map(|(index, step)| format!("{}. {step}", index + 1));
    section(
        "How to register",
        steps.chain(provider.redirect.note.clone()).collect(),
    );
    let presets = provider.scope_presets.iter();
    let presets =
        presets.map(|preset| format!("{}: {}", preset.description, preset.scopes.join(" ")));
    section("Scopes", presets.collect());
    section(
        "Signing out",
        provider.revocation_note.iter().cloned().collect(),
    );
    if !provider.unconfirmed.is_empty() {
        let line = format!(
            "{}. If one is wrong, the options of `valetkey add` override it.",
            provider.unconfirmed.join(", ")
        );
        section("Not confirmed", vec![line]);
    }
    text
}

#[cfg(test)]
mod tests;
