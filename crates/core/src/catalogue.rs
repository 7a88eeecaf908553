//! The provider catalogue: data files embedded at build, read once, at first use.

use std::sync::OnceLock;

use crate::provider::Provider;

macro_rules! catalogue {
    ($($id:literal),* $(,)?) => {
        const FILES: &[(&str, &str)] =
            &[$(($id, include_str!(concat!("../providers/", $id, ".toml")))),*];
    };
}

catalogue!("github", "google", "microsoft", "slack", "custom");

/// All providers, in the catalogue's order; `custom` last.
pub fn providers() -> &'static [Provider] {
    static PROVIDERS: OnceLock<Vec<Provider>> = OnceLock::new();
    PROVIDERS.get_or_init(|| {
        let read = |(id, text): &(&str, &str)| -> Provider {
            toml::from_str(text).unwrap_or_else(|error| panic!("providers/{id}.toml: {error}"))
        };
        FILES.iter().map(read).collect()
    })
}

/// The provider with this id.
pub fn provider(id: &str) -> Option<&'static Provider> {
    providers().iter().find(|provider| provider.id == id)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::redirect::RedirectUri;

    /// Where every sign-in comes back to the same port, only the path tells two providers apart
    /// (RFC 9700, section 2.1: distinct redirect URIs defend against mix-up).
    #[test]
    fn redirect_uris_at_a_fixed_port_are_distinct() {
        let mut seen = BTreeSet::new();
        for provider in providers() {
            let redirect = &provider.redirect.default;
            if let RedirectUri::Loopback {
                port: Some(_),
                path,
                ..
            } = redirect
            {
                assert!(seen.insert(path), "{}: {path} is shared", provider.id);
                assert_ne!(path, "/callback", "{}", provider.id);
            }
        }
    }
}
