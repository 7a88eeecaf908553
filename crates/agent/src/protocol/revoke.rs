//! The end of a grant at the provider, in the provider's own way, with an honest report.

use std::time::Duration;

use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use ::http::{Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::grant::Grant;
use valetkey_core::provider::{ClientAuth, RevocationEndpoint, RevocationMethod};
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
        let Ok(url) = EndpointUrl::parse(url(endpoint)) else {
            return Revocation::Failed("the revocation URL cannot be used".to_owned());
        };
        let requests = match plan(client, endpoint.method, &url, grant, now) {
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

/// The requests, in order.
fn plan(
    client: &Client,
    method: RevocationMethod,
    url: &EndpointUrl,
    grant: &Grant,
    now: Timestamp,
) -> Result<Vec<Request<Bytes>>, Revocation> {
    let access = RevocableToken::Access(&grant.access_token);
    let refresh = grant.refresh_token.as_ref().map(RevocableToken::Refresh);
    let built = match method {
        RevocationMethod::Rfc7009 => {
            let has_not_expired = grant.is_valid(now) || refresh.is_none();
            let tokens = refresh.into_iter().chain(has_not_expired.then_some(access));
            tokens
                .map(|token| request::revoke(client, client.endpoints.client_auth, url, token))
                .collect()
        }
        RevocationMethod::TokenOnly => {
            // Either token ends the whole grant, so the second would be unknown already.
            let token = refresh.unwrap_or(access);
            request::revoke(client, ClientAuth::None, url, token).map(|request| vec![request])
        }
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
            authorized(Method::DELETE, url, ("Basic", &credentials), body).map(|r| vec![r])
        }
        RevocationMethod::Bearer => {
            require_valid_token(grant, now)?;
            let credentials = ("Bearer", grant.access_token.expose());
            authorized(Method::POST, url, credentials, Zeroizing::default()).map(|r| vec![r])
        }
    };
    built.map_err(|error| Revocation::Failed(error.to_string()))
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
