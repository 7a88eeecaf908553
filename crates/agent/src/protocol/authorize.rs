//! The URL that the browser opens, and the validation of the response.

use std::fmt;
use std::sync::Arc;

use oauth2::{CsrfToken, PkceCodeChallenge, PkceCodeVerifier};
use valetkey_core::printable::shortened;
use valetkey_core::scope::Scopes;
use valetkey_core::token_error::SignInFailure;

use super::account::ExpectedIdToken;
use super::discovery::{MAX_ISSUER, fits_template, slash_differs};
use super::metadata::Metadata;
use crate::client::Client;

/// Random bytes of a state or nonce.
const RANDOM_BYTES: u32 = 32;

/// A request to the authorization endpoint, and what its response is validated against (RFC 6749, section
/// 4.1.1; RFC 7636; OpenID Connect Core, section 3.1.2.1).
pub struct AuthorizeRequest {
    /// For the browser.
    pub url: String,
    /// 32 random bytes; one use.
    pub state: String,
    /// Required in the id token; None if no id token is requested.
    pub nonce: Option<String>,
    /// As sent; the code exchange repeats it.
    pub redirect_uri: String,
    /// PKCE verifier; None if the provider does not support PKCE.
    pub(super) verifier: Option<PkceCodeVerifier>,
    /// All that the URL says, for a request that is pushed.
    pub(super) parameters: Vec<(String, String)>,
    pub(super) metadata: Option<Arc<Metadata>>,
}

impl fmt::Debug for AuthorizeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizeRequest([redacted])")
    }
}

impl AuthorizeRequest {
    /// Creates a request that is answered at `redirect_uri`. Keeps the query of the endpoint's URL and
    /// repeats no parameter.
    pub fn new(
        client: &Client,
        metadata: Option<Arc<Metadata>>,
        redirect_uri: &str,
        scopes: &Scopes,
    ) -> Self {
        let endpoints = &client.endpoints;
        let state = random();
        let nonce = (endpoints.nonce && scopes.contains("openid")).then(random);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let verifier = endpoints.pkce.then_some(verifier);

        let page = endpoints.authorize_url.as_ref();
        let mut url = page.expect("a grant that needs a person has one").to_url();
        let mut query = Query::default();
        for (name, value) in url.query_pairs() {
            query.set(&name, &value);
        }
        for (name, value) in &endpoints.authorize_params {
            query.set(name, value);
        }
        query.set("response_type", "code");
        query.set("client_id", &client.authenticator.client_id);
        query.set("redirect_uri", redirect_uri);
        if let Some(resource) = &endpoints.resource {
            query.set("resource", resource.as_str());
        }
        if !scopes.is_empty() {
            let joined = scopes.join(&endpoints.scope_separator);
            query.set(&endpoints.scope_param, &joined);
        }
        query.set("state", &state);
        if let Some(nonce) = &nonce {
            query.set("nonce", nonce);
        }
        if let Some(key) = &client.proof_key {
            query.set("dpop_jkt", &key.thumbprint());
        }
        if verifier.is_some() {
            query.set("code_challenge", challenge.as_str());
            query.set("code_challenge_method", challenge.method());
        }
        url.query_pairs_mut().clear().extend_pairs(&query.0);
        Self {
            url: url.into(),
            state,
            nonce,
            redirect_uri: redirect_uri.to_owned(),
            verifier,
            parameters: query.0,
            metadata,
        }
    }

    /// What the id token must hold.
    pub fn expected_id_token(&self) -> ExpectedIdToken<'_> {
        ExpectedIdToken {
            metadata: self.metadata.as_deref(),
            nonce: self.nonce.as_deref(),
        }
    }

    /// Checks the issuer of the response (RFC 9207): refuses a wrong `iss`, also of an error response, and
    /// a missing one if the metadata promises it.
    pub fn check_issuer(&self, client: &Client, iss: Option<&str>) -> Result<(), SignInFailure> {
        let metadata = self.metadata.as_deref();
        let expected = metadata
            .map(|metadata| metadata.issuer.as_str())
            .or(client.endpoints.issuer.as_deref());
        if let (Some(iss), Some(expected)) = (iss, expected)
            && let Some(failure) = slash_differs(expected, iss)
        {
            return Err(failure);
        }
        let promised = metadata.is_some_and(|metadata| metadata.sends_iss);
        let reason = match (iss, expected) {
            (Some(iss), Some(expected)) if !fits_template(expected, iss) => format!(
                "the answer came from another provider (`{}`) than the one you were sent to (`{}`)",
                shortened(iss, MAX_ISSUER),
                shortened(expected, MAX_ISSUER)
            ),
            (None, _) if promised => "the answer does not say which provider sent it".to_owned(),
            (Some(_) | None, _) => return Ok(()),
        };
        Err(SignInFailure::Untrusted { reason })
    }
}

fn random() -> String {
    CsrfToken::new_random_len(RANDOM_BYTES).into_secret()
}

/// Parameters, each once (RFC 6749, section 3.1).
#[derive(Default)]
struct Query(Vec<(String, String)>);

