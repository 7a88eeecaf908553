//! Pushed authorization requests (RFC 9126): the provider gets the parameters before the browser opens, and
//! the browser a reference to them.
//!
//! Used where the provider requires it, or the person named the endpoint. Where it is only offered it is
//! not: PKCE, state and `iss` protect the same sign-in, and a pushed request expires, mostly within a
//! minute, so that an address which is opened late would not work.

use jiff::{SignedDuration, Timestamp};
use url::Url;
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::secret::ClientSecret;
use valetkey_core::token_error::{PushedRequest, SignInFailure, read_pushed_request};

use super::http::NoUsableAnswer;
use super::{AuthorizeRequest, ProviderClient, request};
use crate::client::Client;

/// What the URL of a pushed request says itself.
const SET_AGAIN: &[&str] = &["client_id", "request_uri"];

/// An authorization request that is to be pushed, as often as it expires.
#[derive(Clone)]
pub struct PushRequest {
    endpoint: EndpointUrl,
    parameters: Vec<(String, String)>,
    /// What the authorization endpoint's own URL says.
    address: Url,
}

/// Where the browser goes after a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// With `client_id` and `request_uri` alone.
    pub url: String,
    /// How long it can be opened.
    pub expires_in: SignedDuration,
}

impl PushRequest {
    /// The request as it is pushed; None where it is not.
    pub fn of(client: &Client, request: &AuthorizeRequest) -> Result<Option<Self>, SignInFailure> {
        let metadata = request.metadata.as_deref();
        let own = client.endpoints.pushed_authorization_url.as_ref();
        let is_required = metadata.is_some_and(|metadata| metadata.requires_pushed_requests);
        let published = metadata
            .and_then(|metadata| metadata.pushed_authorization_request_endpoint.as_ref())
            .filter(|_| is_required);
        let Some(endpoint) = own.or(published) else {
            if is_required {
                return Err(SignInFailure::WrongField {
                    field: "pushed_authorization_url",
                    value: None,
                    reason:
                        "the provider requires pushed authorization requests, and names no URL \
                             for them that can be used"
                            .to_owned(),
                });
            }
            return Ok(None);
        };
        // RFC 9126, section 4: what was pushed does not stand in the URL again. What is part of the
        // endpoint's URL stays there.
        let Some(address) = &client.endpoints.authorize_url else {
            return Ok(None);
        };
        let mut address = address.to_url();
        let mut kept: Vec<(String, String)> = address.query_pairs().into_owned().collect();
        kept.retain(|pair| request.parameters.contains(pair) && !SET_AGAIN.contains(&&*pair.0));
        address.query_pairs_mut().clear().extend_pairs(kept);
        Ok(Some(Self {
            endpoint: endpoint.clone(),
            parameters: request.parameters.clone(),
            address,
        }))
    }
}

