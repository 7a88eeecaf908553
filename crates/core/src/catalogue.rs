//! The provider catalogue: our data files, embedded at build, and the person's own.
//!
//! An entry is read when it is first asked for: a program that looks for one provider does not pay
//! for the others. The person's own files are read by the host and installed once at start; they add
//! entries and replace none of ours.

mod own;

use std::sync::OnceLock;

use crate::provider::Provider;

pub use own::{OwnFile, OwnProviders, WrongFile};

/// Id and text of each of our files, by id.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/catalogue_files.rs"));

static OURS: [OnceLock<Provider>; FILES.len()] = [const { OnceLock::new() }; FILES.len()];
static OWN: OnceLock<OwnProviders> = OnceLock::new();

/// All providers, by name; `custom` last.
pub fn providers() -> Vec<&'static Provider> {
    let ours = (0..FILES.len()).map(ours);
    let mut all: Vec<&Provider> = ours
        .chain(own().iter().flat_map(|own| &own.providers))
        .collect();
    all.sort_by_cached_key(|provider| {
        let is_last = provider.id == "custom";
        (is_last, provider.display_name.to_lowercase())
    });
    all
}

/// The provider with this id.
pub fn provider(id: &str) -> Option<&'static Provider> {
    if let Ok(index) = FILES.binary_search_by_key(&id, |(id, _)| id) {
        return Some(ours(index));
    }
    own()?.providers.iter().find(|provider| provider.id == id)
}

/// The provider with this id, or else `custom`: the entry of an authenticator whose file is gone.
pub fn provider_or_custom(id: &str) -> &'static Provider {
    provider(id)
        .or_else(|| provider("custom"))
        .expect("`custom` is in the catalogue")
}

/// Adds the person's own providers. To be called once, before the first look-up that may mean one of
/// them; a second call changes nothing.
pub fn install(providers: OwnProviders) {
    let _ = OWN.set(providers);
}

/// The person's own files that cannot be used.
pub fn wrong_files() -> &'static [WrongFile] {
    own().map_or(&[], |own| &own.wrong)
}

fn own() -> Option<&'static OwnProviders> {
    OWN.get()
}

fn is_ours(id: &str) -> bool {
    FILES.binary_search_by_key(&id, |(id, _)| id).is_ok()
}

fn ours(index: usize) -> &'static Provider {
    OURS[index].get_or_init(|| {
        let (id, text) = FILES[index];
        toml::from_str(text).unwrap_or_else(|error| panic!("providers/{id}.toml: {error}"))
    })
}

#[cfg(test)]
mod tests;
