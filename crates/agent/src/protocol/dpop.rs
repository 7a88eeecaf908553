//! Proofs of possession (RFC 9449): tokens that only the holder of a key can use.
//!
//! The key is made at a sign-in and stays with the grant: in the same keychain item, through every
//! refresh, until a new sign-in makes another one. Each request has a proof of its own, with the newest
//! nonce of its server and the time as that server has it.

mod servers;

use std::fmt;

use ::http::header::AUTHORIZATION;
use ::http::{HeaderName, HeaderValue, Request};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use jiff::Timestamp;
use jsonwebtoken::jwk::{CommonParameters, Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use url::Url;
use valetkey_core::secret::{AccessToken, DpopKey};
use valetkey_core::token_error::{ProofError, proof_error};
use valetkey_core::token_response::Answer;
use zeroize::Zeroizing;

use super::http::NoUsableAnswer;
use super::request::NotBuilt;
use super::{ProviderClient, request};
use crate::client::Client;

pub(crate) use servers::ProofServers;

/// The header of a proof.
const DPOP: HeaderName = HeaderName::from_static("dpop");

/// A key that tokens are bound to: ES256, which every server must know that knows DPoP.
pub struct ProofKey {
    secret: DpopKey,
    key: EncodingKey,
    public: Jwk,
}

impl fmt::Debug for ProofKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProofKey([redacted])")
    }
}

impl ProofKey {
    /// A new one.
    pub(crate) fn generate() -> Self {
        use aws_lc_rs::rand::SystemRandom;
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};

        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .expect("the system has randomness for a key");
        let secret = DpopKey::new(URL_SAFE_NO_PAD.encode(made.as_ref()));
        Self::read(&secret).expect("a key that was just made can be read")
    }

    /// One from the keychain; None if it is damaged.
    pub(crate) fn read(secret: &DpopKey) -> Option<Self> {
        let der = Zeroizing::new(URL_SAFE_NO_PAD.decode(secret.expose()).ok()?);
        let key = EncodingKey::from_ec_der(&der);
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).ok()?;
        public.common = CommonParameters::default();
        Some(Self {
            secret: secret.clone(),
            key,
            public,
        })
    }

    /// For the keychain.
    pub(crate) fn secret(&self) -> &DpopKey {
        &self.secret
    }

    /// Names the key to the provider (RFC 7638).
    pub(crate) fn thumbprint(&self) -> String {
        let hash = ThumbprintHash::SHA256;
        self.public.thumbprint(hash).expect("P-256 has one")
    }

    /// A proof for one request (RFC 9449, section 4.2).
    fn proof(&self, request: &ProvenRequest<'_>) -> HeaderValue {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("dpop+jwt".to_owned());
        header.jwk = Some(self.public.clone());
        let mut htu = request.url.clone();
        htu.set_query(None);
        htu.set_fragment(None);
        let claims = Claims {
            jti: crate::random::uuid().to_string(),
            htm: request.method,
            htu: htu.as_str(),
            iat: request.at.as_second(),
            ath: request
                .access_token
                .map(|token| URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose()))),
            nonce: request.nonce,
        };
        let proof = jsonwebtoken::encode(&header, &claims, &self.key)
            .expect("a key that was read can sign");
        HeaderValue::from_str(&proof).expect("a JWT is ASCII")
    }
}

/// What a proof is about.
struct ProvenRequest<'a> {
    method: &'a str,
    url: &'a Url,
    /// At a protected resource.
    access_token: Option<&'a AccessToken>,
    nonce: Option<&'a str>,
    at: Timestamp,
}

#[derive(Serialize)]
struct Claims<'a> {
    jti: String,
    htm: &'a str,
    htu: &'a str,
    iat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ath: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
}

/// The headers of a request with a bound token.
pub(crate) struct ProofHeaders {
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) proof: HeaderValue,
    pub(crate) sent: SentProof,
}

