//! Proofs of possession (RFC 9449): verified at the token endpoint and at the protected resources.

use std::collections::HashSet;

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::oauth_error::OAuthError;
use crate::request_log::now_ms;
use crate::settings::{Dpop, Settings};
use crate::shared::Shared;

/// A proof may be this much older or younger than now, in seconds.
const TOLERANCE: u64 = 60;

/// The `jti`s of all proofs so far: each works once (RFC 9449, section 11.1).
#[derive(Debug, Default)]
pub(crate) struct SeenProofs(HashSet<String>);

/// What a proof must be about.
pub(crate) struct Expected<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// At a protected resource.
    pub(crate) access_token: Option<&'a str>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: u64,
    ath: Option<String>,
    nonce: Option<String>,
}

/// The thumbprint of the key that tokens are to be bound to, if they are.
pub(crate) fn at_token_endpoint(
    shared: &Shared,
    settings: &Settings,
    headers: &HeaderMap,
) -> Result<Option<String>, OAuthError> {
    let expected = Expected {
        method: "POST",
        path: "/token",
        access_token: None,
    };
    match (settings.dpop, headers.contains_key("dpop")) {
        (Dpop::Ignored, _) | (Dpop::Accepted, false) => Ok(None),
        (Dpop::Required, false) => Err(OAuthError::InvalidProof("There is no proof.")),
        (Dpop::Accepted | Dpop::Required, true) => {
            check(shared, settings, headers, &expected).map(Some)
        }
    }
}

/// Verifies the one proof of a request (RFC 9449, section 4.3); the thumbprint of its key (RFC 7638).
pub(crate) fn check(
    shared: &Shared,
    settings: &Settings,
    headers: &HeaderMap,
    expected: &Expected<'_>,
) -> Result<String, OAuthError> {
    let bad = OAuthError::InvalidProof;
    let mut proofs = headers.get_all("dpop").iter();
    let (Some(proof), None) = (proofs.next(), proofs.next()) else {
        return Err(bad("There is not exactly one proof."));
    };
    let proof = proof.to_str().map_err(|_| bad("It is no JWT."))?;
    let header = decode_header(proof).map_err(|_| bad("It is no JWT."))?;
    if header.typ.as_deref() != Some("dpop+jwt") {
        return Err(bad("Its typ is not dpop+jwt."));
    }
    let key: Jwk = header.jwk.ok_or(bad("It has no jwk."))?;
    if !matches!(key.algorithm, AlgorithmParameters::EllipticCurve(_)) {
        return Err(bad("Its key is not on a curve."));
    }
    let mut rules = Validation::new(Algorithm::ES256);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    rules.validate_aud = false;
    let public = DecodingKey::from_jwk(&key).map_err(|_| bad("Its key cannot be used."))?;
    let claims = decode::<Claims>(proof, &public, &rules);
    let claims = claims.map_err(|_| bad("Its signature is wrong."))?.claims;
    if claims.htm != expected.method || claims.htu != format!("{}{}", shared.issuer, expected.path)
    {
        return Err(bad("It is about another request."));
    }
    if claims.iat.abs_diff(now_ms() / 1000) > TOLERANCE {
        return Err(bad("It was not made now."));
    }
    let ath = expected
        .access_token
        .map(|token| URL_SAFE_NO_PAD.encode(Sha256::digest(token)));
    if claims.ath != ath {
        return Err(bad("It is about another token."));
    }
    if settings.dpop_nonce.is_some() && settings.dpop_nonce != claims.nonce {
        return Err(OAuthError::UseDpopNonce);
    }
    if !shared.proofs().0.insert(claims.jti) {
        return Err(bad("It was used before."));
    }
    key.thumbprint(ThumbprintHash::SHA256)
        .map_err(|_| bad("Its key has no thumbprint."))
}
