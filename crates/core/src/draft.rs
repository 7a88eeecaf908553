//! An authenticator as a person writes it, checked as a whole.
//!
//! The same fields arrive from a config file, from flags and in an API request. They stay a bag of
//! members ([`DraftInput`]) until one check has read them all, so that everything wrong is said at
//! once, each with what to do. A change of an existing authenticator is a merge patch (RFC 7396)
//! on its own fields, followed by the same check.

mod check;
mod exported;
mod input;
mod members;
mod nearest;
mod reader;
mod references;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::authenticator::{Authenticator, Overrides};
use crate::id::AuthenticatorId;
use crate::name::{AuthenticatorName, ProfileName};
use crate::redirect::RedirectUri;
use crate::scope::Scopes;
use crate::secret::ClientSecret;

pub use exported::{SecretVariables, exported, secret_field};
pub use input::DraftInput;
pub use nearest::nearest;

/// A checked authenticator that is not stored yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Short name; whether it is taken only the agent knows.
    pub name: AuthenticatorName,
    /// As the person wrote it.
    pub display_name: String,
    /// Catalogue id.
    pub provider: String,
    /// OAuth client id; empty if connections are made from API keys alone.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: Option<ClientSecret>,
    /// Scopes to ask for.
    pub scopes: Scopes,
    /// Where the browser comes back to.
    pub redirect_uri: RedirectUri,
    /// What wins over the catalogue.
    pub overrides: Overrides,
}

/// Something that must be mended before the authenticator can be stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// The field, as in the JSON; empty if it is about the whole.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// Something accepted that the person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Warning {
    /// The field, as in the JSON.
    pub field: String,
    /// What is odd.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// A better value for the field, to be offered.
    pub offer: Option<String>,
}

/// What happens to the stored client secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretChange {
    /// A new one; connections stay.
    Set(ClientSecret),
    /// None any more.
    Remove,
}

/// A checked change of an authenticator.
#[derive(Debug)]
pub struct Change {
    /// The authenticator as it is to be.
    pub authenticator: Authenticator,
    /// None: the secret stays as it is.
    pub secret: Option<SecretChange>,
    /// What the person should know.
    pub warnings: Vec<Warning>,
}

impl Draft {
    /// The authenticator to store, and its secret.
    pub fn into_authenticator(
        self,
        id: AuthenticatorId,
        profile: ProfileName,
        now: Timestamp,
    ) -> (Authenticator, Option<ClientSecret>) {
        let authenticator = Authenticator {
            id,
            profile,
            name: self.name,
            display_name: self.display_name,
            provider: self.provider,
            client_id: self.client_id,
            has_secret: self.client_secret.is_some(),
            scopes: self.scopes,
            redirect_uri: self.redirect_uri,
            overrides: self.overrides,
            is_active: true,
            created_at: now,
            updated_at: now,
        };
        (authenticator, self.client_secret)
    }
}

#[cfg(test)]
mod tests;
