//! Scopes in words, where the catalogue has them.

use valetkey_api::core::catalogue;
use valetkey_api::core::printable::printable;
use valetkey_api::core::provider::Provider;
use valetkey_api::core::scope::Scopes;

use super::failure::warning;
use crate::style::Style;

/// `Create gists (gist), x`: each scope in words, with itself after them.
pub(super) fn in_words(scopes: &Scopes, provider: &str) -> String {
    let provider = catalogue::provider_or_custom(provider);
    let spelled: Vec<String> = scopes
        .iter()
        .map(|scope| spelled(scope, provider))
        .collect();
    spelled.join(", ")
}

fn spelled(scope: &str, provider: &Provider) -> String {
    let shown = printable(scope);
    match provider.scope_words(scope) {
        Some(words) => format!("{words} ({shown})"),
        None => shown.into_owned(),
    }
}

/// A warning of scopes that give too much; nothing if there are none.
pub(super) fn broad(scopes: &Scopes, provider: &str, style: Style) -> String {
    if scopes.is_empty() {
        return String::new();
    }
    let verb = if scopes.iter().nth(1).is_some() {
        "give"
    } else {
        "gives"
    };
    warning(
        &format!(
            "{} {verb} far more than most programs need",
            in_words(scopes, provider)
        ),
        "`valetkey connect NAME --only-scopes --scopes ...` asks for less",
        style,
    )
}
