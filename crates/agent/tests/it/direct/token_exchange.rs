//! A token in exchange for that of another connection (RFC 8693).

use super::*;

/// `sts` exchanges the token of `demo`, which ada has signed in.
async fn exchanging() -> Bench {
    let bench = Bench::with(Settings::auto_consent("ada")).await;
    bench.connect("demo").await;
    bench.add("sts", sts("demo")).await;
    let view = bench.begin("sts").await;
    assert_eq!(view.authorize_url, None);
    let done = completed(bench.finished(view.id).await);
    assert_eq!(done.account.as_deref(), Some("ada"));
    bench
}

fn sts(subject: &str) -> Value {
    json!({
        "client_id": "demo-confidential", "client_secret": "demo-secret",
        "grant_type": "token_exchange", "subject": subject, "audience": "files",
        "scopes": ["files.read"], "authorize_url": null,
    })
}

#[tokio::test]
async fn a_token_is_exchanged_at_first_and_at_each_renewal() {
    let bench = exchanging().await;
    let subject = bench.access("demo").await;
    let request = bench.provider.requests(exchanges()).remove(0);
    assert_eq!(request.param("subject_token"), Some(subject.as_str()));
    assert_eq!(request.param("audience"), Some("files"));
    assert_eq!(request.param("scope"), Some("files.read"));
    bench.expire();
    let calls: Vec<_> = (0..20).map(|_| bench.ask("sts")).collect();
    for call in calls {
        call.await.expect("no panic").expect("a token");
    }
    assert_eq!(
        (bench.provider.count(exchanges()), bench.refreshes()),
        (2, 1)
    );
    let request = bench.provider.requests(exchanges()).remove(1);
    let renewed = bench.access("demo").await;
    assert_ne!(renewed, subject);
    assert_eq!(request.param("subject_token"), Some(renewed.as_str()));
    assert_eq!(bench.count(EventKind::TokenExchanged).await, 2);
}

#[tokio::test]
async fn a_subject_that_is_not_to_be_had_is_named() {
    let bench = exchanging().await;
    bench.expire();
    let disable = valetkey_agent::AuthenticatorChange {
        is_active: Some(false),
        ..change(json!({}))
    };
    let demo = authenticator_key("demo");
    bench
        .agent
        .update_authenticator(&demo, disable, &me())
        .await
        .expect("disabled");
    let error = bench
        .token("sts")
        .await
        .expect_err("no subject")
        .to_string();
    assert!(error.contains("`demo`"), "{error}");
    let error = bench.begin_as("sts", None).await;
    let view = error.expect("it begins");
    let why = failed(bench.finished(view.id).await);
    assert!(why.contains("`demo`"), "{why}");

    bench
        .agent
        .remove_authenticator(&demo, true, &me())
        .await
        .expect("removed");
    bench.clock.jump(jiff::SignedDuration::from_mins(20));
    let error = bench
        .token("sts")
        .await
        .expect_err("no subject")
        .to_string();
    assert!(error.contains("demo"), "{error}");
    assert_eq!(bench.provider.count(exchanges()), 1);
}

#[tokio::test]
async fn a_loop_of_exchanges_is_refused() {
    let bench = exchanging().await;
    bench.add("second", sts("sts")).await;
    let view = bench.begin("second").await;
    completed(bench.finished(view.id).await);
    bench.update("sts", json!({ "subject": "second" })).await;
    let error = bench
        .begin_as("sts", None)
        .await
        .expect_err("a loop")
        .to_string();
    assert!(error.contains("its own token"), "{error}");
    bench.expire();
    let error = bench.token("second").await.expect_err("a loop").to_string();
    assert!(error.contains("its own token"), "{error}");
}

#[tokio::test]
async fn another_subject_needs_a_new_connect() {
    let bench = exchanging().await;
    bench.provider.update(|settings| {
        settings.consent = valetkey_demo_provider::Consent::allow("grace");
    });
    bench.add("other", json!({})).await;
    bench.connect("other").await;
    bench.update("sts", json!({ "subject": "other" })).await;
    assert_eq!(bench.status("sts"), Status::NeedsReconnect);
    assert_eq!(bench.provider.count(exchanges()), 1);
}

#[tokio::test]
async fn a_token_is_sent_to_hosts_of_its_own_only() {
    let bench = exchanging().await;
    let elsewhere = json!({ "token_url": "https://sts.example.com/token" });
    let mut fields = sts("demo");
    fields["token_url"] = elsewhere["token_url"].clone();
    bench.add("elsewhere", fields).await;
    let error = bench
        .begin_as("elsewhere", None)
        .await
        .expect_err("refused");
    let AgentError::InvalidRequest { message, hint } = error else {
        panic!("{error:?}");
    };
    assert_eq!(
        message,
        "`elsewhere` would send the token of `demo` to `sts.example.com`, which is none of its hosts"
    );
    assert!(hint.expect("a hint").contains("--api-host sts.example.com"));
}
