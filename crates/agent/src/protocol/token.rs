//! Code for grant, refresh token for grant.

use jiff::{SignedDuration, Timestamp};
use valetkey_core::scope::Scopes;
use valetkey_core::secret::{ClientSecret, IdToken, RefreshToken};
use valetkey_core::token_error::{RefreshOutcome, SignInFailure, read_exchange, read_refresh};
use valetkey_core::token_response::TokenResponse;

use super::http::NoUsableAnswer;
use super::id_token::is_for_other_account;
use super::{AuthorizeRequest, NoAnswer, ProviderClient, Unreachable, request};
use crate::client::Client;

impl ProviderClient {
    /// Exchanges a code (RFC 6749, section 4.1.3). A code works once, so nothing is sent again.
    pub async fn exchange_code(
        &self,
        client: &Client,
        request: &AuthorizeRequest,
        code: &str,
        now: Timestamp,
    ) -> Result<TokenResponse, SignInFailure> {
        let AuthorizeRequest {
            redirect_uri,
            verifier,
            ..
        } = request;
        let build = |at| request::exchange_code(client, code, redirect_uri, verifier.as_ref(), at);
        let answer = self
            .send_authenticated(client, &client.endpoints.token_url, build)
            .await
            .map_err(NoUsableAnswer::into_failure)?;
        let mut sent = vec![code];
        sent.extend(client.secret.as_ref().map(ClientSecret::expose));
        sent.extend(verifier.iter().map(|verifier| verifier.secret().as_str()));
        let reply = read_exchange(client.provider, &answer, &sent, now)?;
        client
            .bound(*reply)
            .map_err(|error| SignInFailure::FixClient {
                reason: error.to_string(),
            })
    }

