//! The end of a grant at the provider, in the provider's own way, with an honest report.

use std::collections::BTreeMap;
use std::time::Duration;

use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use ::http::{Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use url::form_urlencoded::byte_serialize;
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::grant::Grant;
use valetkey_core::provider::{
    ApiAuth, ClientAuth, RevocationEndpoint, RevocationMethod, RevokedTokens,
};
use valetkey_core::secret::{AccessToken, ClientSecret};
use valetkey_core::secret_json;
use valetkey_core::token_error::clean;
use valetkey_core::token_response::Answer;
use zeroize::Zeroizing;

use super::ProviderClient;
use super::request::{self, NotBuilt, RevocableToken};
use crate::client::Client;

/// A disconnect waits no longer than this for the provider.
const LIMIT: Duration = Duration::from_secs(10);

/// Errors of providers for a token that works no more, which is what was wanted.
const ALREADY_REVOKED: &[&str] = &[
    "invalid_token",
    "invalid_grant",
    "token_revoked",
    "token_expired",
    "invalid_auth",
    "account_inactive",
];

const NOT_THIS_KIND: &str =
    "The provider does not revoke this kind of token. Remove the app in the account's settings.";

/// What became of the tokens at the provider. Honest: told to the person as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", content = "why", rename_all = "snake_case")]
pub enum Revocation {
    /// They work no more.
    Revoked,
    /// The provider has no way to do it; why, and what the person can do.
    NotPossible(String),
    /// It was tried and did not succeed: the tokens may still work.
    Failed(String),
}

impl ProviderClient {
    /// Revokes the refresh token, then the access token if it is still valid; within 10 s.
    pub async fn revoke(&self, client: &Client, grant: &Grant, now: Timestamp) -> Revocation {
        self.revoke_at(|endpoint| &endpoint.url, client, grant, now)
            .await
    }

    /// Ends what the person consented to: every token of the account for this client, where the
    /// provider can do that, else as [`Self::revoke`].
    pub async fn revoke_consent(
        &self,
        client: &Client,
        grant: &Grant,
        now: Timestamp,
    ) -> Revocation {
        self.revoke_at(
            |endpoint| endpoint.consent_url.as_ref().unwrap_or(&endpoint.url),
            client,
            grant,
            now,
        )
        .await
    }

    async fn revoke_at(
        &self,
        url: impl FnOnce(&RevocationEndpoint) -> &String,
        client: &Client,
        grant: &Grant,
        now: Timestamp,
    ) -> Revocation {
        let Some(endpoint) = &client.endpoints.revocation else {
            let note = client.provider.revocation_note.clone();
            return Revocation::NotPossible(note.unwrap_or_else(|| {
            "No revocation URL is known for this provider. Remove the app in the account's settings."
                .to_owned()
        }));
        };
        let at = self.time_at(&client.endpoints.token_url);
        let requests = match plan(client, endpoint, url(endpoint), grant, now, at) {
            Ok(requests) => requests,
            Err(outcome) => return outcome,
        };
        let all = async {
            let mut outcome = Revocation::Revoked;
            for (position, request) in requests.into_iter().enumerate() {
                let answer = match self.send(request).await {
                    Ok(answer) => answer,
                    Err(error) => return Revocation::Failed(error.reason),
                };
                match judge(&answer) {
                    Verdict::Done => {}
                    // The refresh token is gone, and with it the access token: some take only the first.
                    Verdict::Unsupported if position > 0 => {}
                    Verdict::Unsupported => {
                        outcome = Revocation::NotPossible(NOT_THIS_KIND.to_owned());
                    }
                    Verdict::Failed(reason) => return Revocation::Failed(reason),
                }
            }
            outcome
        };
        tokio::time::timeout(LIMIT, all).await.unwrap_or_else(|_| {
            Revocation::Failed(format!("no answer within {} s", LIMIT.as_secs()))
        })
    }
}

/// The requests, in order; assertions in them are of `provider_time`.
pub(super) fn plan(
    client: &Client,
    endpoint: &RevocationEndpoint,
    url: &str,
    grant: &Grant,
    now: Timestamp,
    provider_time: Timestamp,
) -> Result<Vec<Request<Bytes>>, Revocation> {
    let parsed = EndpointUrl::parse(url)
        .map_err(|_| Revocation::Failed("the revocation URL cannot be used".to_owned()))?;
    let url = &parsed;
    let client_auth = endpoint.client_auth.unwrap_or(client.endpoints.client_auth);
    let each = |build: &dyn Fn(RevocableToken<'_>) -> Result<Request<Bytes>, NotBuilt>| {
        let tokens = tokens(endpoint.tokens, grant, now)?;
        Ok::<_, Revocation>(tokens.into_iter().map(build).collect())
    };
    let one = |built: Result<Request<Bytes>, NotBuilt>| built.map(|request| vec![request]);
    let built: Result<Vec<Request<Bytes>>, NotBuilt> = match endpoint.method {
        RevocationMethod::Rfc7009 => {
            each(&|token| request::revoke(client, client_auth, url, token, provider_time))?
        }
        RevocationMethod::TokenOnly => {
            each(&|token| request::revoke(client, ClientAuth::None, url, token, provider_time))?
        }
        RevocationMethod::Json => each(&|token| json(client, client_auth, endpoint, url, token))?,
        RevocationMethod::DeleteWithBasic => {
            let Some(secret) = &client.secret else {
                return Err(Revocation::NotPossible(
                    "The provider revokes tokens only for a client with a secret. Remove the app in the account's \
                     settings."
                        .to_owned(),
                ));
            };
            require_valid_token(grant, now)?;
            let client_id = &client.authenticator.client_id;
            let credentials = Zeroizing::new(format!("{client_id}:{}", secret.expose()));
            let credentials = Zeroizing::new(STANDARD.encode(&*credentials));
            let body = secret_json::to_vec(&DeleteBody {
                access_token: grant.access_token.expose(),
            });
            one(authorized(
                Method::DELETE,
                url,
                ("Basic", &credentials),
                body,
            ))
        }
        RevocationMethod::Bearer => {
            require_valid_token(grant, now)?;
            let credentials = ("Bearer", grant.access_token.expose());
            one(authorized(
                Method::POST,
                url,
                credentials,
                Zeroizing::default(),
            ))
        }
        RevocationMethod::BearerForm => {
            require_valid_token(grant, now)?;
            one(request::bearer_form(url, &grant.access_token))
        }
        RevocationMethod::DeleteAsApi => {
            require_valid_token(grant, now)?;
            one(delete_as_api(
                &client.provider.api_auth,
                url,
                &grant.access_token,
            ))
        }
        RevocationMethod::DeleteUrl => {
            let token = grant.refresh_token.as_ref().ok_or_else(not_this_kind)?;
            let token = Zeroizing::new(encoded(token.expose()));
            let filled = Zeroizing::new(url.as_str().replace("{refresh_token}", &token));
            let filled = EndpointUrl::parse(&filled).map_err(|_| NotBuilt);
            one(filled.and_then(|url| delete(&url)))
        }
    };
    built.map_err(|error| Revocation::Failed(error.to_string()))
}

/// The tokens that go out, in order: one that has expired is unknown there already.
fn tokens(
    takes: RevokedTokens,
    grant: &Grant,
    now: Timestamp,
) -> Result<Vec<RevocableToken<'_>>, Revocation> {
    let access = RevocableToken::Access(&grant.access_token);
    let refresh = grant.refresh_token.as_ref().map(RevocableToken::Refresh);
    match takes {
        RevokedTokens::Both => {
            let has_not_expired = grant.is_valid(now) || refresh.is_none();
            let access = has_not_expired.then_some(access);
            Ok(refresh.into_iter().chain(access).collect())
        }
        RevokedTokens::Either => Ok(vec![refresh.unwrap_or(access)]),
        RevokedTokens::Refresh => Ok(vec![refresh.ok_or_else(not_this_kind)?]),
        RevokedTokens::Access => {
            require_valid_token(grant, now)?;
            Ok(vec![access])
        }
    }
}

