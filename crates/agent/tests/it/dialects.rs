//! Providers that deviate from the RFCs, from sign-in to revocation.

use crate::support::{Bench, key, me};
use serde_json::{Value, json};
use valetkey_agent::AgentError;
use valetkey_agent::protocol::Revocation;
use valetkey_agent::sign_in::SignInState;
use valetkey_core::connection_state::Status;
use valetkey_demo_provider::{Dialect, Fault, FaultKind, Filter, Settings};

/// Signs in, refreshes and disconnects at `authenticator_type`, with all URLs at the demo provider.
async fn assert_lifecycle(dialect: Dialect, authenticator_type: &str, more: Value, account: &str) {
    let bench = Bench::with(Settings {
        dialect,
        ..Settings::auto_consent("ada")
    })
    .await;
    let mut fields = json!({
        "authenticator_type": authenticator_type, "client_id": "demo-confidential",
        "client_secret": "demo-secret", "issuer": bench.provider.issuer(),
    });
    for (field, value) in more.as_object().expect("an object") {
        let path = value.as_str().filter(|text| text.starts_with('/'));
        fields[field] = path.map_or_else(|| value.clone(), |path| bench.provider.url(path).into());
    }
    bench.add("dialect", fields).await;

    let state = bench.connect("dialect").await;
    let SignInState::Completed(done) = state else {
        panic!("not completed: {state:?}");
    };
    assert_eq!(done.account.as_deref(), Some(account));
    let old = bench.access("dialect").await;
    bench.expire();
    let new = bench.access("dialect").await;
    assert_ne!(old, new);
    assert!(bench.provider.access_token_lives(&new));

    let report = bench.agent.disconnect(&key("dialect"), true, &me()).await;
    assert_eq!(report.expect("it is there").revocation, Revocation::Revoked);
    assert!(!bench.provider.access_token_lives(&new));
}

#[tokio::test]
async fn a_login_at_github_works_from_sign_in_to_revocation() {
    let more =
        json!({"scopes": ["read:user"], "revocation_url": "/applications/demo-confidential/token"});
    assert_lifecycle(Dialect::Github, "github", more, "ada").await;
}

#[tokio::test]
async fn a_login_at_slack_works_from_sign_in_to_revocation() {
    let more = json!({
        "scopes": ["users:read", "chat:write"], "revocation_url": "/api/auth.revoke",
        "redirect_uri": "http://localhost/callback",
    });
    assert_lifecycle(Dialect::Slack, "slack", more, "ada @ Demo team").await;
}

#[tokio::test]
async fn a_token_error_with_status_200_means_sign_in_again() {
    let bench = Bench::start().await;
    for (dialect, code) in [
        (Dialect::Github, "bad_refresh_token"),
        (Dialect::Slack, "invalid_refresh_token"),
    ] {
        bench.connect("demo").await;
        bench.provider.update(|settings| settings.dialect = dialect);
        bench
            .provider
            .fault(Fault::refresh(FaultKind::oauth_error(code)));
        bench.expire();
        let error = bench.token("demo").await.expect_err("refused");
        assert!(
            matches!(error, AgentError::AuthRequired { again: true, .. }),
            "{error:?}"
        );
        assert_eq!(bench.status("demo"), Status::NeedsReconnect);
        bench
            .provider
            .update(|settings| settings.dialect = Dialect::Standard);
        bench.clock.jump(jiff::SignedDuration::from_hours(-2));
    }
    assert_eq!(bench.provider.count(Filter::refreshes()), 2);
}
