//! Where metadata is published. URLs are cut and joined as text: a URL type would add slashes.

use super::resource::ResourcePlace;
use crate::endpoint_url::EndpointUrl;

/// Where the metadata of this issuer may be, in the order in which MCP asks for it: RFC 8414 first, then
/// OpenID Connect Discovery, inserted before the path and after it.
pub fn issuer_metadata_urls(issuer: &EndpointUrl) -> Vec<String> {
    let (origin, rest) = split(issuer.as_str());
    let path = rest.split(['?', '#']).next().unwrap_or_default();
    let path = path.trim_end_matches('/');
    let mut urls = vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        urls.push(format!("{origin}{path}/.well-known/openid-configuration"));
    }
    urls
}

/// Where the metadata of a resource may be that no challenge has named (RFC 9728, section 3.1): before
/// the path, then at the root, where it describes the whole host.
pub fn resource_metadata_urls(resource: &EndpointUrl) -> Vec<(String, ResourcePlace)> {
    const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";
    let (origin, rest) = split(resource.as_str());
    let mut urls = Vec::new();
    if !matches!(rest, "" | "/") {
        // "Any terminating slash following the host component" goes, that of a path stays.
        urls.push((format!("{origin}{WELL_KNOWN}{rest}"), ResourcePlace::Own));
    }
    urls.push((format!("{origin}{WELL_KNOWN}"), ResourcePlace::Root));
    urls
}

/// Scheme and authority, and what follows.
pub(super) fn split(url: &str) -> (&str, &str) {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..]
        .find(['/', '?', '#'])
        .map_or(url.len(), |at| start + at);
    url.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> EndpointUrl {
        EndpointUrl::parse(text).unwrap()
    }

    #[test]
    fn the_metadata_of_an_issuer_with_a_path_has_three_places() {
        assert_eq!(
            issuer_metadata_urls(&url("https://h:8443/t1/")),
            [
                "https://h:8443/.well-known/oauth-authorization-server/t1",
                "https://h:8443/.well-known/openid-configuration/t1",
                "https://h:8443/t1/.well-known/openid-configuration",
            ]
        );
    }

    #[test]
    fn the_metadata_of_an_issuer_without_a_path_has_two_places() {
        for issuer in ["https://h", "https://h/"] {
            assert_eq!(
                issuer_metadata_urls(&url(issuer)),
                [
                    "https://h/.well-known/oauth-authorization-server",
                    "https://h/.well-known/openid-configuration",
                ]
            );
        }
    }

    #[test]
    fn the_metadata_of_a_resource_is_looked_for_at_its_path_first() {
        assert_eq!(
            resource_metadata_urls(&url("https://h/public/mcp?x=1")),
            [
                (
                    "https://h/.well-known/oauth-protected-resource/public/mcp?x=1".to_owned(),
                    ResourcePlace::Own
                ),
                (
                    "https://h/.well-known/oauth-protected-resource".to_owned(),
                    ResourcePlace::Root
                ),
            ]
        );
        for root in ["https://h", "https://h/"] {
            let places = resource_metadata_urls(&url(root));
            assert_eq!(places.len(), 1, "{places:?}");
            assert_eq!(
                places[0].0,
                "https://h/.well-known/oauth-protected-resource"
            );
        }
    }
}
