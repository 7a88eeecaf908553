//! What oidc-agent (version 5) keeps in the open: its issuers with their public clients, and accounts as
//! `oidc-gen --print NAME` shows them. The account files themselves are encrypted.

use serde_json::{Map, Value};
use valetkey_core::draft::DraftInput;

use crate::endpoints;
use crate::file;
use crate::found::{Found, FoundAuthenticator, Unreadable};

/// Whether this is what `oidc-gen --print` prints.
pub(crate) fn is_account(members: &Map<String, Value>) -> bool {
    members.contains_key("issuer_url") && members.contains_key("client_id")
}

/// Reads one printed account. Its refresh token stays where it is: it has one holder.
pub(crate) fn account(members: &Map<String, Value>) -> Found {
    let text = |field: &str| text(members, field);
    let name = text("name").unwrap_or("oidc-agent");
    let mut input = client(members, name);
    let uris = members.get("redirect_uris").and_then(Value::as_array);
    let mut uris = uris.into_iter().flatten().filter_map(Value::as_str);
    if let Some(uri) = uris.find(|uri| uri.starts_with("http://")) {
        input.set("redirect_uri", uri);
    }
    endpoints::set_scopes(
        &mut input,
        text("auth_scope").or(text("scope")).unwrap_or_default(),
    );
    let mut found = FoundAuthenticator {
        discover: text("issuer_url").map(str::to_owned),
        ..FoundAuthenticator::new(name, input)
    };
    if text("refresh_token").is_some() {
        let remark = "its refresh token stays with oidc-agent: sign in here once";
        found.remarks.push(remark.to_owned());
    }
    Found {
        authenticators: vec![found],
        remarks: Vec::new(),
    }
}

/// Reads one file of issuers: `issuer.config` or one of `issuer.config.d`.
pub fn issuer_file(bytes: &[u8]) -> Result<Found, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|_| file::unknown())?;
    if !text.trim_start().starts_with(['{', '[']) {
        return Err(Unreadable::new(
            "this is a file of oidc-agent 4 or older",
            "update oidc-agent, or import an account: `oidc-gen --print NAME | valetkey import -`",
        ));
    }
    issuers(file::json(text)?)
}

/// Issuers. One with a public client and accounts is an authenticator.
pub(crate) fn issuers(value: Value) -> Result<Found, Unreadable> {
    let issuers = match value {
        Value::Array(issuers) => issuers,
        issuer => vec![issuer],
    };
    let mut found = Found::default();
    for issuer in issuers {
        let issuer = file::object(issuer)?;
        let url = text(&issuer, "issuer").ok_or_else(file::unknown)?;
        let accounts = issuer.get("accounts").and_then(Value::as_array);
        let accounts: Vec<&str> = accounts
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let public = issuer.get("pubclient").and_then(Value::as_object);
        match (public, accounts.first()) {
            (Some(public), Some(name)) => {
                let mut input = client(public, name);
                if let Some(device) = text(&issuer, "device_authorization_endpoint") {
                    input.set("device_authorization_url", device);
                }
                endpoints::set_scopes(&mut input, text(public, "scope").unwrap_or_default());
                found.authenticators.push(FoundAuthenticator {
                    discover: Some(url.to_owned()),
                    ..FoundAuthenticator::new(url, input)
                });
            }
            (None, Some(_)) => {
                let names = accounts.join("`, `");
                found.remarks.push(format!(
                    "the clients of `{names}` are encrypted: `oidc-gen --print NAME | valetkey import -` reads one"
                ));
            }
            (_, None) => {}
        }
    }
    Ok(found)
}

/// The client; where its endpoints are, the issuer's metadata says.
fn client(members: &Map<String, Value>, name: &str) -> DraftInput {
    let mut input = DraftInput::default();
    input.set("name", name);
    for (field, value) in [
        ("client_id", text(members, "client_id")),
        ("client_secret", text(members, "client_secret")),
        (
            "device_authorization_url",
            text(members, "device_authorization_endpoint"),
        ),
    ] {
        if let Some(value) = value {
            input.set(field, value);
        }
    }
    input
}

fn text<'a>(members: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    let value = members.get(field).and_then(Value::as_str);
    value.filter(|value| !value.is_empty())
}
