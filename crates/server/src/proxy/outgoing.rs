//! A request to a host: what the connection's person allows, and all that is sent but the body.

use http::HeaderMap;
use http::request::Parts;
use url::Url;
use valetkey_agent::{Credentials, ProxyGrant};
use valetkey_api::core::api_host::ApiHost;
use valetkey_api::core::provider::Provider;

use super::address::Address;
use super::failure::Failure;
use super::headers;

/// A request to a host, ready but for the token.
pub(super) struct Outgoing<'a> {
    pub(super) parts: &'a Parts,
    pub(super) address: Address<'a>,
    /// The connection's name, for the person.
    pub(super) connection: String,
    pub(super) provider: &'static Provider,
    pub(super) hosts: Vec<ApiHost>,
    pub(super) host: ApiHost,
    pub(super) web_socket: bool,
}

impl<'a> Outgoing<'a> {
    /// Checks what the grant allows: host, method, path.
    pub(super) fn check(
        parts: &'a Parts,
        address: Address<'a>,
        grant: &ProxyGrant,
    ) -> Result<Self, Failure> {
        let ProxyGrant {
            live,
            authenticator,
            provider,
            settings,
            ..
        } = grant;
        let connection = live.connection.to_string();
        let hosts = authenticator.api_hosts(provider);
        let chosen = match address.host {
            None => hosts.first(),
            Some(named) => {
                let is_named = |host: &&ApiHost| host.authority().eq_ignore_ascii_case(named);
                hosts.iter().find(is_named)
            }
        };
        let Some(host) = chosen else {
            let names: Vec<&str> = hosts.iter().map(ApiHost::authority).collect();
            let allowed = match names.as_slice() {
                [] => "no host".to_owned(),
                names => names.join(", "),
            };
            return Err(Failure::host(&connection, address.host, &allowed));
        };
        let method = &parts.method;
        let web_socket = headers::asks_for_web_socket(&parts.headers);
        if let Some(allowed) = &settings.methods {
            if !settings.allows(method.as_str()) {
                return Err(Failure::method(&connection, method, allowed));
            }
            if headers::overrides_method(&parts.headers) {
                return Err(Failure::overridden_method(&connection));
            }
            if web_socket {
                return Err(Failure::web_socket(&connection));
            }
        }
        if authenticator.is_closed(provider, host, address.path) {
            return Err(Failure::closed(host.authority()));
        }
        Ok(Self {
            parts,
            address,
            connection,
            provider,
            host: host.clone(),
            hosts,
            web_socket,
        })
    }

    pub(super) fn url(&self) -> Result<Url, Failure> {
        let mut text = self.host.origin() + self.address.path.as_str();
        if let Some(query) = self.parts.uri.query() {
            text.push('?');
            text.push_str(query);
        }
        let url = Url::parse(&text).ok();
        // A URL parser has its own ideas of a path: what it would send elsewhere is not sent.
        let url = url.filter(|url| {
            let same_host = ApiHost::of(url).as_ref() == Some(&self.host);
            same_host && self.address.path.may_be(url.path())
        });
        url.ok_or_else(|| Failure::target("the path makes no URL"))
    }

    /// With the token.
    pub(super) fn headers(&self, credentials: &Credentials) -> HeaderMap {
        let mut headers = headers::to_host(&self.parts.headers, self.web_socket);
        let added = credentials.headers.iter().cloned();
        for (name, value) in added {
            headers.insert(name, value);
        }
        headers
    }
}
