//! Who is signed in.

use serde::{Deserialize, Serialize};

use crate::name::AccountLabel;

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Account {
    /// The second half of the connection's name; None for the authenticator's first account.
    pub label: Option<AccountLabel>,
    /// What a person calls it: an e-mail address or login, as the provider says.
    pub display_name: Option<String>,
    /// What makes it the same account: never the e-mail address (OpenID Connect Core, 5.7).
    pub subject: Option<Subject>,
}

/// An account's identity: the issuer (or provider) and its name for the account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Subject {
    /// Issuer URL, or the provider's id where there is no issuer.
    pub issuer: String,
    /// `sub`, or the provider's own stable account id.
    pub sub: String,
}

impl Subject {
    /// Whether both name one account of the same client. Until its issuer is known an account stands
    /// under its provider's id or host; then only the second half can be compared.
    pub fn is_same_account(&self, other: &Self) -> bool {
        let has_issuer = |subject: &Self| subject.issuer.contains("://");
        self.sub == other.sub
            && (self.issuer == other.issuer || has_issuer(self) != has_issuer(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_the_same_under_an_issuer_that_was_named_later() {
        let subject = |issuer: &str, sub: &str| Subject {
            issuer: issuer.to_owned(),
            sub: sub.to_owned(),
        };
        let ada = subject("https://id.example", "ada");
        assert!(ada.is_same_account(&ada.clone()));
        assert!(ada.is_same_account(&subject("id.example", "ada")));
        assert!(subject("id.example", "ada").is_same_account(&ada));
        assert!(!ada.is_same_account(&subject("id.example", "grace")));
        assert!(!ada.is_same_account(&subject("https://other.example", "ada")));
        assert!(!subject("github", "ada").is_same_account(&subject("gitlab", "ada")));
    }
}
