//! The secret half of a connection: tokens, what they allow, until when.

use jiff::{SignedDuration, Timestamp};

use crate::id::Generation;
use crate::scope::Scopes;
use crate::secret::{AccessToken, IdToken, RefreshToken};

/// What a provider granted, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Which grant of the connection this is.
    pub generation: Generation,
    /// The token that programs get.
    pub access_token: AccessToken,
    /// Absent where the provider gives none.
    pub refresh_token: Option<RefreshToken>,
    /// The last id token, if `openid` was granted.
    pub id_token: Option<IdToken>,
    /// `Bearer`: no other type is accepted, and its spelling is made uniform.
    pub token_type: String,
    /// When the tokens arrived.
    pub issued_at: Timestamp,
    /// End of the access token; None if the provider announced none.
    pub expires_at: Option<Timestamp>,
    /// End of the refresh token, if announced.
    pub refresh_expires_at: Option<Timestamp>,
    /// Granted scopes.
    pub scopes: Scopes,
}

impl Grant {
    /// Whole life of the access token.
    pub fn lifetime(&self) -> Option<SignedDuration> {
        self.expires_at
            .map(|end| end.duration_since(self.issued_at))
    }

    /// What remains of the access token at `now`; zero or less once it ended.
    pub fn remaining(&self, now: Timestamp) -> Option<SignedDuration> {
        self.expires_at.map(|end| end.duration_since(now))
    }

    /// Whether the access token still lives at `now`; a token without an end does.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}
