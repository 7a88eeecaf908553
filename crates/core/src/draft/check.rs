//! The check of a draft. Each rule says what is wrong and what to do, and none stops the others.

mod client;
mod overrides;
mod token_request;

use super::members::Members;
use super::nearest::nearest;
use super::reader::{Reader, list};
use super::references::References;
use super::{Draft, Problem, Warning};
use crate::authenticator::GrantType;
use crate::catalogue;
use crate::name::AuthenticatorName;
use crate::provider::{Provider, broad_scopes};
use crate::redirect::{BadRedirect, LoopbackHost, RedirectUri};
use crate::scope::{Scopes, is_scope_token};

/// What a client proves itself with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    Nothing,
    Secret,
    /// A private key (RFC 7523).
    Key,
}

/// `kept`: what a change keeps although the fields do not say it.
pub(super) fn check(
    members: Members,
    references: References,
    kept: Proof,
) -> Result<(Draft, Vec<Warning>), Vec<Problem>> {
    let mut reader = Reader::new(members, references);
    let provider = provider(&mut reader);
    let named = name(&mut reader, provider);
    let key_only = reader.flag("api_keys_only").unwrap_or_default();
    let client_id = client::client_id(&mut reader, provider, key_only);
    let grant_type = token_request::grant_type(&mut reader);
    let (client_secret, proof) = client::proof(&mut reader, provider, client_id.as_deref(), kept);
    let scopes = scopes(&mut reader, provider, grant_type.unwrap_or_default());
    let redirect_uri = redirect_uri(&mut reader, provider);
    let own_name = named.as_ref().map(|(name, _)| name);
    let overrides =
        overrides::overrides(&mut reader, provider, grant_type, proof, own_name, key_only);
    let placeholders: Vec<&str> = provider
        .into_iter()
        .flat_map(|provider| &provider.placeholders)
        .map(|placeholder| placeholder.name.as_str())
        .collect();
    reader.refuse_the_rest(&placeholders);

    let (Some(provider), Some((name, display_name)), Some(client_id), Some(redirect_uri), true) = (
        provider,
        named,
        client_id,
        redirect_uri,
        reader.problems.is_empty(),
    ) else {
        return Err(reader.problems);
    };
    let draft = Draft {
        name,
        display_name,
        provider: provider.id.clone(),
        client_id,
        client_secret,
        scopes,
        redirect_uri,
        overrides,
    };
    Ok((draft, reader.warnings))
}

/// The name alone, of fields that may be wrong elsewhere.
pub(super) fn short_name(members: Members, references: References) -> Option<AuthenticatorName> {
    let mut reader = Reader::new(members, references);
    let provider = provider(&mut reader);
    name(&mut reader, provider).map(|(name, _)| name)
}

fn provider(reader: &mut Reader) -> Option<&'static Provider> {
    let Some(id) = reader.text("authenticator_type") else {
        reader.missing(
            "authenticator_type",
            "name the provider, such as `google`; `valetkey providers` lists them",
        );
        return None;
    };
    let id = id.to_lowercase();
    let provider = catalogue::provider(&id);
    if provider.is_none() {
        let known = catalogue::providers();
        let hint = match nearest(&id, known.iter().map(|known| known.id.as_str())) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if id.contains(['.', '/']) => {
                "an issuer or MCP server is added by its whole URL, with `https://`".to_owned()
            }
            None => "`valetkey providers` lists them; `custom` fits any OAuth provider".to_owned(),
        };
        let shown: String = id.chars().take(64).collect();
        reader.problem(
            "authenticator_type",
            format!("`{shown}` is not in the catalogue"),
            hint,
        );
    }
    provider
}

