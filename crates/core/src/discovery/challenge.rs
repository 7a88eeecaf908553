//! The challenge of a protected resource, as far as it says where its tokens come from (RFC 9728,
//! section 5.1; RFC 6750, section 3).

use crate::challenge::token_challenges;
use crate::scope::Scopes;

/// What a `Bearer` challenge says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Challenge {
    /// URL of the resource's metadata.
    pub resource_metadata: Option<String>,
    /// Scopes that are needed; they count more than any other list.
    pub scopes: Option<Scopes>,
}

impl Challenge {
    /// The first challenge for a token among the values of the header; None if there is none.
    pub fn read<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut challenge = headers.into_iter().flat_map(token_challenges).next()?;
        let mut take = |name: &str| challenge.remove(name).filter(|value| !value.is_empty());
        Some(Self {
            resource_metadata: take("resource_metadata"),
            scopes: take("scope").map(|scope| Scopes::parse_any(&scope)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_of_a_challenge_are_read() {
        let header = r#"Bearer realm="x", resource_metadata="https://h/m", scope="a b""#;
        let challenge = Challenge::read([r#"Basic realm="b""#, header]).unwrap();
        assert_eq!(challenge.resource_metadata.as_deref(), Some("https://h/m"));
        assert_eq!(challenge.scopes, Some(Scopes::parse_any("a b")));
    }

    #[test]
    fn a_challenge_without_parameters_is_one() {
        assert_eq!(Challenge::read(["Bearer"]), Some(Challenge::default()));
        assert_eq!(Challenge::read([r#"Basic realm="b""#]), None);
    }
}
