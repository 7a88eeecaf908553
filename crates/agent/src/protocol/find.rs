//! What a URL leads to that a person typed: an MCP server with its authorization server (RFC 9728), or
//! an issuer (RFC 8414, OpenID Connect Discovery). The requests, in the order that MCP sets; what the
//! documents mean stands in [`valetkey_core::discovery`].

use valetkey_core::discovery::{
    Challenge, ClientMetadata, DiscoveryFailure, Found, FoundResource, Network, ResourceMetadata,
    ResourcePlace, ServerMetadata, issuer_metadata_urls, resource_metadata_urls,
};
use valetkey_core::endpoint_url::EndpointUrl;

use super::ProviderClient;
use super::documents::{Fetched, Probe};

pub use super::documents::FindError;

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// As typed.
    pub url: &'a EndpointUrl,
    /// The authorization server that the person chose of several.
    pub issuer: Option<&'a str>,
}

/// What was found.
#[derive(Debug)]
pub enum Lookup {
    /// All of it, and where further requests may go.
    Found(Box<Found>, Network),
    /// A resource with several authorization servers; the person chooses one.
    Choose {
        /// As people call the resource.
        name: Option<String>,
        /// The issuers.
        issuers: Vec<String>,
    },
}

impl ProviderClient {
    /// Finds out what is behind a URL.
    pub async fn find(&self, target: Target<'_>) -> Result<Lookup, FindError> {
        let url = target.url;
        let probe = self.probe(url).await?;
        if probe.status == 401 {
            return self.find_by_challenge(target, probe).await;
        }
        let network = probe.network;
        let mut refused = None;
        let places = resource_metadata_urls(url);
        // A path of its own describes the server; the root may describe others, so the issuer is asked
        // for between the two.
        let (own, root): (Vec<_>, Vec<_>) = places
            .into_iter()
            .partition(|(_, place)| *place == ResourcePlace::Own);
        let is_root = own.is_empty();
        for (place, kind) in own.iter().chain(root.iter().filter(|_| is_root)) {
            if let Some(metadata) = note(
                self.resource(url, place, *kind, network).await,
                &mut refused,
            )? {
                return self
                    .with_server(target, Some(metadata), None, network)
                    .await;
            }
        }
        match self.server(url.as_str(), network).await {
            Ok(server) => {
                let found = Found {
                    url: url.clone(),
                    resource: None,
                    server,
                };
                return Ok(Lookup::Found(Box::new(found), network));
            }
            Err(FindError::Refused(failure)) => keep(&mut refused, failure),
            Err(error) => return Err(error),
        }
        for (place, kind) in root.iter().filter(|_| !is_root) {
            if let Some(metadata) = note(
                self.resource(url, place, *kind, network).await,
                &mut refused,
            )? {
                return self
                    .with_server(target, Some(metadata), None, network)
                    .await;
            }
        }
        if let Some(to) = probe.location {
            keep(
                &mut refused,
                DiscoveryFailure::Redirected {
                    url: url.to_string(),
                    to,
                },
            );
        }
        Err(refused.unwrap_or_else(|| nothing(url)).into())
    }

    /// The server wants a token and says where its metadata is, or it is at one of the usual places.
    async fn find_by_challenge(
        &self,
        target: Target<'_>,
        probe: Probe,
    ) -> Result<Lookup, FindError> {
        let (url, network, challenge) = (target.url, probe.network, probe.challenge);
        let places = resource_metadata_urls(url);
        let named = challenge
            .as_ref()
            .and_then(|it| it.resource_metadata.clone());
        if let Some(named) = named {
            // One document may describe the whole host, whoever points at it.
            let known = places.iter().find(|(place, _)| *place == named);
            let kind = known.map_or(ResourcePlace::Own, |(_, kind)| *kind);
            let metadata = self.resource(url, &named, kind, network).await?;
            let metadata = metadata.ok_or(DiscoveryFailure::NotMetadata { url: named })?;
            return self
                .with_server(target, Some(metadata), challenge, network)
                .await;
        }
        let mut refused = None;
        for (place, kind) in places {
            if let Some(metadata) = note(
                self.resource(url, &place, kind, network).await,
                &mut refused,
            )? {
                return self
                    .with_server(target, Some(metadata), challenge, network)
                    .await;
            }
        }
        if let Some(failure @ DiscoveryFailure::OtherResource { .. }) = refused {
            return Err(failure.into());
        }
        match self.with_server(target, None, challenge, network).await {
            Err(FindError::Refused(DiscoveryFailure::NoServerMetadata { .. })) => {
                Err(refused.unwrap_or_else(|| nothing(url)).into())
            }
            found => found,
        }
    }

