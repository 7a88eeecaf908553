//! The secret half of a connection: tokens, what they allow, until when.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::authenticator::GrantType;
use crate::clock_reading::{BootTime, ClockChange, ClockReading};
use crate::freshness::add;
use crate::id::Generation;
use crate::scope::Scopes;
use crate::secret::{AccessToken, DpopKey, IdToken, RefreshToken};

/// How requests carry an access token. No other type is accepted, and its spelling is made uniform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenType {
    /// Whoever holds it may use it (RFC 6750).
    Bearer,
    /// Bound to a key, whose holder proves it for each request (RFC 9449).
    #[serde(rename = "DPoP")]
    Dpop,
}

impl TokenType {
    /// As in a header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bearer => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

/// Where the secret of a connection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    /// The provider issued it to our client, for a person who signed in or for the client itself.
    #[default]
    #[serde(rename = "oauth")]
    OAuth,
    /// The person made it at the provider and gave it to us: an API key or a personal access token.
    /// Nothing refreshes it.
    ApiKey,
}

impl GrantKind {
    /// All kinds.
    pub const ALL: [Self; 2] = [Self::OAuth, Self::ApiKey];

    /// The word in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OAuth => "oauth",
            Self::ApiKey => "api_key",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// What a provider granted, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Where it comes from.
    pub kind: GrantKind,
    /// Which grant of the connection this is.
    pub generation: Generation,
    /// The token that programs get.
    pub access_token: AccessToken,
    /// Absent where the provider gives none.
    pub refresh_token: Option<RefreshToken>,
    /// How it was obtained. Where nobody had to agree, the same request brings the next one.
    pub grant_type: GrantType,
    /// The last id token, if `openid` was granted.
    pub id_token: Option<IdToken>,
    /// How requests carry the access token.
    pub token_type: TokenType,
    /// The key that the tokens are bound to: the refresh token may be, also where the access token is not.
    pub dpop_key: Option<DpopKey>,
    /// When the tokens arrived.
    pub issued_at: Timestamp,
    /// The same moment by the boot clock, where there is one.
    pub issued_boot_time: Option<BootTime>,
    /// End of the access token; None if the provider announced none.
    pub expires_at: Option<Timestamp>,
    /// End of the refresh token, if announced.
    pub refresh_expires_at: Option<Timestamp>,
    /// Granted scopes.
    pub scopes: Scopes,
}

impl Grant {
    /// The grant of a key that the person gave. `expires_at`: when they say that it ends.
    pub fn of_key(
        key: AccessToken,
        generation: Generation,
        received: ClockReading,
        expires_at: Option<Timestamp>,
    ) -> Self {
        Self {
            kind: GrantKind::ApiKey,
            generation,
            access_token: key,
            refresh_token: None,
            grant_type: GrantType::default(),
            id_token: None,
            token_type: TokenType::Bearer,
            dpop_key: None,
            issued_at: received.wall,
            issued_boot_time: received.boot,
            expires_at,
            refresh_expires_at: None,
            scopes: Scopes::default(),
        }
    }

    /// Moves the times of the grant to the wall clock as it is set now. Where only that it was set back
    /// is known, what is left of the access token is not: it counts as expired if it can be refreshed.
    pub fn follow_clock(&mut self, now: &ClockReading) {
        let received = ClockReading {
            wall: self.issued_at,
            boot: self.issued_boot_time,
        };
        match now.change_since(&received) {
            ClockChange::None => {}
            ClockChange::SetBy(by) => self.move_times(by),
            ClockChange::SetBack => {
                if self.is_refreshable() && self.expires_at.is_some() {
                    self.issued_at = now.wall;
                    self.issued_boot_time = now.boot;
                    self.expires_at = Some(now.wall);
                }
            }
        }
    }

    /// Whether a new token can be had without the person.
    pub fn is_refreshable(&self) -> bool {
        self.refresh_token.is_some() || !self.grant_type.needs_person()
    }

    /// The wall clock was set by this much. The end of a key is a date, which the person named.
    pub fn move_times(&mut self, by: SignedDuration) {
        self.issued_at = add(self.issued_at, by);
        if self.kind == GrantKind::ApiKey {
            return;
        }
        for end in [&mut self.expires_at, &mut self.refresh_expires_at] {
            *end = end.map(|end| add(end, by));
        }
    }

    /// Whole lifetime of the access token.
    pub fn lifetime(&self) -> Option<SignedDuration> {
        self.expires_at
            .map(|end| end.duration_since(self.issued_at))
    }

    /// What remains of the access token at `now`; zero or less once it ended.
    pub fn remaining(&self, now: Timestamp) -> Option<SignedDuration> {
        self.expires_at.map(|end| end.duration_since(now))
    }

    /// Whether the access token has not expired at `now`; one without an end never does.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_key_is_a_date_that_no_clock_moves() {
        let at = Timestamp::UNIX_EPOCH;
        let end = add(at, SignedDuration::from_hours(24));
        let key = AccessToken::new("key");
        let mut grant = Grant::of_key(key, Generation(1), ClockReading::wall(at), Some(end));
        grant.move_times(SignedDuration::from_hours(5));
        assert_eq!(grant.expires_at, Some(end));
        assert!(grant.is_valid(at) && !grant.is_valid(end));
    }

    #[test]
    fn words_of_kinds_read_back() {
        for kind in GrantKind::ALL {
            assert_eq!(GrantKind::parse(kind.as_str()), Some(kind));
            let json = serde_json::to_value(kind).unwrap();
            assert_eq!(json, kind.as_str());
        }
    }
}
