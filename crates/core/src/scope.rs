//! Scopes: an ordered set of space-free tokens (RFC 6749, section 3.3).

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// Scopes in the order they were named, each once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(from = "Vec<String>")]
pub struct Scopes(Vec<String>);

impl Scopes {
    /// Reads what a provider sends: separated by spaces or commas, whatever it documents.
    pub fn parse_any(text: &str) -> Self {
        text.split([' ', ',', '\t', '\n', '\r'])
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// One string for an authorize or token request.
    pub fn join(&self, separator: &str) -> String {
        self.0.join(separator)
    }

    /// Those of `self` that `granted` lacks. Compared exactly: scopes are case-sensitive.
    #[must_use]
    pub fn missing_from(&self, granted: &Scopes) -> Scopes {
        self.iter()
            .filter(|scope| !granted.contains(scope))
            .map(str::to_owned)
            .collect()
    }

    /// Both together, `self` first.
    #[must_use]
    pub fn union(&self, other: &Scopes) -> Scopes {
        self.iter().chain(other.iter()).map(str::to_owned).collect()
    }

    /// Whether this very scope is in the set.
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|own| own == scope)
    }

    /// In order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// True if no scope is named.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl FromIterator<String> for Scopes {
    fn from_iter<T: IntoIterator<Item = String>>(scopes: T) -> Self {
        let mut unique: Vec<String> = Vec::new();
        for scope in scopes {
            if !scope.is_empty() && !unique.contains(&scope) {
                unique.push(scope);
            }
        }
        Self(unique)
    }
}

impl From<Vec<String>> for Scopes {
    fn from(scopes: Vec<String>) -> Self {
        scopes.into_iter().collect()
    }
}

impl From<Scopes> for Vec<String> {
    fn from(scopes: Scopes) -> Self {
        scopes.0
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.join(" "))
    }
}

/// Whether this text may be one scope (RFC 6749, section 3.3: printable ASCII but space, `"`, `\`).
pub fn is_scope_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comma_and_space_lists_read_the_same() {
        assert_eq!(
            Scopes::parse_any("repo,gist"),
            Scopes::parse_any("repo gist repo")
        );
    }

    #[test]
    fn an_empty_text_names_no_scope() {
        assert!(Scopes::from(vec![String::new()]).is_empty());
    }

    #[test]
    fn missing_scopes_are_named() {
        let asked = Scopes::parse_any("openid email mail.read");
        let granted = Scopes::parse_any("email openid");
        assert_eq!(asked.missing_from(&granted).to_string(), "mail.read");
    }
}
