//! What errors tell the person to do: the command that mends it, the culprit by its own name.

use std::os::unix::fs::symlink;

use serde_json::{Value, json};
use valetkey_demo_provider::{Endpoint, Fault, FaultKind, Settings};

use crate::fixture::{Fixture, visit};

const TOKEN: &str = "/credentials/connections/demo/token";

/// Signs in through `draft`; the error that ends the sign-in.
async fn failed_sign_in(fixture: &Fixture, draft: Value) -> Value {
    fixture.post("/oauth/authenticators", draft).await.is(201);
    let request = json!({ "authenticator": "demo" });
    let begun = fixture.post("/credentials/connections", request).await;
    let begun = begun.is(202);
    visit(begun["authorize_url"].as_str().unwrap()).await;
    let session = begun["session_id"].as_str().unwrap();
    let path = format!("/credentials/sessions/{session}?wait=30");
    let ended = fixture.get(&path).await.is(200);
    assert_eq!(ended["state"], "failed", "{ended:#}");
    ended["error"].clone()
}

#[tokio::test]
async fn a_hint_about_another_profile_names_it() {
    let fixture = Fixture::new().await;
    let path = "/oauth/authenticators?profile=staging";
    fixture.post(path, fixture.draft("demo")).await.is(201);
    let token = format!("{TOKEN}?profile=staging");
    let never = fixture.post(&token, json!({})).await;
    let never = never.refused(409, "auth_required");
    assert_eq!(
        never["hint"],
        "run `valetkey connect demo --profile staging`"
    );
    let disabled = json!({ "is_active": false });
    let path = "/oauth/authenticators/demo?profile=staging";
    fixture.patch(path, disabled).await.is(200);
    let request = json!({ "authenticator": "demo", "profile": "staging" });
    let refused = fixture.post("/credentials/connections", request).await;
    let refused = refused.refused(409, "not_configured");
    assert_eq!(
        refused["hint"],
        "run `valetkey enable demo --profile staging`"
    );
    let path = "/oauth/authenticators/github?profile=staging";
    let none = fixture.get(path).await.refused(404, "not_found");
    let hint = none["hint"].as_str().unwrap();
    assert!(
        hint.starts_with("`valetkey add github --profile staging --client-id ...`"),
        "{hint}"
    );
}

#[tokio::test]
async fn a_name_of_another_profile_is_answered_with_that_profile() {
    let fixture = Fixture::new().await;
    let path = "/oauth/authenticators?profile=staging";
    fixture.post(path, fixture.draft("demo")).await.is(201);
    let connection = fixture.post(TOKEN, json!({})).await;
    let authenticator = fixture.get("/oauth/authenticators/demo").await;
    for missing in [connection, authenticator] {
        let missing = missing.refused(404, "not_found");
        assert_eq!(
            missing["hint"],
            "`demo` is in another profile: add `--profile staging`"
        );
    }
}

#[tokio::test]
async fn a_name_that_is_taken_in_another_profile_is_named_with_it() {
    let fixture = Fixture::new().await;
    let path = "/oauth/authenticators?profile=staging";
    fixture.post(path, fixture.draft("demo")).await.is(201);
    let taken = fixture.post(path, fixture.draft("demo")).await;
    let taken = taken.refused(409, "conflict");
    let hint = taken["hint"].as_str().unwrap();
    assert!(
        hint.ends_with("`valetkey update demo --profile staging`"),
        "{hint}"
    );
}

#[tokio::test]
async fn a_name_whose_account_got_a_label_is_answered_with_the_full_name() {
    let fixture = Fixture::connected().await;
    let label = json!({ "account": "work" });
    let path = "/credentials/connections/demo";
    fixture.patch(path, label).await.is(200);
    let refused = fixture.post(TOKEN, json!({})).await;
    let refused = refused.refused(404, "not_found");
    assert_eq!(refused["message"], "there is no connection `demo`");
    assert_eq!(refused["hint"], "name the account, too: `demo/work`");
}

#[tokio::test]
async fn a_test_refreshes_a_token_that_is_refused() {
    let fixture = Fixture::connected().await;
    fixture.provider.expire_access_tokens();
    let path = "/credentials/connections/demo/test";
    let tested = fixture.post(path, json!({})).await.is(200);
    assert_eq!(tested["refreshed"], true);
    assert_eq!(tested["account"], "ada@example.com");
    let again = fixture.post(path, json!({})).await.is(200);
    assert_eq!(again["refreshed"], false);
}

#[tokio::test]
async fn a_wrong_client_secret_is_answered_with_the_command_that_sets_another() {
    let fixture = Fixture::new().await;
    let mut draft = fixture.draft("demo");
    draft["client_id"] = json!("demo-confidential");
    draft["client_secret"] = json!("wrong");
    let error = failed_sign_in(&fixture, draft).await;
    assert_eq!(error["code"], "client_misconfigured");
    assert_eq!(
        error["hint"],
        "compare client ID and client secret with those at the provider; `valetkey update demo \
         --client-secret-stdin` sets another secret"
    );
}

