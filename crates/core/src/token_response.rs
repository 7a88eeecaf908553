//! What a token endpoint granted, in whichever dialect: JSON or form, numbers as text, nested tokens.
//!
//! Read here and nowhere else, so that one bad reply cannot mean two things. What is no grant is the
//! business of [`crate::token_error`].

mod answer;
mod jwt;

use jiff::SignedDuration;
use serde_json::{Map, Value};

pub use answer::Answer;
pub(crate) use answer::Content;

use crate::authenticator::GrantType;
use crate::clock_reading::ClockReading;
use crate::freshness;
use crate::grant::{Grant, GrantKind, TokenType};
use crate::id::Generation;
use crate::provider::{Dpop, Lifetimes, TokenShape};
use crate::scope::Scopes;
use crate::secret::{AccessToken, DpopKey, IdToken, RefreshToken};

/// A longer lifetime than this is read as this: one hundred years.
const MAX_LIFETIME: f64 = 100.0 * 365.25 * 86_400.0;

/// A successful token reply (RFC 6749, section 5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenResponse {
    /// The token that programs get; visible ASCII, so that it fits in a header.
    pub access_token: AccessToken,
    /// How requests carry it.
    pub token_type: TokenType,
    /// The key that the tokens were asked for with: see [`Self::bind`].
    pub dpop_key: Option<DpopKey>,
    /// Absent where the old one stays valid, or where there is none.
    pub refresh_token: Option<RefreshToken>,
    /// How it was obtained.
    pub grant_type: GrantType,
    /// The OpenID Connect id token, unchecked.
    pub id_token: Option<IdToken>,
    /// Announced lifetime of the access token; None if nothing usable was announced.
    pub expires_in: Option<SignedDuration>,
    /// Announced lifetime of the refresh token.
    pub refresh_expires_in: Option<SignedDuration>,
    /// Granted scopes; None means "as asked".
    pub scopes: Option<Scopes>,
}

/// Why members that arrived with a success status are no grant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoGrant {
    /// There is no access token.
    #[error("the answer holds no access token")]
    NoToken,
    /// The access token could not stand in a header.
    #[error("the access token holds characters that no header may carry")]
    BadToken,
    /// A token that we could not use (RFC 6749, section 7.1).
    #[error("the token type `{0}` is not supported, only Bearer")]
    TokenType(String),
    /// A token that should be bound to a key and is not (RFC 9449, section 5).
    #[error("the access token is not bound to the key (its type is Bearer, not DPoP)")]
    NotBound,
}

