//! For every entry of the catalogue: the exact requests that its authenticators send, made by the same
//! functions as in a sign-in, a refresh and a disconnect.

use std::fmt::Write as _;
use std::sync::Arc;

use ::http::Request;
use bytes::Bytes;
use jiff::Timestamp;
use oauth2::PkceCodeVerifier;
use serde_json::{Map, Value};
use valetkey_core::catalogue;
use valetkey_core::draft::DraftInput;
use valetkey_core::id::AuthenticatorId;
use valetkey_core::name::ProfileName;
use valetkey_core::provider::{ClientAuth, PlaceholderKind, Provider};
use valetkey_core::redirect::CALLBACK_PORT;
use valetkey_core::secret::{ClientSecret, DeviceCode, RefreshToken};

use super::{AuthorizeRequest, account, fake, request, revoke};
use crate::client::Client;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

#[test]
fn requests_of_every_provider_are_as_written() {
    let providers = catalogue::providers().into_iter();
    for provider in providers.filter(|provider| provider.id != "custom") {
        let text = requests(provider);
        insta::with_settings!({ snapshot_path => "snapshots/requests", prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(provider.id.as_str(), text);
        });
    }
}

fn requests(provider: &'static Provider) -> String {
    let confidential = client(provider, true);
    let mut text = String::new();
    authorize(&mut text, &confidential);
    authorize_device(&mut text, &confidential);
    let public = client(provider, false);
    let mut clients = vec![("", &confidential)];
    if !provider.needs_client_secret {
        clients.push((" without a secret", &public));
    }
    for (suffix, client) in clients {
        tokens(&mut text, suffix, client);
    }
    text
}

fn client(provider: &'static Provider, with_secret: bool) -> Client {
    let mut fields = Map::new();
    let mut set = |name: &str, value: &str| fields.insert(name.to_owned(), value.into());
    set("authenticator_type", &provider.id);
    set("client_id", "the-client");
    set("client_secret", "the-secret");
    for placeholder in &provider.placeholders {
        match (placeholder.kind, &placeholder.default) {
            (PlaceholderKind::Text, _) => set(&placeholder.name, "https://api.example.com/"),
            (_, Some(_)) => None,
            (PlaceholderKind::Segment, None) => set(&placeholder.name, "sample"),
            (PlaceholderKind::BaseUrl, None) => set(&placeholder.name, "https://sample.example"),
        };
    }
    let checked = DraftInput::from_members(fields).check();
    let (draft, warnings) = checked.unwrap_or_else(|wrong| panic!("{}: {wrong:?}", provider.id));
    assert_eq!(warnings, [], "{}", provider.id);
    let id = AuthenticatorId::new(uuid::Uuid::nil());
    let (mut authenticator, _) = draft.into_authenticator(id, ProfileName::default(), NOW);
    authenticator.has_secret = with_secret;
    let endpoints = authenticator.endpoints(provider).unwrap();
    Client {
        authenticator: Arc::new(authenticator),
        provider,
        endpoints,
        secret: with_secret.then(|| ClientSecret::new("the-secret")),
        key: None,
        proof_key: None,
    }
}

fn authorize(text: &mut String, client: &Client) {
    let authenticator = &client.authenticator;
    let redirect_uri = authenticator.redirect_uri.at_port(CALLBACK_PORT);
    let sent = AuthorizeRequest::new(client, None, &redirect_uri, &authenticator.scopes);
    let url = url::Url::parse(&sent.url).unwrap();
    let address = &url[..url::Position::AfterPath];
    writeln!(text, "## Authorize\nGET {address}").unwrap();
    for (name, value) in url.query_pairs() {
        let value = match &*name {
            "state" | "nonce" | "code_challenge" => "[random]",
            _ => &value,
        };
        writeln!(text, "    {name} = {value}").unwrap();
    }
}

fn authorize_device(text: &mut String, client: &Client) {
    let Some(url) = &client.endpoints.device_authorization_url else {
        return;
    };
    let scopes = &client.authenticator.scopes;
    let sent = request::authorize_device(client, url, scopes, NOW).unwrap();
    write_request(text, "Device", &sent);
    let sent = request::poll_device(client, &DeviceCode::new("the-device-code"), NOW).unwrap();
    write_request(text, "Poll", &sent);
}

fn tokens(text: &mut String, suffix: &str, client: &Client) {
    let redirect_uri = client.authenticator.redirect_uri.at_port(CALLBACK_PORT);
    let verifier = client
        .endpoints
        .pkce
        .then(|| PkceCodeVerifier::new("v".repeat(43)));
    let exchange =
        request::exchange_code(client, "the-code", &redirect_uri, verifier.as_ref(), NOW);
    write_request(text, &format!("Token{suffix}"), &exchange.unwrap());
    let refresh =
        request::refresh(client, &RefreshToken::new("the-refresh-token"), None, NOW).unwrap();
    write_request(text, &format!("Refresh{suffix}"), &refresh);
    let grant = fake::grant("the-access-token", "the-refresh-token");
    match &client.endpoints.userinfo {
        Some(userinfo) => {
            let sent = account::request(client, userinfo, &grant.access_token, NOW).unwrap();
            write_request(text, &format!("Account{suffix}"), &sent);
        }
        None => writeln!(text, "\n## Account{suffix}\nnot asked for").unwrap(),
    }
    let Some(endpoint) = &client.endpoints.revocation else {
        writeln!(text, "\n## Revoke{suffix}\nnot possible").unwrap();
        return;
    };
    match revoke::plan(client, endpoint, &endpoint.url, &grant, NOW, NOW) {
        Ok(sent) => {
            for request in sent {
                write_request(text, &format!("Revoke{suffix}"), &request);
            }
        }
        Err(outcome) => writeln!(text, "\n## Revoke{suffix}\n{outcome:?}").unwrap(),
    }
}

fn write_request(text: &mut String, title: &str, request: &Request<Bytes>) {
    writeln!(text, "\n## {title}\n{} {}", request.method(), request.uri()).unwrap();
    for (name, value) in request.headers() {
        writeln!(text, "{name}: {}", value.to_str().unwrap()).unwrap();
    }
    let is_json = request.body().starts_with(b"{");
    if is_json {
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        writeln!(text, "{body:#}").unwrap();
        return;
    }
    for (name, value) in url::form_urlencoded::parse(request.body()) {
        writeln!(text, "    {name} = {value}").unwrap();
    }
}

#[test]
fn no_secret_stands_in_a_url_or_in_two_places() {
    for provider in catalogue::providers()
        .into_iter()
        .filter(|it| it.id != "custom")
    {
        let client = client(provider, true);
        let sent =
            request::exchange_code(&client, "the-code", "http://127.0.0.1/", None, NOW).unwrap();
        let in_body = sent
            .body()
            .windows("the-secret".len())
            .any(|part| part == b"the-secret");
        let in_header = sent.headers().contains_key("authorization");
        let expected = match client.endpoints.client_auth {
            ClientAuth::None | ClientAuth::PrivateKeyJwt | ClientAuth::ClientSecretJwt => {
                (false, false)
            }
            ClientAuth::ClientSecretPost => (true, false),
            ClientAuth::ClientSecretBasic | ClientAuth::SecretAsUser => (false, true),
        };
        assert_eq!((in_body, in_header), expected, "{}", provider.id);
        assert!(!sent.uri().to_string().contains("the-"), "{}", provider.id);
    }
}
