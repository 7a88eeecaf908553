//! Scopes in plain words.

use super::{Provider, ScopePreset};
use crate::scope::Scopes;

/// What any OpenID provider means by these.
const STANDARD: [(&str, &str); 4] = [
    ("openid", "Know who you are"),
    ("profile", "See your name and picture"),
    ("email", "See your e-mail address"),
    ("offline_access", "Stay signed in while you are away"),
];

/// Those among `scopes` that `patterns` name: a scope, or `admin:*` for all that begin with `admin:`.
pub fn broad_scopes(patterns: &[String], scopes: &Scopes) -> Scopes {
    let broad = scopes.iter().filter(|scope| is_broad(patterns, scope));
    broad.map(str::to_owned).collect()
}

fn is_broad(patterns: &[String], scope: &str) -> bool {
    patterns
        .iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(begin) => scope.starts_with(begin),
            None => pattern == scope,
        })
}

impl Provider {
    /// A scope in plain words; None where the catalogue has none for it alone.
    pub fn scope_words(&self, scope: &str) -> Option<&str> {
        let alone = |preset: &&ScopePreset| preset.scopes == [scope];
        let own = self.scope_presets.iter().find(alone);
        let own = own.map(|preset| preset.description.as_str());
        let standard = || STANDARD.into_iter().find(|(it, _)| *it == scope);
        own.or_else(|| standard().map(|(_, words)| words))
    }

    /// Whether a scope gives far more than most programs need.
    pub fn is_broad(&self, scope: &str) -> bool {
        is_broad(&self.broad_scopes, scope)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::provider;

    #[test]
    fn scopes_that_give_too_much_are_marked() {
        let broad = |id: &str, scopes: &str| {
            let marks = &provider(id).unwrap().broad_scopes;
            broad_scopes(marks, &Scopes::parse_any(scopes)).to_string()
        };
        assert_eq!(
            broad("github", "repo public_repo admin:org admin read:org"),
            "repo admin:org"
        );
        assert_eq!(
            broad(
                "google",
                "openid https://mail.google.com/ https://mail.google.com/x"
            ),
            "https://mail.google.com/"
        );
        assert_eq!(
            broad("microsoft", "Files.Read Files.ReadWrite.All"),
            "Files.ReadWrite.All"
        );
        assert_eq!(broad("custom", "repo"), "");
    }
}