impl Query {
    fn set(&mut self, name: &str, value: &str) {
        self.0.retain(|(own, _)| own != name);
        self.0.push((name.to_owned(), value.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use url::Url;
    use valetkey_core::discovery::Network;
    use valetkey_core::endpoint_url::EndpointUrl;
    use valetkey_core::provider::ClientAuth;
    use valetkey_core::resource_uri::ResourceUri;

    use super::*;
    use crate::protocol::fake::client_at;

    const REDIRECT: &str = "http://127.0.0.1:5123/callback";

    fn client() -> Client {
        client_at("https://h", ClientAuth::None)
    }

    fn pairs(request: &AuthorizeRequest) -> BTreeMap<String, String> {
        let url = Url::parse(&request.url).unwrap();
        let all: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let map: BTreeMap<_, _> = all.iter().cloned().collect();
        assert_eq!(
            all.len(),
            map.len(),
            "no parameter is repeated: {}",
            request.url
        );
        map
    }

    #[test]
    fn the_url_asks_for_a_code_with_state_pkce_and_nonce() {
        let request = AuthorizeRequest::new(
            &client(),
            None,
            REDIRECT,
            &Scopes::parse_any("openid email"),
        );
        let sent = pairs(&request);
        assert_eq!(sent["response_type"], "code");
        assert_eq!(sent["client_id"], "client id");
        assert_eq!(sent["redirect_uri"], request.redirect_uri);
        assert_eq!(sent["scope"], "openid email");
        assert_eq!(sent["code_challenge_method"], "S256");
        assert_eq!(Some(&sent["nonce"]), request.nonce.as_ref());
        assert_eq!(sent["state"], request.state);
        assert_ne!(sent["state"], sent["nonce"]);
        let verifier = request.verifier.unwrap();
        assert!(!request.url.contains(verifier.secret()));
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        assert_eq!(sent["code_challenge"], challenge.as_str());
    }

    #[test]
    fn the_challenge_is_that_of_the_rfc() {
        // RFC 7636, appendix B
        let verifier =
            PkceCodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        assert_eq!(
            challenge.as_str(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn an_existing_query_is_kept_and_no_parameter_is_repeated() {
        let mut client = client();
        client.endpoints.authorize_url =
            Some(EndpointUrl::parse("https://h/a?aud=1&scope=x&prompt=none&aud=2").unwrap());
        client.endpoints.authorize_params =
            BTreeMap::from([("prompt".to_owned(), "consent".to_owned())]);
        let sent = pairs(&AuthorizeRequest::new(
            &client,
            None,
            REDIRECT,
            &Scopes::parse_any("a b"),
        ));
        assert_eq!(
            (sent["scope"].as_str(), sent["prompt"].as_str()),
            ("a b", "consent")
        );
        assert_eq!(sent["aud"], "2", "the last one counts");
    }

    #[test]
    fn the_resource_is_sent_byte_for_byte() {
        let mut client = client();
        client.endpoints.authorize_url =
            Some(EndpointUrl::parse("https://h/a?resource=x").unwrap());
        let none = AuthorizeRequest::new(&client, None, REDIRECT, &Scopes::default());
        assert_eq!(pairs(&none)["resource"], "x", "of the endpoint's own query");
        client.endpoints.resource = ResourceUri::parse("https://MCP.example:443").ok();
        let request = AuthorizeRequest::new(&client, None, REDIRECT, &Scopes::default());
        assert_eq!(pairs(&request)["resource"], "https://MCP.example:443");
    }

    #[test]
    fn scopes_use_the_parameter_and_separator_of_the_provider() {
        let mut client = client();
        client.endpoints.scope_param = "user_scope".to_owned();
        client.endpoints.scope_separator = ",".to_owned();
        client.endpoints.pkce = false;
        let request = AuthorizeRequest::new(
            &client,
            None,
            REDIRECT,
            &Scopes::parse_any("users:read chat:write"),
        );
        let sent = pairs(&request);
        assert_eq!(sent["user_scope"], "users:read,chat:write");
        for absent in ["scope", "nonce", "code_challenge", "code_challenge_method"] {
            assert!(!sent.contains_key(absent), "{absent}");
        }
        assert!(request.verifier.is_none());
        let none = AuthorizeRequest::new(&client, None, REDIRECT, &Scopes::default());
        assert!(!pairs(&none).contains_key("user_scope"));
    }

    #[test]
    fn states_and_verifiers_are_long_legal_and_unique() {
        let mut seen = HashSet::new();
        for _ in 0..10_000 {
            let (_, verifier) = PkceCodeChallenge::new_random_sha256();
            for text in [verifier.into_secret(), random()] {
                assert_eq!(text.len(), 43);
                assert!(
                    text.bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
                );
                assert!(seen.insert(text));
            }
        }
    }

    #[test]
    fn another_issuer_is_refused_and_a_missing_one_if_it_was_promised() {
        let mut client = client();
        let check = |client: &Client, metadata: Option<Metadata>, iss| {
            let request =
                AuthorizeRequest::new(client, metadata.map(Arc::new), REDIRECT, &Scopes::default());
            request.check_issuer(client, iss).is_ok()
        };
        assert!(check(&client, None, Some("https://anyone")));
        client.endpoints.issuer = Some("https://h".to_owned());
        assert!(check(&client, None, Some("https://h")));
        assert!(check(&client, None, None));
        assert!(!check(&client, None, Some("https://h/")));
        let promising = || {
            Some(Metadata {
                offers_s256: true,
                issuer: "https://h".to_owned(),
                network: Network::Any,
                jwks_uri: None,
                device_authorization_endpoint: None,
                pushed_authorization_request_endpoint: None,
                requires_pushed_requests: false,
                sends_iss: true,
            })
        };
        assert!(!check(&client, promising(), None));
        assert!(check(&client, promising(), Some("https://h")));
        assert!(!check(&client, promising(), Some("https://other")));
        let request = AuthorizeRequest::new(&client, None, REDIRECT, &Scopes::default());
        let other = "http://127.0.0.1:40731/\u{202e}realm".to_owned();
        let failure = request.check_issuer(&client, Some(&other)).unwrap_err();
        assert!(
            matches!(&failure, SignInFailure::Untrusted { reason } if *reason
                == r"the answer came from another provider (`http://127.0.0.1:40731/\u{202e}realm`) than the one you were sent to (`https://h`)"),
            "{failure:?}"
        );
    }
}
