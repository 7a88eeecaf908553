//! The client's id and secret: there, and not swapped with something else that was copied.

use std::collections::BTreeMap;

use super::Kept;
use crate::draft::reader::Reader;
use crate::provider::Provider;
use crate::secret::ClientSecret;

/// Beginnings of secrets that people paste into the wrong field.
const CLIENT_SECRETS: &[&str] = &["GOCSPX-"];
const TOKENS: &[&str] = &[
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "xoxb-",
    "xoxp-",
    "xoxe-",
    "xoxe.",
    "xapp-",
    "ya29.",
    "1//",
];

pub(super) fn client_id(reader: &mut Reader, provider: Option<&Provider>) -> Option<String> {
    let own = reader.text_or_number("client_id");
    let alias = reader.text_or_number("app_id");
    let id = match (own, alias) {
        (Some(own), Some(alias)) if own != alias => {
            reader.problem(
                "app_id",
                "`app_id` and `client_id` differ",
                "keep `client_id`, which is what OAuth calls it",
            );
            return None;
        }
        (Some(own), _) => own,
        (None, Some(alias)) => {
            reader.warn(
                "app_id",
                "`app_id` was taken as `client_id`",
                "call it `client_id` in the file",
                None,
            );
            alias
        }
        (None, None) => {
            if let Some(shipped) = provider.and_then(|provider| provider.default_client.as_ref()) {
                return Some(shipped.client_id.clone());
            }
            reader.missing("client_id", at_console("copy the client id", provider));
            return None;
        }
    };
    if starts_with(&id, CLIENT_SECRETS) || starts_with(&id, TOKENS) {
        reader.problem(
            "client_id",
            "this is a secret, not a client id (it is not shown here)",
            at_console(
                "copy the client id; a secret that was pasted in a wrong place should be renewed",
                provider,
            ),
        );
        return None;
    }
    if id.chars().any(|c| c.is_control() || c.is_whitespace()) {
        reader.problem(
            "client_id",
            "a client id holds no spaces",
            at_console("copy it again", provider),
        );
        return None;
    }
    Some(id)
}

pub(super) fn client_secret(
    reader: &mut Reader,
    provider: Option<&Provider>,
    client_id: Option<&str>,
    kept: Kept,
) -> Option<ClientSecret> {
    let Some(secret) = reader.text("client_secret").map(ClientSecret::new) else {
        if let Some(provider) = provider.filter(|p| p.needs_client_secret && kept == Kept::Nothing)
        {
            let hint = at_console("create one", Some(provider));
            reader.missing(
                "client_secret",
                format!(
                    "{hint}; give it with `--client-secret-stdin` or `\"client_secret\": \"${{NAME}}\"`"
                ),
            );
        }
        return None;
    };
    let wrong = if starts_with(secret.expose(), TOKENS) {
        Some("this is an access token, not a client secret (it is not shown here)")
    } else if Some(secret.expose()) == client_id
        || secret.expose().ends_with(".apps.googleusercontent.com")
    {
        Some("this is the client id, not its secret")
    } else if secret.expose().chars().any(char::is_control) {
        Some("a client secret holds no line breaks or control characters")
    } else {
        None
    };
    if let Some(message) = wrong {
        reader.problem(
            "client_secret",
            message,
            at_console("copy the client secret", provider),
        );
        return None;
    }
    Some(secret)
}

fn starts_with(text: &str, beginnings: &[&str]) -> bool {
    beginnings
        .iter()
        .any(|beginning| text.starts_with(beginning))
}

fn at_console(what: &str, provider: Option<&Provider>) -> String {
    match provider.and_then(|provider| provider.console_page(&BTreeMap::new())) {
        Some(console) => format!("{what} at {console}"),
        None => format!("{what} where the client is registered"),
    }
}
