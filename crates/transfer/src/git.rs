//! Git configuration that describes OAuth clients: for Git Credential Manager (`docs/generic-oauth.md`) and for
//! git-credential-oauth (its README, "Custom hosts").

use std::collections::BTreeMap;

use url::Url;
use valetkey_core::draft::DraftInput;
use zeroize::Zeroizing;

use crate::endpoints;
use crate::found::{Found, FoundAuthenticator, Unreadable};

/// What `git config` is asked for: all that this module reads.
pub const QUERY: &[&str] = &[
    "config",
    "--null",
    "--get-regexp",
    r"^credential\..*\.oauth",
];

/// Values of one `credential.<URL>`, by lower-case key.
type Section = BTreeMap<String, Zeroizing<String>>;

/// Reads what [`QUERY`] prints: `key`, line feed, `value`, NUL.
pub fn read(output: &[u8]) -> Result<Found, Unreadable> {
    let text = std::str::from_utf8(output).map_err(|_| {
        Unreadable::new(
            "the git configuration is no UTF-8",
            "correct it with `git config --edit`",
        )
    })?;
    let mut sections: BTreeMap<String, Section> = BTreeMap::new();
    for entry in text.split('\0') {
        let Some((key, value)) = entry.split_once('\n') else {
            continue;
        };
        let Some((url, name)) = key
            .strip_prefix("credential.")
            .and_then(|key| key.rsplit_once('.'))
        else {
            continue;
        };
        // Of several values git takes the last.
        sections
            .entry(url.to_owned())
            .or_default()
            .insert(name.to_lowercase(), Zeroizing::new(value.to_owned()));
    }
    let mut found = Found::default();
    for (url, section) in sections {
        match client(&url, &section) {
            Some(client) => found.authenticators.push(client),
            None => found.remarks.push(format!(
                "`credential.{url}` names no client id: nothing to import"
            )),
        }
    }
    Ok(found)
}

fn client(url: &str, section: &Section) -> Option<FoundAuthenticator> {
    let get = |names: &[&str]| {
        let mut values = names.iter().filter_map(|name| section.get(*name));
        values.next().map(|value| value.as_str())
    };
    let client_id = get(&["oauthclientid"])?;
    let base = Url::parse(url).ok();
    // They may be relative to the host.
    let absolute = |names: &[&str]| {
        let text = get(names)?;
        let joined = base.as_ref().and_then(|base| base.join(text).ok());
        Some(joined.map_or_else(|| text.to_owned(), |url| url.to_string()))
    };
    let authorize_url = absolute(&["oauthauthorizeendpoint", "oauthauthurl"]);
    let token_url = absolute(&["oauthtokenendpoint", "oauthtokenurl"]);
    let host = base.as_ref().and_then(Url::host_str);
    let mut input = DraftInput::default();
    if let (None, Some(provider)) = (&authorize_url, host.and_then(endpoints::provider_at)) {
        input.set("authenticator_type", provider.id.as_str());
    } else {
        let authorize_url = authorize_url.unwrap_or_default();
        endpoints::set(&mut input, &authorize_url, &token_url.unwrap_or_default());
        if let (Some(base), Some(host)) = (&base, host) {
            input.set("name", host);
            // Where git sends the token.
            let port = base.port().map(|port| format!(":{port}"));
            let host = format!("{host}{}", port.unwrap_or_default());
            input.set("api_hosts", vec![host]);
        }
    }
    input.set("client_id", client_id);
    let secret = get(&["oauthclientsecret"]);
    if let Some(secret) = secret {
        input.set("client_secret", secret);
        if get(&["oauthuseclientauthheader"]).is_some_and(is_false) {
            input.set("client_auth", "client_secret_post");
        }
    }
    if let Some(device) = absolute(&["oauthdeviceendpoint", "oauthdeviceauthurl"]) {
        input.set("device_authorization_url", device);
    }
    if let Some(uri) = get(&["oauthredirecturi"]) {
        input.set("redirect_uri", uri);
    }
    endpoints::set_scopes(&mut input, get(&["oauthscopes"]).unwrap_or_default());
    let mut found = FoundAuthenticator::new(format!("credential.{url}"), input);
    if get(&["oauthresponsemode"]).is_some_and(|mode| mode != "query") {
        let remark = "its response mode is not imported: the browser comes back with a query";
        found.remarks.push(remark.to_owned());
    }
    Some(found)
}

/// As git reads booleans.
fn is_false(value: &str) -> bool {
    ["false", "no", "off", "0", ""].contains(&value.to_lowercase().as_str())
}
