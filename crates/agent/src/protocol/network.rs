//! Connects to public addresses only: names are resolved here and the connection is made to what was
//! found, so that a name cannot mean one address when it is checked and another when it is used (DNS
//! rebinding).

use std::env;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;
use valetkey_core::discovery::{Network, is_named_local};
use valetkey_core::endpoint_url::EndpointUrl;

/// The variables that name a proxy, as the HTTP client reads them.
const PROXY_VARIABLES: &[&str] = &["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// A public server has named a host that is none.
#[derive(Debug, thiserror::Error)]
#[error("it has a private address here, and a public server named it")]
pub(super) struct PrivateAddress;

/// Resolves names, and leaves private addresses out.
#[derive(Debug, Clone)]
pub(super) struct PublicResolver {
    /// Through them the network is somebody else's: they resolve the names, and may have a private
    /// address themselves.
    proxies: Vec<String>,
}

impl Default for PublicResolver {
    fn default() -> Self {
        let named = PROXY_VARIABLES
            .iter()
            .filter_map(|name| env::var(name).ok());
        let hosts = named.filter_map(|proxy| {
            let url = Url::parse(&proxy).or_else(|_| Url::parse(&format!("http://{proxy}")));
            Some(url.ok()?.host_str()?.to_owned())
        });
        Self {
            proxies: hosts.collect(),
        }
    }
}

/// Where the server at `url`, which sent this response, may send us.
pub(super) fn network_of(url: &EndpointUrl, response: &reqwest::Response) -> Network {
    let reached = response.remote_addr().map(|address| address.ip());
    let is_private = is_named_local(url)
        || (!has_proxy() && reached.is_some_and(|address| !Network::Public.allows(address)));
    if is_private {
        Network::Any
    } else {
        Network::Public
    }
}

/// Whether requests to other hosts go through a proxy.
fn has_proxy() -> bool {
    let set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    PROXY_VARIABLES.iter().any(set)
}

impl PublicResolver {
    fn keep(
        &self,
        host: &str,
        found: impl Iterator<Item = SocketAddr>,
    ) -> Result<Vec<SocketAddr>, PrivateAddress> {
        let is_proxy = self
            .proxies
            .iter()
            .any(|proxy| proxy.eq_ignore_ascii_case(host));
        let kept: Vec<SocketAddr> = found
            .filter(|address| is_proxy || Network::Public.allows(address.ip()))
            .collect();
        if kept.is_empty() {
            return Err(PrivateAddress);
        }
        Ok(kept)
    }
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            // The port is that of the request.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let kept = resolver.keep(name.as_str(), found)?;
            Ok(Box::new(kept.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use bytes::Bytes;
    use http::Request;

    use super::*;
    use crate::protocol::ProviderClient;

    #[test]
    fn private_addresses_of_a_name_are_left_out() {
        let resolver = PublicResolver {
            proxies: vec!["proxy.lan".to_owned()],
        };
        let addresses = |list: &[&str]| -> Vec<SocketAddr> {
            list.iter().map(|text| text.parse().unwrap()).collect()
        };
        let both = addresses(&["10.0.0.1:0", "1.1.1.1:0", "[::1]:0"]);
        let kept = resolver.keep("h", both.into_iter()).unwrap();
        assert_eq!(kept, addresses(&["1.1.1.1:0"]));
        let private = || addresses(&["10.0.0.1:0"]).into_iter();
        assert!(resolver.keep("h", private()).is_err());
        assert!(
            resolver.keep("Proxy.LAN", private()).is_ok(),
            "the person's own proxy"
        );
    }

    /// `localhost` stands for any name that means this machine when the connection is made.
    #[tokio::test]
    async fn a_name_that_resolves_to_a_private_address_is_not_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let request = Request::get(format!("https://localhost:{port}/"))
            .body(Bytes::new())
            .unwrap();
        let client = ProviderClient::default();
        let refused = client.execute(request, Network::Public).await.unwrap_err();
        assert!(refused.reason.contains("private address"), "{refused}");
        assert!(listener.accept().is_err(), "nobody has connected");
    }
}
