//! Who signed in: a name for people, and what makes it the same account for ever.

use ::http::header::{ACCEPT, AUTHORIZATION};
use ::http::{HeaderValue, Method, Request};
use jiff::Timestamp;
use serde_json::{Map, Value};
use valetkey_core::connection::Subject;
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::provider::{Userinfo, UserinfoMethod};
use valetkey_core::refusal::{SignInFailure, one_line};
use valetkey_core::secret::AccessToken;
use valetkey_core::token_reply::TokenReply;

use super::id_token::{self, Verified};
use super::{AuthorizeRequest, ProviderClient};
use crate::client::Client;

/// Longest name that is shown, in characters.
const LONGEST_NAME: usize = 128;
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

/// Whether a provider takes a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenTest {
    /// It does.
    Accepted {
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
enum Told {
    Members(Map<String, Value>),
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
        request: &AuthorizeRequest,
        reply: &TokenReply,
        now: Timestamp,
    ) -> Result<Identity, SignInFailure> {
        let verified = match &reply.id_token {
            Some(token) => {
                let (metadata, nonce) = (request.metadata.as_deref(), request.nonce.as_deref());
                id_token::verify(self, client, metadata, token, nonce, now).await?
            }
            None => None,
        };
        let Some(userinfo) = &client.endpoints.userinfo else {
            return identity(client, verified, &Map::new());
        };
        let members = match self.ask(userinfo, &reply.access_token).await {
            Told::Members(members) => members,
            told @ (Told::Refused | Told::Nothing(_)) => {
                tracing::debug!(provider = client.provider.id, ?told, "no userinfo");
                Map::new()
            }
        };
        identity(client, verified, &members)
    }

    /// Asks the provider whether it takes this token.
    pub async fn test_token(&self, client: &Client, token: &AccessToken) -> TokenTest {
        let Some(userinfo) = &client.endpoints.userinfo else {
            return TokenTest::NotKnown;
        };
        match self.ask(userinfo, token).await {
            Told::Members(members) => TokenTest::Accepted {
                account: name(userinfo, &members),
            },
            Told::Refused => TokenTest::Refused,
            Told::Nothing(reason) => TokenTest::Unreachable { reason },
        }
    }

    async fn ask(&self, userinfo: &Userinfo, token: &AccessToken) -> Told {
        let Some(request) = request(userinfo, token) else {
            return Told::Nothing("no request can be sent to the userinfo URL".to_owned());
        };
        let answer = match self.send(request).await {
            Ok(answer) => answer,
            Err(error) => return Told::Nothing(error.reason),
        };
        if matches!(answer.status, 401 | 403) {
            return Told::Refused;
        }
        match serde_json::from_slice(&answer.body) {
            Ok(Value::Object(members)) if members.get("ok") == Some(&Value::Bool(false)) => {
                Told::Refused
            }
            Ok(Value::Object(members)) if answer.is_success() => Told::Members(members),
            _ => Told::Nothing(format!("HTTP {}", answer.status)),
        }
    }
}

fn identity(
    client: &Client,
    verified: Option<Verified>,
    members: &Map<String, Value>,
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
            issuer: namespace(client),
            sub,
        }),
    };
    Ok(Identity {
        display_name,
        subject,
    })
}

/// Who vouches for a `sub` that no id token confirmed.
fn namespace(client: &Client) -> String {
    let issuer = client
        .endpoints
        .issuer
        .as_deref()
        .filter(|issuer| !issuer.contains('{'));
    match issuer {
        Some(issuer) => issuer.to_owned(),
        None if client.provider.token_url.is_empty() => client.endpoints.token_url.host(),
        None => client.provider.id.clone(),
    }
}

fn request(userinfo: &Userinfo, token: &AccessToken) -> Option<Request<Vec<u8>>> {
    let url = EndpointUrl::parse(&userinfo.url).ok()?;
    let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose())).ok()?;
    bearer.set_sensitive(true);
    let method = match userinfo.method {
        UserinfoMethod::Get => Method::GET,
        UserinfoMethod::Post => Method::POST,
    };
    Request::builder()
        .method(method)
        .uri(super::request::uri(&url).ok()?)
        .header(ACCEPT, "application/json")
        .header(AUTHORIZATION, bearer)
        .body(Vec::new())
        .ok()
}

/// All fields of the identity; with one of them missing there is none.
fn sub(userinfo: &Userinfo, members: &Map<String, Value>) -> Option<String> {
    let parts: Option<Vec<String>> = userinfo
        .subject_fields
        .iter()
        .map(|field| plain(members.get(field)))
        .collect();
    parts
        .filter(|parts| !parts.is_empty())
        .map(|parts| parts.join("/"))
}

/// `ada@example.com`, or `ada @ Analytical Engines` where the provider says what it belongs to.
fn name(userinfo: &Userinfo, members: &Map<String, Value>) -> Option<String> {
    let label = userinfo
        .label_fields
        .iter()
        .find_map(|field| shown(members.get(field)))?;
    let context = userinfo.context_field.as_ref();
    Some(match context.and_then(|field| shown(members.get(field))) {
        Some(context) => format!("{label} @ {context}"),
        None => label,
    })
}