    /// The authorization server of a resource. One without metadata is its own, as before RFC 9728.
    async fn with_server(
        &self,
        target: Target<'_>,
        metadata: Option<ResourceMetadata>,
        challenge: Option<Challenge>,
        network: Network,
    ) -> Result<Lookup, FindError> {
        let issuers = match &metadata {
            Some(metadata) => metadata.authorization_servers.clone(),
            None => vec![target.url.to_url().origin().ascii_serialization()],
        };
        let issuer = match (target.issuer, issuers.as_slice()) {
            (Some(chosen), _) if issuers.iter().any(|issuer| issuer == chosen) => chosen,
            (Some(chosen), _) => {
                return Err(DiscoveryFailure::NotOffered {
                    resource: target.url.to_string(),
                    issuer: chosen.to_owned(),
                    offered: issuers,
                }
                .into());
            }
            (None, [only]) => only,
            (None, _) => {
                return Ok(Lookup::Choose {
                    name: metadata.and_then(|metadata| metadata.name),
                    issuers,
                });
            }
        };
        let server = self.server(issuer, network).await?;
        let found = Found {
            url: target.url.clone(),
            resource: Some(FoundResource {
                metadata,
                challenge,
            }),
            server,
        };
        Ok(Lookup::Found(Box::new(found), network))
    }

    /// The metadata of a resource at one place; None if there is none.
    async fn resource(
        &self,
        url: &EndpointUrl,
        place: &str,
        kind: ResourcePlace,
        network: Network,
    ) -> Result<Option<ResourceMetadata>, FindError> {
        match self.document(place, network).await? {
            Fetched::Document(body) => Ok(Some(ResourceMetadata::read(&body, url, place, kind)?)),
            Fetched::Absent => Ok(None),
            Fetched::Redirected(to) => Err(redirected(place, to)),
        }
    }

