//! Metadata of a protected resource (RFC 9728).

use serde::Deserialize;

use super::failure::DiscoveryFailure;
use super::{shown, well_known};
use crate::endpoint_url::EndpointUrl;
use crate::scope::Scopes;

/// More authorization servers than this are not read.
const MAX_SERVERS: usize = 16;

/// Where a document was found, and so what it may describe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourcePlace {
    /// At the URL that a challenge named, or at the well-known place of the resource's path: it describes
    /// this resource.
    Own,
    /// At the well-known place of the host: it describes this resource or the whole host.
    Root,
}

/// What the metadata of a resource says, as far as it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceMetadata {
    /// The identifier, exactly as published: so it is sent (RFC 8707).
    pub resource: String,
    /// As people call it.
    pub name: Option<String>,
    /// Issuers; at least one.
    pub authorization_servers: Vec<String>,
    /// Scopes that it has.
    pub scopes_supported: Option<Scopes>,
}

#[derive(Deserialize)]
struct Document {
    resource: String,
    resource_name: Option<String>,
    #[serde(default)]
    authorization_servers: Vec<String>,
    scopes_supported: Option<Vec<String>>,
}

impl ResourceMetadata {
    /// Reads the document that was found at `place` for `url`. One that describes another resource is
    /// refused (section 3.3).
    pub fn read(
        body: &[u8],
        url: &EndpointUrl,
        found_at: &str,
        place: ResourcePlace,
    ) -> Result<Self, DiscoveryFailure> {
        let document: Document =
            serde_json::from_slice(body).map_err(|_| DiscoveryFailure::NotMetadata {
                url: found_at.to_owned(),
            })?;
        if !describes(&document.resource, url, place) {
            return Err(DiscoveryFailure::OtherResource {
                expected: url.to_string(),
                found: document.resource,
            });
        }
        let mut servers: Vec<String> = Vec::new();
        for server in document.authorization_servers {
            if !servers.contains(&server) && servers.len() < MAX_SERVERS {
                servers.push(server);
            }
        }
        if servers.is_empty() {
            return Err(DiscoveryFailure::NoAuthorizationServer {
                resource: document.resource,
            });
        }
        Ok(Self {
            resource: document.resource,
            name: document.resource_name.map(|name| shown(&name)),
            authorization_servers: servers,
            scopes_supported: document
                .scopes_supported
                .filter(|scopes| !scopes.is_empty())
                .map(Scopes::from),
        })
    }
}

fn describes(resource: &str, url: &EndpointUrl, place: ResourcePlace) -> bool {
    if resource == url.as_str() {
        return true;
    }
    let (origin, _) = well_known::split(url.as_str());
    match place {
        ResourcePlace::Own => false,
        ResourcePlace::Root => resource.strip_suffix('/').unwrap_or(resource) == origin,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(url: &str, document: &Value, place: ResourcePlace) -> Result<ResourceMetadata, String> {
        let url = EndpointUrl::parse(url).unwrap();
        ResourceMetadata::read(document.to_string().as_bytes(), &url, "https://h/m", place)
            .map_err(|failure| failure.to_string())
    }

    fn of(resource: &str) -> Value {
        json!({"resource": resource, "authorization_servers": ["https://as"], "more": [1]})
    }

    #[test]
    fn a_resource_is_compared_character_by_character() {
        let found = read("https://h/mcp", &of("https://h/mcp"), ResourcePlace::Own).unwrap();
        assert_eq!(found.resource, "https://h/mcp");
        for other in [
            "https://h/mcp/",
            "https://H/mcp",
            "https://h:443/mcp",
            "https://evil/mcp",
            "https://h",
        ] {
            let refused = read("https://h/mcp", &of(other), ResourcePlace::Own).unwrap_err();
            assert!(
                refused.contains(other) && refused.contains("https://h/mcp"),
                "{refused}"
            );
        }
    }

    #[test]
    fn the_document_of_a_host_may_describe_the_whole_host() {
        for whole in ["https://h", "https://h/", "https://h/mcp"] {
            let found = read("https://h/mcp", &of(whole), ResourcePlace::Root).unwrap();
            assert_eq!(found.resource, whole, "sent as it was published");
        }
        for other in [
            "https://h/other",
            "https://h//",
            "https://evil",
            "https://h.evil",
        ] {
            assert!(
                read("https://h/mcp", &of(other), ResourcePlace::Root).is_err(),
                "{other}"
            );
        }
    }

    #[test]
    fn each_authorization_server_is_named_once_and_one_must_be() {
        let mut document = of("https://h/mcp");
        document["authorization_servers"] = json!(["https://a/", "https://a", "https://a/"]);
        let found = read("https://h/mcp", &document, ResourcePlace::Own).unwrap();
        assert_eq!(found.authorization_servers, ["https://a/", "https://a"]);
        document["authorization_servers"] = json!([]);
        let refused = read("https://h/mcp", &document, ResourcePlace::Own).unwrap_err();
        assert!(
            refused.contains("names no authorization server"),
            "{refused}"
        );
    }
}
