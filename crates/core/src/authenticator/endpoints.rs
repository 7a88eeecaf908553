//! Where an authenticator's requests go, and how: what the person said, completed from the catalogue.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use super::{Authenticator, GrantType};
use crate::api_host::ApiHost;
use crate::endpoint_url::{BadUrl, EndpointUrl};
use crate::grant::GrantKind;
use crate::name::ConnectionName;
use crate::provider::{
    ApiAuth, ClientAuth, Dpop, Provider, RevocationEndpoint, TokenBody, TokenShape, Userinfo,
};
use crate::proxy_path::ProxyPath;
use crate::resource_uri::ResourceUri;

/// All that requests need: the authenticator completed from its provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoints {
    /// Authorization endpoint; None only where nobody must agree.
    pub authorize_url: Option<EndpointUrl>,
    /// Token endpoint.
    pub token_url: EndpointUrl,
    /// Where tokens are refreshed; mostly the token endpoint.
    pub refresh_url: EndpointUrl,
    /// Where a device grant begins, if that is known without the provider's metadata.
    pub device_authorization_url: Option<EndpointUrl>,
    /// Where authorization requests are pushed (RFC 9126), if the person named it.
    pub pushed_authorization_url: Option<EndpointUrl>,
    /// Name of the scope parameter of a device grant.
    pub device_scope_param: String,
    /// How to revoke, if it is possible.
    pub revocation: Option<RevocationEndpoint>,
    /// How to ask who it is.
    pub userinfo: Option<Userinfo>,
    /// Issuer identifier; Microsoft's holds the literal `{tenantid}`.
    pub issuer: Option<String>,
    /// Metadata.
    pub discovery_url: Option<EndpointUrl>,
    /// The service that tokens are for (RFC 8707), sent as it was given.
    pub resource: Option<ResourceUri>,
    /// Name of the scope parameter.
    pub scope_param: String,
    /// Between scopes.
    pub scope_separator: String,
    /// Fixed additions to the authorize URL.
    pub authorize_params: BTreeMap<String, String>,
    /// Whether PKCE is sent.
    pub pkce: bool,
    /// Whether a nonce is sent where an id token is asked for.
    pub nonce: bool,
    /// How tokens are obtained.
    pub grant_type: GrantType,
    /// The connection whose token is exchanged.
    pub subject: Option<ConnectionName>,
    /// For whom a token is that no person agreed to.
    pub audience: Option<String>,
    /// What an exchange shall bring.
    pub requested_token_type: Option<String>,
    /// How the client authenticates.
    pub client_auth: ClientAuth,
    /// To whom its assertions are addressed.
    pub assertion_audience: String,
    /// Whether tokens are bound to a key (RFC 9449).
    pub dpop: Option<Dpop>,
    /// How the parameters of token requests are written.
    pub token_body: TokenBody,
    /// Fixed additions to the exchange of a code.
    pub exchange_params: BTreeMap<String, String>,
    /// Fixed additions to a refresh.
    pub refresh_params: BTreeMap<String, String>,
    /// Where the tokens stand in the reply.
    pub token_shape: TokenShape,
}