    /// The metadata of an issuer, from the first place that has one.
    async fn server(&self, issuer: &str, network: Network) -> Result<ServerMetadata, FindError> {
        let parsed = network
            .check(issuer)
            .map_err(|why| DiscoveryFailure::BadUrl {
                url: issuer.to_owned(),
                why,
            })?;
        let mut refused = None;
        for place in issuer_metadata_urls(&parsed) {
            let read = match self.document(&place, network).await? {
                Fetched::Document(body) => ServerMetadata::read(&body, issuer, &place, network),
                Fetched::Absent => continue,
                Fetched::Redirected(to) => Err(DiscoveryFailure::Redirected { url: place, to }),
            };
            match read {
                Ok(server) => return Ok(server),
                // Some answer every path with a page.
                Err(
                    failure @ (DiscoveryFailure::NotMetadata { .. }
                    | DiscoveryFailure::Redirected { .. }),
                ) => {
                    keep(&mut refused, failure);
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        Err(refused
            .unwrap_or_else(|| DiscoveryFailure::NoServerMetadata {
                issuer: issuer.to_owned(),
            })
            .into())
    }

    /// Looks at the document whose URL the person gives as client id.
    pub async fn client_metadata(
        &self,
        url: &str,
    ) -> Result<(EndpointUrl, ClientMetadata), FindError> {
        let parsed = ClientMetadata::check_url(url)?;
        let bad = |why: &str| DiscoveryFailure::BadClientMetadata {
            url: url.to_owned(),
            why: why.to_owned(),
        };
        match self.document(url, Network::Any).await? {
            Fetched::Document(body) => {
                let metadata = ClientMetadata::read(&parsed, &body)?;
                Ok((parsed, metadata))
            }
            Fetched::Absent => Err(bad("there is no document").into()),
            Fetched::Redirected(_) => Err(bad("it redirects, which servers do not follow").into()),
        }
    }
}

/// Remembers what was refused on the way: it is what to say if nothing else is found. Only what could be
/// a page that answers every path lets the search go on.
fn note<T>(
    result: Result<Option<T>, FindError>,
    refused: &mut Option<DiscoveryFailure>,
) -> Result<Option<T>, FindError> {
    match result {
        Err(FindError::Refused(
            failure @ (DiscoveryFailure::NotMetadata { .. }
            | DiscoveryFailure::Redirected { .. }
            | DiscoveryFailure::OtherResource { .. }),
        )) => {
            keep(refused, failure);
            Ok(None)
        }
        result => result,
    }
}

/// The first telling failure counts: a page or a redirect says less than a document of somebody else.
fn keep(refused: &mut Option<DiscoveryFailure>, failure: DiscoveryFailure) {
    let says_little = |failure: &DiscoveryFailure| {
        matches!(
            failure,
            DiscoveryFailure::NotMetadata { .. } | DiscoveryFailure::NoServerMetadata { .. }
        )
    };
    if refused.as_ref().is_none_or(says_little)
        && !matches!(failure, DiscoveryFailure::NoServerMetadata { .. })
    {
        *refused = Some(failure);
    }
}

fn redirected(place: &str, to: String) -> FindError {
    FindError::Refused(DiscoveryFailure::Redirected {
        url: place.to_owned(),
        to,
    })
}

fn nothing(url: &EndpointUrl) -> DiscoveryFailure {
    DiscoveryFailure::NothingFound {
        url: url.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// What a server on the internet publishes about where its tokens come from.
    async fn find(issuer: &str) -> FindError {
        let url = EndpointUrl::parse("https://mcp.example.com/mcp").unwrap();
        let body = serde_json::json!({
            "resource": url.as_str(), "authorization_servers": [issuer],
        });
        let body = body.to_string();
        let metadata =
            ResourceMetadata::read(body.as_bytes(), &url, url.as_str(), ResourcePlace::Own);
        let target = Target {
            url: &url,
            issuer: None,
        };
        let client = ProviderClient::default();
        let found = client
            .with_server(target, Some(metadata.unwrap()), None, Network::Public)
            .await;
        found.expect_err("it is refused")
    }

    #[tokio::test]
    async fn a_public_server_that_names_private_addresses_is_refused_unasked() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        for issuer in [
            format!("http://127.0.0.1:{port}"),
            format!("https://127.0.0.1:{port}"),
            format!("https://[::ffff:127.0.0.1]:{port}"),
            format!("https://localhost:{port}"),
            "https://10.0.0.1".to_owned(),
            "https://169.254.169.254/latest".to_owned(),
            "http://as.example.com".to_owned(),
        ] {
            let refused = find(&issuer).await;
            let FindError::Refused(failure @ DiscoveryFailure::BadUrl { .. }) = refused else {
                panic!("{issuer}: {refused:?}");
            };
            assert!(failure.to_string().contains(&issuer), "{failure}");
            assert!(failure.hint().contains("no browser was opened"));
        }
        assert!(listener.accept().is_err(), "nobody has connected");
    }

    #[tokio::test]
    async fn a_public_server_that_keeps_its_metadata_at_a_private_address_is_refused() {
        let url = EndpointUrl::parse("https://mcp.example.com/mcp").unwrap();
        let client = ProviderClient::default();
        for place in ["https://10.0.0.1/m", "http://127.0.0.1/m", "file:///m"] {
            let found = client
                .resource(&url, place, ResourcePlace::Own, Network::Public)
                .await;
            assert!(matches!(
                found,
                Err(FindError::Refused(DiscoveryFailure::BadUrl { .. }))
            ));
        }
    }
}
