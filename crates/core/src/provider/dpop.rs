//! Whether tokens are bound to a key (RFC 9449).

use serde::{Deserialize, Serialize};

/// What an authenticator asks for. Without it no token is bound: that a provider could bind tokens is no
/// reason, since bound ones are of use through the proxy alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Dpop {
    /// A token that is not bound is refused.
    Required,
    /// A token that is not bound is taken as it is.
    Preferred,
}

impl Dpop {
    /// Its name in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Preferred => "preferred",
        }
    }
}
