//! The token endpoint: a code for a grant, an old grant for a new one.

use std::borrow::Cow;
use std::pin::Pin;

use jiff::Timestamp;
use oauth2::basic::{BasicClient, BasicErrorResponse};
use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, PkceCodeVerifier, RedirectUrl,
    RefreshToken as OAuthRefreshToken, RequestTokenError, TokenUrl,
};
use valetkey_core::provider::ClientAuth;
use valetkey_core::refusal::{RefreshOutcome, SignInFailure, read_exchange, read_refresh};
use valetkey_core::secret::RefreshToken;
use valetkey_core::token_reply::{Answer, TokenReply};

use super::{AuthorizeRequest, ProviderClient, Unreachable};
use crate::client::Client;

type TokenClient =
    BasicClient<EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// Carries the answer past `oauth2`, which would read it too strictly.
#[derive(Debug, thiserror::Error)]
#[error("the answer is read elsewhere")]
struct Delivered(Result<Answer, Unreachable>);

impl ProviderClient {
    /// Exchanges an authorization code (RFC 6749, 4.1.3). Never sent twice: a code works once.
    pub async fn exchange_code(
        &self,
        client: &Client,
        request: &AuthorizeRequest,
        code: &str,
        now: Timestamp,
    ) -> Result<TokenReply, SignInFailure> {
        let unusable = |error: url::ParseError| SignInFailure::FixClient {
            reason: format!("a URL cannot be used: {error}"),
        };
        let redirect = RedirectUrl::new(request.redirect_uri.clone()).map_err(unusable)?;
        let oauth = oauth_client(client).map_err(unusable)?;
        let mut exchange = oauth
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_redirect_uri(Cow::Owned(redirect));
        let verifier = request
            .verifier
            .as_ref()
            .map(|verifier| verifier.secret().clone());
        if let Some(verifier) = &verifier {
            exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(verifier.clone()));
        }
        let sent = exchange.request_async(&Courier(self)).await;
        let answer = delivered(sent).map_err(|lost| SignInFailure::TryLater {
            reason: lost.reason,
        })?;
        let mut secrets = vec![code];
        secrets.extend(verifier.as_deref());
        secrets.extend(
            client
                .secret
                .as_ref()
                .map(valetkey_core::secret::ClientSecret::expose),
        );
        read_exchange(client.provider, &answer, &secrets, now).map(|reply| *reply)
    }

    /// Refreshes (RFC 6749, section 6). If the answer was lost on its way, the same token is sent
    /// once more: a provider with a grace window then answers, and one without has lost us anyway.
    pub async fn refresh(
        &self,
        client: &Client,
        token: &RefreshToken,
        now: Timestamp,
    ) -> RefreshOutcome {
        let first = self.refresh_once(client, token).await;
        let answer = match first {
            Err(lost) if lost.maybe_sent => {
                tracing::debug!(reason = %lost, "the answer was lost; asking once more");
                self.refresh_once(client, token).await
            }
            first => first,
        };
        match answer {
            Ok(answer) => {
                let mut secrets = vec![token.expose()];
                secrets.extend(
                    client
                        .secret
                        .as_ref()
                        .map(valetkey_core::secret::ClientSecret::expose),
                );
                read_refresh(client.provider, &answer, &secrets, now)
            }
            Err(lost) => RefreshOutcome::Later {
                after: None,
                reason: lost.reason,
            },
        }
    }

    async fn refresh_once(
        &self,
        client: &Client,
        token: &RefreshToken,
    ) -> Result<Answer, Unreachable> {
        let oauth = oauth_client(client).map_err(|error| Unreachable {
            reason: error.to_string(),
            maybe_sent: false,
        })?;
        let token = OAuthRefreshToken::new(token.expose().to_owned());
        let sent = oauth
            .exchange_refresh_token(&token)
            .request_async(&Courier(self))
            .await;
        delivered(sent)
    }
}

/// The HTTP client that `oauth2` gets.
struct Courier<'a>(&'a ProviderClient);

impl<'c> AsyncHttpClient<'c> for Courier<'_> {
    type Error = Delivered;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Delivered>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move { Err(Delivered(self.0.send(request).await)) })
    }
}

fn delivered<T>(
    sent: Result<T, RequestTokenError<Delivered, BasicErrorResponse>>,
) -> Result<Answer, Unreachable> {
    match sent {
        Err(RequestTokenError::Request(Delivered(answer))) => answer,
        Err(other) => Err(Unreachable {
            reason: other.to_string(),
            maybe_sent: false,
        }),
        Ok(_) => unreachable!("the courier never lets `oauth2` read an answer"),
    }
}

fn oauth_client(client: &Client) -> Result<TokenClient, url::ParseError> {
    let endpoints = &client.endpoints;
    let auth_type = match endpoints.client_auth {
        ClientAuth::ClientSecretBasic => AuthType::BasicAuth,
        ClientAuth::ClientSecretPost | ClientAuth::None => AuthType::RequestBody,
    };
    let oauth = BasicClient::new(ClientId::new(client.authenticator.client_id.clone()))
        .set_token_uri(TokenUrl::new(endpoints.token_url.to_string())?)
        .set_auth_type(auth_type);
    Ok(match &client.secret {
        Some(secret) => oauth.set_client_secret(ClientSecret::new(secret.expose().to_owned())),
        None => oauth,
    })
}
