//! Request targets: a path under the API's prefix, and a query.

use crate::PREFIX;

/// A request target in origin form (RFC 9112, section 3.2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target(String);

impl Target {
    /// `/api/v1/` and these segments; each is encoded, a `/` within it too.
    pub(super) fn new(segments: &[&str]) -> Self {
        let mut text = PREFIX.to_owned();
        for segment in segments {
            text.push('/');
            encode(segment, &mut text);
        }
        Self(text)
    }

    /// With `name=value`, if there is a value.
    pub(super) fn query(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.0.push(if self.0.contains('?') { '&' } else { '?' });
            encode(name, &mut self.0);
            self.0.push('=');
            encode(value, &mut self.0);
        }
        self
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Keeps RFC 3986's unreserved characters.
fn encode(text: &str, into: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(byte.into());
        } else {
            into.push('%');
            into.push(HEX[usize::from(byte >> 4)].into());
            into.push(HEX[usize::from(byte & 15)].into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded() {
        let target = Target::new(&["credentials", "connections", "github/a b+ü"])
            .query("profile", Some("x&y"))
            .query("force", None);
        assert_eq!(
            target.as_str(),
            "/api/v1/credentials/connections/github%2Fa%20b%2B%C3%BC?profile=x%26y"
        );
    }
}