fn shown(value: Option<&Value>) -> Option<String> {
    let line: String = one_line(&plain(value)?)
        .chars()
        .take(LONGEST_NAME)
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
mod tests {
    use serde_json::json;
    use valetkey_core::provider::ClientAuth;
    use valetkey_core::scope::Scopes;
    use valetkey_core::secret::IdToken;

    use super::*;
    use crate::protocol::fake::{Fake, Reply, client_at};

    fn client(base: &str, userinfo: Userinfo) -> Client {
        let mut client = client_at(base, ClientAuth::None);
        client.endpoints.issuer = Some("https://h".to_owned());
        client.endpoints.userinfo = Some(userinfo);
        client
    }

    fn of(
        userinfo: Userinfo,
        members: &Value,
        verified: Option<&str>,
    ) -> Result<Identity, SignInFailure> {
        let verified = verified.map(|sub| Verified {
            subject: Subject {
                issuer: "https://h".to_owned(),
                sub: sub.to_owned(),
            },
            claims: json!({"email": "id@token"}).as_object().unwrap().clone(),
        });
        identity(
            &client("https://h", userinfo),
            verified,
            members.as_object().unwrap(),
        )
    }

    fn catalogue_userinfo(id: &str) -> Userinfo {
        valetkey_core::catalogue::provider(id)
            .unwrap()
            .userinfo
            .clone()
            .unwrap()
    }

    #[test]
    fn accounts_are_named_as_their_providers_name_them() {
        let github = of(
            catalogue_userinfo("github"),
            &json!({"login": "ada", "id": 815}),
            None,
        )
        .unwrap();
        assert_eq!(github.display_name.as_deref(), Some("ada"));
        assert_eq!(github.subject.unwrap().sub, "815");

        let slack =
            json!({"ok": true, "user": "ada", "team": "Engines", "user_id": "U1", "team_id": "T1"});
        let slack = of(catalogue_userinfo("slack"), &slack, None).unwrap();
        assert_eq!(slack.display_name.as_deref(), Some("ada @ Engines"));
        assert_eq!(slack.subject.unwrap().sub, "T1/U1");

        let google = json!({"sub": "1", "email": "ada@example.com", "name": "Ada"});
        let google = of(catalogue_userinfo("google"), &google, Some("1")).unwrap();
        assert_eq!(google.display_name.as_deref(), Some("ada@example.com"));
        assert_eq!(google.subject.unwrap().issuer, "https://h");
    }

    #[test]
    fn userinfo_about_somebody_else_ends_the_sign_in() {
        let refused = of(
            Userinfo::standard("https://h/u"),
            &json!({"sub": "2"}),
            Some("1"),
        );
        assert!(matches!(refused, Err(SignInFailure::Untrusted { .. })));
    }

    #[test]
    fn without_userinfo_the_id_token_names_the_account_and_without_both_nobody_does() {
        let named = of(Userinfo::standard("https://h/u"), &json!({}), Some("1")).unwrap();
        assert_eq!(named.display_name.as_deref(), Some("id@token"));
        assert_eq!(named.subject.unwrap().sub, "1");
        let nobody = of(Userinfo::standard("https://h/u"), &json!({}), None).unwrap();
        assert_eq!(nobody, Identity::default());
    }

    #[test]
    fn a_name_is_one_bounded_line() {
        let odd = json!({"sub": "1", "email": format!("a\r\n\u{202e}b{}", "x".repeat(500))});
        let name = of(Userinfo::standard("https://h/u"), &odd, None)
            .unwrap()
            .display_name
            .unwrap();
        assert!(
            name.starts_with("a bxx") && name.chars().count() == 128,
            "{name}"
        );
    }

    #[tokio::test]
    async fn the_token_travels_in_the_header_only_and_refusals_are_told_apart() {
        let fake = Fake::start(vec![
            Reply::json(200, &json!({"sub": "1"})),
            Reply::json(401, &json!({})),
            Reply::json(200, &json!({"ok": false, "error": "invalid_auth"})),
            Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"),
        ]);
        let mut userinfo = Userinfo::standard(&fake.url("/u"));
        userinfo.method = UserinfoMethod::Post;
        let client = client(&fake.url(""), userinfo);
        let token = AccessToken::new("at");
        let provider = ProviderClient::default();
        let account = Some("1".to_owned());
        assert_eq!(
            provider.test_token(&client, &token).await,
            TokenTest::Accepted { account }
        );
        assert_eq!(
            provider.test_token(&client, &token).await,
            TokenTest::Refused
        );
        assert_eq!(
            provider.test_token(&client, &token).await,
            TokenTest::Refused
        );
        let reason = "HTTP 200".to_owned();
        assert_eq!(
            provider.test_token(&client, &token).await,
            TokenTest::Unreachable { reason }
        );
        let sent = &fake.requests()[0];
        assert!(sent.head.starts_with("POST /u HTTP/1.1"));
        assert_eq!(sent.header("authorization"), Some("Bearer at"));
    }

    #[tokio::test]
    async fn a_sign_in_goes_on_when_userinfo_fails_and_ends_when_the_id_token_does_not_hold() {
        let mut reply = TokenReply {
            access_token: AccessToken::new("at"),
            refresh_token: None,
            id_token: None,
            expires_in: None,
            refresh_expires_in: None,
            scopes: None,
        };
        let fake = Fake::start(vec![Reply::json(500, &json!({}))]);
        let client = client(&fake.url(""), Userinfo::standard(&fake.url("/u")));
        let request = AuthorizeRequest::new(
            &client,
            None,
            "http://127.0.0.1:1",
            &Scopes::parse_any("openid"),
        );
        let provider = ProviderClient::default();
        let now = Timestamp::UNIX_EPOCH;
        let identity = provider.identify(&client, &request, &reply, now).await;
        assert_eq!(identity, Ok(Identity::default()));

        reply.id_token = Some(IdToken::new("forged"));
        let refused = provider.identify(&client, &request, &reply, now).await;
        assert!(matches!(refused, Err(SignInFailure::Untrusted { .. })));
        assert_eq!(
            fake.requests().len(),
            1,
            "nobody is asked with a token that is not trusted"
        );
    }
}
