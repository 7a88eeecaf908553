//! The requests of grants that need no person: client credentials (RFC 6749, section 4.4) and token
//! exchange (RFC 8693). What they bring ends, and then the same is asked again.

use jiff::Timestamp;
use valetkey_core::scope::Scopes;
use valetkey_core::secret::{AccessToken, ClientSecret};
use valetkey_core::token_error::{RefreshOutcome, SignInFailure, read_exchange, read_refresh};
use valetkey_core::token_response::{Answer, TokenResponse};

use super::http::NoUsableAnswer;
use super::{ProviderClient, Unreachable, request};
use crate::client::Client;

/// What is asked for.
pub(crate) struct DirectRequest<'a> {
    pub(crate) scopes: &'a Scopes,
    /// The token to be exchanged.
    pub(crate) subject: Option<AccessToken>,
}

impl DirectRequest<'_> {
    fn secrets<'a>(&'a self, client: &'a Client) -> Vec<&'a str> {
        let subject = self.subject.as_ref().map(AccessToken::expose);
        let secret = client.secret.as_ref().map(ClientSecret::expose);
        subject.into_iter().chain(secret).collect()
    }
}

impl ProviderClient {
    /// Asks for the first token. Nobody can have said no, so a refusal is about the client.
    pub(crate) async fn obtain(
        &self,
        client: &Client,
        request: &DirectRequest<'_>,
        now: Timestamp,
    ) -> Result<TokenResponse, SignInFailure> {
        let answer = self.ask_directly(client, request).await;
        let answer = answer.map_err(NoUsableAnswer::into_failure)?;
        let secrets = request.secrets(client);
        match read_exchange(client.provider, &answer, &secrets, now) {
            Ok(reply) => match client.bound(*reply) {
                Ok(reply) => Ok(reply.direct(client.endpoints.grant_type)),
                Err(error) => Err(SignInFailure::FixClient {
                    reason: error.to_string(),
                }),
            },
            Err(SignInFailure::Denied { reason } | SignInFailure::StartAgain { reason }) => {
                Err(SignInFailure::FixClient { reason })
            }
            Err(failure) => Err(failure),
        }
    }

    /// Asks for the next token.
    pub(crate) async fn obtain_again(
        &self,
        client: &Client,
        request: &DirectRequest<'_>,
        now: Timestamp,
    ) -> Result<RefreshOutcome, Unreachable> {
        let answer = match self.ask_directly(client, request).await {
            Ok(answer) => answer,
            Err(NoUsableAnswer::Unreachable(error)) => return Err(error),
            Err(NoUsableAnswer::NotBuilt(error)) => {
                let reason = error.to_string();
                return Ok(RefreshOutcome::FixClient { reason });
            }
        };
        let secrets = request.secrets(client);
        Ok(
            match read_refresh(client.provider, &answer, &secrets, now) {
                RefreshOutcome::Refreshed(reply) => match client.bound(*reply) {
                    Ok(reply) => RefreshOutcome::Refreshed(Box::new(
                        reply.direct(client.endpoints.grant_type),
                    )),
                    Err(error) => RefreshOutcome::FixClient {
                        reason: error.to_string(),
                    },
                },
                RefreshOutcome::SignInAgain { reason } => RefreshOutcome::FixClient { reason },
                outcome => outcome,
            },
        )
    }

    async fn ask_directly(
        &self,
        client: &Client,
        request: &DirectRequest<'_>,
    ) -> Result<Answer, NoUsableAnswer> {
        let build = |at| request::direct(client, request, at);
        self.send_authenticated(client, &client.endpoints.token_url, build)
            .await
    }
}
