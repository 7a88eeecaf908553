//! Who signed in: a name for people, and what makes it the same account for ever.

use ::http::header::{ACCEPT, CONTENT_TYPE};
use ::http::{HeaderName, HeaderValue, Method, Request};
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::Value;
use valetkey_core::account::Subject;
use valetkey_core::authenticator::Endpoints;
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::grant::{Grant, TokenType};
use valetkey_core::provider::{ApiAuth, Provider, Userinfo, UserinfoMethod};
use valetkey_core::secret::{AccessToken, DpopKey};
use valetkey_core::token_error::{SignInFailure, one_line};
use valetkey_core::token_response::{Answer, TokenResponse};

use super::http::NoUsableAnswer;
use super::id_token::{self, Verified};
use super::metadata::Metadata;
use super::{ProofKey, ProviderClient, request};
use crate::client::Client;

/// Longest name that is shown, in characters.
const MAX_NAME_CHARS: usize = 128;
/// Claims of an id token that name a person, best first.
const NAME_CLAIMS: &[&str] = &["email", "preferred_username", "name"];

/// Who signed in, as far as the provider says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Identity {
    /// For people.
    pub display_name: Option<String>,
    /// For comparing.
    pub subject: Option<Subject>,
}

impl Identity {
    /// A client that speaks for itself.
    pub(crate) fn of_client(client: &Client) -> Self {
        let client_id = &client.authenticator.client_id;
        Self {
            display_name: shown(Some(&Value::String(client_id.clone()))),
            subject: Some(Subject {
                issuer: namespace(client.provider, &client.endpoints),
                sub: client_id.clone(),
            }),
        }
    }
}

/// What an id token of a sign-in must hold.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedIdToken<'a> {
    /// The provider's metadata, where there is some.
    pub metadata: Option<&'a Metadata>,
    /// As sent in the authorization request; None if none was sent.
    pub nonce: Option<&'a str>,
}

/// Whether a provider takes a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenTest {
    /// It does.
    Accepted {
        /// The host that was asked.
        host: Option<String>,
        /// Whose it is.
        account: Option<String>,
    },
    /// It answered 401 or 403, or said no in its own way.
    Refused,
    /// It did not answer, or nothing that could be understood.
    Unreachable {
        /// Why.
        reason: String,
    },
    /// It has no endpoint to ask.
    NotKnown,
}

/// What the userinfo endpoint said.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Told {
    Account(Value),
    Refused,
    Nothing(String),
}

impl ProviderClient {
    /// Asks who signed in.
    ///
    /// Userinfo that fails costs only the name. An id token that does not hold, or userinfo about
    /// somebody else (OpenID Connect Core, 5.3.2), ends the sign-in.
    pub async fn identify(
        &self,
        client: &Client,
        expected: ExpectedIdToken<'_>,
        reply: &TokenResponse,
        now: Timestamp,
    ) -> Result<Identity, SignInFailure> {
        let verified = match &reply.id_token {
            Some(token) => {
                let ExpectedIdToken { metadata, nonce } = expected;
                id_token::verify(self, client, metadata, token, nonce, now).await?
            }
            None => None,
        };
        let Some(userinfo) = &client.endpoints.userinfo else {
            return identity(client, verified, &Value::Null);
        };
        let key = proof_key(reply.token_type, reply.dpop_key.as_ref());
        let members = match self
            .ask(client, userinfo, &reply.access_token, key.as_ref())
            .await
        {
            Told::Account(members) => members,
            told @ (Told::Refused | Told::Nothing(_)) => {
                tracing::debug!(provider = client.provider.id, ?told, "no userinfo");
                Value::Null
            }
        };
        identity(client, verified, &members)
    }

    /// Asks the provider whether it takes this token.
    pub async fn test_token(&self, client: &Client, grant: &Grant) -> TokenTest {
        let Some(userinfo) = &client.endpoints.userinfo else {
            return TokenTest::NotKnown;
        };
        let key = proof_key(grant.token_type, grant.dpop_key.as_ref());
        let asked = self.ask(client, userinfo, &grant.access_token, key.as_ref());
        match asked.await {
            Told::Account(members) => TokenTest::Accepted {
                host: EndpointUrl::parse(&userinfo.url).ok().map(|url| url.host()),
                account: name(userinfo, &members),
            },
            Told::Refused => TokenTest::Refused,
            Told::Nothing(reason) => TokenTest::Unreachable { reason },
        }
    }

    async fn ask(
        &self,
        client: &Client,
        userinfo: &Userinfo,
        token: &AccessToken,
        key: Option<&ProofKey>,
    ) -> Told {
        let at = self.time_at(&client.endpoints.token_url);
        let Some(request) = request(client, userinfo, token, at) else {
            return Told::Nothing("no request can be sent to the userinfo URL".to_owned());
        };
        // Introspection presents the token in its body, as what is asked about.
        let key = key.filter(|_| userinfo.method != UserinfoMethod::Introspect);
        match self.send_to_resource(key, token, request).await {
            Ok(answer) if answer.status == 403 => Told::Refused,
            Ok(answer) => told(&answer),
            Err(NoUsableAnswer::Unreachable(error)) => Told::Nothing(error.reason),
            Err(NoUsableAnswer::NotBuilt(error)) => Told::Nothing(error.to_string()),
        }
    }
}

