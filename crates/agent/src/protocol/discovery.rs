//! The provider's metadata and signing keys, as far as a sign-in needs them.
//!
//! Read where the catalogue or the person names an issuer. A provider that cannot be asked right now
//! is no obstacle; one that says something wrong is: another issuer, or no S256.

use std::sync::Arc;
use std::time::Duration;

use ::http::Request;
use ::http::header::ACCEPT;
use bytes::Bytes;
use jiff::Timestamp;
use jsonwebtoken::jwk::Jwk;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use valetkey_core::discovery::{Network, issuer_metadata_urls};
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::printable::shortened;
use valetkey_core::token_error::SignInFailure;

use super::http::{Unreachable, read as read_answer};
use super::metadata::Metadata;
use super::network::network_of;
use super::{ProviderClient, request};
use crate::client::Client;

/// A sign-in waits no longer than this for metadata or keys.
const CALLER_TIMEOUT: Duration = Duration::from_secs(10);
/// More signing keys of a provider than this are not read.
const MAX_KEYS: usize = 64;
/// Letters of an issuer that are shown.
pub(super) const MAX_ISSUER: usize = 200;
/// Stands in Microsoft's issuer for the tenant of the account.
const TENANT: &str = "{tenantid}";

impl ProviderClient {
    /// The metadata of the client's provider; None where there is none, or none can be had now.
    pub async fn metadata(
        &self,
        client: &Client,
        now: Timestamp,
    ) -> Result<Option<Arc<Metadata>>, SignInFailure> {
        let Some(url) = &client.endpoints.discovery_url else {
            return Ok(None);
        };
        if let Some(known) = self.metadata.get(url, now) {
            // It may have been asked for by another client of the provider.
            check(client, &known)?;
            return Ok(Some(known));
        }
        let mut of_others = None;
        for place in places(url, client.endpoints.issuer.as_deref()) {
            let found = self.fetch::<Document>(&place, Network::Any).await;
            let (document, network) = match found {
                Ok(found) => found,
                Err(reason) => {
                    tracing::debug!(host = place.host(), reason, "no metadata");
                    continue;
                }
            };
            // One host may serve several issuers, each in one of these places.
            if let Err(failure) = check_issuer(client, &document.issuer) {
                of_others.get_or_insert(failure);
                continue;
            }
            let metadata = Arc::new(read(document, network)?);
            check(client, &metadata)?;
            self.metadata.put(url, Arc::clone(&metadata), now);
            return Ok(Some(metadata));
        }
        of_others.map_or(Ok(None), Err)
    }

    /// The provider's signing keys; `fresh` asks again, since keys are rolled over.
    pub(super) async fn keys(
        &self,
        jwks_uri: &EndpointUrl,
        network: Network,
        fresh: bool,
        now: Timestamp,
    ) -> Result<Arc<Vec<Jwk>>, String> {
        if !fresh && let Some(known) = self.keys.get(jwks_uri, now) {
            return Ok(known);
        }
        let (set, _) = self.fetch::<KeySet>(jwks_uri, network).await?;
        // Key by key: one of a kind that we do not know must not spoil the others.
        let keys = set.keys.into_iter().take(MAX_KEYS);
        let keys = keys.filter_map(|key| serde_json::from_value(key).ok());
        let keys = Arc::new(keys.collect());
        self.keys.put(jwks_uri, Arc::clone(&keys), now);
        Ok(keys)
    }

    /// What stands at `url`, and where it may send us.
    async fn fetch<T: DeserializeOwned>(
        &self,
        url: &EndpointUrl,
        network: Network,
    ) -> Result<(T, Network), String> {
        let request = Request::get(request::uri(url).map_err(|error| error.to_string())?)
            .header(ACCEPT, "application/json")
            .body(Bytes::new())
            .map_err(|error| error.to_string())?;
        let fetched = async {
            let response = self.execute(request, network).await?;
            let network = network_of(url, &response);
            Ok::<_, Unreachable>((read_answer(response).await?, network))
        };
        let fetched = tokio::time::timeout(CALLER_TIMEOUT, fetched).await;
        let fetched = fetched.map_err(|_| "no answer in time".to_owned())?;
        let (answer, network) = fetched.map_err(|error| error.reason)?;
        if answer.status != 200 {
            return Err(format!("HTTP {}", answer.status));
        }
        let document = serde_json::from_slice(&answer.body);
        let document = document.map_err(|error| format!("no valid JSON: {error}"))?;
        Ok((document, network))
    }
}

