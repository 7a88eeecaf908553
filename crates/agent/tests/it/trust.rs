//! Whom a sign-in believes: every way of lying about who signed in ends it, and nothing is stored.

use crate::support::Bench;
use serde_json::{Value, json};
use valetkey_agent::AgentError;
use valetkey_agent::sign_in::SignInState;
use valetkey_demo_provider::{Endpoint, Fault, FaultKind, Filter, IdTokenFlaw};

/// Signs in under `fault`; why it failed.
async fn failure(bench: &Bench, fault: Fault) -> String {
    bench.provider.fault(fault);
    let state = bench.connect("demo").await;
    let SignInState::Failed(failed) = state else {
        panic!("it does not fail: {state:?}");
    };
    assert!(bench.store.items().is_empty(), "nothing is stored");
    bench.provider.clear_faults();
    failed.message
}

#[tokio::test]
async fn an_id_token_that_breaks_a_rule_ends_the_sign_in() {
    let bench = Bench::start().await;
    let flaws = [
        (IdTokenFlaw::WrongNonce, "nonce"),
        (IdTokenFlaw::MissingNonce, "nonce"),
        (IdTokenFlaw::WrongAudience, "for another client"),
        (IdTokenFlaw::WrongIssuer, "by another issuer"),
        (IdTokenFlaw::WrongSubject, "another account"),
        (IdTokenFlaw::Expired, "has expired"),
        (IdTokenFlaw::BadSignature, "signature"),
        (IdTokenFlaw::Unsigned, "algorithm"),
    ];
    for (flaw, expected) in flaws {
        let message = failure(&bench, Fault::exchange(FaultKind::IdToken { flaw })).await;
        assert!(message.contains(expected), "{flaw:?}: {message}");
        assert!(
            bench.provider.family_revoked("ada"),
            "{flaw:?}: a grant that nobody keeps does not stay alive"
        );
    }
    assert!(matches!(
        bench.connect("demo").await,
        SignInState::Completed(_)
    ));
}

#[tokio::test]
async fn a_clock_ten_minutes_behind_is_named_and_one_that_is_ahead_is_no_obstacle() {
    let bench = Bench::start().await;
    let ten_minutes = jiff::SignedDuration::from_mins(10);
    bench.clock.set(-ten_minutes);
    let SignInState::Failed(failed) = bench.connect("demo").await else {
        panic!("it does not fail");
    };
    let message = failed.message;
    assert!(message.contains("this machine's clock"), "{message}");
    assert!(bench.store.items().is_empty(), "nothing is stored");
    bench.clock.set(ten_minutes * 2);
    let done = bench.connect("demo").await;
    assert!(matches!(done, SignInState::Completed(_)), "{done:?}");
    bench.access("demo").await;
}

#[tokio::test]
async fn an_answer_of_another_issuer_costs_no_token_request() {
    let bench = Bench::start().await;
    let forged = FaultKind::set("iss", "https://evil.example");
    for kind in [forged, FaultKind::without("iss")] {
        let message = failure(&bench, Fault::at(Endpoint::Authorize, kind)).await;
        assert!(message.contains("the answer"), "{message}");
    }
    assert_eq!(bench.provider.count(Filter::exchanges()), 0);
}

#[tokio::test]
async fn metadata_that_is_wrong_stops_the_sign_in_before_the_browser_opens() {
    let wrong: [(&str, Value, &str); 3] = [
        ("issuer", json!("https://evil.example"), "calls itself"),
        ("code_challenge_methods_supported", json!(["plain"]), "S256"),
        ("jwks_uri", json!("http://evil.example/keys"), "jwks_uri"),
    ];
    for (member, value, expected) in wrong {
        let bench = Bench::start().await;
        let fault = Fault::at(Endpoint::Discovery, FaultKind::set(member, value));
        // In both places where it may be.
        bench.provider.fault(fault.times(2));
        let refused = bench.begin_as("demo", None).await.unwrap_err();
        assert!(
            matches!(refused, AgentError::ClientMisconfigured { .. }),
            "{refused:?}"
        );
        assert!(refused.to_string().contains(expected), "{refused}");
    }
}

#[tokio::test]
async fn without_metadata_a_sign_in_that_needs_no_keys_goes_on() {
    let bench = Bench::start().await;
    bench
        .add("plain", json!({"scopes": ["email", "offline_access"]}))
        .await;
    for kind in [
        FaultKind::status(500),
        FaultKind::Html { status: 200 },
        FaultKind::Truncated,
    ] {
        bench
            .provider
            .fault(Fault::at(Endpoint::Discovery, kind).times(2));
        assert!(matches!(
            bench.connect("plain").await,
            SignInState::Completed(_)
        ));
        bench.provider.clear_faults();
    }
    // Over plain http nobody but the provider's keys can vouch for an id token.
    let bench = Bench::start().await;
    let message = failure(
        &bench,
        Fault::at(Endpoint::Discovery, FaultKind::status(500)).times(2),
    )
    .await;
    assert!(message.contains("keys are not available"), "{message}");
}

#[tokio::test]
async fn userinfo_that_fails_costs_only_the_name_of_its_own() {
    let bench = Bench::start().await;
    for kind in [
        FaultKind::status(500),
        FaultKind::Html { status: 200 },
        FaultKind::Close,
    ] {
        bench.provider.fault(Fault::at(Endpoint::Userinfo, kind));
        let SignInState::Completed(done) = bench.connect("demo").await else {
            panic!("it completes");
        };
        assert!(done.account.is_some(), "the id token names the account");
    }
}