/// What the answer of a userinfo endpoint says.
pub(super) fn told(answer: &Answer) -> Told {
    if answer.status == 401 {
        return Told::Refused;
    }
    let Ok(told) = serde_json::from_slice::<Value>(&answer.body) else {
        return Told::Nothing(format!("HTTP {}", answer.status));
    };
    // Slack's way to refuse, and that of token introspection (RFC 7662, section 2.2).
    let refuses = ["ok", "active"]
        .iter()
        .any(|name| told.get(name) == Some(&Value::Bool(false)));
    // GraphQL names errors beside a success status.
    let failed = told.get("errors").is_some() && told.get("data").is_none_or(Value::is_null);
    match told {
        _ if refuses => Told::Refused,
        Value::Object(_) | Value::Array(_) if answer.is_success() && !failed => Told::Account(told),
        _ => Told::Nothing(format!("HTTP {}", answer.status)),
    }
}

/// The key of a bound token; a damaged one is found out by the next refresh.
fn proof_key(token_type: TokenType, key: Option<&DpopKey>) -> Option<ProofKey> {
    let key = key.filter(|_| token_type == TokenType::Dpop)?;
    ProofKey::read(key)
}

fn identity(
    client: &Client,
    verified: Option<Verified>,
    members: &Value,
) -> Result<Identity, SignInFailure> {
    let userinfo = client.endpoints.userinfo.as_ref();
    let told = userinfo.and_then(|userinfo| sub(userinfo, members));
    if let (Some(verified), Some(told), Some(userinfo)) = (&verified, &told, userinfo)
        && userinfo.subject_fields == ["sub"]
        && *told != verified.subject.sub
    {
        return Err(SignInFailure::Untrusted {
            reason: "userinfo speaks of another account than the id token".to_owned(),
        });
    }
    let display_name = userinfo
        .and_then(|userinfo| name(userinfo, members))
        .or_else(|| {
            let claims = &verified.as_ref()?.claims;
            NAME_CLAIMS
                .iter()
                .find_map(|claim| shown(claims.get(*claim)))
        });
    let subject = match verified {
        Some(verified) => Some(verified.subject),
        None => told.map(|sub| Subject {
            issuer: namespace(client.provider, &client.endpoints),
            sub,
        }),
    };
    Ok(Identity {
        display_name,
        subject,
    })
}

/// Who vouches for a `sub` that no id token confirmed.
pub(super) fn namespace(provider: &Provider, endpoints: &Endpoints) -> String {
    let issuer = endpoints
        .issuer
        .as_deref()
        .filter(|issuer| !issuer.contains('{'));
    match issuer {
        Some(issuer) => issuer.to_owned(),
        None if provider.token_url.is_empty() => endpoints.token_url.host(),
        None => provider.id.clone(),
    }
}

pub(super) fn request(
    client: &Client,
    userinfo: &Userinfo,
    token: &AccessToken,
    now: Timestamp,
) -> Option<Request<Bytes>> {
    if userinfo.method == UserinfoMethod::Introspect {
        let url = EndpointUrl::parse(&userinfo.url).ok()?;
        return request::introspect(client, &url, token, now).ok();
    }
    let auth = userinfo.auth.as_ref().unwrap_or(&client.provider.api_auth);
    as_api_request(userinfo, auth, token)
}

/// A request that carries the token as API requests do; none for [`UserinfoMethod::Introspect`].
pub(super) fn as_api_request(
    userinfo: &Userinfo,
    auth: &ApiAuth,
    token: &AccessToken,
) -> Option<Request<Bytes>> {
    let url = EndpointUrl::parse(&userinfo.url).ok()?;
    let method = match userinfo.method {
        UserinfoMethod::Get => Method::GET,
        UserinfoMethod::Post => Method::POST,
        UserinfoMethod::Introspect => return None,
    };
    let (name, value) = request::api_header(auth, token).ok()?;
    let mut request = Request::builder()
        .method(method)
        .uri(request::uri(&url).ok()?)
        .header(ACCEPT, "application/json")
        .header(name, value);
    if userinfo.body.is_some() {
        request = request.header(CONTENT_TYPE, "application/json");
    }
    let body = userinfo.body.clone().map(Bytes::from).unwrap_or_default();
    let mut request = request.body(body).ok()?;
    for (name, value) in &userinfo.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        request
            .headers_mut()
            .insert(name, HeaderValue::from_str(value).ok()?);
    }
    Some(request)
}

/// All fields of the identity; with one of them missing there is none.
pub(super) fn sub(userinfo: &Userinfo, members: &Value) -> Option<String> {
    let parts: Option<Vec<String>> = userinfo
        .subject_fields
        .iter()
        .map(|field| plain(at(members, field)))
        .collect();
    parts
        .filter(|parts| !parts.is_empty())
        .map(|parts| parts.join("/"))
}

/// `ada@example.com`, or `ada @ Analytical Engines` where the provider says what it belongs to.
pub(super) fn name(userinfo: &Userinfo, members: &Value) -> Option<String> {
    let label = userinfo
        .label_fields
        .iter()
        .find_map(|field| shown(at(members, field)))?;
    let context = userinfo.context_field.as_ref();
    Some(match context.and_then(|field| shown(at(members, field))) {
        Some(context) => format!("{label} @ {context}"),
        None => label,
    })
}

/// What stands at `data.viewer.email` or `0.name`.
fn at<'a>(members: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(members, |value, part| match value {
            Value::Array(items) => items.get(part.parse::<usize>().ok()?),
            other => other.get(part),
        })
}

fn shown(value: Option<&Value>) -> Option<String> {
    let line: String = one_line(&plain(value)?)
        .chars()
        .take(MAX_NAME_CHARS)
        .collect();
    (!line.is_empty()).then_some(line)
}

/// A text or a number: GitHub's ids are numbers.
fn plain(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