    /// Refreshes (RFC 6749, section 6), with the scopes as they are, or with `narrow`. `known` is the id token of the
    /// grant: a new one must speak of the same account.
    ///
    /// If the answer is lost, the provider may have rotated the token already. Its grace window, where
    /// it has one, is short, so the token is sent once more at once.
    pub async fn refresh(
        &self,
        client: &Client,
        token: &RefreshToken,
        narrow: Option<&Scopes>,
        known: Option<&IdToken>,
        now: Timestamp,
    ) -> Result<RefreshOutcome, Unreachable> {
        let ask = || {
            let build = |at| request::refresh(client, token, narrow, at);
            self.send_authenticated(client, &client.endpoints.refresh_url, build)
        };
        let rotation = client.provider.refresh;
        let (sent, answer_was_lost) = match ask().await {
            // A token that is not replaced can wait for the usual retry.
            Err(NoUsableAnswer::Unreachable(error))
                if error.kind == NoAnswer::Lost && rotation.rotates != Some(false) =>
            {
                tracing::debug!(%error, "the answer was lost; asking once more");
                (ask().await, true)
            }
            sent => (sent, false),
        };
        let answer = match sent {
            Ok(answer) => answer,
            Err(NoUsableAnswer::Unreachable(error)) => return Err(error),
            Err(NoUsableAnswer::NotBuilt(error)) => {
                let reason = error.to_string();
                return Ok(RefreshOutcome::FixClient { reason });
            }
        };
        let mut secrets = vec![token.expose()];
        secrets.extend(client.secret.as_ref().map(ClientSecret::expose));
        let outcome = match read_refresh(client.provider, &answer, &secrets, now) {
            RefreshOutcome::SignInAgain { reason } if answer_was_lost => {
                let grace = match rotation.grace_seconds {
                    Some(0) => "; the provider takes a replaced token no more".to_owned(),
                    Some(seconds) => {
                        let grace = SignedDuration::from_secs(seconds.into());
                        format!("; the provider takes a replaced token for {grace:#} only")
                    }
                    None => String::new(),
                };
                RefreshOutcome::SignInAgain {
                    reason: format!("{reason} (after an answer was lost on the way{grace})"),
                }
            }
            RefreshOutcome::Refreshed(reply)
                if is_for_other_account(known, reply.id_token.as_ref()) =>
            {
                RefreshOutcome::SignInAgain {
                    reason: "the provider answered with another account".to_owned(),
                }
            }
            RefreshOutcome::Refreshed(reply) => match client.bound(*reply) {
                Ok(reply) => RefreshOutcome::Refreshed(Box::new(reply)),
                Err(error) => RefreshOutcome::FixClient {
                    reason: error.to_string(),
                },
            },
            outcome => outcome,
        };
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use oauth2::PkceCodeVerifier;
    use serde_json::{Value, json};
    use valetkey_core::catalogue;
    use valetkey_core::endpoint_url::EndpointUrl;
    use valetkey_core::provider::ClientAuth;
    use valetkey_core::resource_uri::ResourceUri;
    use valetkey_core::secret::DeviceCode;

    use super::*;
    use crate::protocol::fake::{Fake, Reply, Request, client_at};
    use crate::protocol::http::HttpLimits;

    fn http() -> ProviderClient {
        ProviderClient::with(HttpLimits {
            connect: Duration::from_secs(1),
            total: Duration::from_secs(1),
        })
    }

    fn tokens() -> Value {
        json!({"access_token": "at2", "refresh_token": "rt2", "token_type": "bearer", "expires_in": "60"})
    }

    async fn refresh_at(
        fake: &Fake,
        client_auth: ClientAuth,
    ) -> Result<RefreshOutcome, Unreachable> {
        let client = fake.client(client_auth);
        let token = RefreshToken::new("rt1");
        http()
            .refresh(&client, &token, None, None, Timestamp::UNIX_EPOCH)
            .await
    }

    async fn exchange_at(fake: &Fake, client_auth: ClientAuth) -> Request {
        let client = fake.client(client_auth);
        let mut request =
            AuthorizeRequest::new(&client, None, "http://localhost:5000", &Scopes::default());
        request.verifier = Some(PkceCodeVerifier::new("v".repeat(43)));
        http()
            .exchange_code(&client, &request, "c0de", Timestamp::UNIX_EPOCH)
            .await
            .unwrap();
        fake.requests().remove(0)
    }

    #[tokio::test]
    async fn the_code_goes_out_with_the_same_redirect_uri_and_the_verifier() {
        let fake = Fake::start(vec![Reply::json(200, &tokens())]);
        let sent = exchange_at(&fake, ClientAuth::None).await;
        assert!(
            sent.head.starts_with("POST /token HTTP/1.1"),
            "{}",
            sent.head
        );
        assert_eq!(sent.header("accept"), Some("application/json"));
        let field = |name| sent.field(name).unwrap();
        assert_eq!(field("grant_type"), "authorization_code");
        assert_eq!(field("code"), "c0de");
        assert_eq!(
            field("redirect_uri"),
            "http://localhost:5000",
            "no slash is added"
        );
        assert_eq!(field("code_verifier"), "v".repeat(43));
        assert_eq!(field("client_id"), "client id");
        assert_eq!(sent.field("client_secret"), None);
    }

    #[tokio::test]
    async fn a_client_authenticates_in_exactly_one_way() {
        let fake = Fake::start(vec![Reply::json(200, &tokens())]);
        let post = exchange_at(&fake, ClientAuth::ClientSecretPost).await;
        assert_eq!(post.field("client_secret").as_deref(), Some("a:b/+ é%"));
        assert_eq!(post.header("authorization"), None);

        let fake = Fake::start(vec![Reply::json(200, &tokens())]);
        let basic = exchange_at(&fake, ClientAuth::ClientSecretBasic).await;
        assert_eq!(
            (basic.field("client_secret"), basic.field("client_id")),
            (None, None)
        );
        let encoded = basic
            .header("authorization")
            .unwrap()
            .strip_prefix("Basic ")
            .unwrap();
        let credentials = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
        // RFC 6749, section 2.3.1: both are form-encoded first.
        assert_eq!(credentials, "client+id:a%3Ab%2F%2B+%C3%A9%25");
    }

    #[tokio::test]
    async fn a_refresh_sends_the_token_and_no_scope() {
        let fake = Fake::start(vec![Reply::json(200, &tokens())]);
        let Ok(RefreshOutcome::Refreshed(reply)) = refresh_at(&fake, ClientAuth::None).await else {
            panic!("it is refreshed");
        };
        assert_eq!(reply.refresh_token.unwrap().expose(), "rt2");
        let sent = fake.requests().remove(0);
        assert_eq!(sent.field("grant_type").as_deref(), Some("refresh_token"));
        assert_eq!(sent.field("refresh_token").as_deref(), Some("rt1"));
        assert_eq!(sent.field("scope"), None);
    }

    #[tokio::test]
    async fn the_resource_goes_out_with_every_token_request() {
        let resource = "https://MCP.example:443";
        let replies = vec![
            Reply::json(200, &tokens()),
            Reply::json(200, &tokens()),
            Reply::json(400, &json!({"error": "invalid_target"})),
            Reply::json(400, &json!({"error": "authorization_pending"})),
        ];
        let fake = Fake::start(replies);
        let mut client = fake.client(ClientAuth::None);
        client.endpoints.resource = ResourceUri::parse(resource).ok();
        client.endpoints.device_authorization_url = EndpointUrl::parse(&fake.url("/device")).ok();
        let now = Timestamp::UNIX_EPOCH;
        let scopes = Scopes::default();
        let request = AuthorizeRequest::new(&client, None, "http://127.0.0.1:1", &scopes);
        let exchanged = http().exchange_code(&client, &request, "c0de", now).await;
        assert!(exchanged.is_ok(), "{exchanged:?}");
        let token = RefreshToken::new("rt1");
        let refreshed = http().refresh(&client, &token, None, None, now).await;
        assert!(
            matches!(refreshed, Ok(RefreshOutcome::Refreshed(_))),
            "{refreshed:?}"
        );
        let refused = http().authorize_device(&client, None, &scopes, now).await;
        assert!(
            matches!(refused, Err(SignInFailure::FixClient { .. })),
            "{refused:?}"
        );
        http()
            .poll_device(&client, &DeviceCode::new("dc"), now)
            .await;
        let sent = fake.requests();
        let sent: Vec<_> = sent.iter().map(|sent| sent.field("resource")).collect();
        assert_eq!(sent, vec![Some(resource.to_owned()); 4]);
    }

    #[tokio::test]
    async fn a_lost_answer_is_asked_for_once_more_with_the_same_token() {
        for lost in [
            Reply::Drop,
            Reply::Hang,
            Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
        ] {
            let fake = Fake::start(vec![lost, Reply::json(200, &tokens())]);
            let outcome = refresh_at(&fake, ClientAuth::None).await;
            assert!(
                matches!(outcome, Ok(RefreshOutcome::Refreshed(_))),
                "{outcome:?}"
            );
            let tokens: Vec<_> = fake
                .requests()
                .iter()
                .map(|sent| sent.field("refresh_token"))
                .collect();
            assert_eq!(tokens, [Some("rt1".to_owned()), Some("rt1".to_owned())]);
        }
    }

    #[tokio::test]
    async fn a_token_that_is_not_replaced_waits_for_the_usual_retry() {
        let fake = Fake::start(vec![Reply::Drop, Reply::json(200, &tokens())]);
        let mut client = fake.client(ClientAuth::None);
        client.provider = catalogue::provider("google").unwrap();
        let token = RefreshToken::new("rt1");
        let lost = http()
            .refresh(&client, &token, None, None, Timestamp::UNIX_EPOCH)
            .await;
        assert_eq!(lost.unwrap_err().kind, NoAnswer::Lost);
        assert_eq!(fake.requests().len(), 1);
    }

    #[tokio::test]
    async fn a_refusal_after_a_lost_answer_names_the_grace_of_the_provider() {
        for (id, words) in [
            (
                "atlassian",
                "; the provider takes a replaced token for 10m only",
            ),
            ("x", "; the provider takes a replaced token no more"),
            ("custom", ""),
        ] {
            let refused = Reply::json(400, &json!({"error": "invalid_grant"}));
            let fake = Fake::start(vec![Reply::Drop, refused]);
            let mut client = fake.client(ClientAuth::None);
            client.provider = catalogue::provider(id).unwrap();
            let token = RefreshToken::new("rt1");
            let outcome = http()
                .refresh(&client, &token, None, None, Timestamp::UNIX_EPOCH)
                .await;
            let reason = format!("invalid_grant (after an answer was lost on the way{words})");
            assert_eq!(outcome, Ok(RefreshOutcome::SignInAgain { reason }), "{id}");
        }
    }

    #[tokio::test]
    async fn two_answers_are_lost_and_no_third_request_is_sent() {
        let fake = Fake::start(vec![Reply::Drop, Reply::Drop, Reply::json(200, &tokens())]);
        let lost = refresh_at(&fake, ClientAuth::None).await.unwrap_err();
        assert_eq!(lost.kind, NoAnswer::Lost);
        assert_eq!(fake.requests().len(), 2);
    }

    #[tokio::test]
    async fn a_refusal_after_a_lost_answer_says_so() {
        let fake = Fake::start(vec![
            Reply::Drop,
            Reply::json(400, &json!({"error": "invalid_grant"})),
        ]);
        let reason = "invalid_grant (after an answer was lost on the way)".to_owned();
        assert_eq!(
            refresh_at(&fake, ClientAuth::None).await,
            Ok(RefreshOutcome::SignInAgain { reason })
        );
    }

    #[tokio::test]
    async fn an_answer_however_bad_is_not_asked_for_again() {
        for (reply, expected) in [
            (
                Reply::json(400, &json!({"error": "invalid_grant"})),
                "Ok(SignInAgain",
            ),
            (
                Reply::json(401, &json!({"error": "invalid_client"})),
                "Ok(FixClient",
            ),
            (Reply::json(503, &json!({})), "Ok(Later"),
            (Reply::json(400, &json!({})), "Ok(Unclear"),
            (
                Reply::raw("HTTP/1.1 307 X\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"),
                "Ok(Later",
            ),
            (
                Reply::raw("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n{"),
                "Err(",
            ),
        ] {
            let fake = Fake::start(vec![reply, Reply::json(200, &tokens())]);
            let outcome = refresh_at(&fake, ClientAuth::None).await;
            assert!(format!("{outcome:?}").starts_with(expected), "{outcome:?}");
            assert_eq!(fake.requests().len(), 1);
        }
    }

    #[tokio::test]
    async fn nobody_there_is_no_answer() {
        let client = client_at(&Fake::nobody(""), ClientAuth::None);
        let token = RefreshToken::new("rt1");
        let nobody = http()
            .refresh(&client, &token, None, None, Timestamp::UNIX_EPOCH)
            .await;
        assert_eq!(nobody.unwrap_err().kind, NoAnswer::NotSent);
    }

    #[tokio::test]
    async fn a_secret_that_the_provider_quotes_back_is_not_repeated() {
        let words =
            json!({"error": "invalid_grant", "error_description": "rt1 with a:b/+ é% is unknown"});
        let fake = Fake::start(vec![Reply::json(400, &words)]);
        let outcome = format!(
            "{:?}",
            refresh_at(&fake, ClientAuth::ClientSecretPost).await
        );
        assert!(outcome.contains("[redacted] with [redacted]"), "{outcome}");
    }
}
