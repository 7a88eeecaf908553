//! Fields of a client that another tool describes by its endpoints.

use url::Url;
use valetkey_core::catalogue;
use valetkey_core::draft::DraftInput;
use valetkey_core::provider::Provider;

/// Names the catalogue's entry of these endpoints, or else a custom provider called after its host.
pub(crate) fn set(input: &mut DraftInput, authorize_url: &str, token_url: &str) {
    let entry = catalogue::providers().into_iter().find(|provider| {
        provider.authorize_url == authorize_url && provider.token_url == token_url
    });
    if let Some(provider) = entry {
        input.set("authenticator_type", provider.id.as_str());
        return;
    }
    input.set("authenticator_type", "custom");
    for (field, url) in [("authorize_url", authorize_url), ("token_url", token_url)] {
        if !url.is_empty() {
            input.set(field, url);
        }
    }
    if let Some(host) = [authorize_url, token_url].into_iter().find_map(host) {
        input.set("name", host);
    }
}

/// The catalogue's entry whose sign-in is at this host, if it is the only one.
pub(crate) fn provider_at(host: &str) -> Option<&'static Provider> {
    let mut at_host = catalogue::providers()
        .into_iter()
        .filter(|provider| self::host(&provider.authorize_url).as_deref() == Some(host))
        // An OAuth app and a GitHub app sign in at one host; other tools mean the first.
        .filter(|provider| provider.id != "github-app");
    let first = at_host.next()?;
    at_host.next().is_none().then_some(first)
}

/// `git.example.com` of a URL; None if it has none.
pub(crate) fn host(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    url.host_str().map(str::to_owned)
}

/// A list of scopes as other tools write it.
pub(crate) fn set_scopes(input: &mut DraftInput, scopes: &str) {
    let scopes: Vec<String> = scopes
        .split([' ', ',', '\t'])
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
        .collect();
    if !scopes.is_empty() {
        input.set("scopes", scopes);
    }
}
