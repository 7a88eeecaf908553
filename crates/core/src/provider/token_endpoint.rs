//! What differs at the token endpoints: client authentication, the form of requests and replies, and
//! how long tokens live.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::Provider;

/// Client authentication at the token endpoint (OpenID Connect Core, section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// `client_id` in the body.
    None,
    /// HTTP Basic.
    ClientSecretBasic,
    /// Both in the body.
    #[default]
    ClientSecretPost,
    /// HTTP Basic with the secret as user name and no password (Stripe).
    SecretAsUser,
    /// An assertion that the client signs with its private key (RFC 7523).
    PrivateKeyJwt,
    /// An assertion that is signed with the client secret, which itself is not sent.
    ClientSecretJwt,
}

impl ClientAuth {
    /// Whether the client proves itself with a signed assertion.
    pub const fn is_assertion(self) -> bool {
        match self {
            Self::PrivateKeyJwt | Self::ClientSecretJwt => true,
            Self::None | Self::ClientSecretBasic | Self::ClientSecretPost | Self::SecretAsUser => {
                false
            }
        }
    }
}

/// How the parameters of a token request are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenBody {
    /// A form (RFC 6749, section 4.1.3).
    #[default]
    Form,
    /// One JSON object (Notion).
    Json,
}

/// Where the tokens stand in a token reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenShape {
    /// At the top (RFC 6749, section 5.1).
    #[default]
    Standard,
    /// Under `authed_user` (Slack's user tokens).
    AuthedUser,
}

/// What is known of the provider's refresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// A refresh token unused for this long dies; seconds.
    pub idle_seconds: Option<u32>,
    /// Refreshing does not extend a login beyond this; seconds from the sign-in.
    pub total_seconds: Option<u32>,
    /// Refresh tokens have no idle limit.
    #[serde(default)]
    pub open_ended: bool,
    /// Whether a refresh replaces the refresh token.
    pub rotates: Option<bool>,
    /// A replaced refresh token is taken for this long after it was used; seconds.
    pub grace_seconds: Option<u32>,
    /// Whether a refresh with fewer scopes brings a token with no more than those, while the refresh
    /// token keeps them all (RFC 6749, section 6).
    #[serde(default)]
    pub narrows: bool,
}

/// What the catalogue knows about a provider's refresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RefreshTokenLimits {
    /// A refresh token that is idle for this long dies; None if unknown.
    pub idle: Option<SignedDuration>,
    /// The catalogue says that refresh tokens have no idle limit.
    pub open_ended: bool,
}

/// How long tokens live where the reply does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lifetimes {
    /// An access token.
    pub access: Option<SignedDuration>,
    /// A login, however often it is refreshed.
    pub login: Option<SignedDuration>,
}

impl Provider {
    /// Refresh-token limits for [`crate::freshness::due_at`].
    pub fn refresh_limits(&self) -> RefreshTokenLimits {
        RefreshTokenLimits {
            idle: self.refresh.idle_seconds.map(seconds),
            open_ended: self.refresh.open_ended,
        }
    }

    /// For [`crate::token_response::TokenResponse::into_grant`].
    pub fn lifetimes(&self) -> Lifetimes {
        Lifetimes {
            access: self.access_token_lifetime_seconds.map(seconds),
            login: self.refresh.total_seconds.map(seconds),
        }
    }
}

fn seconds(seconds: u32) -> SignedDuration {
    SignedDuration::from_secs(seconds.into())
}
