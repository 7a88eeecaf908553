//! Sign-ins that go another way than the straight one.

use crate::support::{
    Bench, authenticator_key, authorize_url, authorized, completed, eventually, failed, free_port,
    me, seconds, visit,
};
use serde_json::json;
use valetkey_agent::AgentError;
use valetkey_agent::sign_in::{SignInMethod, SignInOptions, SignInState};
use valetkey_core::event::EventKind;
use valetkey_core::scope::Scopes;
use valetkey_demo_provider::{Endpoint, Fault, FaultKind, Filter};

#[tokio::test]
async fn an_answer_of_another_issuer_is_refused_before_anything_is_sent() {
    let bench = Bench::start().await;
    bench.provider.fault(Fault::at(
        Endpoint::Authorize,
        FaultKind::set("iss", "https://evil.example"),
    ));
    let why = failed(bench.connect("demo").await);
    assert!(why.contains("another provider"), "{why}");
    assert_eq!(bench.provider.count(Filter::exchanges()), 0);
    assert!(bench.store.items().is_empty());
}

#[tokio::test]
async fn two_authenticators_share_a_fixed_port_and_each_gets_its_own_answer() {
    let bench = Bench::start().await;
    let redirect = format!("http://127.0.0.1:{}/callback", free_port());
    for name in ["one", "two"] {
        bench.add(name, json!({ "redirect_uri": redirect })).await;
    }
    let (one, two) = (bench.begin("one").await, bench.begin("two").await);
    assert_eq!(one.redirect_uri, Some(redirect));
    for (view, name) in [(two, "two"), (one, "one")] {
        assert_eq!(visit(authorize_url(&view)).await.0, 200);
        let done = completed(bench.finished(view.id).await);
        assert_eq!(done.connection.to_string(), name);
    }
}

