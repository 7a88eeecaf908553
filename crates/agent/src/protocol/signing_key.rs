//! A client's private key (RFC 7523, section 2.2): a PEM or a JWK (RFC 7517), which is tried when it is
//! read, so that a bad one is refused before anything is sent.
//!
//! A key leaves this module as a signature only.

mod der;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use zeroize::{Zeroize as _, Zeroizing};

/// Why a text is no key that can be used. Never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct BadKey {
    message: &'static str,
    /// What to do.
    pub(crate) hint: &'static str,
}

const KINDS: &str =
    "use an RSA key of 2048 bits or more, a P-256 key or an Ed25519 key, as PKCS#8 PEM or JWK";
const CONVERT: &str = "convert it: `openssl pkcs8 -topk8 -nocrypt -in KEY -out PKCS8.pem`";

fn bad(message: &'static str, hint: &'static str) -> BadKey {
    BadKey { message, hint }
}

/// Whether a text that should be a client secret is a private key: it must not be sent.
pub(crate) fn is_key(text: &str) -> bool {
    let text = text.trim_start();
    text.starts_with("-----BEGIN ") || (text.starts_with('{') && text.contains("\"kty\""))
}

/// A key that has signed once.
pub(crate) struct SigningKey {
    algorithm: Algorithm,
    key: EncodingKey,
    /// Names it among the client's keys (`kid`).
    id: Option<String>,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl SigningKey {
    /// Reads a PEM or a JWK.
    pub(crate) fn parse(text: &str) -> Result<Self, BadKey> {
        let key = if text.trim_start().starts_with('{') {
            Self::of_jwk(text)?
        } else {
            Self::of_pem(text)?
        };
        match key.sign(&json!({})) {
            Ok(_) => Ok(key),
            Err(NotSigned) => Err(bad("this key cannot sign", KINDS)),
        }
    }

    fn of_pem(text: &str) -> Result<Self, BadKey> {
        let (label, der) = read_pem(text)?;
        match label {
            "PRIVATE KEY" => Self::of_pkcs8(&der),
            "RSA PRIVATE KEY" => Ok(Self::rsa(&der, Algorithm::RS256, None)),
            "EC PRIVATE KEY" | "OPENSSH PRIVATE KEY" => {
                Err(bad("this private key is not in PKCS#8 form", CONVERT))
            }
            _ => Err(bad("this PEM is no private key", KINDS)),
        }
    }

    fn of_pkcs8(pkcs8: &[u8]) -> Result<Self, BadKey> {
        let der::Pkcs8 {
            algorithm,
            curve,
            key,
        } = der::read_pkcs8(pkcs8).ok_or(bad("this private key is damaged", KINDS))?;
        match (algorithm, curve) {
            (der::RSA, _) => Ok(Self::rsa(key, Algorithm::RS256, None)),
            (der::EC, Some(der::P256)) => Ok(Self {
                algorithm: Algorithm::ES256,
                key: EncodingKey::from_ec_der(pkcs8),
                id: None,
            }),
            (der::ED25519, _) => Ok(Self {
                algorithm: Algorithm::EdDSA,
                key: EncodingKey::from_ed_der(pkcs8),
                id: None,
            }),
            _ => Err(bad("keys of this kind are not supported", KINDS)),
        }
    }

    /// `key`: PKCS#1.
    fn rsa(key: &[u8], algorithm: Algorithm, id: Option<String>) -> Self {
        Self {
            algorithm,
            key: EncodingKey::from_rsa_der(key),
            id,
        }
    }

    fn of_jwk(text: &str) -> Result<Self, BadKey> {
        let jwk: PrivateJwk =
            serde_json::from_str(text).map_err(|_| bad("this JSON is no JWK", KINDS))?;
        if jwk.keys.is_some() {
            return Err(bad(
                "this is a set of keys",
                "give the one JWK whose public half is registered at the provider",
            ));
        }
        let id = jwk.kid.clone();
        let public = || bad("this JWK is the public half of a key", KINDS);
        let damaged = || bad("this private key is damaged", KINDS);
        match (jwk.kty.as_deref(), jwk.crv.as_deref()) {
            (Some("RSA"), _) => {
                jwk.d.as_ref().ok_or_else(public)?;
                let algorithm = match jwk.alg.as_deref() {
                    None | Some("RS256") => Algorithm::RS256,
                    Some("PS256") => Algorithm::PS256,
                    Some(_) => {
                        return Err(bad(
                            "the `alg` of this JWK is not supported",
                            "use `RS256` or `PS256` with an RSA key",
                        ));
                    }
                };
                let parts = [
                    &jwk.n, &jwk.e, &jwk.d, &jwk.p, &jwk.q, &jwk.dp, &jwk.dq, &jwk.qi,
                ];
                let parts: Option<Vec<Zeroizing<Vec<u8>>>> = parts
                    .into_iter()
                    .map(|part| decode(part.as_ref()))
                    .collect();
                let key = der::pkcs1(&parts.ok_or_else(damaged)?);
                Ok(Self::rsa(&key, algorithm, id))
            }
            (Some("EC"), Some("P-256")) => {
                let d = decode(Some(jwk.d.as_ref().ok_or_else(public)?)).ok_or_else(damaged)?;
                let point = [&jwk.x, &jwk.y].map(|part| decode(part.as_ref()));
                let [Some(x), Some(y)] = point else {
                    return Err(damaged());
                };
                Ok(Self {
                    algorithm: Algorithm::ES256,
                    key: EncodingKey::from_ec_der(&der::p256(&d, &x, &y)),
                    id,
                })
            }
            (Some("OKP"), Some("Ed25519")) => {
                let d = decode(Some(jwk.d.as_ref().ok_or_else(public)?)).ok_or_else(damaged)?;
                Ok(Self {
                    algorithm: Algorithm::EdDSA,
                    key: EncodingKey::from_ed_der(&der::ed25519(&d)),
                    id,
                })
            }
            _ => Err(bad("keys of this kind are not supported", KINDS)),
        }
    }

    /// Signs a JWT with these claims.
    pub(super) fn sign(&self, claims: &serde_json::Value) -> Result<Zeroizing<String>, NotSigned> {
        let header = Header {
            kid: self.id.clone(),
            ..Header::new(self.algorithm)
        };
        sign(&header, claims, &self.key)
    }
}

/// A JWT could not be signed.
#[derive(Debug)]
pub(super) struct NotSigned;

/// Signs a JWT with a client secret (`client_secret_jwt`).
pub(super) fn sign_with_secret(
    secret: &str,
    claims: &serde_json::Value,
) -> Result<Zeroizing<String>, NotSigned> {
    let key = EncodingKey::from_secret(secret.as_bytes());
    sign(&Header::new(Algorithm::HS256), claims, &key)
}

fn sign(
    header: &Header,
    claims: &serde_json::Value,
    key: &EncodingKey,
) -> Result<Zeroizing<String>, NotSigned> {
    let signed = jsonwebtoken::encode(header, claims, key);
    signed.map(Zeroizing::new).map_err(|_| NotSigned)
}

/// A private JWK (RFC 7518, section 6), wiped on drop.
#[derive(Deserialize)]
struct PrivateJwk {
    keys: Option<IgnoredAny>,
    kty: Option<String>,
    crv: Option<String>,
    kid: Option<String>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<String>,
    p: Option<String>,
    q: Option<String>,
    dp: Option<String>,
    dq: Option<String>,
    qi: Option<String>,
}

impl Drop for PrivateJwk {
    fn drop(&mut self) {
        for part in [
            &mut self.d,
            &mut self.p,
            &mut self.q,
            &mut self.dp,
            &mut self.dq,
            &mut self.qi,
        ] {
            part.zeroize();
        }
    }
}

fn decode(part: Option<&String>) -> Option<Zeroizing<Vec<u8>>> {
    URL_SAFE_NO_PAD.decode(part?).ok().map(Zeroizing::new)
}

/// Label and content of the first PEM in `text` (RFC 7468).
fn read_pem(text: &str) -> Result<(&str, Zeroizing<Vec<u8>>), BadKey> {
    let damaged = || bad("this PEM is damaged", KINDS);
    let (_, rest) = text.split_once("-----BEGIN ").ok_or_else(damaged)?;
    let (label, rest) = rest.split_once("-----").ok_or_else(damaged)?;
    let (body, _) = rest.split_once("-----END ").ok_or_else(damaged)?;
    let mut base64 = Zeroizing::new(String::with_capacity(body.len()));
    base64.extend(body.chars().filter(|c| !c.is_whitespace()));
    let der = STANDARD.decode(base64.as_bytes()).map_err(|_| damaged())?;
    Ok((label, Zeroizing::new(der)))
}

#[cfg(test)]
mod tests;
