//! How an API request carries the token.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::secret::AccessToken;

/// The header of an API request that carries the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiAuth {
    /// Its name.
    pub header: String,
    /// What stands before the token; empty: nothing.
    pub scheme: String,
}

impl Default for ApiAuth {
    /// RFC 6750, section 2.1.
    fn default() -> Self {
        Self {
            header: "authorization".to_owned(),
            scheme: "Bearer".to_owned(),
        }
    }
}

impl ApiAuth {
    /// The header's value for this token.
    pub fn value(&self, token: &AccessToken) -> Zeroizing<String> {
        let token = token.expose();
        Zeroizing::new(match self.scheme.as_str() {
            "" => token.to_owned(),
            scheme => format!("{scheme} {token}"),
        })
    }
}
