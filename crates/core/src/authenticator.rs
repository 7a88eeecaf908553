//! An authenticator: an OAuth client that the person registered at a provider.
//!
//! What is stored is what the person said ([`Authenticator`]). What requests need is that, completed
//! from the catalogue ([`Endpoints`]); so a mended catalogue mends existing authenticators.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::api_host::ApiHost;
use crate::endpoint_url::{BadUrl, EndpointUrl};
use crate::id::AuthenticatorId;
use crate::name::{AuthenticatorName, InProfile, ProfileName};
use crate::provider::{
    ClientAuth, Provider, RevocationEndpoint, RevocationMethod, TokenShape, Userinfo,
};
use crate::proxy_path::ProxyPath;
use crate::redirect::RedirectUri;
use crate::scope::Scopes;

/// A registered OAuth client, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authenticator {
    /// Its id.
    pub id: AuthenticatorId,
    /// The set it belongs to.
    pub profile: ProfileName,
    /// Unique within the profile.
    pub name: AuthenticatorName,
    /// As shown to people.
    pub display_name: String,
    /// Catalogue id (`custom` if none fits).
    pub provider: String,
    /// OAuth client id.
    pub client_id: String,
    /// Whether a client secret is kept in the keychain.
    pub has_secret: bool,
    /// Scopes to ask for.
    pub scopes: Scopes,
    /// Where the browser comes back to.
    pub redirect_uri: RedirectUri,
    /// What the person said beside the catalogue.
    #[serde(default)]
    pub overrides: Overrides,
    /// False while it is disabled.
    pub is_active: bool,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Endpoints and values that the person gave; each wins over the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    /// Authorization endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorize_url: Option<EndpointUrl>,
    /// Token endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_url: Option<EndpointUrl>,
    /// RFC 7009 endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revocation_url: Option<EndpointUrl>,
    /// OpenID userinfo endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_url: Option<EndpointUrl>,
    /// Issuer identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<EndpointUrl>,
    /// Client authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<ClientAuth>,
    /// Further authorize parameters.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub authorize_params: BTreeMap<String, String>,
    /// Values for the provider's placeholders (`tenant`).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub placeholders: BTreeMap<String, String>,
    /// Hosts that the proxy sends tokens to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub api_hosts: Vec<ApiHost>,
}

/// All that requests need: the authenticator completed from its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Authorization endpoint.
    pub authorize_url: EndpointUrl,
    /// Token endpoint.
    pub token_url: EndpointUrl,
    /// How to revoke, if it is possible.
    pub revocation: Option<RevocationEndpoint>,
    /// How to ask who it is.
    pub userinfo: Option<Userinfo>,
    /// Issuer identifier; Microsoft's holds the literal `{tenantid}`.
    pub issuer: Option<String>,
    /// Metadata.
    pub discovery_url: Option<EndpointUrl>,
    /// Name of the scope parameter.
    pub scope_param: String,
    /// Between scopes.
    pub scope_separator: String,
    /// Fixed additions to the authorize URL.
    pub authorize_params: BTreeMap<String, String>,
    /// Whether PKCE is sent.
    pub pkce: bool,
    /// How the client authenticates; `None` without a secret.
    pub client_auth: ClientAuth,
    /// Where the tokens stand in the reply.
    pub token_shape: TokenShape,
}

