//! Authorization requests that are pushed first (RFC 9126).

use serde_json::json;
use url::Url;
use valetkey_agent::AgentError;
use valetkey_agent::sign_in::SignInState;
use valetkey_demo_provider::{
    Endpoint, Fault, FaultKind, Filter, PushedRequests, Request, Settings,
};

use crate::support::{Bench, completed, eventually, seconds, visit};

async fn bench() -> Bench {
    Bench::with(Settings {
        pushed_requests: PushedRequests::Required,
        ..Settings::auto_consent("ada")
    })
    .await
}

fn pushes(bench: &Bench) -> Vec<Request> {
    bench.provider.requests(Filter::from(Endpoint::Push))
}

#[tokio::test]
async fn a_provider_that_requires_it_gets_the_parameters_before_the_browser_opens() {
    let bench = bench().await;
    let view = bench.begin("demo").await;
    let url = Url::parse(view.authorize_url.as_ref().unwrap()).unwrap();
    let mut names: Vec<String> = url.query_pairs().map(|(name, _)| name.into()).collect();
    names.sort();
    assert_eq!(names, ["client_id", "request_uri"]);
    assert_eq!(view.pushed_url, view.authorize_url);
    let pushed = &pushes(&bench)[0];
    for name in ["state", "code_challenge", "redirect_uri", "scope", "nonce"] {
        assert!(pushed.param(name).is_some(), "{name}");
    }
    visit(view.authorize_url.as_ref().unwrap()).await;
    completed(bench.finished(view.id).await);
    bench.access("demo").await;
}

#[tokio::test]
async fn one_that_offers_it_is_asked_only_if_the_person_names_the_endpoint() {
    let bench = Bench::start().await;
    let view = bench.begin("demo").await;
    assert!(view.pushed_url.is_none() && pushes(&bench).is_empty());
    let own = bench.provider.url("/par");
    bench
        .update("demo", json!({ "pushed_authorization_url": own }))
        .await;
    completed(bench.connect("demo").await);
    assert_eq!(pushes(&bench).len(), 1);
    bench
        .update("demo", json!({ "pushed_authorization_url": null }))
        .await;
    completed(bench.connect("demo").await);
    assert_eq!(pushes(&bench).len(), 1);
}

#[tokio::test]
async fn a_confidential_client_pushes_with_its_secret() {
    let bench = bench().await;
    let secret = json!({
        "client_id": "demo-confidential", "client_secret": "demo-secret",
        "client_auth": "client_secret_basic",
    });
    bench.add("own", secret).await;
    completed(bench.connect("own").await);
    let pushed = &pushes(&bench)[0];
    assert!(pushed.headers.contains_key("authorization"));
    assert_eq!(pushed.param("client_secret"), None);
}

#[tokio::test]
async fn a_request_that_expires_while_the_sign_in_waits_is_pushed_again() {
    let bench = bench().await;
    let first = bench.begin("demo").await;
    bench.take_turns().await;
    bench.pass(seconds(44), seconds(11)).await;
    assert_eq!(pushes(&bench).len(), 1, "60 s are not over");
    bench.clock.advance(seconds(1));
    let newest = || bench.agent.sign_in(first.id).unwrap();
    eventually("another address", || {
        newest().authorize_url != first.authorize_url
    })
    .await;
    let second = newest();
    assert_eq!(second.pushed_url, second.authorize_url);
    let pushed = pushes(&bench);
    let state = |request: &Request| request.param("state").map(str::to_owned);
    assert_eq!(state(&pushed[0]), state(&pushed[1]), "the same sign-in");

    visit(second.authorize_url.as_ref().unwrap()).await;
    completed(bench.finished(first.id).await);
    bench.pass(seconds(120), seconds(10)).await;
    assert_eq!(pushes(&bench).len(), 2, "nothing is pushed after the end");
}

#[tokio::test]
async fn a_push_that_fails_later_leaves_the_sign_in_as_it_is_and_is_tried_again() {
    let bench = bench().await;
    let view = bench.begin("demo").await;
    bench.take_turns().await;
    bench
        .provider
        .fault(Fault::at(Endpoint::Push, FaultKind::status(503)));
    bench.clock.advance(seconds(45));
    eventually("a failed push", || pushes(&bench).len() == 2).await;
    bench.provider.ended(Endpoint::Push, 2).await;
    bench.take_turns().await;
    let waiting = bench.agent.sign_in(view.id).unwrap();
    assert!(matches!(waiting.state, SignInState::Started));
    assert_eq!(waiting.authorize_url, view.authorize_url);
    bench.clock.advance(seconds(45));
    eventually("another address", || {
        bench.agent.sign_in(view.id).unwrap().authorize_url != view.authorize_url
    })
    .await;
}

#[tokio::test]
async fn a_push_that_is_refused_begins_no_sign_in_and_says_why() {
    let bench = bench().await;
    let failure = async |fault: FaultKind| {
        bench.provider.fault(Fault::at(Endpoint::Push, fault));
        bench.begin_as("demo", None).await.unwrap_err()
    };
    let unknown = failure(FaultKind::oauth_error("invalid_client")).await;
    assert!(
        matches!(unknown, AgentError::ClientMisconfigured { .. }),
        "{unknown:?}"
    );
    let target = failure(FaultKind::oauth_error("invalid_target")).await;
    assert!(
        matches!(target, AgentError::ClientMisconfigured { .. }),
        "{target:?}"
    );
    let redirected = FaultKind::Redirect {
        status: 307,
        location: bench.provider.url("/par"),
    };
    for fault in [FaultKind::status(503), FaultKind::Close, redirected] {
        let later = failure(fault).await;
        assert!(
            matches!(later, AgentError::ProviderUnreachable { .. }),
            "{later:?}"
        );
    }
    let nothing = failure(FaultKind::status(404)).await;
    let hint = nothing.hint().unwrap();
    assert!(hint.contains("--pushed-authorization-url"), "{hint}");
    for flaw in [
        json!({"request_uri": "x".repeat(4096), "expires_in": 60}),
        json!({"request_uri": "urn:x:1", "expires_in": 0}),
        json!({"request_uri": "urn:x:1"}),
    ] {
        let raw = FaultKind::Raw {
            status: 201,
            headers: [("content-type".to_owned(), "application/json".to_owned())].into(),
            body: flaw.to_string(),
        };
        let unclear = failure(raw).await;
        assert!(
            matches!(unclear, AgentError::ClientMisconfigured { .. }),
            "{unclear:?}"
        );
    }
    assert_eq!(bench.provider.count(Endpoint::Authorize), 0);
}
