//! The fields of an authenticator, from a config file, flags and a secret.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::{Map, Value};
use valetkey_api::core::draft::DraftInput;
use valetkey_transfer::google;

use super::secret;
use crate::args::{Fields, Secret};
use crate::exit::Exit;
use crate::failure::Failure;

/// Longest config file.
const MAX_CONFIG: u64 = 1 << 20;

/// The text of `--config`.
pub(super) fn config(fields: &Fields, secret: &Secret) -> Result<Option<String>, Failure> {
    let from_stdin = fields.config.as_deref() == Some(Path::new("-"));
    if from_stdin && secret.client_secret_stdin {
        let what = "the config and the client secret cannot both come from stdin";
        return Err(Failure::new(Exit::Usage, what)
            .hint("use `--client-secret-file` or `--client-secret-env`"));
    }
    fields.config.as_deref().map(read).transpose()
}

/// All fields that were given, those of the config first. Variables are resolved here, in the
/// person's environment, and only those of the file: flags and secrets are taken as they are.
pub(super) fn input(
    config: Option<String>,
    fields: &Fields,
    secret: &Secret,
) -> Result<DraftInput, Failure> {
    let mut input = match config {
        None => DraftInput::default(),
        Some(text) => match google::input(&text) {
            Some(input) => input,
            None => DraftInput::from_json(&text)
                .map_err(Failure::Problems)?
                .resolve(&|name| env::var(name).ok()),
        },
    };
    set_fields(&mut input, fields);
    if let Some(secret) = secret::read(secret)? {
        input.set("client_secret", secret.expose());
    }
    if let Some(key) = secret::read_key(secret)? {
        input.set("private_key", key.expose());
    }
    Ok(input)
}

fn set_fields(input: &mut DraftInput, fields: &Fields) {
    for (field, value) in [
        ("name", &fields.name),
        ("client_id", &fields.client_id),
        ("redirect_uri", &fields.redirect_uri),
        ("authorize_url", &fields.authorize_url),
        ("token_url", &fields.token_url),
        ("device_authorization_url", &fields.device_authorization_url),
        ("pushed_authorization_url", &fields.pushed_authorization_url),
        ("revocation_url", &fields.revocation_url),
        ("userinfo_url", &fields.userinfo_url),
        ("issuer", &fields.issuer),
        ("resource", &fields.resource),
        ("grant_type", &fields.grant_type),
        ("subject", &fields.subject),
        ("audience", &fields.audience),
        ("requested_token_type", &fields.requested_token_type),
        ("client_auth", &fields.client_auth),
        ("assertion_audience", &fields.assertion_audience),
        ("api_key_header", &fields.api_key_header),
        ("dpop", &fields.dpop),
    ] {
        if let Some(value) = value {
            input.set(field, value.as_str());
        }
    }
    if let Some(scopes) = &fields.scopes {
        input.set("scopes", scopes.clone());
    }
    if fields.assume_pkce {
        input.set("assume_pkce", true);
    }
    if !fields.api_hosts.is_empty() {
        input.set("api_hosts", fields.api_hosts.clone());
    }
    if let Some(narrow) = fields.narrow_tokens {
        input.set("narrow_tokens", narrow);
    }
    if fields.api_keys_only {
        input.set("api_keys_only", true);
    }
    let tenant = fields.tenant.iter().map(|tenant| ("tenant", tenant));
    let named = fields
        .placeholders
        .iter()
        .map(|(name, value)| (name.as_str(), value));
    let values: Map<_, _> = tenant
        .chain(named)
        .map(|(name, value)| (name.to_owned(), Value::from(value.as_str())))
        .collect();
    if !values.is_empty() {
        input.set("placeholders", values);
    }
    if !fields.authorize_params.is_empty() {
        let params = fields.authorize_params.iter();
        let params = params.map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        input.set("authorize_params", params.collect::<Map<_, _>>());
    }
}

fn read(path: &Path) -> Result<String, Failure> {
    let cannot = |error: io::Error| {
        let what = format!("`{}` cannot be read", path.display());
        Failure::new(Exit::Usage, what).why(error)
    };
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(File::open(path).map_err(cannot)?)
    };
    let mut text = String::new();
    let read = source
        .take(MAX_CONFIG + 1)
        .read_to_string(&mut text)
        .map_err(cannot)?;
    if read as u64 > MAX_CONFIG {
        return Err(Failure::new(
            Exit::Usage,
            format!("`{}` is no config file", path.display()),
        )
        .why("it is larger than 1 MiB"));
    }
    Ok(text)
}