/// What a proof said that its server may have wanted otherwise.
#[derive(Debug)]
pub(crate) struct SentProof {
    nonce: Option<String>,
    at: Timestamp,
}

impl ProviderClient {
    /// The headers for one request to `url`.
    pub(crate) fn proof_headers(
        &self,
        key: &ProofKey,
        method: &str,
        url: &Url,
        access_token: Option<&AccessToken>,
    ) -> ProofHeaders {
        let nonce = self.proof_servers.nonce(url);
        let at = self.proof_servers.now(url, &self.clock.reading());
        let proof = key.proof(&ProvenRequest {
            method,
            url,
            access_token,
            nonce: nonce.as_deref(),
            at,
        });
        ProofHeaders {
            authorization: access_token
                .and_then(|token| request::authorization("DPoP", token.expose()).ok()),
            proof,
            sent: SentProof { nonce, at },
        }
    }

    /// Whether the server that did not take this proof has said what a better one would hold: another nonce,
    /// or another time.
    pub(crate) fn is_outdated(&self, url: &Url, sent: &SentProof, error: ProofError) -> bool {
        match error {
            ProofError::Nonce => {
                let newest = self.proof_servers.nonce(url);
                newest.is_some() && newest != sent.nonce
            }
            ProofError::Invalid => {
                let now = self.proof_servers.now(url, &self.clock.reading());
                now.duration_since(sent.at).abs() >= servers::MIN_SKEW
            }
        }
    }

    /// Sends a token request, with a proof if the client's tokens are bound to a key; once more if the
    /// server wants another nonce in it (RFC 9449, section 8), or has another time: it has done nothing by
    /// then.
    pub(super) async fn send_token_request(
        &self,
        client: &Client,
        build: impl Fn() -> Result<Request<Bytes>, NotBuilt>,
    ) -> Result<Answer, NoUsableAnswer> {
        match &client.proof_key {
            Some(key) => self.send_proven(key, None, build, proof_error).await,
            None => Ok(self.send(build()?).await?),
        }
    }

    /// Asks a protected resource of the provider, which is asked once more if it wants another proof.
    pub(super) async fn send_to_resource(
        &self,
        key: Option<&ProofKey>,
        token: &AccessToken,
        request: Request<Bytes>,
    ) -> Result<Answer, NoUsableAnswer> {
        // Its challenge is in a header that is not kept; that it named a nonce is.
        let refused = |answer: &Answer| (answer.status == 401).then_some(ProofError::Nonce);
        match key {
            Some(key) => {
                let again = || Ok(request.clone());
                self.send_proven(key, Some(token), again, refused).await
            }
            None => Ok(self.send(request).await?),
        }
    }

    async fn send_proven(
        &self,
        key: &ProofKey,
        token: Option<&AccessToken>,
        build: impl Fn() -> Result<Request<Bytes>, NotBuilt>,
        error: impl Fn(&Answer) -> Option<ProofError>,
    ) -> Result<Answer, NoUsableAnswer> {
        let request = build()?;
        let url = Url::parse(&request.uri().to_string()).map_err(|_| NotBuilt)?;
        let with_proof = |mut request: Request<Bytes>| {
            let method = request.method().as_str().to_owned();
            let made = self.proof_headers(key, &method, &url, token);
            let headers = request.headers_mut();
            headers.insert(DPOP, made.proof);
            if let Some(authorization) = made.authorization {
                headers.insert(AUTHORIZATION, authorization);
            }
            (request, made.sent)
        };
        let (first, sent) = with_proof(request);
        let answer = self.send(first).await?;
        if !error(&answer).is_some_and(|error| self.is_outdated(&url, &sent, error)) {
            return Ok(answer);
        }
        // Whatever else works once in it is made anew.
        let (second, _) = with_proof(build()?);
        Ok(self.send(second).await?)
    }
}

#[cfg(test)]
mod tests;