/// The short name and the one that people read. Without a name it is called after its provider.
fn name(reader: &mut Reader, provider: Option<&Provider>) -> Option<(AuthenticatorName, String)> {
    let Some(display_name) = reader.text("name") else {
        // Only `custom` needs a name, so without a provider this is not known.
        let provider = provider?;
        if provider.id != "custom" {
            let name = provider.id.parse().ok()?;
            return Some((name, provider.display_name.clone()));
        }
        reader.missing("name", "give it a short name, such as `google`");
        return None;
    };
    let hint = "use letters and digits, at most 64, such as `google` or `google-work`";
    if display_name.contains('/') || display_name.chars().any(char::is_control) {
        let message = "a name cannot hold `/` (it separates the account) or control characters";
        reader.problem("name", message, hint);
        return None;
    }
    let slug: String = display_name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "._".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    let slug: Vec<&str> = slug.split('-').filter(|part| !part.is_empty()).collect();
    let slug = slug.join("-");
    let Ok(name) = slug.parse::<AuthenticatorName>() else {
        let shown: String = display_name.chars().take(70).collect();
        reader.problem("name", format!("`{shown}` makes no name"), hint);
        return None;
    };
    if display_name.to_lowercase() != name.as_str() {
        let message = format!("commands call it `{name}`");
        reader.warn("name", message, format!("`valetkey connect {name}`"), None);
    }
    Some((name, display_name))
}

fn scopes(reader: &mut Reader, provider: Option<&Provider>, grant_type: GrantType) -> Scopes {
    let Some(scopes) = reader.texts("scopes") else {
        // The usual ones say who signed in.
        let provider = provider.filter(|_| grant_type.needs_person());
        return provider.map_or_else(Scopes::default, |p| p.default_scopes.clone().into());
    };
    for scope in &scopes {
        let parts: Vec<&str> = scope
            .split([' ', ',', '\t', '\n'])
            .filter(|p| !p.is_empty())
            .collect();
        let shown: String = scope.chars().take(100).collect();
        if parts.len() > 1 {
            let hint = format!("name each on its own: {}", list(&parts));
            reader.problem(
                "scopes",
                format!("`{shown}` is {} scopes in one", parts.len()),
                hint,
            );
        } else if !is_scope_token(scope) {
            let hint = "a scope is made of printable ASCII without quotes and backslashes";
            reader.problem("scopes", format!("`{shown}` is not a scope"), hint);
        }
    }
    let scopes = Scopes::from(scopes);
    if let Some(provider) = provider {
        let broad = broad_scopes(&provider.broad_scopes, &scopes);
        for scope in broad.iter() {
            let words = provider.scope_words(scope);
            let words = words.map_or_else(String::new, |words| format!(" ({words})"));
            reader.warn(
                "scopes",
                format!("`{scope}` gives far more than most programs need{words}"),
                format!("`valetkey providers {}` lists narrower scopes", provider.id),
                None,
            );
        }
    }
    scopes
}

fn redirect_uri(reader: &mut Reader, provider: Option<&Provider>) -> Option<RedirectUri> {
    let default = provider.map_or_else(RedirectUri::ephemeral, |p| p.redirect.default.clone());
    let Some(text) = reader.text("redirect_uri") else {
        return Some(default);
    };
    let uri = match RedirectUri::parse(&text) {
        Ok(uri) => uri,
        Err(error) => {
            let hint = match error {
                BadRedirect::Port(_) => {
                    "or leave the port out: then each sign-in picks a free one".to_owned()
                }
                BadRedirect::NotAUrl(_) | BadRedirect::NotServable(_) | BadRedirect::Extra(_) => {
                    format!("register `{default}` at the provider and write it here")
                }
            };
            reader.problem("redirect_uri", error.to_string(), hint);
            return None;
        }
    };
    let rules = provider.map(|provider| (provider, &provider.redirect));
    match (&uri, rules) {
        (RedirectUri::Web(page), _) => reader.warn(
            "redirect_uri",
            format!("`{page}` is not on this machine: each sign-in ends with pasting the address it leads to"),
            format!("register `{default}` at the provider and use that"),
            Some(default.to_string()),
        ),
        (RedirectUri::Loopback { host, .. }, Some((provider, rules))) if !rules.hosts.contains(host) => {
            let hosts: Vec<&str> = rules.hosts.iter().copied().map(LoopbackHost::as_str).collect();
            reader.warn(
                "redirect_uri",
                format!("{} is known to accept {} only", provider.display_name, list(&hosts)),
                format!("register `{default}` and use that"),
                Some(default.to_string()),
            );
        }
        (RedirectUri::Loopback { port: None, .. }, Some((provider, rules))) if !rules.any_port => reader.warn(
            "redirect_uri",
            format!("{} compares redirect URIs exactly, and this one has no port", provider.display_name),
            format!("register `{default}` and use that"),
            Some(default.to_string()),
        ),
        (RedirectUri::Loopback { .. }, _) => {}
    }
    Some(uri)
}