/// Where the metadata may be: the client's own place, then those of RFC 8414, section 3.1, and OpenID
/// Connect Discovery, section 4.
fn places(own: &EndpointUrl, issuer: Option<&str>) -> Vec<EndpointUrl> {
    let issuer = issuer.and_then(|issuer| EndpointUrl::parse(issuer).ok());
    let others = issuer.iter().flat_map(issuer_metadata_urls);
    let others = others.filter_map(|url| EndpointUrl::parse(&url).ok());
    let mut places = vec![own.clone()];
    for place in others {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// RFC 8414, section 2; OpenID Connect Discovery, section 3. Unknown members are ignored.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: Option<String>,
    device_authorization_endpoint: Option<String>,
    pushed_authorization_request_endpoint: Option<String>,
    #[serde(default)]
    require_pushed_authorization_requests: bool,
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

/// Whether the metadata fits what the client expects of its provider.
fn check(client: &Client, metadata: &Metadata) -> Result<(), SignInFailure> {
    check_issuer(client, &metadata.issuer)?;
    // Never downgraded: where S256 is not offered, there is no sign-in (RFC 7636, section 7.2).
    if client.endpoints.pkce && !metadata.offers_s256 {
        return Err(fix("the provider offers no PKCE with S256".to_owned()));
    }
    Ok(())
}

fn check_issuer(client: &Client, issuer: &str) -> Result<(), SignInFailure> {
    let Some(expected) = client.endpoints.issuer.as_deref() else {
        return Ok(());
    };
    if let Some(failure) = slash_differs(expected, issuer) {
        return Err(failure);
    }
    if issuer != expected && !fits_template(expected, issuer) {
        return Err(fix(format!(
            "the provider calls itself `{}`, not `{expected}`",
            shortened(issuer, MAX_ISSUER)
        )));
    }
    Ok(())
}

fn fix(reason: String) -> SignInFailure {
    SignInFailure::FixClient { reason }
}

/// Refuses endpoints where a server of this `network` may not send us.
fn read(document: Document, network: Network) -> Result<Metadata, SignInFailure> {
    let methods = document.code_challenge_methods_supported;
    let checked = |field: &str, url: &str| {
        let checked = network.check(url);
        checked.map_err(|why| fix(format!("the provider's `{field}` cannot be used: {why}")))
    };
    // Needed by some sign-ins only, so one that is no URL is none.
    let rarely_needed = |field: &str, url: Option<String>| {
        let url = url.filter(|url| EndpointUrl::parse(url).is_ok());
        url.map(|url| checked(field, &url)).transpose()
    };
    let jwks_uri = document.jwks_uri.map(|url| checked("jwks_uri", &url));
    Ok(Metadata {
        issuer: document.issuer,
        network,
        jwks_uri: jwks_uri.transpose()?,
        device_authorization_endpoint: rarely_needed(
            "device_authorization_endpoint",
            document.device_authorization_endpoint,
        )?,
        pushed_authorization_request_endpoint: rarely_needed(
            "pushed_authorization_request_endpoint",
            document.pushed_authorization_request_endpoint,
        )?,
        requires_pushed_requests: document.require_pushed_authorization_requests,
        offers_s256: methods.is_none_or(|list| list.iter().any(|method| method == "S256")),
        sends_iss: document.authorization_response_iss_parameter_supported,
    })
}

/// The failure that names both issuers, if they differ only by the slash at the end: a mistake of
/// whoever typed one of them, and no sign of another provider.
pub(super) fn slash_differs(expected: &str, issuer: &str) -> Option<SignInFailure> {
    let is_typing_mistake =
        expected != issuer && expected.trim_end_matches('/') == issuer.trim_end_matches('/');
    is_typing_mistake.then(|| SignInFailure::WrongField {
        field: "issuer",
        value: Some(issuer.to_owned()),
        reason: format!("the provider's issuer is `{issuer}`, but `{expected}` is set"),
    })
}

/// Whether `issuer` is the expected one: identical, or the expected one with a tenant filled in.
pub(super) fn fits_template(expected: &str, issuer: &str) -> bool {
    let Some((before, after)) = expected.split_once(TENANT) else {
        return expected == issuer;
    };
    let tenant = issuer
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after));
    tenant.is_some_and(|tenant| tenant == TENANT || is_tenant(tenant))
}

