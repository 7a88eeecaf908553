//! `valetkey add --config` with the file that Google's console offers for download
//! (`client_secret_*.json`).

use serde::Deserialize;
use valetkey_api::core::draft::DraftInput;

/// One of the two, by the kind of the client.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Downloaded {
    Installed(Client),
    Web(Client),
}

#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names in the file")]
struct Client {
    client_id: String,
    client_secret: Option<String>,
    #[serde(default)]
    redirect_uris: Vec<String>,
}

/// The fields in it; None if the text is something else. Nothing in it stands for a variable.
pub(super) fn input(text: &str) -> Option<DraftInput> {
    let downloaded = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let (client, redirect_uri) = match downloaded {
        // Google takes any loopback port for it.
        Downloaded::Installed(client) => (client, None),
        Downloaded::Web(client) => {
            let uri = client.redirect_uris.first().cloned();
            (client, uri)
        }
    };
    let mut input = DraftInput::default();
    input.set("authenticator_type", "google");
    input.set("client_id", client.client_id);
    if let Some(secret) = client.client_secret {
        input.set("client_secret", secret);
    }
    if let Some(uri) = redirect_uri {
        input.set("redirect_uri", uri);
    }
    Some(input)
}
