//! The authorize URL (RFC 6749, 4.1.1; RFC 7636; OpenID Connect Core, 3.1.2.1).

use std::borrow::Cow;
use std::fmt;

use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl};
use valetkey_core::refusal::SignInFailure;
use valetkey_core::scope::Scopes;

use super::ProviderClient;
use crate::client::Client;

/// A request to the authorization endpoint, and what its answer is checked against.
pub struct AuthorizeRequest {
    /// For the browser.
    pub url: String,
    /// 32 random bytes; one use.
    pub state: String,
    /// In the id token, if `openid` is asked.
    pub nonce: Option<String>,
    /// Exactly as sent; the exchange repeats it.
    pub redirect_uri: String,
    pub(super) verifier: Option<PkceCodeVerifier>,
}

impl fmt::Debug for AuthorizeRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizeRequest([redacted])")
    }
}

impl ProviderClient {
    /// Builds the authorize URL. A query that the endpoint has already is kept, and nothing is
    /// sent twice.
    pub fn authorize(
        &self,
        client: &Client,
        redirect_uri: &str,
        scopes: &Scopes,
    ) -> Result<AuthorizeRequest, SignInFailure> {
        let endpoints = &client.endpoints;
        let unusable = |error: url::ParseError| SignInFailure::FixClient {
            reason: format!("a URL cannot be used: {error}"),
        };
        let auth_url = AuthUrl::new(endpoints.authorize_url.to_string()).map_err(unusable)?;
        let taken: Vec<String> = auth_url
            .url()
            .query_pairs()
            .map(|(name, _)| name.into_owned())
            .collect();
        let redirect = RedirectUrl::new(redirect_uri.to_owned()).map_err(unusable)?;
        let oauth = BasicClient::new(ClientId::new(client.authenticator.client_id.clone()))
            .set_auth_uri(auth_url);
        let mut request = oauth
            .authorize_url(|| CsrfToken::new_random_len(32))
            .set_redirect_uri(Cow::Owned(redirect));

        let nonce = scopes.contains("openid").then(crate::random::token);
        let mut extra: Vec<(&str, String)> = Vec::new();
        if !scopes.is_empty() {
            extra.push((
                &endpoints.scope_param,
                scopes.join(&endpoints.scope_separator),
            ));
        }
        extra.extend(nonce.as_ref().map(|nonce| ("nonce", nonce.clone())));
        let fixed = endpoints.authorize_params.iter();
        extra.extend(fixed.map(|(name, value)| (name.as_str(), value.clone())));
        for (name, value) in extra {
            if !taken.iter().any(|taken| taken == name) {
                request = request.add_extra_param(name, value);
            }
        }
        let verifier = if endpoints.pkce {
            let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
            request = request.set_pkce_challenge(challenge);
            Some(verifier)
        } else {
            None
        };
        let (url, state) = request.url();
        Ok(AuthorizeRequest {
            url: url.into(),
            state: state.secret().clone(),
            nonce,
            redirect_uri: redirect_uri.to_owned(),
            verifier,
        })
    }
}