impl Authenticator {
    /// Completes the authenticator from `provider`. Fails only if a placeholder makes no URL.
    pub fn endpoints(&self, provider: &Provider) -> Result<Endpoints, BadUrl> {
        let provider = &*self.confirmed(provider);
        let own = &self.overrides;
        let fill = |template: &str| self.fill(provider, template);
        let pick = |own: &Option<EndpointUrl>, template: &str| match own {
            Some(url) => Ok(url.clone()),
            None => EndpointUrl::parse(&fill(template)),
        };
        let token_url = pick(&own.token_url, &provider.token_url)?;
        // A refresh token goes to the server that issued it.
        let refresh_url = match (&own.token_url, &provider.refresh_url) {
            (None, Some(template)) => EndpointUrl::parse(&fill(template))?,
            (Some(_), _) | (None, None) => token_url.clone(),
        };
        let known_device = provider.device.as_ref();
        let device = match (&own.device_authorization_url, known_device) {
            (Some(url), _) => Some(url.to_string()),
            (None, Some(device)) => Some(fill(&device.url)),
            (None, None) => None,
        };
        let issuer = own.issuer.as_ref().map(ToString::to_string);
        let issuer = issuer.or_else(|| provider.issuer.as_deref().map(fill));
        let grant_type = own.grant_type.unwrap_or_default();
        let authorize_url = match (&own.authorize_url, provider.authorize_url.as_str()) {
            (None, "") if !grant_type.needs_person() => None,
            (own, template) => Some(pick(own, template)?),
        };
        let assertion_audience = own.assertion_audience.clone();
        let assertion_audience = assertion_audience
            .or_else(|| provider.assertion_audience.as_deref().map(fill))
            // Microsoft's holds a placeholder of its own.
            .or_else(|| issuer.clone().filter(|issuer| !issuer.contains('{')))
            .unwrap_or_else(|| token_url.to_string());
        let discovery_url = match (&own.issuer, &provider.discovery_url) {
            (Some(issuer), _) => Some(openid_metadata_url(issuer.as_str())),
            (None, Some(template)) => Some(fill(template)),
            (None, None) => None,
        };
        let mut authorize_params: BTreeMap<String, String> = provider
            .authorize_params
            .iter()
            .map(|(name, value)| (name.clone(), fill(value)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        authorize_params.extend(own.authorize_params.clone());
        Ok(Endpoints {
            authorize_url,
            token_url,
            refresh_url,
            device_authorization_url: device.map(|url| EndpointUrl::parse(&url)).transpose()?,
            pushed_authorization_url: own.pushed_authorization_url.clone(),
            device_scope_param: known_device
                .and_then(|device| device.scope_param.clone())
                .unwrap_or_else(|| provider.scope_param.clone()),
            revocation: self.revocation(provider),
            userinfo: self.userinfo(provider),
            issuer,
            discovery_url: discovery_url
                .map(|url| EndpointUrl::parse(&url))
                .transpose()?,
            resource: own.resource.clone(),
            scope_param: provider.scope_param.clone(),
            scope_separator: provider.scope_separator.clone(),
            authorize_params,
            pkce: provider.pkce,
            nonce: provider.nonce,
            grant_type,
            subject: own.subject.clone(),
            audience: own
                .audience
                .clone()
                .or_else(|| own.placeholders.get("audience").cloned()),
            requested_token_type: own.requested_token_type.clone(),
            assertion_audience,
            client_auth: if self.has_secret {
                own.client_auth.unwrap_or(provider.client_auth)
            } else {
                provider.public_client_auth
            },
            dpop: own.dpop,
            token_body: provider.token_body,
            exchange_params: provider.exchange_params.clone(),
            refresh_params: provider.refresh_params.clone(),
            token_shape: provider.token_shape,
        })
    }

    /// Another URL is another place, not another way: what the provider's own ways are stays.
    fn revocation(&self, provider: &Provider) -> Option<RevocationEndpoint> {
        let known = provider.revocation.clone();
        match &self.overrides.revocation_url {
            Some(url) => Some(RevocationEndpoint {
                url: url.to_string(),
                consent_url: None,
                ..known.unwrap_or_default()
            }),
            None => known.map(|known| RevocationEndpoint {
                url: self.fill(provider, &known.url),
                consent_url: known.consent_url.map(|url| self.fill(provider, &url)),
                ..known
            }),
        }
    }

    /// How to ask who it is.
    pub fn userinfo(&self, provider: &Provider) -> Option<Userinfo> {
        let provider = &*self.confirmed(provider);
        let known = provider.userinfo.clone();
        match (&self.overrides.userinfo_url, known) {
            (Some(url), None) => Some(Userinfo::standard(url.as_str())),
            (Some(url), Some(known)) => Some(Userinfo {
                url: url.to_string(),
                ..known
            }),
            (None, Some(known)) => Some(Userinfo {
                url: self.fill(provider, &known.url),
                ..known
            }),
            (None, None) => None,
        }
    }

    /// The hosts that the proxy sends tokens to; the first is the one that is meant if none is named.
    pub fn api_hosts(&self, provider: &Provider) -> Vec<ApiHost> {
        if !self.overrides.api_hosts.is_empty() {
            return self.overrides.api_hosts.clone();
        }
        let provider = self.confirmed(provider);
        let hosts = provider.api_hosts.iter();
        hosts
            .filter_map(|host| provider.api_host(host, &self.overrides.placeholders))
            .collect()
    }

    /// The hosts that the proxy sends tokens to, and did not through `old`.
    pub fn added_api_hosts(&self, old: &Self, provider: &Provider) -> Vec<ApiHost> {
        let known = old.api_hosts(provider);
        let mut own = self.api_hosts(provider);
        own.retain(|host| !known.contains(host));
        own
    }

    /// Whether this path of an API host issues, exchanges or revokes tokens. No API request goes there:
    /// what comes back could be another secret than the one that is looked for.
    pub fn is_closed(&self, provider: &Provider, host: &ApiHost, path: ProxyPath<'_>) -> bool {
        let provider = &*self.confirmed(provider);
        let mut closed: Vec<String> = provider
            .closed_urls
            .iter()
            .map(|url| self.fill(provider, url))
            .collect();
        match self.endpoints(provider) {
            Ok(endpoints) => {
                closed.extend(endpoints.authorize_url.map(|url| url.to_string()));
                closed.push(endpoints.token_url.to_string());
                closed.push(endpoints.refresh_url.to_string());
                let device = endpoints.device_authorization_url;
                closed.extend(device.map(|url| url.to_string()));
                let pushed = endpoints.pushed_authorization_url;
                closed.extend(pushed.map(|url| url.to_string()));
                if let Some(way) = endpoints.revocation {
                    closed.push(way.url);
                    closed.extend(way.consent_url);
                }
            }
            // Without a client there may be no endpoints.
            Err(_) if !self.has_client() => {}
            // What it closes cannot be said, so all of it is.
            Err(_) => return true,
        }
        let mut closed = closed.iter().filter_map(|url| Url::parse(url).ok());
        closed.any(|url| ApiHost::of(&url).as_ref() == Some(host) && path.may_be(url.path()))
    }

    /// The servers that it talks to, as origins (`https://github.com`).
    pub fn servers(&self, provider: &Provider) -> BTreeSet<String> {
        // What makes no URL is never sent to.
        let Ok(endpoints) = self.endpoints(provider) else {
            return BTreeSet::new();
        };
        let revocation = endpoints.revocation.as_ref();
        let urls = [
            endpoints.authorize_url.as_ref().map(EndpointUrl::as_str),
            Some(endpoints.token_url.as_str()),
            Some(endpoints.refresh_url.as_str()),
            endpoints
                .device_authorization_url
                .as_ref()
                .map(EndpointUrl::as_str),
            endpoints
                .pushed_authorization_url
                .as_ref()
                .map(EndpointUrl::as_str),
            revocation.map(|way| way.url.as_str()),
            revocation.and_then(|way| way.consent_url.as_deref()),
            endpoints.userinfo.as_ref().map(|asked| asked.url.as_str()),
            endpoints.issuer.as_deref(),
            endpoints.discovery_url.as_ref().map(EndpointUrl::as_str),
        ];
        urls.into_iter()
            .flatten()
            .filter_map(|url| Url::parse(url).ok())
            .map(|url| url.origin().ascii_serialization())
            .collect()
    }

    /// Whether its tokens may be sent to this URL: to one of the servers that it talks to, or to a host
    /// that the proxy sends them to.
    pub fn may_send_to(&self, provider: &Provider, url: &EndpointUrl) -> bool {
        let url = url.to_url();
        let is_server = self
            .servers(provider)
            .contains(&url.origin().ascii_serialization());
        is_server || ApiHost::of(&url).is_some_and(|host| self.api_hosts(provider).contains(&host))
    }

    /// The servers that a key is sent to beside the API hosts, as [`Self::servers`].
    pub fn key_servers(&self, provider: &Provider) -> BTreeSet<String> {
        let asked = self.userinfo(provider);
        let asked = asked.and_then(|asked| Url::parse(&asked.url).ok());
        asked
            .map(|url| url.origin().ascii_serialization())
            .into_iter()
            .collect()
    }

    /// How an API request carries a secret of this kind.
    pub fn api_auth(&self, provider: &Provider, kind: GrantKind) -> ApiAuth {
        let key_auth = self
            .key_auth(provider)
            .filter(|_| kind == GrantKind::ApiKey);
        key_auth.unwrap_or(&provider.api_auth).clone()
    }

    /// How requests carry a key, if not as they carry a token.
    pub fn key_auth<'a>(&'a self, provider: &'a Provider) -> Option<&'a ApiAuth> {
        let own = self.overrides.api_key_header.as_ref();
        own.or(provider.api_keys.auth.as_ref())
    }

    /// Where the person makes and deletes their keys.
    pub fn api_keys_page(&self, provider: &Provider) -> Option<String> {
        provider.api_keys_page(&self.overrides.placeholders)
    }

    /// Where its registration is changed.
    pub fn console_page(&self, provider: &Provider) -> Option<String> {
        provider.console_page(&self.overrides.placeholders)
    }

    /// Whether the person's own file names other routes than those that this authenticator keeps.
    pub fn differs_from_file(&self, provider: &Provider) -> bool {
        let kept = self.overrides.confirmed_routes.as_ref();
        kept.is_some_and(|routes| *routes != provider.routes())
    }

    /// The entry with the routes that the person confirmed for this authenticator.
    fn confirmed<'a>(&self, provider: &'a Provider) -> Cow<'a, Provider> {
        match &self.overrides.confirmed_routes {
            Some(routes) => Cow::Owned(provider.with_routes(routes)),
            None => Cow::Borrowed(provider),
        }
    }

    fn fill(&self, provider: &Provider, template: &str) -> String {
        let text = template.replace("{client_id}", &encode_segment(&self.client_id));
        provider.fill(&text, &self.overrides.placeholders)
    }
}

/// OpenID Connect Discovery 1.0, section 4: the well-known path is appended to the issuer.
pub fn openid_metadata_url(issuer: &str) -> String {
    format!(
        "{}/.well-known/openid-configuration",
        issuer.strip_suffix('/').unwrap_or(issuer)
    )
}

fn encode_segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}