fn not_this_kind() -> Revocation {
    Revocation::NotPossible(NOT_THIS_KIND.to_owned())
}

/// The provider's own object. The client authenticates in the header unless the object holds its secret.
fn json(
    client: &Client,
    client_auth: ClientAuth,
    endpoint: &RevocationEndpoint,
    url: &EndpointUrl,
    token: RevocableToken<'_>,
) -> Result<Request<Bytes>, NotBuilt> {
    let client_id = client.authenticator.client_id.as_str();
    let secret = client.secret.as_ref().map_or("", ClientSecret::expose);
    let fields = endpoint.fields.iter();
    let object: BTreeMap<&str, &str> = fields
        .map(|(name, value)| {
            let value = match value.as_str() {
                "{token}" => token.expose(),
                "{client_id}" => client_id,
                "{client_secret}" => secret,
                other => other,
            };
            (name.as_str(), value)
        })
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let mut request = Request::post(request::uri(url)?)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/json");
    let holds_secret = endpoint
        .fields
        .values()
        .any(|value| value == "{client_secret}");
    if client_auth == ClientAuth::ClientSecretBasic && !holds_secret {
        request = request.header(AUTHORIZATION, request::basic(client_id, secret)?);
    }
    request
        .body(request::wiped(secret_json::to_vec(&object)))
        .map_err(|_| NotBuilt)
}