/// Whether `issuer` is the expected one for an account of `tenant`, which completes it.
pub(super) fn is_issuer(expected: &str, tenant: Option<&str>, issuer: &str) -> bool {
    if !expected.contains(TENANT) {
        return expected == issuer;
    }
    tenant.is_some_and(|tenant| is_tenant(tenant) && expected.replace(TENANT, tenant) == issuer)
}

fn is_tenant(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;
    use serde_json::json;
    use valetkey_core::provider::ClientAuth;

    use super::*;
    use crate::protocol::fake::{Fake, Reply};

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn client(fake: &Fake) -> Client {
        let mut client = fake.client(ClientAuth::None);
        client.endpoints.issuer = Some(fake.url("/t1"));
        let place = fake.url("/t1/.well-known/openid-configuration");
        client.endpoints.discovery_url = Some(EndpointUrl::parse(&place).unwrap());
        client
    }

    /// The metadata of an issuer that publishes `document` beside its own name.
    async fn published(document: Value) -> (Result<Option<Arc<Metadata>>, SignInFailure>, Fake) {
        let fake = Fake::with_url(|base| {
            let mut document = document;
            if document["issuer"].is_null() {
                document["issuer"] = format!("{base}/t1").into();
            }
            vec![Reply::json(200, &document)]
        });
        let discovery = ProviderClient::default();
        (discovery.metadata(&client(&fake), NOW).await, fake)
    }

    #[tokio::test]
    async fn the_least_metadata_is_enough() {
        let (metadata, fake) = published(json!({"unknown": [1]})).await;
        let metadata = metadata.unwrap().unwrap();
        assert_eq!(
            (metadata.jwks_uri.as_ref(), metadata.sends_iss),
            (None, false)
        );
        assert!(
            fake.requests()[0]
                .head
                .starts_with("GET /t1/.well-known/openid-configuration ")
        );
    }

    #[tokio::test]
    async fn another_issuer_is_refused() {
        let (refused, _) = published(json!({"issuer": "https://h/"})).await;
        assert!(
            matches!(refused, Err(SignInFailure::FixClient { .. })),
            "{refused:?}"
        );
    }

    #[tokio::test]
    async fn an_issuer_that_differs_by_a_slash_is_refused_with_both_values() {
        let fake = Fake::with_url(|base| {
            vec![Reply::json(200, &json!({"issuer": format!("{base}/t1/")}))]
        });
        let (ours, theirs) = (fake.url("/t1"), fake.url("/t1/"));
        let refused = ProviderClient::default()
            .metadata(&client(&fake), NOW)
            .await;
        assert_eq!(
            refused,
            Err(SignInFailure::WrongField {
                field: "issuer",
                value: Some(theirs.clone()),
                reason: format!("the provider's issuer is `{theirs}`, but `{ours}` is set"),
            })
        );
    }

    #[tokio::test]
    async fn metadata_that_another_client_asked_for_is_checked_too() {
        let fake =
            Fake::with_url(|base| vec![Reply::json(200, &json!({"issuer": format!("{base}/t1")}))]);
        let discovery = ProviderClient::default();
        let mut client = client(&fake);
        assert!(discovery.metadata(&client, NOW).await.is_ok());
        client.endpoints.issuer = Some(fake.url("/t1/"));
        let refused = discovery.metadata(&client, NOW).await;
        assert!(
            matches!(refused, Err(SignInFailure::WrongField { .. })),
            "{refused:?}"
        );
        client.endpoints.issuer = Some(fake.url("/t2"));
        let refused = discovery.metadata(&client, NOW).await;
        assert!(
            matches!(refused, Err(SignInFailure::FixClient { .. })),
            "{refused:?}"
        );
    }

    #[tokio::test]
    async fn a_provider_without_s256_is_refused_and_never_downgraded_to() {
        let (refused, _) = published(json!({"code_challenge_methods_supported": ["plain"]})).await;
        assert!(format!("{refused:?}").contains("S256"));
        let (fine, _) =
            published(json!({"code_challenge_methods_supported": ["plain", "S256"]})).await;
        assert!(fine.is_ok());
    }

    #[tokio::test]
    async fn a_key_url_that_is_not_safe_is_refused() {
        let (refused, _) = published(json!({"jwks_uri": "http://example.com/keys"})).await;
        assert!(refused.is_err());
    }

    #[tokio::test]
    async fn a_provider_that_cannot_be_asked_is_no_obstacle() {
        let missing = || Reply::json(404, &json!({}));
        let fake = Fake::start(vec![missing(), missing(), missing()]);
        let discovery = ProviderClient::default();
        assert_eq!(discovery.metadata(&client(&fake), NOW).await, Ok(None));
        let heads: Vec<_> = fake
            .requests()
            .iter()
            .map(|r| r.head.lines().next().unwrap().to_owned())
            .collect();
        assert_eq!(
            heads,
            [
                "GET /t1/.well-known/openid-configuration HTTP/1.1",
                "GET /.well-known/oauth-authorization-server/t1 HTTP/1.1",
                "GET /.well-known/openid-configuration/t1 HTTP/1.1",
            ]
        );
    }

    #[tokio::test]
    async fn metadata_is_found_wherever_it_may_be() {
        let fake = Fake::with_url(|base| {
            let of = |issuer: String| Reply::json(200, &json!({"issuer": issuer}));
            vec![
                of(format!("{base}/another")),
                Reply::json(404, &json!({})),
                of(format!("{base}/t1")),
            ]
        });
        let found = ProviderClient::default()
            .metadata(&client(&fake), NOW)
            .await;
        assert_eq!(found.unwrap().unwrap().issuer, fake.url("/t1"));
    }

    #[test]
    fn metadata_of_a_public_issuer_names_no_private_endpoint() {
        for field in [
            "jwks_uri",
            "device_authorization_endpoint",
            "pushed_authorization_request_endpoint",
        ] {
            let document = json!({"issuer": "https://as.test", field: "http://127.0.0.1:2375/x"});
            let document = || serde_json::from_value::<Document>(document.clone()).unwrap();
            let refused = read(document(), Network::Public).unwrap_err();
            assert!(
                matches!(&refused, SignInFailure::FixClient { reason } if reason.contains(field)),
                "{refused:?}"
            );
            assert!(read(document(), Network::Any).is_ok(), "{field}");
        }
    }

    #[tokio::test]
    async fn metadata_is_asked_for_once_an_hour() {
        let fake = Fake::with_url(|base| {
            let document = json!({"issuer": format!("{base}/t1")});
            vec![Reply::json(200, &document), Reply::json(200, &document)]
        });
        let discovery = ProviderClient::default();
        let client = client(&fake);
        let later = |minutes| NOW.checked_add(SignedDuration::from_mins(minutes)).unwrap();
        for now in [NOW, later(59), later(61), later(62)] {
            assert!(discovery.metadata(&client, now).await.unwrap().is_some());
        }
        assert_eq!(fake.requests().len(), 2);
    }

    #[test]
    fn the_tenant_of_microsoft_is_the_one_exception_to_identity() {
        let template = "https://login.microsoftonline.com/{tenantid}/v2.0";
        let of = |tenant: &str| format!("https://login.microsoftonline.com/{tenant}/v2.0");
        for tenant in ["{tenantid}", "72f988bf-86f1-41af-91ab-2d7cd011db47"] {
            assert!(fits_template(template, &of(tenant)), "{tenant}");
        }
        for tenant in ["", "a/b", "a.evil", "x/../y"] {
            assert!(!fits_template(template, &of(tenant)), "{tenant}");
        }
        assert!(!fits_template("https://h", "https://h/"));
        assert!(is_issuer(template, Some("t-1"), &of("t-1")));
        assert!(!is_issuer(template, Some("t-2"), &of("t-1")));
        assert!(!is_issuer(template, None, template));
    }

    proptest! {
        #[test]
        fn no_document_and_no_key_set_break_the_reader(
            names in prop::collection::vec("issuer|jwks_uri|code_challenge_methods_supported|keys|.{0,8}", 0..6),
            texts in prop::collection::vec(".{0,30}|https?://.{0,20}", 6),
        ) {
            let members = names.iter().zip(&texts);
            let document: serde_json::Map<String, Value> = members
                .map(|(name, text)| (name.clone(), if text.len() % 2 == 0 { json!(text) } else { json!([text]) }))
                .collect();
            let client = crate::protocol::fake::client_at("https://h", ClientAuth::None);
            if let Ok(document) = serde_json::from_value::<Document>(document.clone().into()) {
                let _ = read(document, Network::Public).map(|metadata| check(&client, &metadata));
            }
            let _ = serde_json::from_value::<KeySet>(document.into());
        }
    }
}
