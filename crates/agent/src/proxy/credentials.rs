//! The headers by which a proxied request carries its token.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use url::Url;
use valetkey_core::grant::TokenType;
use valetkey_core::token_error::ProofError;

use super::ProxyGrant;
use crate::error::AgentError;
use crate::protocol::{ProofHeaders, ProofKey, SentProof};
use crate::state::Agent;

/// The token, and for a bound one the proof for this request alone (RFC 9449, section 7.1).
#[derive(Debug)]
pub struct Credentials {
    /// To be added to the request.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What the proof says, if there is one.
    proof: Option<SentProof>,
}

impl Agent {
    /// What a request with this method to `url` carries. None: the token fits into no header.
    pub fn credentials(
        &self,
        grant: &ProxyGrant,
        method: &str,
        url: &Url,
    ) -> Result<Option<Credentials>, AgentError> {
        let live = &grant.live.grant;
        let token = &live.access_token;
        if live.token_type == TokenType::Bearer {
            let auth = grant.authenticator.api_auth(grant.provider, live.kind);
            let name = HeaderName::from_bytes(auth.header.as_bytes()).ok();
            let value = HeaderValue::from_str(&auth.value(token)).ok();
            let Some((name, mut value)) = name.zip(value) else {
                return Ok(None);
            };
            value.set_sensitive(true);
            return Ok(Some(Credentials {
                headers: vec![(name, value)],
                proof: None,
            }));
        }
        let key = live.dpop_key.as_ref().and_then(ProofKey::read);
        let key = key.ok_or_else(|| {
            AgentError::Internal("the key that the token is bound to is damaged".to_owned())
        })?;
        let provider_client = &self.inner.provider_client;
        let ProofHeaders {
            authorization,
            proof,
            sent,
        } = provider_client.proof_headers(&key, method, url, Some(token));
        Ok(authorization.map(|authorization| Credentials {
            headers: vec![
                (AUTHORIZATION, authorization),
                (HeaderName::from_static("dpop"), proof),
            ],
            proof: Some(sent),
        }))
    }

    /// Notes the nonce and the time in the head of a host's answer.
    pub fn note_answer(&self, url: &Url, headers: &HeaderMap) {
        let inner = &self.inner;
        let servers = &inner.provider_client.proof_servers;
        servers.note(url, headers, inner.clock.reading());
    }

    /// Whether a host that refused the request wants another proof, and has said what it holds: another nonce
    /// (RFC 9449, section 9) or another time.
    pub fn wants_other_proof(&self, sent: &Credentials, url: &Url, refusal: &HeaderMap) -> bool {
        let Some(sent) = &sent.proof else {
            return false;
        };
        let challenges = refusal.get_all("www-authenticate").iter();
        let mut challenges = challenges.filter_map(|value| value.to_str().ok());
        let error = challenges.find_map(|challenge| {
            let errors = [
                ("use_dpop_nonce", ProofError::Nonce),
                ("invalid_dpop_proof", ProofError::Invalid),
            ];
            let mut errors = errors.into_iter();
            errors.find_map(|(name, error)| challenge.contains(name).then_some(error))
        });
        let provider_client = &self.inner.provider_client;
        error.is_some_and(|error| provider_client.is_outdated(url, sent, error))
    }
}
