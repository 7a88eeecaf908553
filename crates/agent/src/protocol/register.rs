//! Dynamic registration: asks a server to register the client (RFC 7591), and to delete it (RFC 7592).

use ::http::Request;
use ::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use bytes::Bytes;
use valetkey_core::discovery::{
    Network, Registered, RegistrationAnswer, RegistrationRefused, ServerMetadata,
    redirect_attempts, registration_request,
};
use valetkey_core::endpoint_url::EndpointUrl;
use valetkey_core::redirect::RedirectUri;
use valetkey_core::secret::RegistrationToken;

use super::documents::{FindError, in_time, not_built, uri};
use super::http::read;
use super::{ProviderClient, request};

/// Why there is no registration.
#[derive(Debug)]
pub enum NotRegistered {
    /// The server has none for us.
    Refused(String),
    /// It did not answer.
    Find(FindError),
}

impl ProviderClient {
    /// Registers a client that comes back to `redirect_uri`, or to our own. A server that refuses the
    /// redirect URIs is asked with others, one that refuses the device grant without it.
    pub async fn register(
        &self,
        server: &ServerMetadata,
        redirect_uri: Option<&RedirectUri>,
        network: Network,
    ) -> Result<Registered, NotRegistered> {
        let Some(url) = &server.registration_url else {
            return Err(NotRegistered::Refused("it has no registration".to_owned()));
        };
        let mut refused = String::new();
        let mut with_codes = server.device_authorization_url.is_some();
        let mut attempts = redirect_attempts(redirect_uri).into_iter();
        let mut next = attempts.next();
        while let Some(redirects) = &next {
            let body = registration_request(server, redirects, with_codes).to_string();
            let request = Request::post(uri(url).map_err(NotRegistered::Find)?)
                .header(ACCEPT, "application/json")
                .header(CONTENT_TYPE, "application/json")
                .body(Bytes::from(body))
                .map_err(|_| NotRegistered::Find(not_built(url)))?;
            let asked = async { read(self.execute(request, network).await?).await };
            let answer = in_time(url, asked).await.map_err(NotRegistered::Find)?;
            let RegistrationAnswer { result, unused } =
                Registered::read(answer.status, &answer.body, redirects, network);
            match result {
                Ok(registered) => return Ok(registered),
                Err(error @ RegistrationRefused::RedirectUris { .. }) => {
                    refused = error.to_string();
                    next = attempts.next();
                }
                // The server may have the device grant, and register nobody for it.
                Err(RegistrationRefused::Metadata { .. }) if with_codes => with_codes = false,
                Err(error) => {
                    let mut reason = error.to_string();
                    if let Some((url, token)) = unused
                        && !self.delete_registration(&url, &token, network).await
                    {
                        reason
                            .push_str("; what it registered could not be deleted and stays there");
                    }
                    return Err(NotRegistered::Refused(reason));
                }
            }
        }
        Err(NotRegistered::Refused(refused))
    }

    /// Deletes a registration; false if the server has not confirmed it.
    pub async fn delete_registration(
        &self,
        url: &EndpointUrl,
        token: &RegistrationToken,
        network: Network,
    ) -> bool {
        let Ok(target) = uri(url) else {
            return false;
        };
        let Ok(authorization) = request::authorization("Bearer", token.expose()) else {
            return false;
        };
        let request = Request::delete(target)
            .header(AUTHORIZATION, authorization)
            .body(Bytes::new());
        let Ok(request) = request else {
            return false;
        };
        match in_time(url, self.execute(request, network)).await {
            Ok(response) => matches!(response.status().as_u16(), 200 | 204),
            Err(error) => {
                tracing::debug!(host = url.host(), ?error, "registration not deleted");
                false
            }
        }
    }
}
