//! Who is signed in: asked at the userinfo endpoint.

use http::Method;
use jiff::Timestamp;
use serde_json::Value;
use valetkey_core::connection::Subject;
use valetkey_core::provider::{Userinfo, UserinfoMethod};
use valetkey_core::refusal::SignInFailure;
use valetkey_core::secret::AccessToken;
use valetkey_core::token_reply::{Answer, TokenReply};

use super::{AuthorizeRequest, ProviderClient, Unreachable};
use crate::client::Client;

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
    /// It answered 401 or 403.
    Refused,
    /// It did not answer.
    Unreachable {
        /// Why.
        reason: String,
    },
    /// It has no endpoint to ask.
    NotKnown,
}

impl ProviderClient {
    /// Asks who signed in.
    pub async fn identify(
        &self,
        client: &Client,
        _request: &AuthorizeRequest,
        reply: &TokenReply,
        _now: Timestamp,
    ) -> Result<Identity, SignInFailure> {
        let Some(userinfo) = &client.endpoints.userinfo else {
            return Ok(Identity::default());
        };
        let answer = match self.ask(userinfo, &reply.access_token).await {
            Ok(answer) if answer.is_success() => answer,
            Ok(_) | Err(_) => return Ok(Identity::default()),
        };
        Ok(read(client, userinfo, &answer))
    }

    /// Asks the provider whether it takes this token.
    pub async fn test_token(&self, client: &Client, token: &AccessToken) -> TokenTest {
        let Some(userinfo) = &client.endpoints.userinfo else {
            return TokenTest::NotKnown;
        };
        match self.ask(userinfo, token).await {
            Ok(answer) if matches!(answer.status, 401 | 403) => TokenTest::Refused,
            Ok(answer) if answer.is_success() => TokenTest::Accepted {
                account: read(client, userinfo, &answer).display_name,
            },
            Ok(answer) => TokenTest::Unreachable {
                reason: format!("HTTP {}", answer.status),
            },
            Err(lost) => TokenTest::Unreachable {
                reason: lost.reason,
            },
        }
    }

    async fn ask(&self, userinfo: &Userinfo, token: &AccessToken) -> Result<Answer, Unreachable> {
        let method = match userinfo.method {
            UserinfoMethod::Get => Method::GET,
            UserinfoMethod::Post => Method::POST,
        };
        let request = self
            .request(method, &userinfo.url)?
            .bearer_auth(token.expose());
        self.execute(
            request
                .build()
                .map_err(|error| super::http::unreachable(&error))?,
        )
        .await
    }
}

fn read(client: &Client, userinfo: &Userinfo, answer: &Answer) -> Identity {
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |field: &str| match said.get(field)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let issuer = client
        .endpoints
        .issuer
        .clone()
        .unwrap_or_else(|| client.provider.id.clone());
    Identity {
        display_name: userinfo.label_fields.iter().find_map(|field| text(field)),
        subject: text(&userinfo.subject_field).map(|sub| Subject { issuer, sub }),
    }
}
