//! Metadata of an authorization server (RFC 8414, section 2; OpenID Connect Discovery 1.0, section 3).

use serde::Deserialize;

use super::failure::DiscoveryFailure;
use super::network::Network;
use crate::endpoint_url::EndpointUrl;
use crate::scope::Scopes;

/// What an authorization server says about itself, as far as it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerMetadata {
    /// Identical to the one that was asked for.
    pub issuer: String,
    /// Where the browser goes.
    pub authorize_url: EndpointUrl,
    /// Where codes and refresh tokens go.
    pub token_url: EndpointUrl,
    /// Dynamic registration (RFC 7591).
    pub registration_url: Option<EndpointUrl>,
    /// RFC 7009.
    pub revocation_url: Option<EndpointUrl>,
    /// OpenID Connect Core, section 5.3.
    pub userinfo_url: Option<EndpointUrl>,
    /// RFC 8628.
    pub device_authorization_url: Option<EndpointUrl>,
    /// Scopes that it has, as far as it says.
    pub scopes_supported: Scopes,
    /// Client authentication at the token endpoint.
    pub auth_methods: Vec<String>,
    /// Whether PKCE with S256 is offered; None if nothing is said.
    pub offers_s256: Option<bool>,
    /// Whether a client id may be the URL of a document about the client.
    pub takes_client_metadata: bool,
    /// Whether clients may be registered as public ones.
    pub takes_public_clients: bool,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    registration_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    jwks_uri: Option<String>,
    pushed_authorization_request_endpoint: Option<String>,
    #[serde(default)]
    scopes_supported: Vec<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    client_id_metadata_document_supported: bool,
}

