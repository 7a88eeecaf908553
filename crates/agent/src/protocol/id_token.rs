//! Validates id tokens (OpenID Connect Core, section 3.1.3.7).
//!
//! The signature is checked with the provider's published keys. If those are not available, a token
//! from an https token endpoint is trusted because of TLS (rule 6), one over http is not.

use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use serde_json::{Map, Value};
use valetkey_core::account::Subject;
use valetkey_core::secret::IdToken;
use valetkey_core::token_error::SignInFailure;

use super::discovery::{is_issuer, slash_differs};
use super::{Metadata, ProviderClient};
use crate::client::Client;

/// Allowed difference between clocks, in seconds.
const MAX_SKEW: f64 = 60.0;
/// Longest `sub` (section 2).
const MAX_SUB_LENGTH: usize = 255;

/// Without `none` and HMAC, by which anyone could sign.
const ALGORITHMS: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// A valid id token.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verified {
    /// Issuer and `sub`.
    pub(super) subject: Subject,
    /// All claims, for the account's name.
    pub(super) claims: Map<String, Value>,
}

/// Validates `token`. None if that is not possible, because no issuer is known and it did not come over
/// TLS; its claims are then ignored.
pub(super) async fn verify(
    provider: &ProviderClient,
    client: &Client,
    metadata: Option<&Metadata>,
    token: &IdToken,
    nonce: Option<&str>,
    now: Timestamp,
) -> Result<Option<Verified>, SignInFailure> {
    let untrusted = |reason: &str| SignInFailure::Untrusted {
        reason: format!("id token: {reason}"),
    };
    let over_tls = client.endpoints.token_url.as_str().starts_with("https:");
    let issuer = client
        .endpoints
        .issuer
        .as_deref()
        .or_else(|| metadata.map(|metadata| metadata.issuer.as_str()));
    if issuer.is_none() && !over_tls {
        return Ok(None);
    }
    let (header, claims) = read(token).map_err(untrusted)?;
    let iss = claims.get("iss").and_then(Value::as_str);
    if metadata.is_none()
        && let (Some(expected), Some(iss)) = (issuer, iss)
        && let Some(failure) = slash_differs(expected, iss)
    {
        return Err(failure);
    }
    let rules = Rules {
        issuer,
        published: metadata.map(|metadata| metadata.issuer.as_str()),
        client_id: &client.authenticator.client_id,
        nonce,
        now,
    };
    let subject = rules.check(&claims).map_err(untrusted)?;
    let keys = metadata.and_then(|metadata| Some((metadata.jwks_uri.as_ref()?, metadata.network)));
    let signed = match keys {
        Some((jwks_uri, network)) => {
            let mut keys = provider.keys(jwks_uri, network, false, now).await;
            if keys
                .as_ref()
                .is_ok_and(|keys| !is_signed(token, &header, keys))
            {
                keys = provider.keys(jwks_uri, network, true, now).await;
            }
            keys.ok().map(|keys| is_signed(token, &header, &keys))
        }
        None => None,
    };
    match signed {
        Some(true) => Ok(Some(Verified { subject, claims })),
        Some(false) => Err(untrusted("its signature is not the provider's")),
        None if over_tls => Ok(Some(Verified { subject, claims })),
        None => Err(untrusted("the provider's keys are not available")),
    }
}

/// Whether a refreshed id token is for another account than the one before (section 12.2). False if one
/// of them cannot be read.
pub(super) fn is_for_other_account(known: Option<&IdToken>, new: Option<&IdToken>) -> bool {
    let claims = |token: Option<&IdToken>| read(token?).ok().map(|(_, claims)| claims);
    let (Some(known), Some(new)) = (claims(known), claims(new)) else {
        return false;
    };
    ["iss", "sub"]
        .iter()
        .any(|name| known.get(*name) != new.get(*name))
}

fn read(token: &IdToken) -> Result<(Header, Map<String, Value>), &'static str> {
    let data = jsonwebtoken::dangerous::insecure_decode(token.expose())
        .map_err(|_| "it cannot be read, or its algorithm is not accepted")?;
    if !ALGORITHMS.contains(&data.header.alg) {
        return Err("its algorithm is not accepted");
    }
    Ok((data.header, data.claims))
}

struct Rules<'a> {
    issuer: Option<&'a str>,
    published: Option<&'a str>,
    client_id: &'a str,
    nonce: Option<&'a str>,
    now: Timestamp,
}

impl Rules<'_> {
    fn check(&self, claims: &Map<String, Value>) -> Result<Subject, &'static str> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let seconds = |name: &str| claims.get(name).and_then(Value::as_f64);

        let iss = text("iss").ok_or("it names no issuer")?;
        let tenant = text("tid");
        let named = |expected: &str| is_issuer(expected, tenant, iss);
        // The published issuer may be more precise than the catalogue's: it names the tenant.
        if ![self.issuer, self.published]
            .into_iter()
            .flatten()
            .all(named)
        {
            return Err("it was issued by another issuer");
        }

        let audiences: Vec<&str> = match claims.get("aud") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if !audiences.contains(&self.client_id) {
            return Err("it is for another client");
        }
        match text("azp") {
            Some(party) if party != self.client_id => return Err("it is for another client (azp)"),
            None if audiences.len() > 1 => {
                return Err("it is for several clients and names none (azp)");
            }
            Some(_) | None => {}
        }

        #[expect(
            clippy::cast_precision_loss,
            reason = "exact until the year 285 million"
        )]
        let now = self.now.as_second() as f64;
        let expires_at = seconds("exp").ok_or("it has no expiry")?;
        if expires_at <= now - MAX_SKEW {
            return Err("it has expired; is this machine's clock right?");
        }
        let issued_at = seconds("iat").ok_or("it does not say when it was issued")?;
        let valid_from = seconds("nbf").unwrap_or(issued_at);
        if issued_at.max(valid_from) > now + MAX_SKEW {
            return Err("it was issued in the future; is this machine's clock right?");
        }
        if self.nonce.is_some_and(|nonce| text("nonce") != Some(nonce)) {
            return Err("its nonce differs from that of the request");
        }
        let sub = text("sub").filter(|sub| !sub.is_empty() && sub.len() <= MAX_SUB_LENGTH);
        Ok(Subject {
            issuer: iss.to_owned(),
            sub: sub.ok_or("it names no account")?.to_owned(),
        })
    }
}

/// Whether it is signed by one of the keys that its header allows.
fn is_signed(token: &IdToken, header: &Header, keys: &[Jwk]) -> bool {
    let mut validation = Validation::new(header.alg);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let is_candidate = |key: &&Jwk| {
        let common = &key.common;
        let by_id = header.kid.is_none() || common.key_id.is_none() || common.key_id == header.kid;
        let by_use = !matches!(common.public_key_use, Some(PublicKeyUse::Encryption));
        let by_algorithm = common
            .key_algorithm
            .is_none_or(|algorithm| algorithm == KeyAlgorithm::from(header.alg));
        by_id && by_use && by_algorithm
    };
    keys.iter().filter(is_candidate).any(|key| {
        DecodingKey::from_jwk(key).is_ok_and(|key| {
            jsonwebtoken::decode::<Map<String, Value>>(token.expose(), &key, &validation).is_ok()
        })
    })
}

#[cfg(test)]
mod tests;
