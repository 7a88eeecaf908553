//! The requests of a device grant (RFC 8628).

use jiff::Timestamp;
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::scope::Scopes;
use valetkey_core::secret::{ClientSecret, DeviceCode};
use valetkey_core::token_error::{
    DeviceAuthorization, DevicePoll, SignInFailure, read_device_authorization, read_device_poll,
};

use super::http::NoUsableAnswer;
use super::metadata::Metadata;
use super::{ProviderClient, request};
use crate::client::Client;

impl ProviderClient {
    /// Asks for a code that the person enters at the provider (RFC 8628, section 3.1).
    pub async fn authorize_device(
        &self,
        client: &Client,
        metadata: Option<&Metadata>,
        scopes: &Scopes,
        now: Timestamp,
    ) -> Result<DeviceAuthorization, SignInFailure> {
        let url = endpoint(client, metadata).ok_or_else(|| SignInFailure::WrongField {
            field: "device_authorization_url",
            value: None,
            reason: "this provider has no device authorization URL that is known".to_owned(),
        })?;
        let build = |at| request::authorize_device(client, url, scopes, at);
        let answer = self
            .send_authenticated(client, url, build)
            .await
            .map_err(NoUsableAnswer::into_failure)?;
        let secret = client.secret.as_ref().map(ClientSecret::expose);
        read_device_authorization(client.provider, &answer, secret.as_slice(), now)
    }

    /// Asks whether the person has agreed (RFC 8628, section 3.4).
    pub async fn poll_device(
        &self,
        client: &Client,
        code: &DeviceCode,
        now: Timestamp,
    ) -> DevicePoll {
        let build = |at| request::poll_device(client, code, at);
        let sent = self
            .send_authenticated(client, &client.endpoints.token_url, build)
            .await;
        let answer = match sent.map_err(NoUsableAnswer::into_failure) {
            Ok(answer) => answer,
            Err(SignInFailure::TryLater { reason }) => {
                return DevicePoll::Later {
                    after: None,
                    reason,
                };
            }
            Err(failure) => return DevicePoll::Failed(failure),
        };
        let mut sent = vec![code.expose()];
        sent.extend(client.secret.as_ref().map(ClientSecret::expose));
        match read_device_poll(client.provider, &answer, &sent, now) {
            DevicePoll::Granted(reply) => match client.bound(*reply) {
                Ok(reply) => DevicePoll::Granted(Box::new(reply)),
                Err(error) => DevicePoll::Failed(SignInFailure::FixClient {
                    reason: error.to_string(),
                }),
            },
            polled => polled,
        }
    }
}

/// What the authenticator says comes before what the provider publishes.
fn endpoint<'a>(client: &'a Client, metadata: Option<&'a Metadata>) -> Option<&'a EndpointUrl> {
    let own = client.endpoints.device_authorization_url.as_ref();
    own.or_else(|| metadata?.device_authorization_endpoint.as_ref())
}