impl ServerMetadata {
    /// Reads the document that was found at `found_at` for `issuer`. Refuses another issuer's (RFC 8414,
    /// section 3.3), and endpoints that nothing may be sent to.
    pub fn read(
        body: &[u8],
        issuer: &str,
        found_at: &str,
        network: Network,
    ) -> Result<Self, DiscoveryFailure> {
        let document: Document =
            serde_json::from_slice(body).map_err(|_| DiscoveryFailure::NotMetadata {
                url: found_at.to_owned(),
            })?;
        if document.issuer != issuer {
            return Err(DiscoveryFailure::OtherIssuer {
                expected: issuer.to_owned(),
                found: document.issuer,
            });
        }
        let read = |field: &'static str, url: Option<String>| match url {
            None => Ok(None),
            Some(url) => {
                network
                    .check(&url)
                    .map(Some)
                    .map_err(|why| DiscoveryFailure::BadEndpoint {
                        issuer: issuer.to_owned(),
                        field,
                        url,
                        why,
                    })
            }
        };
        let needed = |field: &'static str, url: Option<String>| {
            read(field, url)?.ok_or_else(|| DiscoveryFailure::NoEndpoint {
                issuer: issuer.to_owned(),
                field,
            })
        };
        // What sign-ins read again, each time from where it says then.
        read("jwks_uri", document.jwks_uri)?;
        let pushed = document.pushed_authorization_request_endpoint;
        read("pushed_authorization_request_endpoint", pushed)?;
        let methods = document.token_endpoint_auth_methods_supported;
        Ok(Self {
            authorize_url: needed("authorization_endpoint", document.authorization_endpoint)?,
            token_url: needed("token_endpoint", document.token_endpoint)?,
            registration_url: read("registration_endpoint", document.registration_endpoint)?,
            revocation_url: read("revocation_endpoint", document.revocation_endpoint)?,
            userinfo_url: read("userinfo_endpoint", document.userinfo_endpoint)?,
            device_authorization_url: read(
                "device_authorization_endpoint",
                document.device_authorization_endpoint,
            )?,
            scopes_supported: document.scopes_supported.into(),
            takes_public_clients: methods
                .as_ref()
                .is_none_or(|methods| methods.iter().any(|method| method == "none")),
            // RFC 8414, section 2: what an absent list means.
            auth_methods: methods.unwrap_or_else(|| vec!["client_secret_basic".to_owned()]),
            offers_s256: document
                .code_challenge_methods_supported
                .map(|methods| methods.iter().any(|method| method == "S256")),
            takes_client_metadata: document.client_id_metadata_document_supported,
            issuer: document.issuer,
        })
    }

    /// How a client that a person has registered sends its secret, as `client_auth` of a draft; None if
    /// the server takes secrets in no known way. Basic first: every server has to take it (RFC 6749,
    /// section 2.3.1), and it is what a registration means that names no method (RFC 7591, section 2).
    pub fn method_of_given_secret(&self) -> Option<&'static str> {
        let offered = |method: &&str| self.auth_methods.iter().any(|own| own == *method);
        let methods = [
            "client_secret_basic",
            "client_secret_post",
            "client_secret_jwt",
        ];
        methods.into_iter().find(offered)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document() -> Value {
        json!({
            "issuer": "https://as.test", "authorization_endpoint": "https://as.test/a",
            "token_endpoint": "https://as.test/t", "unknown": {"x": 1},
        })
    }

    fn read(document: &Value, network: Network) -> Result<ServerMetadata, String> {
        ServerMetadata::read(
            document.to_string().as_bytes(),
            "https://as.test",
            "https://as.test/m",
            network,
        )
        .map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_least_metadata_is_enough() {
        let found = read(&document(), Network::Public).unwrap();
        assert_eq!(found.auth_methods, ["client_secret_basic"]);
        assert_eq!((found.offers_s256, found.registration_url), (None, None));
        assert!(found.takes_public_clients);
    }

    #[test]
    fn another_issuer_is_refused_however_alike() {
        for other in [
            "https://as.test/",
            "https://AS.test",
            "https://as.test:443",
            "https://evil",
        ] {
            let mut document = document();
            document["issuer"] = other.into();
            let refused = read(&document, Network::Public).unwrap_err();
            assert!(
                refused.contains(other) && refused.contains("`https://as.test`"),
                "{refused}"
            );
        }
    }

    #[test]
    fn endpoints_that_nothing_may_be_sent_to_are_refused_and_named() {
        for (field, url) in [
            ("authorization_endpoint", "javascript:alert(1)"),
            ("authorization_endpoint", "data:text/html,x"),
            ("authorization_endpoint", "file:///etc/passwd"),
            ("token_endpoint", "http://as.test/t"),
            ("registration_endpoint", "https://10.0.0.1/r"),
            ("registration_endpoint", "https://[::1]/r"),
            ("token_endpoint", "http://127.0.0.1:8080/t"),
            ("revocation_endpoint", "https://169.254.169.254/latest"),
            ("jwks_uri", "https://localhost/keys"),
            (
                "pushed_authorization_request_endpoint",
                "http://127.0.0.1:2375/x",
            ),
            ("userinfo_endpoint", "https://u:p@as.test/me"),
        ] {
            let mut document = document();
            document[field] = url.into();
            let refused = read(&document, Network::Public).unwrap_err();
            assert!(refused.contains(field), "{refused}");
        }
    }

    #[test]
    fn a_private_server_may_name_private_endpoints_but_no_other_schemes() {
        let mut private = document();
        private["token_endpoint"] = "https://10.0.0.1/t".into();
        private["jwks_uri"] = "http://127.0.0.1:8080/keys".into();
        assert!(read(&private, Network::Any).is_ok());
        private["authorization_endpoint"] = "javascript:alert(1)".into();
        assert!(read(&private, Network::Any).is_err());
    }

    #[test]
    fn an_endpoint_that_is_needed_must_be_there() {
        for field in ["authorization_endpoint", "token_endpoint"] {
            let mut document = document();
            document.as_object_mut().unwrap().remove(field);
            let refused = read(&document, Network::Public).unwrap_err();
            assert!(refused.contains(field), "{refused}");
        }
    }

    #[test]
    fn what_is_said_about_pkce_is_three_valued() {
        for (methods, expected) in [
            (json!(null), None),
            (json!([]), Some(false)),
            (json!(["plain"]), Some(false)),
            (json!(["plain", "S256"]), Some(true)),
        ] {
            let mut document = document();
            document["code_challenge_methods_supported"] = methods;
            assert_eq!(
                read(&document, Network::Public).unwrap().offers_s256,
                expected
            );
        }
    }
}
