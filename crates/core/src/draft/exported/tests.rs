use std::collections::BTreeMap;

use super::*;
use crate::api_host::ApiHost;
use crate::authenticator::{GrantType, Overrides};
use crate::draft::DraftInput;
use crate::endpoint_url::EndpointUrl;
use crate::id::AuthenticatorId;
use crate::provider::{ApiAuth, ClientAuth, Dpop, Placeholder, Provider};
use crate::redirect::RedirectUri;
use crate::resource_uri::ResourceUri;

fn url(text: &str) -> EndpointUrl {
    EndpointUrl::parse(text).unwrap()
}

/// A value that the placeholder takes.
fn value(placeholder: &Placeholder) -> String {
    let candidates = ["example", "https://login.example.com", "login.example.com"];
    let mut fitting = candidates
        .into_iter()
        .filter(|text| placeholder.refuses(text).is_none());
    fitting
        .next()
        .unwrap_or_else(|| panic!("a value for {}", placeholder.name))
        .to_owned()
}

/// An authenticator of `provider` whose every field was said by the person.
fn full(provider: &Provider) -> Authenticator {
    let at = "2026-11-21T12:00:00Z".parse().unwrap();
    let placeholders = provider.placeholders.iter();
    // It is one of the provider's own values.
    let has_audience = placeholders.clone().any(|it| it.name == "audience");
    Authenticator {
        id: AuthenticatorId::new(uuid::Uuid::nil()),
        profile: "staging".parse().unwrap(),
        name: "my-own.client".parse().unwrap(),
        display_name: "My own.Client".to_owned(),
        provider: provider.id.clone(),
        client_id: "id-1".to_owned(),
        has_secret: true,
        scopes: vec!["one".to_owned(), "two:read".to_owned()].into(),
        redirect_uri: RedirectUri::parse("http://localhost:4400/back").unwrap(),
        overrides: Overrides {
            authorize_url: Some(url("https://login.example.com/authorize?a=b")),
            token_url: Some(url("https://login.example.com/token/")),
            device_authorization_url: Some(url("https://login.example.com/device")),
            pushed_authorization_url: Some(url("https://login.example.com/par")),
            revocation_url: Some(url("https://login.example.com/revoke")),
            userinfo_url: Some(url("https://login.example.com/me")),
            issuer: Some(url("https://login.example.com")),
            resource: Some(ResourceUri::parse("https://api.example.com/v1/").unwrap()),
            client_auth: Some(ClientAuth::ClientSecretJwt),
            dpop: Some(Dpop::Required),
            grant_type: Some(GrantType::TokenExchange),
            subject: Some("other/work".parse().unwrap()),
            audience: (!has_audience).then(|| "api".to_owned()),
            requested_token_type: Some("urn:ietf:params:oauth:token-type:jwt".to_owned()),
            assertion_audience: Some("https://login.example.com/token".to_owned()),
            authorize_params: BTreeMap::from([("audience".to_owned(), "x y".to_owned())]),
            placeholders: placeholders
                .map(|placeholder| (placeholder.name.clone(), value(placeholder)))
                .collect(),
            api_hosts: vec![ApiHost::parse("api.example.com:8443").unwrap()],
            narrow_tokens: Some(true),
            mcp_server: Some(url("https://mcp.example.com/mcp")),
            assume_pkce: true,
            // Its secrets stay here.
            registration: None,
            api_key_header: Some(ApiAuth::parse("Authorization: Token").unwrap()),
            // Confirmed on the machine that reads it back.
            confirmed_routes: None,
        },
        is_active: false,
        created_at: at,
        updated_at: at,
    }
}

/// What an import makes of the export of `authenticator`.
fn read_back(authenticator: &Authenticator) -> Authenticator {
    let text = Value::Object(exported(authenticator)).to_string();
    let Ok(Value::Object(mut fields)) = serde_json::from_str(&text) else {
        panic!("no object: {text}");
    };
    let profile = fields.remove("profile");
    let profile = profile.map_or_else(ProfileName::default, |it| {
        it.as_str().unwrap().parse().unwrap()
    });
    let is_active = fields.remove("is_active") != Some(Value::Bool(false));
    if authenticator.has_secret {
        fields.insert("client_secret".to_owned(), "a secret".into());
    }
    let (draft, _) = DraftInput::from_members(fields)
        .check()
        .unwrap_or_else(|problems| panic!("{}: {problems:?}", authenticator.provider));
    let (id, at) = (authenticator.id, authenticator.created_at);
    let (read, _) = draft.into_authenticator(id, profile, at);
    Authenticator { is_active, ..read }
}

#[test]
fn every_field_of_every_provider_reads_back() {
    for provider in catalogue::providers() {
        let authenticator = full(provider);
        assert_eq!(read_back(&authenticator), authenticator, "{}", provider.id);
    }
}

#[test]
fn an_authenticator_of_the_catalogue_alone_reads_back() {
    for provider in catalogue::providers() {
        if provider.id == "custom" {
            continue;
        }
        let authenticator = Authenticator {
            profile: ProfileName::default(),
            name: provider.id.parse().unwrap(),
            display_name: provider.display_name.clone(),
            has_secret: provider.needs_client_secret,
            scopes: provider.default_scopes.clone().into(),
            redirect_uri: provider.redirect.default.clone(),
            overrides: Overrides {
                placeholders: full(provider).overrides.placeholders,
                ..Overrides::default()
            },
            is_active: true,
            ..full(provider)
        };
        assert_eq!(read_back(&authenticator), authenticator, "{}", provider.id);
    }
}

#[test]
fn each_client_secret_has_a_variable_of_its_own() {
    let mut variables = SecretVariables::default();
    let custom = catalogue::provider("custom").unwrap();
    let names = [
        ("my-app", "default"),
        ("my-app", "work"),
        ("my.app", "default"),
        ("почта", "default"),
        ("диск", "default"),
        ("2fa", "default"),
    ];
    let given = names.map(|(name, profile)| {
        variables.reference(&Authenticator {
            name: name.parse().unwrap(),
            profile: profile.parse().unwrap(),
            ..full(custom)
        })
    });
    assert_eq!(
        given,
        [
            "${MY_APP_CLIENT_SECRET}",
            "${WORK_MY_APP_CLIENT_SECRET}",
            "${MY_APP_CLIENT_SECRET_2}",
            "${CUSTOM_CLIENT_SECRET}",
            "${CUSTOM_CLIENT_SECRET_2}",
            "${_2FA_CLIENT_SECRET}",
        ]
    );
}