#[tokio::test]
async fn an_issuer_that_differs_by_a_slash_is_named_with_the_other_one() {
    let fixture = Fixture::new().await;
    let issuer = fixture.provider.issuer().to_owned();
    let mut draft = fixture.draft("demo");
    draft["issuer"] = json!(format!("{issuer}/"));
    fixture.post("/oauth/authenticators", draft).await.is(201);
    let request = json!({ "authenticator": "demo" });
    let refused = fixture.post("/credentials/connections", request).await;
    let refused = refused.refused(400, "invalid_request");
    assert_eq!(
        refused["message"],
        format!("the provider's issuer is `{issuer}`, but `{issuer}/` is set")
    );
    assert_eq!(
        refused["hint"],
        format!("run `valetkey update demo --issuer {issuer}`")
    );
}

#[tokio::test]
async fn an_issuer_that_differs_by_a_slash_is_no_tampering_without_metadata() {
    let fixture = Fixture::with(Settings {
        discovery: false,
        ..Settings::auto_consent("ada")
    })
    .await;
    let issuer = fixture.provider.issuer().to_owned();
    let mut draft = fixture.draft("demo");
    draft["issuer"] = json!(format!("{issuer}/"));
    let error = failed_sign_in(&fixture, draft).await;
    assert_eq!(error["code"], "client_misconfigured");
    assert_eq!(
        error["message"],
        format!("the provider's issuer is `{issuer}`, but `{issuer}/` is set")
    );
}

#[tokio::test]
async fn a_token_url_that_answers_with_a_page_looks_like_a_wrong_address() {
    let fixture = Fixture::new().await;
    let page = FaultKind::Html { status: 200 };
    fixture.provider.fault(Fault::at(Endpoint::Token, page));
    let error = failed_sign_in(&fixture, fixture.draft("demo")).await;
    assert_eq!(error["code"], "client_misconfigured");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("the token URL looks like a wrong address"),
        "{message}"
    );
    let hint = error["hint"].as_str().unwrap();
    assert!(
        hint.contains("`valetkey update demo --token-url URL`"),
        "{hint}"
    );
}

#[tokio::test]
async fn a_port_that_keys_name_is_changed_only_by_force() {
    let fixture = Fixture::new().await;
    let new = json!({ "name": "ci" });
    fixture.post("/clients", new).await.is(201);
    let change = json!({ "port": 5123 });
    let refused = fixture.patch("/settings", change.clone()).await;
    let refused = refused.refused(409, "conflict");
    assert_eq!(
        refused["message"],
        "client keys are used at port 4315, and would not work at port 5123"
    );
    assert_eq!(
        refused["in_use"],
        json!([{ "kind": "client", "name": "key ci", "used_at": null }])
    );
    let same = json!({ "port": 4315 });
    fixture.patch("/settings", same).await.is(200);
    let forced = fixture.patch("/settings?force=true", change).await.is(200);
    assert_eq!(forced["port"], 5123);
}

#[tokio::test]
async fn the_doctor_notices_a_full_disk() {
    let fixture = Fixture::new().await;
    let disk = async || {
        let report = fixture.post("/doctor", json!({})).await.is(200);
        let checks = report["checks"].as_array().unwrap().iter();
        let mut checks = checks.filter(|check| check["name"] == "disk");
        checks.next().expect("it looks at the disk").clone()
    };
    assert_eq!(disk().await["outcome"], "ok");
    let data = &fixture.app.home().data;
    symlink("/dev/full", data.join("doctor.probe")).unwrap();
    let full = disk().await;
    assert_eq!(full["outcome"], "failed");
    let message = full["message"].as_str().unwrap();
    assert_eq!(message, format!("the disk of `{}` is full", data.display()));
    assert!(full["hint"].as_str().unwrap().contains("free some space"));
    assert_eq!(disk().await["outcome"], "ok", "the probe is removed");
}

#[tokio::test]
async fn a_token_of_a_provider_that_was_not_added_says_how_it_is_added() {
    let fixture = Fixture::new().await;
    let path = "/credentials/connections/github/token";
    let none = fixture.post(path, json!({})).await;
    let hint = none.refused(404, "not_found")["hint"].clone();
    let hint = hint.as_str().unwrap();
    assert!(
        hint.starts_with("`valetkey add github --client-id ...`"),
        "{hint}"
    );
}

#[tokio::test]
async fn a_failed_sign_in_is_in_the_view_until_the_next_one() {
    let fixture = Fixture::new().await;
    let fault = Fault::exchange(FaultKind::oauth_error("invalid_client"));
    fixture.provider.fault(fault);
    let error = failed_sign_in(&fixture, fixture.draft("demo")).await;
    let path = "/oauth/authenticators/demo";
    let shown = fixture.get(path).await.is(200);
    assert_eq!(shown["failed_sign_in"]["error"], error);
    assert_eq!(error["code"], "client_misconfigured");
    fixture.connect("demo").await;
    let shown = fixture.get(path).await.is(200);
    assert_eq!(shown["failed_sign_in"], Value::Null);
    let path = "/credentials/connections/demo";
    let shown = fixture.get(path).await.is(200);
    assert_eq!(shown["failed_sign_in"], Value::Null);
}
