//! How tokens are asked for: the grant, for whom, and how the client authenticates.

use super::Proof;
use crate::authenticator::GrantType;
use crate::draft::nearest::nearest;
use crate::draft::reader::{Reader, list};
use crate::name::{AuthenticatorName, ConnectionName};
use crate::provider::{ClientAuth, Provider};

pub(super) fn grant_type(reader: &mut Reader) -> Option<GrantType> {
    let word = reader.text("grant_type")?;
    let known = GrantType::parse(&word);
    if known.is_none() {
        let words = GrantType::ALL.map(GrantType::as_str);
        let hint = match nearest(&word, words) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("use one of {}", list(&words)),
        };
        let shown: String = word.chars().take(64).collect();
        reader.problem("grant_type", format!("`{shown}` is not supported"), hint);
    }
    known
}

/// Whose token is exchanged.
pub(super) fn subject(
    reader: &mut Reader,
    grant_type: GrantType,
    own_name: Option<&AuthenticatorName>,
) -> Option<ConnectionName> {
    let Some(text) = reader.text("subject") else {
        if grant_type == GrantType::TokenExchange {
            reader.missing(
                "subject",
                "name the connection whose token is exchanged, such as `github/work`",
            );
        }
        return None;
    };
    if grant_type != GrantType::TokenExchange {
        let hint = "leave it out, or set `grant_type` to `token_exchange`";
        reader.problem("subject", "only a token exchange has a subject", hint);
        return None;
    }
    let shown: String = text.chars().take(64).collect();
    let Ok(subject) = text.parse::<ConnectionName>() else {
        let hint = "use the name that `valetkey status` shows, such as `github/work`";
        reader.problem("subject", format!("`{shown}` is no connection name"), hint);
        return None;
    };
    if Some(&subject.authenticator) == own_name {
        let hint = "name a connection of another authenticator";
        reader.problem(
            "subject",
            format!("`{shown}` would exchange its own token"),
            hint,
        );
        return None;
    }
    Some(subject)
}

pub(super) fn audience(
    reader: &mut Reader,
    provider: Option<&Provider>,
    grant_type: GrantType,
) -> Option<String> {
    let placeholders = provider.into_iter().flat_map(|it| &it.placeholders);
    if placeholders.into_iter().any(|it| it.name == "audience") {
        // It is one of the provider's own values.
        return None;
    }
    let audience = reader.text("audience")?;
    if grant_type.needs_person() {
        let hint = "write it in `authorize_params`, if the provider takes it there";
        let message = "`audience` is for `client_credentials` and `token_exchange`";
        reader.problem("audience", message, hint);
        return None;
    }
    Some(audience)
}

pub(super) fn requested_token_type(reader: &mut Reader, grant_type: GrantType) -> Option<String> {
    let wanted = reader.text("requested_token_type")?;
    if grant_type != GrantType::TokenExchange {
        let hint = "leave it out, or set `grant_type` to `token_exchange`";
        let message = "`requested_token_type` is for `token_exchange`";
        reader.problem("requested_token_type", message, hint);
        return None;
    }
    Some(wanted)
}

pub(super) fn client_auth(
    reader: &mut Reader,
    proof: Proof,
    grant_type: GrantType,
) -> Option<ClientAuth> {
    let auth = named_client_auth(reader, proof);
    let is_public = proof == Proof::Nothing || auth == Some(ClientAuth::None);
    if grant_type == GrantType::ClientCredentials && is_public {
        // RFC 6749, section 4.4: only a confidential client may.
        reader.missing(
            "client_secret",
            "with `client_credentials` the client proves itself: add `client_secret` or `private_key`",
        );
    }
    auth
}

fn named_client_auth(reader: &mut Reader, proof: Proof) -> Option<ClientAuth> {
    const WORDS: &[&str] = &[
        "none",
        "client_secret_basic",
        "client_secret_post",
        "secret_as_user",
        "private_key_jwt",
        "client_secret_jwt",
    ];
    let Some(word) = reader.text("client_auth") else {
        return (proof == Proof::Key).then_some(ClientAuth::PrivateKeyJwt);
    };
    let auth = match word.as_str() {
        "none" => ClientAuth::None,
        "client_secret_basic" => ClientAuth::ClientSecretBasic,
        "client_secret_post" => ClientAuth::ClientSecretPost,
        "secret_as_user" => ClientAuth::SecretAsUser,
        "private_key_jwt" => ClientAuth::PrivateKeyJwt,
        "client_secret_jwt" => ClientAuth::ClientSecretJwt,
        _ => {
            let hint = match nearest(&word, WORDS.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("use one of {}", list(WORDS)),
            };
            let shown: String = word.chars().take(64).collect();
            reader.problem("client_auth", format!("`{shown}` is not supported"), hint);
            return None;
        }
    };
    let signs = auth == ClientAuth::PrivateKeyJwt;
    if signs && proof != Proof::Key {
        reader.problem(
            "client_auth",
            "`private_key_jwt` needs a private key, and there is none",
            "add `private_key` (a PEM or JWK; `--private-key-file`)",
        );
        return None;
    }
    // A private key leaves this machine in no other way than as a signature.
    if !signs && proof == Proof::Key {
        reader.problem(
            "client_auth",
            format!("`{word}` cannot be used with a private key"),
            "leave `client_auth` out, or give a client secret instead of the key",
        );
        return None;
    }
    if auth == ClientAuth::None && proof == Proof::Secret {
        reader.warn(
            "client_auth",
            "with `none` the client secret is never sent",
            "leave `client_auth` out, or the secret",
            None,
        );
    }
    if auth != ClientAuth::None && proof == Proof::Nothing {
        reader.problem(
            "client_auth",
            format!("`{word}` needs a client secret, and there is none"),
            "add `client_secret`, or leave `client_auth` out",
        );
    }
    Some(auth)
}