fn delete_as_api(
    auth: &ApiAuth,
    url: &EndpointUrl,
    token: &AccessToken,
) -> Result<Request<Bytes>, NotBuilt> {
    let mut request = delete(url)?;
    let (name, value) = request::api_header(auth, token)?;
    request.headers_mut().insert(name, value);
    Ok(request)
}

fn delete(url: &EndpointUrl) -> Result<Request<Bytes>, NotBuilt> {
    Request::delete(request::uri(url)?)
        .header(ACCEPT, "application/json")
        .body(Bytes::new())
        .map_err(|_| NotBuilt)
}

/// For one segment of a path.
fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

/// Some methods name only an access token. One that has expired is unknown there already, which says
/// nothing about the refresh token beside it. Refreshing in order to revoke was rejected: it would
/// create what is to be revoked, and leave it valid if the second half fails.
fn require_valid_token(grant: &Grant, now: Timestamp) -> Result<(), Revocation> {
    if grant.is_valid(now) {
        return Ok(());
    }
    Err(Revocation::NotPossible(
        "The provider revokes only with a valid access token, and this one has expired. Remove the app in the account's \
         settings."
            .to_owned(),
    ))
}

#[derive(Serialize)]
struct DeleteBody<'a> {
    access_token: &'a str,
}

/// A request with these `credentials` (scheme and value); `body` is JSON or empty.
fn authorized(
    method: Method,
    url: &EndpointUrl,
    (scheme, credentials): (&str, &str),
    body: Zeroizing<Vec<u8>>,
) -> Result<Request<Bytes>, NotBuilt> {
    let mut request = Request::builder()
        .method(method)
        .uri(request::uri(url)?)
        .header(ACCEPT, "application/json")
        .header(AUTHORIZATION, request::authorization(scheme, credentials)?);
    if !body.is_empty() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    request.body(request::wiped(body)).map_err(|_| NotBuilt)
}

/// What one answer says about its token.
enum Verdict {
    Done,
    /// `unsupported_token_type` (RFC 7009, section 2.2.1).
    Unsupported,
    Failed(String),
}

/// 2xx confirms the revocation, also of an unknown token (RFC 7009, section 2.2); Slack sends
/// `ok: false` with 200, Google `invalid_token` with 400. A 404 confirms nothing: it may come from a
/// proxy, or from an endpoint that has moved. Nor does a web page, whatever its status.
fn judge(answer: &Answer) -> Verdict {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let error = body["error"].as_str();
    let refused = body["ok"] == Value::Bool(false);
    let already_revoked = error.is_some_and(|error| ALREADY_REVOKED.contains(&error));
    let is_page = answer.body.trim_ascii_start().starts_with(b"<");
    if already_revoked || (answer.is_success() && !refused && !is_page) {
        return Verdict::Done;
    }
    if is_page {
        let reason = format!("HTTP {}: a web page instead of an answer", answer.status);
        return Verdict::Failed(reason);
    }
    if error == Some("unsupported_token_type") {
        return Verdict::Unsupported;
    }
    let words = error.map_or_else(String::new, |error| format!(": {}", clean(error, &[])));
    Verdict::Failed(format!("HTTP {}{words}", answer.status))
}

#[cfg(test)]
mod tests;
