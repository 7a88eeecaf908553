//! How an authenticator gets its tokens.

use serde::{Deserialize, Serialize};

/// The grant behind the tokens of an authenticator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// A person agrees, in a browser or with a code (RFC 6749, section 4.1; RFC 8628).
    #[default]
    AuthorizationCode,
    /// The client asks for itself (RFC 6749, section 4.4).
    ClientCredentials,
    /// The token of another connection is exchanged (RFC 8693).
    TokenExchange,
}

impl GrantType {
    /// All of them.
    pub const ALL: [Self; 3] = [
        Self::AuthorizationCode,
        Self::ClientCredentials,
        Self::TokenExchange,
    ];

    /// The word in the API, the database and the user interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::ClientCredentials => "client_credentials",
            Self::TokenExchange => "token_exchange",
        }
    }

    /// Reads [`Self::as_str`] back.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// Whether a person must agree. Where nobody must, a token that ends is asked for again instead of
    /// being refreshed.
    pub const fn needs_person(self) -> bool {
        match self {
            Self::AuthorizationCode => true,
            Self::ClientCredentials | Self::TokenExchange => false,
        }
    }
}