impl Authenticator {
    /// Completes the authenticator from `provider`. Fails only if a placeholder makes no URL.
    pub fn endpoints(&self, provider: &Provider) -> Result<Endpoints, BadUrl> {
        let own = &self.overrides;
        let fill = |template: &str| self.fill(provider, template);
        let pick = |own: &Option<EndpointUrl>, template: &str| match own {
            Some(url) => Ok(url.clone()),
            None => EndpointUrl::parse(&fill(template)),
        };
        let issuer = own.issuer.as_ref().map(ToString::to_string);
        let discovery_url = match (&own.issuer, &provider.discovery_url) {
            (Some(issuer), _) => Some(openid_metadata_url(issuer.as_str())),
            (None, Some(template)) => Some(fill(template)),
            (None, None) => None,
        };
        // Another URL is another place, not another way: what the provider's own ways are stays.
        let revocation = match (&own.revocation_url, &provider.revocation) {
            (Some(url), known) => Some(RevocationEndpoint {
                url: url.to_string(),
                consent_url: None,
                method: known
                    .as_ref()
                    .map_or_else(RevocationMethod::default, |known| known.method),
            }),
            (None, Some(known)) => Some(RevocationEndpoint {
                url: fill(&known.url),
                consent_url: known.consent_url.as_deref().map(fill),
                method: known.method,
            }),
            (None, None) => None,
        };
        let userinfo = match (&own.userinfo_url, &provider.userinfo) {
            (Some(url), None) => Some(Userinfo::standard(url.as_str())),
            (Some(url), Some(known)) => Some(Userinfo {
                url: url.to_string(),
                ..known.clone()
            }),
            (None, Some(known)) => Some(Userinfo {
                url: fill(&known.url),
                ..known.clone()
            }),
            (None, None) => None,
        };
        let mut authorize_params = provider.authorize_params.clone();
        authorize_params.extend(own.authorize_params.clone());
        Ok(Endpoints {
            authorize_url: pick(&own.authorize_url, &provider.authorize_url)?,
            token_url: pick(&own.token_url, &provider.token_url)?,
            revocation,
            userinfo,
            issuer: issuer.or_else(|| provider.issuer.as_deref().map(fill)),
            discovery_url: discovery_url
                .map(|url| EndpointUrl::parse(&url))
                .transpose()?,
            scope_param: provider.scope_param.clone(),
            scope_separator: provider.scope_separator.clone(),
            authorize_params,
            pkce: provider.pkce,
            client_auth: if self.has_secret {
                own.client_auth.unwrap_or(provider.client_auth)
            } else {
                ClientAuth::None
            },
            token_shape: provider.token_shape,
        })
    }

    /// Whether refresh tokens and the client secret go elsewhere, or in another way, than through `old`.
    pub fn reroutes(&self, old: &Self) -> bool {
        let with_old_hosts = Overrides {
            api_hosts: old.overrides.api_hosts.clone(),
            ..self.overrides.clone()
        };
        self.provider != old.provider
            || with_old_hosts != old.overrides
            || self.redirect_uri != old.redirect_uri
    }

    /// The hosts that the proxy sends tokens to; the first is the one that is meant if none is named.
    pub fn api_hosts<'a>(&'a self, provider: &'a Provider) -> &'a [ApiHost] {
        if self.overrides.api_hosts.is_empty() {
            &provider.api_hosts
        } else {
            &self.overrides.api_hosts
        }
    }

    /// Whether the proxy sends tokens to hosts that it did not send them to through `old`.
    pub fn adds_api_hosts(&self, old: &Self, provider: &Provider) -> bool {
        let known = old.api_hosts(provider);
        let mut own = self.api_hosts(provider).iter();
        own.any(|host| !known.contains(host))
    }

    /// Whether this path of an API host issues, exchanges or revokes tokens. No API request goes there:
    /// what comes back could be another secret than the one that is looked for.
    pub fn is_closed(&self, provider: &Provider, host: &ApiHost, path: ProxyPath<'_>) -> bool {
        let mut closed: Vec<String> = provider
            .closed_urls
            .iter()
            .map(|url| self.fill(provider, url))
            .collect();
        match self.endpoints(provider) {
            Ok(endpoints) => {
                closed.push(endpoints.authorize_url.to_string());
                closed.push(endpoints.token_url.to_string());
                if let Some(way) = endpoints.revocation {
                    closed.push(way.url);
                    closed.extend(way.consent_url);
                }
            }
            // What it closes cannot be said, so all of it is.
            Err(_) => return true,
        }
        let mut closed = closed.iter().filter_map(|url| url::Url::parse(url).ok());
        closed.any(|url| ApiHost::of(&url).as_ref() == Some(host) && path.may_be(url.path()))
    }