impl ProviderClient {
    /// Pushes a request (RFC 9126, section 2).
    pub async fn push(
        &self,
        client: &Client,
        request: &PushRequest,
        now: Timestamp,
    ) -> Result<Pushed, SignInFailure> {
        let (endpoint, parameters) = (&request.endpoint, &request.parameters);
        let build = |at| request::push(client, endpoint, parameters, at);
        let answer = self.send_authenticated(client, endpoint, build).await;
        let answer = answer.map_err(NoUsableAnswer::into_failure)?;
        let secret = client.secret.as_ref().map(ClientSecret::expose);
        let pushed = read_pushed_request(client.provider, &answer, secret.as_slice(), now)?;
        let PushedRequest {
            request_uri,
            expires_in,
        } = pushed;
        let mut url = request.address.clone();
        url.query_pairs_mut()
            .append_pair("client_id", &client.authenticator.client_id)
            .append_pair("request_uri", &request_uri);
        Ok(Pushed {
            url: url.into(),
            expires_in,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use valetkey_core::discovery::Network;
    use valetkey_core::provider::ClientAuth;
    use valetkey_core::scope::Scopes;

    use super::*;
    use crate::protocol::fake::{Fake, Reply, Request};
    use crate::protocol::metadata::Metadata;

    const REDIRECT: &str = "http://127.0.0.1:5123/callback";
    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn request_of(client: &Client, metadata: Option<Metadata>) -> AuthorizeRequest {
        let scopes = Scopes::parse_any("a b");
        AuthorizeRequest::new(client, metadata.map(Arc::new), REDIRECT, &scopes)
    }

    fn metadata(endpoint: Option<&str>, requires: bool) -> Metadata {
        Metadata {
            issuer: "https://h".to_owned(),
            network: Network::Any,
            jwks_uri: None,
            device_authorization_endpoint: None,
            pushed_authorization_request_endpoint: endpoint
                .and_then(|url| EndpointUrl::parse(url).ok()),
            requires_pushed_requests: requires,
            offers_s256: true,
            sends_iss: false,
        }
    }

    async fn pushed_by(client_auth: ClientAuth) -> (AuthorizeRequest, Pushed, Request) {
        let reply = json!({"request_uri": "urn:x:a/b c?".replace(' ', "-"), "expires_in": 60});
        let fake = Fake::start(vec![Reply::json(201, &reply)]);
        let mut client = fake.client(client_auth);
        let own = fake.url("/par");
        client.endpoints.pushed_authorization_url = EndpointUrl::parse(&own).ok();
        client.endpoints.authorize_url =
            EndpointUrl::parse(&fake.url("/authorize?p=b2c&scope=x")).ok();
        let request = request_of(&client, None);
        let push = PushRequest::of(&client, &request).unwrap().unwrap();
        let pushed = ProviderClient::default()
            .push(&client, &push, NOW)
            .await
            .unwrap();
        let sent = fake.requests().remove(0);
        (request, pushed, sent)
    }

    #[tokio::test]
    async fn all_parameters_are_pushed_and_none_stands_in_the_url_again() {
        let (request, pushed, sent) = pushed_by(ClientAuth::None).await;
        assert!(sent.head.starts_with("POST /par "), "{}", sent.head);
        let url = Url::parse(&request.url).unwrap();
        let mut named: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        named.sort();
        let mut form = sent.form();
        form.sort();
        assert_eq!(form, named, "what the URL would have said");
        let url = Url::parse(&pushed.url).unwrap();
        let said: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            said,
            [
                pair("p", "b2c"),
                pair("client_id", "client id"),
                pair("request_uri", "urn:x:a/b-c?"),
            ]
        );
        assert_eq!(pushed.expires_in, SignedDuration::from_secs(60));
    }

    #[tokio::test]
    async fn the_client_authenticates_as_at_the_token_endpoint_and_names_itself_once() {
        let (_, _, post) = pushed_by(ClientAuth::ClientSecretPost).await;
        assert_eq!(post.field("client_id").as_deref(), Some("client id"));
        assert_eq!(post.field("client_secret").as_deref(), Some("a:b/+ é%"));
        let (_, _, basic) = pushed_by(ClientAuth::ClientSecretBasic).await;
        assert_eq!(basic.field("client_id").as_deref(), Some("client id"));
        assert_eq!(basic.field("client_secret"), None);
        assert!(basic.header("authorization").unwrap().starts_with("Basic "));
    }

    #[test]
    fn it_is_used_where_it_is_required_or_named_and_not_where_it_is_offered() {
        let fake = Fake::start(Vec::new());
        let mut client = fake.client(ClientAuth::None);
        let endpoint = |client: &Client, metadata| {
            let found = PushRequest::of(client, &request_of(client, metadata));
            found.map(|push| push.map(|push| push.endpoint.to_string()))
        };
        let offered = "https://h/par";
        assert_eq!(endpoint(&client, None), Ok(None));
        assert_eq!(
            endpoint(&client, Some(metadata(Some(offered), false))),
            Ok(None)
        );
        assert_eq!(
            endpoint(&client, Some(metadata(Some(offered), true))),
            Ok(Some(offered.to_owned()))
        );
        let nowhere = endpoint(&client, Some(metadata(None, true)));
        assert!(
            matches!(
                &nowhere,
                Err(SignInFailure::WrongField {
                    field: "pushed_authorization_url",
                    ..
                })
            ),
            "{nowhere:?}"
        );
        client.endpoints.pushed_authorization_url = EndpointUrl::parse("https://h/own").ok();
        assert_eq!(
            endpoint(&client, Some(metadata(Some(offered), true))),
            Ok(Some("https://h/own".to_owned()))
        );
        assert_eq!(
            endpoint(&client, None),
            Ok(Some("https://h/own".to_owned()))
        );
    }

    #[tokio::test]
    async fn a_redirect_of_the_endpoint_is_not_followed() {
        let fake = Fake::start(vec![Reply::raw(
            "HTTP/1.1 307 X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        )]);
        let mut client = fake.client(ClientAuth::ClientSecretPost);
        let own = fake.url("/par");
        client.endpoints.pushed_authorization_url = EndpointUrl::parse(&own).ok();
        let push = PushRequest::of(&client, &request_of(&client, None));
        let push = push.unwrap().unwrap();
        let refused = ProviderClient::default().push(&client, &push, NOW).await;
        assert!(
            matches!(refused, Err(SignInFailure::TryLater { .. })),
            "{refused:?}"
        );
        assert_eq!(fake.requests().len(), 1);
    }
}
