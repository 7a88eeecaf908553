//! An authenticator made ready for requests: completed from the catalogue, with its secret.

use std::sync::Arc;

use valetkey_core::authenticator::{Authenticator, Endpoints};
use valetkey_core::catalogue;
use valetkey_core::provider::{ClientAuth, Provider};
use valetkey_core::secret::ClientSecret;
use valetkey_core::token_response::{NoGrant, TokenResponse};
use valetkey_vault::Vault;

use crate::error::AgentError;
use crate::protocol::{ProofKey, SigningKey, is_key};

/// All that a request to a provider needs.
#[derive(Debug)]
pub struct Client {
    /// The registered client.
    pub authenticator: Arc<Authenticator>,
    /// Its catalogue entry.
    pub provider: &'static Provider,
    /// Where requests go, and how.
    pub endpoints: Endpoints,
    /// The client secret, if it has one.
    pub secret: Option<ClientSecret>,
    /// The private key, if it has one instead.
    pub(crate) key: Option<SigningKey>,
    /// The key that tokens are asked for with, if they are to be bound to one.
    pub proof_key: Option<ProofKey>,
}

impl Client {
    /// Adds the login that the provider shall offer first (OpenID Connect Core, section 3.1.2.1), unless
    /// the person has set that parameter.
    pub(crate) fn hint_login(&mut self, login: &str) {
        if let Some(parameter) = &self.provider.login_hint_param {
            let params = &mut self.endpoints.authorize_params;
            params
                .entry(parameter.clone())
                .or_insert_with(|| login.to_owned());
        }
    }

    /// Completes `authenticator`; reads its secret from the keychain if it has one.
    pub(crate) async fn of(
        vault: &Vault,
        authenticator: Arc<Authenticator>,
    ) -> Result<Self, AgentError> {
        let provider = catalogue::provider(&authenticator.provider).ok_or_else(|| {
            AgentError::InvalidRequest {
                message: format!(
                    "the provider `{}` of `{}` is not in the catalogue",
                    authenticator.provider, authenticator.name
                ),
                hint: Some(format!(
                    "if `{}.toml` was a file of your own, put it back; `valetkey doctor` says what is wrong \
                     with such files",
                    authenticator.provider
                )),
            }
        })?;
        let endpoints =
            authenticator
                .endpoints(provider)
                .map_err(|error| AgentError::InvalidRequest {
                    message: format!(
                        "`{}` has an endpoint that cannot be used: {error}",
                        authenticator.name
                    ),
                    hint: Some(format!(
                        "`valetkey update {}` changes it",
                        authenticator.full_name().argument()
                    )),
                })?;
        let secret = secret(vault, &authenticator).await?;
        let mut client = Self {
            authenticator,
            provider,
            endpoints,
            secret,
            key: None,
            proof_key: None,
        };
        client.take_key()?;
        Ok(client)
    }

    /// What is stored is a private key if the client authenticates with one, and then it is no secret
    /// to be sent.
    fn take_key(&mut self) -> Result<(), AgentError> {
        let has_key = self.endpoints.client_auth == ClientAuth::PrivateKeyJwt;
        let Some(stored) = self
            .secret
            .take_if(|stored| has_key || is_key(stored.expose()))
        else {
            return Ok(());
        };
        if !has_key {
            let reason = "a private key is stored where its client secret should be";
            return Err(self.misconfigured(reason.to_owned()));
        }
        let key = SigningKey::parse(stored.expose());
        self.key = Some(key.map_err(|error| self.misconfigured(error.to_string()))?);
        Ok(())
    }

    /// The reply to a token request of this client, with the key that its tokens are bound to.
    pub(crate) fn bound(&self, reply: TokenResponse) -> Result<TokenResponse, NoGrant> {
        let key = self.proof_key.as_ref().map(ProofKey::secret);
        reply.bind(key, self.endpoints.dpop)
    }

    /// The provider, as the person knows it.
    pub(crate) fn provider_name(&self) -> &str {
        self.authenticator.provider_name(self.provider)
    }

    /// What to do about a field with a wrong value.
    pub(crate) fn set_field(&self, field: &str, value: Option<&str>) -> String {
        let name = self.authenticator.full_name().argument();
        let option = field.replace('_', "-");
        match value {
            Some(value) => format!("run `valetkey update {name} --{option} {value}`"),
            None => format!(
                "`valetkey show {name}` shows it, `valetkey update {name} --{option} URL` sets it"
            ),
        }
    }

    /// The provider refuses this client.
    pub(crate) fn misconfigured(&self, reason: String) -> AgentError {
        AgentError::misconfigured(&self.authenticator, self.provider, reason)
    }
}

/// The client secret of `authenticator`, if it has one.
pub(crate) async fn secret(
    vault: &Vault,
    authenticator: &Authenticator,
) -> Result<Option<ClientSecret>, AgentError> {
    if !authenticator.has_secret {
        return Ok(None);
    }
    if let Some(secret) = vault.client_secret(authenticator.id).await? {
        return Ok(Some(secret));
    }
    let provider = catalogue::provider_or_custom(&authenticator.provider);
    let reason = "its client secret is no longer in the keychain";
    Err(AgentError::misconfigured(
        authenticator,
        provider,
        reason.to_owned(),
    ))
}