    /// Whether what was obtained through `old` can be used through this one: the same client at the
    /// same endpoints.
    pub fn is_same_client(&self, old: &Self, provider: &Provider) -> bool {
        self.provider == old.provider
            && self.client_id == old.client_id
            && self.endpoints(provider) == old.endpoints(provider)
    }

    /// The servers that it talks to, as origins (`https://github.com`).
    pub fn servers(&self, provider: &Provider) -> BTreeSet<String> {
        // What makes no URL is never sent to.
        let Ok(endpoints) = self.endpoints(provider) else {
            return BTreeSet::new();
        };
        let urls = [
            Some(endpoints.authorize_url.as_str()),
            Some(endpoints.token_url.as_str()),
            endpoints.revocation.as_ref().map(|way| way.url.as_str()),
            endpoints.userinfo.as_ref().map(|asked| asked.url.as_str()),
            endpoints.issuer.as_deref(),
            endpoints.discovery_url.as_ref().map(EndpointUrl::as_str),
        ];
        urls.into_iter()
            .flatten()
            .filter_map(|url| url::Url::parse(url).ok())
            .map(|url| url.origin().ascii_serialization())
            .collect()
    }

    /// Its name, with the profile that it stands in.
    pub fn full_name(&self) -> InProfile<AuthenticatorName> {
        InProfile::new(self.profile.clone(), self.name.clone())
    }

    /// The provider, as the person knows it: a custom one has the name that they gave it.
    pub fn provider_name<'a>(&'a self, provider: &'a Provider) -> &'a str {
        if provider.id == "custom" {
            &self.display_name
        } else {
            &provider.display_name
        }
    }

    fn fill(&self, provider: &Provider, template: &str) -> String {
        let mut text = template.replace("{client_id}", &encode_segment(&self.client_id));
        for placeholder in &provider.placeholders {
            let own = self.overrides.placeholders.get(&placeholder.name);
            let value = own
                .or(placeholder.default.as_ref())
                .map_or("", String::as_str);
            text = text.replace(&format!("{{{}}}", placeholder.name), value);
        }
        text
    }
}

impl Userinfo {
    /// An OpenID Connect userinfo endpoint (Core, section 5.3).
    pub fn standard(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            method: crate::provider::UserinfoMethod::Get,
            label_fields: ["email", "preferred_username", "name", "sub"]
                .map(str::to_owned)
                .into(),
            subject_fields: vec!["sub".to_owned()],
            context_field: None,
        }
    }
}

/// OpenID Connect Discovery 1.0, section 4: the well-known path is appended to the issuer.
pub fn openid_metadata_url(issuer: &str) -> String {
    format!(
        "{}/.well-known/openid-configuration",
        issuer.strip_suffix('/').unwrap_or(issuer)
    )
}

/// RFC 8414, section 3: the well-known path goes between host and path.
pub fn rfc8414_metadata_url(issuer: &EndpointUrl) -> String {
    let url = issuer.to_url();
    let path = url.path().strip_suffix('/').unwrap_or(url.path());
    let origin = &url[..url::Position::BeforePath];
    format!("{origin}/.well-known/oauth-authorization-server{path}")
}