#[tokio::test]
async fn a_fixed_port_is_free_for_the_next_sign_in_at_once() {
    let bench = Bench::start().await;
    let redirect = format!("http://127.0.0.1:{}/callback", free_port());
    bench
        .add("fixed", json!({ "redirect_uri": redirect }))
        .await;
    for round in 0..30 {
        let view = bench.begin_as("fixed", None).await;
        let view = view.unwrap_or_else(|error| panic!("{round}: {error:?}"));
        if round % 3 == 0 {
            completed({
                visit(authorize_url(&view)).await;
                bench.finished(view.id).await
            });
        } else {
            bench.agent.cancel_sign_in(view.id, &me()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_busy_fixed_port_is_named() {
    let bench = Bench::start().await;
    let stranger = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = stranger.local_addr().unwrap().port();
    let redirect = format!("http://127.0.0.1:{port}/callback");
    bench
        .add("fixed", json!({ "redirect_uri": redirect }))
        .await;
    let error = bench.begin_as("fixed", None).await.expect_err("busy");
    let AgentError::Conflict {
        message, in_use, ..
    } = &error
    else {
        panic!("{error:?}")
    };
    assert!(message.contains(&port.to_string()), "{message}");
    assert_eq!(in_use, &[format!("127.0.0.1:{port}")]);
    drop(stranger);
    assert!(bench.begin_as("fixed", None).await.is_ok());
}

#[tokio::test]
async fn a_cancelled_sign_in_takes_no_answer() {
    let bench = Bench::start().await;
    let view = bench.begin("demo").await;
    let back = authorized(&view).await;
    let cancelled = bench.agent.cancel_sign_in(view.id, &me()).await.unwrap();
    assert!(matches!(cancelled.state, SignInState::Cancelled));
    let late = bench.agent.finish_by_paste(view.id, &back).await.unwrap();
    assert!(matches!(late.state, SignInState::Cancelled));
    assert_eq!(bench.provider.count(Filter::exchanges()), 0);
    assert_eq!(bench.count(EventKind::SignInCancelled).await, 1);
}

#[tokio::test]
async fn a_sign_in_ends_after_five_minutes() {
    let bench = Bench::start().await;
    let view = bench.begin("demo").await;
    let back = authorized(&view).await;
    bench.pass(seconds(295), seconds(59)).await;
    assert!(!bench.agent.sign_in(view.id).unwrap().state.has_ended());
    bench.pass(seconds(6), seconds(6)).await;
    assert!(matches!(
        bench.finished(view.id).await,
        SignInState::TimedOut
    ));
    eventually("nobody listens", || {
        let address = back.split('/').nth(2).expect("an authority");
        std::net::TcpStream::connect(address).is_err()
    })
    .await;
    assert_eq!(bench.count(EventKind::SignInTimedOut).await, 1);
    assert_eq!(bench.provider.count(Filter::exchanges()), 0);
}

#[tokio::test]
async fn a_time_limit_holds_also_across_a_suspend() {
    let bench = Bench::start().await;
    let view = bench.begin("demo").await;
    let back = authorized(&view).await;
    bench.clock.jump(jiff::SignedDuration::from_hours(1));
    let late = bench.agent.finish_by_paste(view.id, &back).await;
    let state = late.map(|view| view.state);
    assert!(matches!(state, Ok(SignInState::TimedOut)), "{state:?}");
    assert_eq!(bench.provider.count(Filter::exchanges()), 0);
}

#[tokio::test]
async fn the_pasted_address_finishes_a_sign_in_that_no_listener_serves() {
    let bench = Bench::start().await;
    let page = "https://app.example.com/oauth/callback";
    bench.provider.update(|settings| {
        settings.clients[0].redirect_uris = vec![page.to_owned()];
    });
    bench.add("web", json!({ "redirect_uri": page })).await;
    let view = bench.begin("web").await;
    assert!(view.paste_only);
    assert_eq!(view.redirect_uri.as_deref(), Some(page));
    let back = authorized(&view).await;
    let refused = [
        "not an address".to_owned(),
        page.to_owned(),
        format!("{page}?code=x"),
        back.replace("state=", "state=x"),
    ];
    for pasted in refused {
        let error = bench.agent.finish_by_paste(view.id, &pasted).await;
        assert!(
            matches!(error, Err(AgentError::InvalidRequest { .. })),
            "{pasted}: {error:?}"
        );
    }
    let quoted = format!(" \"{back}\" \n");
    let over = bench.agent.finish_by_paste(view.id, &quoted).await.unwrap();
    completed(over.state);
    let again = bench.agent.finish_by_paste(view.id, &back).await.unwrap();
    completed(again.state);
    assert_eq!(bench.provider.count(Filter::exchanges()), 1);
}

#[tokio::test]
async fn a_pasted_address_of_another_sign_in_does_not_end_this_one() {
    let bench = Bench::start().await;
    let (mine, other) = (bench.begin("demo").await, bench.begin("demo").await);
    let back = authorized(&other).await;
    let error = bench.agent.finish_by_paste(mine.id, &back).await;
    assert!(
        matches!(error, Err(AgentError::InvalidRequest { .. })),
        "{error:?}"
    );
    assert!(!bench.agent.sign_in(mine.id).unwrap().state.has_ended());
    assert!(!bench.agent.sign_in(other.id).unwrap().state.has_ended());
    completed({
        visit(&back).await;
        bench.finished(other.id).await
    });
}

#[tokio::test]
async fn who_pastes_and_hangs_up_does_not_end_the_sign_in() {
    let bench = Bench::start().await;
    let view = bench.begin("demo").await;
    let back = authorized(&view).await;
    let latch = bench.provider.latch(Fault::exchange);
    let agent = bench.agent.clone();
    let pasting = tokio::spawn(async move { agent.finish_by_paste(view.id, &back).await });
    bench.provider.arrived(Filter::exchanges(), 1).await;
    pasting.abort();
    assert!(pasting.await.is_err());
    latch.release();
    completed(bench.finished(view.id).await);
}

#[tokio::test]
async fn secrets_follow_no_redirect_and_a_code_is_sent_once() {
    let bench = Bench::start().await;
    let elsewhere = |status| FaultKind::Redirect {
        status,
        location: bench.provider.url("/api/me"),
    };
    let kinds = [
        elsewhere(307),
        elsewhere(308),
        FaultKind::Close,
        FaultKind::Truncated,
        FaultKind::status(503),
        FaultKind::Html { status: 200 },
    ];
    for (round, kind) in kinds.into_iter().enumerate() {
        bench.provider.fault(Fault::exchange(kind.clone()));
        failed(bench.connect("demo").await);
        assert_eq!(
            bench.provider.count(Filter::exchanges()),
            round + 1,
            "{kind:?}"
        );
    }
    assert_eq!(bench.provider.count(Endpoint::Api), 0);
    assert!(bench.store.items().is_empty());
    assert!(bench.agent.connections(None).is_empty());
    completed(bench.connect("demo").await);
}

#[tokio::test]
async fn why_a_program_asks_is_plain_text() {
    let bench = Bench::start().await;
    let ask = SignInOptions {
        authenticator: authenticator_key("demo"),
        account: None,
        replace: false,
        scopes: Scopes::default(),
        only_scopes: false,
        register_again: false,
        method: SignInMethod::Browser,
        reason: Some(format!("a\u{1b}[31mb\n{}", "c".repeat(1000))),
    };
    let view = bench.agent.begin_sign_in(ask, &me()).await.unwrap();
    let reason = view.reason.unwrap();
    assert!(reason.chars().count() <= 200);
    assert!(!reason.contains(char::is_control));
}

#[tokio::test]
async fn more_sign_ins_at_once_than_anybody_can_mean_are_refused() {
    let bench = Bench::start().await;
    let mut views = Vec::new();
    let error = loop {
        match bench.begin_as("demo", None).await {
            Ok(view) => views.push(view),
            Err(error) => break error,
        }
        assert!(views.len() <= 100);
    };
    assert!(
        matches!(error, AgentError::RateLimited { retry_after } if retry_after.is_positive()),
        "{error:?}"
    );
    bench
        .agent
        .cancel_sign_in(views[0].id, &me())
        .await
        .unwrap();
    assert!(bench.begin_as("demo", None).await.is_ok());
}
