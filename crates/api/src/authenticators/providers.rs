//! The catalogue as the API shows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use valetkey_core::catalogue;
use valetkey_core::provider::{Provider, ScopePreset};
use valetkey_core::redirect::{LoopbackHost, RedirectUri};

/// Reply to `GET oauth/providers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProviderList {
    /// By name; `custom` last.
    pub providers: Vec<ProviderView>,
    /// Files of the person's own that are not used.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub wrong_files: Vec<WrongFileView>,
}

/// A catalogue file of the person's own that is not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WrongFileView {
    /// Its name in the folder `providers`.
    pub file: String,
    /// What is wrong, with the field or the line.
    pub message: String,
}

impl ProviderList {
    /// The catalogue of this process, or what a search for `words` finds in it.
    pub fn of_catalogue(words: &str) -> Self {
        let found = catalogue::providers().into_iter();
        let found = found.filter(|provider| provider.matches(words));
        let wrong = catalogue::wrong_files().iter();
        Self {
            providers: found.map(ProviderView::from).collect(),
            wrong_files: wrong
                .map(|wrong| WrongFileView {
                    file: wrong.file.clone(),
                    message: wrong.message.clone(),
                })
                .collect(),
        }
    }
}

/// A catalogue entry: what a person needs to register a client there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct ProviderView {
    /// `google`.
    pub id: String,
    /// As people write it.
    pub display_name: String,
    /// Further words that a search finds it by.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub keywords: Vec<String>,
    /// From a file of the person's own.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub is_own: bool,
    /// Two letters for a list.
    pub initials: String,
    /// `#rrggbb`.
    pub colour: String,
    /// Whether sign-in is impossible without a client secret.
    pub needs_client_secret: bool,
    /// Whether it comes with a client, so that the person need not register one.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub has_default_client: bool,
    /// Facts that were not seen in a source of the provider's own; an authenticator can override
    /// them.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub unconfirmed: Vec<String>,
    /// Asked for if the person names none.
    pub default_scopes: Vec<String>,
    /// Further scopes, in plain words.
    pub scope_presets: Vec<ScopePreset>,
    /// Scopes that give far more than most programs need; `admin:*` means all that begin with `admin:`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub broad_scopes: Vec<String>,
    /// Values that complete its URLs (`tenant`).
    pub placeholders: Vec<PlaceholderView>,
    /// Redirect URIs that it takes.
    pub redirect: RedirectView,
    /// Whether disconnecting can revoke the tokens at the provider.
    pub can_revoke: bool,
    /// What the person is told where it cannot.
    pub revocation_note: Option<String>,
    /// What the provider calls the keys that a person makes there: `personal access token`.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(required))]
    pub api_key_name: String,
    /// Where they are made and deleted.
    #[serde(default)]
    pub api_keys_page: Option<String>,
    /// Where a client is registered.
    pub console_url: Option<String>,
    /// How, step by step.
    pub setup_steps: Vec<String>,
    /// Documentation.
    pub docs_url: Option<String>,
}

/// A value that the person gives to complete a provider's URLs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PlaceholderView {
    /// `tenant`.
    pub name: String,
    /// Used if none is given.
    pub default: Option<String>,
    /// What it means.
    pub note: String,
}

/// What redirect URIs a provider takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RedirectView {
    /// What to register.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub default: RedirectUri,
    /// Accepted loopback hosts, best first.
    pub hosts: Vec<LoopbackHost>,
    /// Whether any port is accepted.
    pub any_port: bool,
    /// A sentence for the person who registers it.
    pub note: Option<String>,
}

impl From<&Provider> for ProviderView {
    fn from(provider: &Provider) -> Self {
        let placeholders = provider.placeholders.iter().map(|p| PlaceholderView {
            name: p.name.clone(),
            default: p.default.clone(),
            note: p.note.clone(),
        });
        Self {
            id: provider.id.clone(),
            display_name: provider.display_name.clone(),
            keywords: provider.keywords.clone(),
            is_own: provider.is_own,
            initials: provider.initials.clone(),
            colour: provider.colour.clone(),
            needs_client_secret: provider.needs_client_secret,
            has_default_client: provider.default_client.is_some(),
            unconfirmed: provider
                .unconfirmed_facts()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            default_scopes: provider.default_scopes.clone(),
            scope_presets: provider.scope_presets.clone(),
            broad_scopes: provider.broad_scopes.clone(),
            placeholders: placeholders.collect(),
            redirect: RedirectView {
                default: provider.redirect.default.clone(),
                hosts: provider.redirect.hosts.clone(),
                any_port: provider.redirect.any_port,
                note: provider.redirect.note.clone(),
            },
            can_revoke: provider.revocation.is_some(),
            revocation_note: provider.revocation_note.clone(),
            api_key_name: provider.api_keys.name.clone(),
            api_keys_page: provider.api_keys_page(&BTreeMap::new()),
            console_url: provider.console_page(&BTreeMap::new()),
            setup_steps: provider.setup_steps.clone(),
            docs_url: provider.docs_url.clone(),
        }
    }
}