fn encode_segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use crate::draft::DraftInput;

    fn authenticator(fields: serde_json::Value) -> Authenticator {
        let serde_json::Value::Object(members) = fields else {
            panic!("no object")
        };
        let (draft, _) = DraftInput::from_members(members).check().unwrap();
        let id = "018f0000-0000-7000-8000-000000000001".parse().unwrap();
        draft
            .into_authenticator(id, ProfileName::default(), Timestamp::UNIX_EPOCH)
            .0
    }

    #[test]
    fn servers_are_all_origins_that_it_talks_to() {
        let custom = authenticator(serde_json::json!({
            "name": "acme", "authenticator_type": "custom", "client_id": "x",
            "authorize_url": "https://acme.example/a", "token_url": "https://ACME.example:443/t",
            "revocation_url": "https://acme.example:8443/r", "userinfo_url": "http://127.0.0.1:9/u",
            "issuer": "https://id.example/t1",
        }));
        let provider = catalogue::provider("custom").unwrap();
        assert_eq!(
            Vec::from_iter(custom.servers(provider)),
            [
                "http://127.0.0.1:9",
                "https://acme.example",
                "https://acme.example:8443",
                "https://id.example"
            ]
        );
    }

    #[test]
    fn a_tenant_is_another_way_at_the_same_servers() {
        let of = |tenant| {
            authenticator(serde_json::json!({
                "authenticator_type": "microsoft", "client_id": "x", "tenant": tenant,
            }))
        };
        let (one, other) = (of("contoso.com"), of("evil.example"));
        let provider = catalogue::provider("microsoft").unwrap();
        assert!(!one.servers(provider).is_empty());
        assert_eq!(one.servers(provider), other.servers(provider));
        assert!(other.reroutes(&one));
        assert!(!one.reroutes(&one.clone()));
    }

    #[test]
    fn an_api_host_is_no_place_for_other_secrets() {
        let of = |hosts: &[&str]| {
            authenticator(serde_json::json!({
                "authenticator_type": "github", "client_id": "x", "client_secret": "s",
                "api_hosts": hosts,
            }))
        };
        let provider = catalogue::provider("github").unwrap();
        let own = of(&["api.github.com", "uploads.github.com"]);
        assert!(!own.reroutes(&of(&["api.github.com"])));
        assert!(own.adds_api_hosts(&of(&["api.github.com"]), provider));
        assert!(!of(&["api.github.com"]).adds_api_hosts(&own, provider));
        assert!(
            !of(&["api.github.com"]).adds_api_hosts(&of(&[]), provider),
            "the catalogue's"
        );
        assert!(of(&[]).adds_api_hosts(&of(&["uploads.github.com"]), provider));
    }

    #[test]
    fn token_and_revocation_endpoints_are_closed_on_an_allowed_host() {
        let closed = |id: &str, host: &str, path: &str| {
            let provider = catalogue::provider(id).unwrap();
            let own = authenticator(serde_json::json!({
                "authenticator_type": id, "client_id": "c1", "client_secret": "s",
            }));
            let host = ApiHost::parse(host).unwrap();
            own.is_closed(provider, &host, ProxyPath::check(path).unwrap())
        };
        for (id, host, path) in [
            ("github", "api.github.com", "/applications/c1/token"),
            ("github", "api.github.com", "/applications/c1/grant"),
            ("github", "github.com", "/login/oauth/access_token/"),
            ("slack", "slack.com", "/api/oauth.v2.access"),
            ("slack", "slack.com", "/API//auth.revoke"),
            ("slack", "slack.com", "/api/oauth.access"),
            ("google", "www.googleapis.com", "/oauth2/v4/token"),
            ("google", "oauth2.googleapis.com", "/token"),
        ] {
            assert!(closed(id, host, path), "{host}{path}");
        }
        for (id, host, path) in [
            ("github", "api.github.com", "/user"),
            ("github", "uploads.github.com", "/applications/c1/token"),
            ("slack", "slack.com", "/api/auth.test"),
            ("google", "www.googleapis.com", "/drive/v3/files"),
        ] {
            assert!(!closed(id, host, path), "{host}{path}");
        }
    }

    #[test]
    fn metadata_urls_follow_their_specifications() {
        let issuer = EndpointUrl::parse("https://h/t1").unwrap();
        assert_eq!(
            rfc8414_metadata_url(&issuer),
            "https://h/.well-known/oauth-authorization-server/t1"
        );
        assert_eq!(
            openid_metadata_url("https://h/t1"),
            "https://h/t1/.well-known/openid-configuration"
        );
        assert_eq!(
            openid_metadata_url("https://h/"),
            "https://h/.well-known/openid-configuration"
        );
    }
}
