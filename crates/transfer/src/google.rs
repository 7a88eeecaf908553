//! The file that Google's console offers for download (`client_secret_*.json`).

use serde_json::{Map, Value};
use valetkey_core::draft::DraftInput;

use crate::file;
use crate::found::{Found, FoundAuthenticator, Unreadable};

/// The fields in it; None if the text is something else. Nothing in it stands for a variable.
pub fn input(text: &str) -> Option<DraftInput> {
    let members = file::object(file::json(text.trim_start_matches('\u{feff}')).ok()?).ok()?;
    let found = read(&members).ok()?;
    found.authenticators.into_iter().next().map(|it| it.input)
}

pub(crate) fn read(members: &Map<String, Value>) -> Result<Found, Unreadable> {
    let (kind, client) = match (members.get("installed"), members.get("web")) {
        (Some(client), _) => ("installed", client),
        (None, Some(client)) => ("web", client),
        (None, None) => return Err(file::unknown()),
    };
    let mut input = DraftInput::default();
    input.set("authenticator_type", "google");
    let id = client.get("client_id").and_then(Value::as_str);
    let id = id.filter(|id| !id.is_empty()).ok_or_else(|| {
        Unreadable::new(
            "this file of Google's console has no client id",
            "download it again",
        )
    })?;
    input.set("client_id", id);
    if let Some(secret) = client.get("client_secret").and_then(Value::as_str) {
        input.set("client_secret", secret);
    }
    // Google takes any loopback port for an installed one.
    let uris = client.get("redirect_uris").and_then(Value::as_array);
    if let Some(Value::String(uri)) = uris.and_then(|uris| uris.first())
        && kind == "web"
    {
        input.set("redirect_uri", uri.as_str());
    }
    Ok(Found {
        authenticators: vec![FoundAuthenticator::new(kind, input)],
        remarks: Vec::new(),
    })
}
