//! The provider catalogue: data files embedded at build, read once, at first use.

use std::sync::OnceLock;

use crate::provider::Provider;

macro_rules! catalogue {
    ($($id:literal),* $(,)?) => {
        const FILES: &[(&str, &str)] =
            &[$(($id, include_str!(concat!("../providers/", $id, ".toml")))),*];
    };
}

catalogue!("google", "microsoft", "github", "slack", "custom");

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
