//! A client that signs in as a native app does, over real HTTP.

use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use url::Url;
use valetkey_demo_provider::{DemoProvider, Settings};

pub(crate) const REDIRECT: &str = "http://127.0.0.1:49321/callback";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A provider with automatic consent by ada.
pub(crate) fn ada() -> DemoProvider {
    DemoProvider::start(Settings::auto_consent("ada")).unwrap()
}

/// A provider, an app, and a refresh token of ada's.
pub(crate) async fn signed_in() -> (DemoProvider, App, String) {
    let provider = ada();
    let app = App::of(&provider);
    let refresh_token = text(&app.sign_in().await, "refresh_token").to_owned();
    (provider, app, refresh_token)
}

/// A native app with the public client `demo`.
pub(crate) struct App {
    pub(crate) http: Client,
    pub(crate) issuer: String,
}

impl App {
    pub(crate) fn of(provider: &DemoProvider) -> Self {
        Self::at(provider.issuer())
    }

    pub(crate) fn at(issuer: &str) -> Self {
        let http = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        Self {
            http,
            issuer: issuer.to_owned(),
        }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// The authorization request, with parameters changed, added or (if empty) removed.
    pub(crate) fn authorize_url(&self, changes: &[(&str, &str)]) -> Url {
        let mut params = vec![
            ("client_id", "demo"),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("scope", "openid email files.read"),
            ("state", "st4te"),
            ("nonce", "n0nce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        params.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        params.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
        Url::parse_with_params(&self.url("/authorize"), params).unwrap()
    }

    pub(crate) async fn authorize(&self, changes: &[(&str, &str)]) -> Response {
        self.http
            .get(self.authorize_url(changes))
            .send()
            .await
            .unwrap()
    }

    /// The query of the redirect after an automatic consent.
    pub(crate) async fn redirected(&self, changes: &[(&str, &str)]) -> Redirected {
        Redirected::of(&self.authorize(changes).await)
    }

    pub(crate) async fn code(&self) -> String {
        self.redirected(&[]).await.required("code")
    }

    pub(crate) fn exchange(&self, code: &str) -> RequestBuilder {
        self.http.post(self.url("/token")).form(&[
            ("grant_type", "authorization_code"),
            ("client_id", "demo"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ])
    }

    pub(crate) fn refresh(&self, refresh_token: &str) -> RequestBuilder {
        self.http.post(self.url("/token")).form(&[
            ("grant_type", "refresh_token"),
            ("client_id", "demo"),
            ("refresh_token", refresh_token),
        ])
    }

    pub(crate) async fn sign_in(&self) -> Value {
        let response = self.exchange(&self.code().await).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    pub(crate) fn get(&self, path: &str, access_token: &str) -> RequestBuilder {
        self.http.get(self.url(path)).bearer_auth(access_token)
    }

    /// Whether the protected resource accepts the token.
    pub(crate) async fn works(&self, access_token: &str) -> bool {
        self.get("/api/me", access_token)
            .send()
            .await
            .unwrap()
            .status()
            == StatusCode::OK
    }
}

/// The query of a redirect.
pub(crate) struct Redirected(pub(crate) Vec<(String, String)>);

impl Redirected {
    pub(crate) fn of(response: &Response) -> Self {
        assert!(response.status().is_redirection(), "{}", response.status());
        let location = response.headers()["location"].to_str().unwrap();
        assert!(location.starts_with(REDIRECT), "{location}");
        Self(
            Url::parse(location)
                .unwrap()
                .query_pairs()
                .into_owned()
                .collect(),
        )
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn required(&self, name: &str) -> String {
        self.get(name)
            .unwrap_or_else(|| panic!("no {name} in {:?}", self.0))
            .to_owned()
    }
}

pub(crate) fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {value}"))
}
