//! `FMCP_OAUTH_*` variables, as `fluidmcp` reads them: in a `.env` file, or in the environment itself.

use std::collections::BTreeMap;

use valetkey_core::draft::DraftInput;
use zeroize::Zeroizing;

use crate::endpoints;
use crate::file;
use crate::found::{Found, FoundAuthenticator, Unreadable};

const PREFIX: &str = "FMCP_OAUTH_";
/// What `fluidmcp` takes if the variable is not set.
const DEFAULT_REDIRECT_URI: &str = "http://localhost:8088/callback";
const DEFAULT_SCOPE: &str = "openid profile email";

/// The variables, with their values.
type Variables = BTreeMap<String, Zeroizing<String>>;

/// Reads lines of `NAME=value`.
pub(crate) fn read(text: &str) -> Result<Found, Unreadable> {
    let variables: Variables = text.lines().filter_map(assignment).collect();
    if variables.is_empty() {
        return Err(file::unknown());
    }
    of_variables(&variables)
}

/// Reads variables of the environment.
pub fn of_environment(
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Found, Unreadable> {
    let variables = variables
        .filter(|(name, _)| name.starts_with(PREFIX))
        .map(|(name, value)| (name, Zeroizing::new(value)));
    of_variables(&variables.collect())
}

/// `export NAME="value"`; None for other lines.
fn assignment(line: &str) -> Option<(String, Zeroizing<String>)> {
    let line = line.trim();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = name.trim();
    if !name.starts_with(PREFIX) {
        return None;
    }
    let value = value.trim();
    let unquoted = ['"', '\'']
        .into_iter()
        .find_map(|quote| Some(value.strip_prefix(quote)?.split_once(quote)?.0));
    let value = unquoted.unwrap_or_else(|| value.split(" #").next().unwrap_or_default().trim_end());
    Some((name.to_owned(), Zeroizing::new(value.to_owned())))
}

fn of_variables(variables: &Variables) -> Result<Found, Unreadable> {
    let get = |name: &str| {
        let value = variables.get(&format!("{PREFIX}{name}"));
        value
            .map(|value| value.as_str())
            .filter(|it| !it.is_empty())
    };
    let needed = |name: &str| {
        get(name).ok_or_else(|| {
            Unreadable::new(
                format!("`{PREFIX}{name}` is not set"),
                "set it where the others are",
            )
        })
    };
    let mut input = DraftInput::default();
    endpoints::set(
        &mut input,
        needed("AUTH_ENDPOINT")?,
        needed("TOKEN_ENDPOINT")?,
    );
    input.set("client_id", needed("CLIENT_ID")?);
    if let Some(secret) = get("CLIENT_SECRET") {
        input.set("client_secret", secret);
    }
    input.set(
        "redirect_uri",
        get("REDIRECT_URI").unwrap_or(DEFAULT_REDIRECT_URI),
    );
    endpoints::set_scopes(&mut input, get("SCOPE").unwrap_or(DEFAULT_SCOPE));
    let mut found = FoundAuthenticator::new(format!("{PREFIX}CLIENT_ID"), input);
    if get("ACCESS_TOKEN").is_some() {
        let remark =
            "the access token in `FMCP_OAUTH_ACCESS_TOKEN` is not imported: sign in instead";
        found.remarks.push(remark.to_owned());
    }
    Ok(Found {
        authenticators: vec![found],
        remarks: Vec::new(),
    })
}
