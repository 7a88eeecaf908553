//! The client's id, and its secret or key: there, and not swapped with something else that was copied.

use std::collections::BTreeMap;

use super::Proof;
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

/// Empty if connections are to be made from API keys alone.
pub(super) fn client_id(
    reader: &mut Reader,
    provider: Option<&Provider>,
    key_only: bool,
) -> Option<String> {
    let own = reader.text_or_number("client_id");
    let alias = reader.text_or_number("app_id");
    if key_only {
        if own.is_some() || alias.is_some() {
            reader.problem(
                "api_keys_only",
                "there is a client id, so people can sign in, too",
                "leave out one of them; an authenticator with a client takes API keys as well",
            );
        }
        return Some(String::new());
    }
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

/// The client secret or the private key that is given, and what the client has in the end.
pub(super) fn proof(
    reader: &mut Reader,
    provider: Option<&Provider>,
    client_id: Option<&str>,
    kept: Proof,
) -> (Option<ClientSecret>, Proof) {
    let key = private_key(reader);
    let kept = if key.is_some() { Proof::Key } else { kept };
    let secret = client_secret(reader, provider, client_id, kept);
    match (key, secret) {
        (Some(_), Some(_)) => {
            reader.problem(
                "private_key",
                "a client has a secret or a private key, not both",
                "leave one of them out",
            );
            (None, Proof::Key)
        }
        (Some(key), None) => (Some(key), Proof::Key),
        (None, Some(secret)) => (Some(secret), Proof::Secret),
        (None, None) => (None, kept),
    }
}

/// A PEM or a JWK. Whether it is a key that can sign is found out where it is stored.
fn private_key(reader: &mut Reader) -> Option<ClientSecret> {
    let key = ClientSecret::new(reader.text_or_object("private_key")?);
    let text = key.expose();
    let (message, hint) = if text.contains("-----BEGIN PUBLIC KEY")
        || text.contains("-----BEGIN RSA PUBLIC KEY")
        || text.contains("-----BEGIN CERTIFICATE")
    {
        (
            "this is the public half of a key",
            "give the private key; its public half is registered at the provider",
        )
    } else if text.contains("ENCRYPTED") {
        (
            "this private key is encrypted",
            "decrypt it first: `openssl pkcs8 -in KEY -out PLAIN.pem`; it is kept in the keychain",
        )
    } else if text.starts_with("-----BEGIN ") || text.starts_with('{') {
        return Some(key);
    } else {
        (
            "this is neither a PEM nor a JWK (it is not shown here)",
            "give the file that begins with `-----BEGIN PRIVATE KEY-----`, or the JWK as JSON",
        )
    };
    reader.problem("private_key", message, hint);
    None
}

fn client_secret(
    reader: &mut Reader,
    provider: Option<&Provider>,
    client_id: Option<&str>,
    kept: Proof,
) -> Option<ClientSecret> {
    let Some(secret) = reader.text("client_secret").map(ClientSecret::new) else {
        let is_needed = kept == Proof::Nothing && client_id != Some("");
        if let Some(provider) = provider.filter(|it| it.needs_client_secret && is_needed) {
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
    let wrong = if client_id == Some("") {
        Some("there is no client that this could be the secret of")
    } else if starts_with(secret.expose(), TOKENS) {
        Some("this is an access token, not a client secret (it is not shown here)")
    } else if Some(secret.expose()) == client_id
        || secret.expose().ends_with(".apps.googleusercontent.com")
    {
        Some("this is the client id, not its secret")
    } else if secret.expose().starts_with("-----BEGIN ") {
        Some(
            "this is a private key, not a client secret (it is not shown here); give it as `private_key`",
        )
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
