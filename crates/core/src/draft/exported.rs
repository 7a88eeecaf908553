//! An authenticator as fields that read back to it: what an export holds.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::input::members_of;
use crate::authenticator::Authenticator;
use crate::catalogue;
use crate::name::ProfileName;
use crate::provider::ClientAuth;

/// The fields of `authenticator` without its secret: read back, they give the same authenticator.
/// Beside those of [`DraftInput`](super::DraftInput) stand `profile` and `is_active`, where they are not
/// what an authenticator has by itself.
pub fn exported(authenticator: &Authenticator) -> Map<String, Value> {
    let mut fields = members_of(authenticator).take();
    let provider = catalogue::provider(&authenticator.provider);
    let is_named_by_provider = provider.is_some_and(|provider| {
        provider.id != "custom"
            && provider.id == authenticator.name.as_str()
            && provider.display_name == authenticator.display_name
    });
    if is_named_by_provider {
        fields.remove("name");
    } else {
        fields.insert(
            "name".to_owned(),
            authenticator.display_name.as_str().into(),
        );
    }
    if authenticator.profile != ProfileName::default() {
        fields.insert("profile".to_owned(), authenticator.profile.as_str().into());
    }
    if !authenticator.is_active {
        fields.insert("is_active".to_owned(), false.into());
    }
    fields
}

/// The field that takes back what is kept as the client secret of `authenticator`.
pub fn secret_field(authenticator: &Authenticator) -> &'static str {
    match authenticator.overrides.client_auth {
        Some(ClientAuth::PrivateKeyJwt) => "private_key",
        _ => "client_secret",
    }
}

/// Names of the variables that stand for the client secrets in an export. Each is given once: otherwise two
/// clients would get one secret.
#[derive(Debug, Default)]
pub struct SecretVariables(HashSet<String>);

impl SecretVariables {
    /// `${WORK_GITHUB_CLIENT_SECRET}`: what stands for the client secret of `authenticator`.
    pub fn reference(&mut self, authenticator: &Authenticator) -> String {
        let profile = &authenticator.profile;
        let profile = (*profile != ProfileName::default()).then(|| letters(profile.as_str()));
        // Nothing is left of a name without Latin letters.
        let name = Some(letters(authenticator.name.as_str())).filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| letters(&authenticator.provider));
        let words = [
            profile.unwrap_or_default(),
            name,
            "CLIENT_SECRET".to_owned(),
        ];
        let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let mut wanted = words.join("_");
        if wanted.starts_with(|c: char| c.is_ascii_digit()) {
            wanted.insert(0, '_');
        }
        let mut name = wanted.clone();
        let mut number = 2;
        while !self.0.insert(name.clone()) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        format!("${{{name}}}")
    }
}

/// The letters that the name of a variable may have.
fn letters(name: &str) -> String {
    let upper = name.to_uppercase();
    let words = upper.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("_")
}

#[cfg(test)]
mod tests;
