//! Names that people type: profiles, authenticators, accounts, connections.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize, Serializer};

/// Longest name, in bytes.
pub const MAX_NAME: usize = 64;

/// Why a name was refused. The message says what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a name: use 1 to {MAX_NAME} letters, digits, `.`, `_`, `-`{1}, starting with a letter or digit"
)]
pub struct BadName(String, &'static str);

fn check(text: &str, also: &'static str) -> Result<(), BadName> {
    let bad = || {
        let mut shown: String = text.chars().take(MAX_NAME).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        BadName(
            shown,
            if also.is_empty() {
                ""
            } else {
                " (and `@`, `+` in accounts)"
            },
        )
    };
    let first = text.chars().next().ok_or_else(bad)?;
    let fits = text.len() <= MAX_NAME
        && first.is_alphanumeric()
        && text
            .chars()
            .all(|c| c.is_alphanumeric() || "._-".contains(c) || also.contains(c));
    if fits { Ok(()) } else { Err(bad()) }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, also $also:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadName;

            /// Case is folded: `GitHub` and `github` are one name.
            fn from_str(text: &str) -> Result<Self, BadName> {
                check(text, $also)?;
                Ok(Self(text.to_lowercase()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;

            fn try_from(text: String) -> Result<Self, BadName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }
    };
}

name!(
    /// A separate set of authenticators and connections.
    ProfileName, also ""
);
name!(
    /// The short name of an authenticator, unique within its profile.
    AuthenticatorName, also ""
);
name!(
    /// The label of a second or later account of one authenticator (`work` in `github/work`).
    AccountLabel, also "@+"
);

impl Default for ProfileName {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl AccountLabel {
    /// A label made from a provider's account name: what cannot stand in a label becomes `-`.
    pub fn from_account(name: &str) -> Option<Self> {
        let mapped: String = name
            .chars()
            .map(|c| {
                if c.is_alphanumeric() || "._-@+".contains(c) {
                    c
                } else {
                    '-'
                }
            })
            .collect();
        let trimmed = mapped.trim_start_matches(|c: char| !c.is_alphanumeric());
        let mut cut = trimmed.len().min(MAX_NAME);
        while !trimmed.is_char_boundary(cut) {
            cut -= 1;
        }
        trimmed[..cut].trim_end_matches('-').parse().ok()
    }
}

/// A name with the profile that it stands in. Prints as the name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InProfile<N> {
    pub profile: ProfileName,
    pub name: N,
}

impl<N> InProfile<N> {
    pub const fn new(profile: ProfileName, name: N) -> Self {
        Self { profile, name }
    }
}

impl<N: fmt::Display> InProfile<N> {
    /// As an argument of a command: `github`, or `github --profile staging`.
    pub fn argument(&self) -> String {
        if self.profile == ProfileName::default() {
            self.name.to_string()
        } else {
            format!("{} --profile {}", self.name, self.profile)
        }
    }
}

impl<N: fmt::Display> fmt::Display for InProfile<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

/// How a person names a connection: `authenticator` or `authenticator/account`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct ConnectionName {
    /// The authenticator's name.
    pub authenticator: AuthenticatorName,
    /// None for the first account of the authenticator.
    pub account: Option<AccountLabel>,
}

impl Serialize for ConnectionName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.account {
            None => write!(f, "{}", self.authenticator),
            Some(account) => write!(f, "{}/{account}", self.authenticator),
        }
    }
}

impl FromStr for ConnectionName {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let (authenticator, account) = match text.split_once('/') {
            None => (text, None),
            Some((authenticator, account)) => (authenticator, Some(account.parse()?)),
        };
        Ok(Self {
            authenticator: authenticator.parse()?,
            account,
        })
    }
}

impl TryFrom<String> for ConnectionName {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        text.parse()
    }
}

impl From<ConnectionName> for String {
    fn from(name: ConnectionName) -> String {
        name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_names_round_trip() {
        for text in ["github", "github/work", "google/ada@example.com"] {
            assert_eq!(text.parse::<ConnectionName>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn bad_names_are_refused() {
        for text in ["", "/x", "a/", "a b", "-a", "a/b/c", &"x".repeat(65)] {
            assert!(text.parse::<ConnectionName>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn any_account_name_becomes_a_label_or_none() {
        let label = |name| AccountLabel::from_account(name).map(String::from);
        assert_eq!(label("Ada Lovelace"), Some("ada-lovelace".into()));
        assert_eq!(label("ada@example.com"), Some("ada@example.com".into()));
        assert_eq!(label("???"), None);
        assert_eq!(label(&"ü".repeat(60)).map(|l| l.len()), Some(64));
    }
}
