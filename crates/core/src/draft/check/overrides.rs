//! What the person says beside the catalogue: endpoints, parameters, placeholders.

use std::collections::BTreeMap;

use super::{Proof, token_request};
use crate::api_host::{ApiHost, BadHost};
use crate::authenticator::{GrantType, Overrides};
use crate::draft::reader::Reader;
use crate::endpoint_url::{BadUrl, EndpointUrl};
use crate::name::AuthenticatorName;
use crate::provider::{ApiAuth, Dpop, OWN_PARAMS, Provider};
use crate::resource_uri::ResourceUri;

pub(super) fn overrides(
    reader: &mut Reader,
    provider: Option<&Provider>,
    grant_type: Option<GrantType>,
    proof: Proof,
    own_name: Option<&AuthenticatorName>,
    key_only: bool,
) -> Overrides {
    let grant = grant_type.unwrap_or_default();
    let overrides = Overrides {
        grant_type,
        subject: token_request::subject(reader, grant, own_name),
        audience: token_request::audience(reader, provider, grant),
        requested_token_type: token_request::requested_token_type(reader, grant),
        assertion_audience: reader.text("assertion_audience"),
        authorize_url: url(reader, "authorize_url"),
        token_url: url(reader, "token_url"),
        device_authorization_url: url(reader, "device_authorization_url"),
        pushed_authorization_url: url(reader, "pushed_authorization_url"),
        revocation_url: url(reader, "revocation_url"),
        userinfo_url: url(reader, "userinfo_url"),
        issuer: url(reader, "issuer"),
        resource: resource(reader),
        client_auth: token_request::client_auth(reader, proof, grant),
        dpop: dpop(reader),
        authorize_params: authorize_params(reader, provider),
        placeholders: placeholders(reader, provider),
        api_hosts: api_hosts(reader),
        narrow_tokens: reader.flag("narrow_tokens"),
        mcp_server: url(reader, "mcp_server"),
        assume_pkce: reader.flag("assume_pkce").unwrap_or_default(),
        // Known to the agent alone.
        registration: None,
        api_key_header: api_key_header(reader),
        confirmed_routes: provider
            .filter(|provider| provider.is_own)
            .map(Provider::routes),
    };
    // Without a client nobody signs in, so that endpoints are not needed.
    let Some(provider) = provider.filter(|_| !key_only) else {
        return overrides;
    };
    let known = if overrides.issuer.is_some() {
        ", or add it by its issuer's URL, which finds it"
    } else {
        ""
    };
    let needed = [
        (
            "authorize_url",
            provider.authorize_url.is_empty()
                && overrides.authorize_url.is_none()
                && grant.needs_person(),
        ),
        (
            "token_url",
            provider.token_url.is_empty() && overrides.token_url.is_none(),
        ),
    ];
    for (field, _) in needed.iter().filter(|(_, missing)| *missing) {
        let what = field.trim_end_matches("_url");
        reader.missing(
            field,
            format!("copy the {what} URL from your provider's documentation{known}"),
        );
    }
    overrides
}

fn url(reader: &mut Reader, field: &str) -> Option<EndpointUrl> {
    let text = reader.text(field)?;
    match EndpointUrl::parse(&text) {
        Ok(url) => Some(url),
        Err(error) => {
            let (message, hint) = match error {
                BadUrl::NotAUrl(_) => (
                    error.to_string(),
                    "write the whole URL, such as `https://login.example.com/oauth/token`",
                ),
                BadUrl::NotHttps(_) => (error.to_string(), "use https: secrets travel to this URL"),
                // Not quoted: it may hold a password.
                BadUrl::Extra(_) => (
                    format!("`{field}` holds a user, password or fragment"),
                    "leave out what stands before `@` and everything from `#` on",
                ),
            };
            reader.problem(field, message, hint);
            None
        }
    }
}

