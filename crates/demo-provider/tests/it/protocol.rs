//! The protocol, as the RFCs define it.

use crate::app::{App, REDIRECT, Redirected, VERIFIER, ada, text};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use reqwest::StatusCode;
use serde_json::{Value, json};
use valetkey_demo_provider::{
    Client, Consent, DemoProvider, Endpoint, Filter, Revocation, Settings, fingerprint,
};

#[tokio::test]
async fn sign_in_gives_tokens_that_work_and_a_valid_id_token() {
    let provider = ada();
    let app = App::of(&provider);
    let back = app.redirected(&[]).await;
    assert_eq!(back.get("state"), Some("st4te"));
    assert_eq!(back.get("iss"), Some(provider.issuer()));

    let tokens: Value = app
        .exchange(&back.required("code"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["scope"], "openid email files.read");
    assert!(app.works(text(&tokens, "access_token")).await);

    let keys: JwkSet = app
        .http
        .get(app.url("/jwks"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let mut rules = Validation::new(Algorithm::ES256);
    rules.set_audience(&["demo"]);
    rules.set_issuer(&[provider.issuer()]);
    let key = DecodingKey::from_jwk(&keys.keys[0]).unwrap();
    let claims = decode::<Value>(text(&tokens, "id_token"), &key, &rules)
        .unwrap()
        .claims;
    assert_eq!(
        (&claims["sub"], &claims["nonce"]),
        (&json!("ada"), &json!("n0nce"))
    );
}

#[tokio::test]
async fn both_discovery_documents_name_the_issuer_and_can_be_switched_off() {
    let provider = ada();
    let app = App::of(&provider);
    for name in ["openid-configuration", "oauth-authorization-server"] {
        let url = app.url(&format!("/.well-known/{name}"));
        let document: Value = app
            .http
            .get(&url)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        assert_eq!(document["issuer"], provider.issuer());
        assert_eq!(
            document["authorization_response_iss_parameter_supported"],
            true
        );
        provider.update(|settings| settings.discovery = false);
        assert_eq!(
            app.http.get(&url).send().await.unwrap().status(),
            StatusCode::NOT_FOUND
        );
        provider.update(|settings| settings.discovery = true);
    }
}

#[tokio::test]
async fn bad_client_or_redirect_is_a_page_and_never_a_redirect() {
    let provider = ada();
    let app = App::of(&provider);
    for change in [
        ("client_id", "stranger"),
        ("client_id", ""),
        ("redirect_uri", "https://evil.example/cb"),
        ("redirect_uri", "no address"),
    ] {
        let response = app.authorize(&[change]).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{change:?}");
        assert!(response.text().await.unwrap().contains("cannot go on"));
    }
}

#[tokio::test]
async fn bad_request_of_a_known_client_is_redirected_with_state_and_iss() {
    let provider = ada();
    let app = App::of(&provider);
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
    ] {
        let back = app.redirected(&[change]).await;
        assert_eq!(back.get("error"), Some(error), "{change:?}");
        assert_eq!(back.get("state"), Some("st4te"));
        assert_eq!(back.get("iss"), Some(provider.issuer()));
    }
}

#[tokio::test]
async fn denied_consent_comes_back_as_access_denied() {
    let provider = ada();
    provider.update(|settings| settings.consent = Consent::Deny);
    let back = App::of(&provider).redirected(&[]).await;
    assert_eq!(back.get("error"), Some("access_denied"));
    assert_eq!(back.get("code"), None);
}

#[tokio::test]
async fn consent_page_grants_what_was_ticked_to_whom_was_picked() {
    let provider = DemoProvider::start(Settings::default()).unwrap();
    let app = App::of(&provider);
    let url = app.authorize_url(&[("scope", "openid email <script>")]);
    let html = app
        .http
        .get(url.clone())
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(html.contains("value=\"grace\"") && html.contains("id=\"deny\""));
    assert!(!html.contains("<script>"));

    let decide = |decision: &'static str| {
        app.http.post(app.url("/authorize/decision")).form(&[
            ("request", url.query().unwrap()),
            ("account", "grace"),
            ("scope", "openid"),
            ("decision", decision),
        ])
    };
    let denied = Redirected::of(&decide("deny").send().await.unwrap());
    assert_eq!(denied.get("error"), Some("access_denied"));

    let allowed = Redirected::of(&decide("allow").send().await.unwrap());
    let response = app
        .exchange(&allowed.required("code"))
        .send()
        .await
        .unwrap();
    let tokens: Value = response.json().await.unwrap();
    assert_eq!(tokens["scope"], "openid");
    let access_token = text(&tokens, "access_token");
    let who: Value = app
        .get("/userinfo", access_token)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!((&who["sub"], who.get("email")), (&json!("grace"), None));
}

#[tokio::test]
async fn confidential_client_authenticates_in_exactly_one_way() {
    let provider = ada();
    provider.update(|settings| {
        settings.clients = vec![Client::confidential("a:b c", "p:q/+ é%&")];
    });
    let app = App::of(&provider);
    let request = |code: &str, more: &[(&str, &str)]| {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        form.extend(more);
        app.http.post(app.url("/token")).form(&form)
    };
    let encode =
        |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let id = ("client_id", "a:b c");
    let secret = ("client_secret", "p:q/+ é%&");

    let code = app.redirected(&[id]).await.required("code");
    let nothing = request(&code, &[id]).send().await.unwrap();
    assert_eq!(nothing.status(), StatusCode::UNAUTHORIZED);
    let basic = |code: &str, more: &[(&str, &str)]| {
        request(code, more).basic_auth(encode(id.1), Some(encode(secret.1)))
    };
    let both = basic(&code, &[id, secret]).send().await.unwrap();
    assert_eq!(both.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        request(&code, &[id, secret]).send().await.unwrap().status(),
        StatusCode::OK
    );

    let code = app.redirected(&[id]).await.required("code");
    assert_eq!(
        basic(&code, &[]).send().await.unwrap().status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn rotated_token_is_accepted_once_and_its_reuse_revokes_the_family() {
    let provider = ada();
    let app = App::of(&provider);
    let first = app.sign_in().await;
    let old = text(&first, "refresh_token");
    let second: Value = app.refresh(old).send().await.unwrap().json().await.unwrap();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_eq!(
        provider.live_refresh_token("ada").as_deref(),
        second["refresh_token"].as_str()
    );

    let reuse = app.refresh(old).send().await.unwrap();
    assert_eq!(reuse.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        reuse.json::<Value>().await.unwrap()["error"],
        "invalid_grant"
    );
    assert!(provider.family_revoked("ada"));
    assert_eq!(provider.families()[0].revoked, Some(Revocation::Reuse));
    assert!(!app.works(text(&second, "access_token")).await);
    assert_eq!(provider.live_refresh_token("ada"), None);
}

#[tokio::test]
async fn access_token_expires_after_its_lifetime_and_at_once_on_demand() {
    let provider = ada();
    provider.update(|settings| settings.access_token_lifetime_seconds = None);
    let app = App::of(&provider);
    let endless = app.sign_in().await;
    assert_eq!(endless.get("expires_in"), None);
    let access_token = text(&endless, "access_token");
    assert!(app.works(access_token).await);
    provider.expire_access_tokens();
    let refused = app.get("/api/me", access_token).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("error=\"invalid_token\""));

    provider.update(|settings| settings.access_token_lifetime_seconds = Some(0.0));
    let stillborn = app.sign_in().await;
    assert_eq!(stillborn["expires_in"], 1);
    assert!(!app.works(text(&stillborn, "access_token")).await);
}

#[tokio::test]
async fn planted_prefix_starts_every_opaque_secret_and_records_hold_none() {
    let provider = ada();
    provider.update(|settings| settings.token_prefix = "PLANTED-".to_owned());
    let app = App::of(&provider);
    let tokens = app.sign_in().await;
    let refresh_token = text(&tokens, "refresh_token");
    app.refresh(refresh_token).send().await.unwrap();
    assert!(refresh_token.starts_with("PLANTED-"));
    assert!(text(&tokens, "access_token").starts_with("PLANTED-"));

    let requests = provider.requests(Filter::all());
    let serialised = serde_json::to_string(&requests).unwrap();
    let secrets = provider.issued_secrets();
    assert!(secrets.len() >= 6 && secrets.iter().any(|secret| secret == refresh_token));
    for secret in &secrets {
        assert!(!serialised.contains(secret.as_str()));
    }
    let refresh = &provider.requests(Filter::refreshes())[0];
    assert_eq!(
        refresh.refresh_token_sha256.as_deref(),
        Some(&*fingerprint(refresh_token))
    );
    assert_eq!(refresh.param("refresh_token"), Some(refresh_token));
    assert_eq!(provider.count(Endpoint::Token), 2);
}