impl TokenResponse {
    /// Reads the members of a successful answer.
    pub(crate) fn from_members(
        mut members: Map<String, Value>,
        shape: TokenShape,
    ) -> Result<Self, NoGrant> {
        let id_token = text(&mut members, "id_token").map(IdToken::new);
        let mut members = match (shape, members.remove("authed_user")) {
            (TokenShape::AuthedUser, Some(Value::Object(user)))
                if user.contains_key("access_token") =>
            {
                user
            }
            // A refresh of Slack's answers the user's tokens at the top.
            (TokenShape::AuthedUser | TokenShape::Standard, _) => members,
        };
        let access_token = text(&mut members, "access_token").ok_or(NoGrant::NoToken)?;
        if !access_token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NoGrant::BadToken);
        }
        let token_type = token_type(&members, shape)?;
        Ok(Self {
            access_token: AccessToken::new(access_token),
            token_type,
            dpop_key: None,
            refresh_token: text(&mut members, "refresh_token").map(RefreshToken::new),
            grant_type: GrantType::AuthorizationCode,
            id_token: text(&mut members, "id_token")
                .map(IdToken::new)
                .or(id_token),
            expires_in: members.get("expires_in").and_then(lifetime),
            refresh_expires_in: ["refresh_token_expires_in", "refresh_expires_in"]
                .iter()
                .find_map(|name| members.get(*name).and_then(lifetime)),
            // Bitbucket calls it `scopes`.
            scopes: ["scope", "scopes"]
                .iter()
                .find_map(|name| members.get(*name).and_then(scopes)),
        })
    }

    /// The reply to a request that proved possession of `key`, or of none. A bound token needs its key,
    /// and one that must be bound may not come without.
    pub fn bind(self, key: Option<&DpopKey>, dpop: Option<Dpop>) -> Result<Self, NoGrant> {
        match (self.token_type, key, dpop) {
            (TokenType::Dpop, None, _) => Err(NoGrant::TokenType("DPoP".to_owned())),
            (TokenType::Bearer, Some(_), Some(Dpop::Required)) => Err(NoGrant::NotBound),
            (TokenType::Dpop, Some(_), _)
            | (TokenType::Bearer, None, _)
            | (TokenType::Bearer, Some(_), Some(Dpop::Preferred) | None) => Ok(Self {
                dpop_key: key.cloned(),
                ..self
            }),
        }
    }

    /// The grant of this reply, received at `now`.
    ///
    /// As the answer to a request that needs no person. It can be sent again, so a refresh token beside
    /// it is of no use (RFC 6749, section 4.4.3).
    #[must_use]
    pub fn direct(self, grant_type: GrantType) -> Self {
        Self {
            refresh_token: None,
            refresh_expires_in: None,
            grant_type,
            ..self
        }
    }

    /// `previous` is the grant that was refreshed: what the reply does not mention is kept from it
    /// (RFC 6749, section 6). Without an announced lifetime, a JWT's own `exp` counts, then the
    /// catalogue's lifetime; else the token has no known end. A login that the catalogue gives a term
    /// keeps its end through every refresh.
    #[must_use]
    pub fn into_grant(
        self,
        generation: Generation,
        previous: Option<&Grant>,
        asked: &Scopes,
        lifetimes: Lifetimes,
        now: ClockReading,
    ) -> Grant {
        let after = |lifetime| freshness::add(now.wall, lifetime);
        let expires_at = self
            .expires_in
            .map(after)
            .or_else(|| jwt::expiry(self.access_token.expose()).filter(|end| *end > now.wall))
            .or_else(|| lifetimes.access.map(after));
        let rotated = self.refresh_token.is_some();
        let kept = previous.filter(|_| !rotated);
        Grant {
            kind: GrantKind::OAuth,
            generation,
            expires_at,
            refresh_expires_at: self
                .refresh_expires_in
                .map(after)
                .or_else(|| kept?.refresh_expires_at)
                .or_else(|| match previous {
                    Some(previous) => lifetimes.login.and(previous.refresh_expires_at),
                    None => lifetimes.login.map(after).filter(|_| rotated),
                }),
            access_token: self.access_token,
            refresh_token: self.refresh_token.or_else(|| kept?.refresh_token.clone()),
            grant_type: self.grant_type,
            id_token: self.id_token.or_else(|| previous?.id_token.clone()),
            token_type: self.token_type,
            dpop_key: self.dpop_key,
            issued_at: now.wall,
            issued_boot_time: now.boot,
            scopes: self
                .scopes
                .or_else(|| previous.map(|grant| grant.scopes.clone()))
                .unwrap_or_else(|| asked.clone()),
        }
    }
}

/// Compared without regard to case (RFC 6749, section 5.1). A missing type is tolerated: several
/// providers leave it out, and all of them mean Bearer.
fn token_type(members: &Map<String, Value>, shape: TokenShape) -> Result<TokenType, NoGrant> {
    let Some(Value::String(token_type)) = members.get("token_type") else {
        return Ok(TokenType::Bearer);
    };
    match (shape, &*token_type.trim().to_ascii_lowercase()) {
        (_, "bearer" | "") | (TokenShape::AuthedUser, "user") => return Ok(TokenType::Bearer),
        (TokenShape::Standard, "dpop") => return Ok(TokenType::Dpop),
        (TokenShape::Standard | TokenShape::AuthedUser, _) => {}
    }
    let shown = token_type
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-' || *c == '_')
        .take(32)
        .collect();
    Err(NoGrant::TokenType(shown))
}

/// Moves a non-empty text out, so that no copy of a token stays behind.
fn text(members: &mut Map<String, Value>, name: &str) -> Option<String> {
    match members.remove(name) {
        Some(Value::String(text)) if !text.is_empty() => Some(text),
        _ => None,
    }
}

/// Seconds, as number or text. Zero and less say nothing: providers send 0 for "no end", and a token
/// that had expired on arrival would be refreshed without pause.
fn lifetime(value: &Value) -> Option<SignedDuration> {
    let seconds = number(value).filter(|seconds| *seconds > 0.0)?;
    SignedDuration::try_from_secs_f64(seconds.min(MAX_LIFETIME)).ok()
}

/// A finite number, also when it is written as text.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
    .filter(|number: &f64| number.is_finite())
}

fn scopes(value: &Value) -> Option<Scopes> {
    match value {
        Value::String(text) => Some(Scopes::parse_any(text)),
        Value::Array(items) => Some(
            items
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