fn resource(reader: &mut Reader) -> Option<ResourceUri> {
    let text = reader.text("resource")?;
    let resource = ResourceUri::parse(&text);
    resource
        .map_err(|error| {
            let shown: String = text.chars().take(200).collect();
            reader.problem(
                "resource",
                format!("`{shown}` is no resource: {error}"),
                "write the URI exactly as the service names it, such as `https://mcp.example.com/mcp`",
            );
        })
        .ok()
}

fn api_hosts(reader: &mut Reader) -> Vec<ApiHost> {
    let mut hosts = Vec::new();
    for text in reader.texts("api_hosts").unwrap_or_default() {
        match ApiHost::parse(&text) {
            Ok(host) if hosts.contains(&host) => {}
            Ok(host) => hosts.push(host),
            Err(error) => {
                let hint = match error {
                    BadHost::NotAHost(_) => {
                        "write the host alone, such as `api.example.com`, with a port if it has one"
                    }
                    BadHost::NotHttps(_) => "leave `http://` out: the token travels to this host",
                };
                reader.problem("api_hosts", error.to_string(), hint);
            }
        }
    }
    hosts
}

fn api_key_header(reader: &mut Reader) -> Option<ApiAuth> {
    let text = reader.text("api_key_header")?;
    let auth = ApiAuth::parse(&text);
    if auth.is_err() {
        let shown: String = text.chars().take(64).collect();
        reader.problem(
            "api_key_header",
            format!("`{shown}` is no header that can carry a key"),
            "write its name, such as `X-Api-Key`, or with the word before the key: `Authorization: Token`",
        );
    }
    auth.ok()
}

fn dpop(reader: &mut Reader) -> Option<Dpop> {
    let word = reader.text("dpop")?;
    let known = [Dpop::Required, Dpop::Preferred];
    let found = known.into_iter().find(|dpop| dpop.as_str() == word);
    if found.is_none() {
        let shown: String = word.chars().take(64).collect();
        reader.problem(
            "dpop",
            format!("`{shown}` is not supported"),
            "use `required`, or `preferred` if tokens that are not bound to a key are taken, too; leave it out \
             for tokens that programs can hold",
        );
    }
    found
}

fn authorize_params(reader: &mut Reader, provider: Option<&Provider>) -> BTreeMap<String, String> {
    let params = reader.pairs("authorize_params");
    let scope_param = provider.map_or("scope", |provider| provider.scope_param.as_str());
    for name in params
        .keys()
        .filter(|name| OWN_PARAMS.contains(&name.as_str()))
    {
        let hint = "remove it: Valet Key sets it itself at each sign-in";
        reader.problem(
            "authorize_params",
            format!("`{name}` cannot be set here"),
            hint,
        );
    }
    if params.contains_key("resource") {
        let message = "`resource` cannot be set here";
        reader.problem("authorize_params", message, "write it in `resource`");
    }
    if params.contains_key(scope_param) {
        let message = format!("`{scope_param}` cannot be set here");
        reader.problem("authorize_params", message, "write the scopes in `scopes`");
    }
    params
}

/// Placeholders stand beside the other fields (`tenant`) or in `placeholders`.
fn placeholders(reader: &mut Reader, provider: Option<&Provider>) -> BTreeMap<String, String> {
    let mut values = reader.pairs("placeholders");
    let Some(provider) = provider else {
        return values;
    };
    for placeholder in &provider.placeholders {
        let name = &placeholder.name;
        if let Some(value) = reader.text(name) {
            values.insert(name.clone(), value);
        }
        if !values.contains_key(name) && placeholder.default.is_none() {
            let note = &placeholder.note;
            reader.missing(name, format!("{note}; give it with `--set {name}=...`"));
        }
    }
    for (name, value) in &values {
        let shown: String = value.chars().take(64).collect();
        let placeholder = provider.placeholders.iter().find(|it| it.name == *name);
        let Some(placeholder) = placeholder else {
            let hint = format!("{} has no such value", provider.display_name);
            reader.problem(
                "placeholders",
                format!("`{name}` is not a placeholder"),
                hint,
            );
            continue;
        };
        if let Some(words) = placeholder.refuses(value) {
            reader.problem(name, format!("`{shown}` cannot be used here"), words);
        }
    }
    values
}
