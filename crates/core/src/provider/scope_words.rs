//! Scopes in plain words.

use super::{Provider, ScopePreset};

/// What any OpenID provider means by these.
const STANDARD: [(&str, &str); 4] = [
    ("openid", "Know who you are"),
    ("profile", "See your name and picture"),
    ("email", "See your e-mail address"),
    ("offline_access", "Stay signed in while you are away"),
];

impl Provider {
    /// A scope in plain words; None where the catalogue has none for it alone.
    pub fn scope_words(&self, scope: &str) -> Option<&str> {
        let alone = |preset: &&ScopePreset| preset.scopes == [scope];
        let own = self.scope_presets.iter().find(alone);
        let own = own.map(|preset| preset.description.as_str());
        let standard = || STANDARD.into_iter().find(|(it, _)| *it == scope);
        own.or_else(|| standard().map(|(_, words)| words))
    }
}
