//! Network and provider faults. Only an OAuth error of the provider ends a login.

use std::time::{Duration, Instant};

use serde_json::json;
use valetkey_demo_provider::{Endpoint, Fault, FaultKind, Filter};
use valetkey_tests::{AgentFixture, Reply, wait};

fn code(reply: &Reply) -> String {
    let body = reply.json();
    body["detail"]["code"].as_str().expect("a code").to_owned()
}

/// A connection whose access token has expired.
fn expired() -> AgentFixture {
    let fixture = AgentFixture::with_short_tokens(1.0);
    fixture.sign_in("acme");
    fixture.wait_for_expiry("acme");
    fixture
}

/// While the fault lasts, callers are told to try later. Afterwards they get a token.
fn assert_survives(fault: FaultKind) {
    let label = format!("{fault:?}");
    let fixture = expired();
    fixture.provider.fault(Fault::refresh(fault).forever());
    let refused = fixture.api().token("acme");
    assert_eq!(
        (refused.status, code(&refused)),
        (503, "provider_unreachable".into()),
        "{label}"
    );
    let status = fixture.api().connection("acme")["status"].clone();
    assert_eq!(status, "expired", "{label}");
    fixture.provider.clear_faults();
    wait::until(&format!("a token after {label}"), || {
        (fixture.api().post_to("acme", "refresh", &json!({})).status == 200).then_some(())
    });
    fixture.api().access_token("acme");
}

#[test]
fn a_server_error_is_survived() {
    assert_survives(FaultKind::status(500));
    assert_survives(FaultKind::status(503));
}

#[test]
fn a_captive_portal_is_survived() {
    assert_survives(FaultKind::Html { status: 200 });
    assert_survives(FaultKind::Html { status: 502 });
}

#[test]
fn a_truncated_response_is_survived() {
    assert_survives(FaultKind::Truncated);
    assert_survives(FaultKind::Close);
}

#[test]
fn a_huge_response_is_survived() {
    assert_survives(FaultKind::Huge {
        bytes: 64 * 1024 * 1024,
    });
}

#[test]
fn a_provider_that_never_answers_is_survived_and_reported_in_time() {
    let fixture = expired();
    fixture
        .provider
        .fault(Fault::refresh(FaultKind::Hang).forever());
    let asked = Instant::now();
    let refused = fixture.api().token("acme");
    let waited = asked.elapsed();
    assert_eq!(code(&refused), "provider_unreachable");
    assert!(waited < Duration::from_secs(20), "{waited:?}");
    // The request continues until its own timeout, and no second one is sent meanwhile.
    assert_eq!(fixture.provider.count(Filter::refreshes()), 1);
    fixture.provider.clear_faults();
    wait::until("a token after the hang", || {
        (fixture.api().token("acme").status == 200).then_some(())
    });
    assert_eq!(fixture.provider.count(Filter::refreshes()), 2);
}

#[test]
fn too_many_requests_says_when_to_retry() {
    let fixture = expired();
    let fault = FaultKind::Status {
        status: 429,
        retry_after: Some("120".to_owned()),
    };
    fixture.provider.fault(Fault::refresh(fault).forever());
    let refused = fixture.api().token("acme");
    assert_eq!(code(&refused), "provider_unreachable");
    let wait = refused.json()["detail"]["retry_after"].as_u64().unwrap();
    assert!((60..=120).contains(&wait), "{wait}");
    // No request is sent before that.
    let asked = fixture.provider.count(Filter::refreshes());
    assert_eq!(code(&fixture.api().token("acme")), "provider_unreachable");
    assert_eq!(fixture.provider.count(Filter::refreshes()), asked);
}

#[test]
fn without_a_network_the_login_waits_for_it() {
    let fixture = expired();
    fixture.provider.go_offline().unwrap();
    assert_eq!(code(&fixture.api().token("acme")), "provider_unreachable");
    fixture.provider.go_online().unwrap();
    wait::until("a token after the network returned", || {
        (fixture.api().post_to("acme", "refresh", &json!({})).status == 200).then_some(())
    });
}

#[test]
fn invalid_grant_means_sign_in_again_and_is_requested_once() {
    let fixture = expired();
    fixture.provider.revoke_account("ada");
    for _ in 0..3 {
        let refused = fixture.api().token("acme");
        assert_eq!(
            (refused.status, code(&refused)),
            (409, "auth_required".into())
        );
        let link = refused.json()["detail"]["connect_url"].clone();
        assert!(
            link.as_str().unwrap().starts_with("http://127.0.0.1:"),
            "{link}"
        );
    }
    assert_eq!(fixture.provider.count(Filter::refreshes()), 1);
    fixture.api().sign_in("acme");
    fixture.api().access_token("acme");
}

#[test]
fn an_oauth_error_with_status_200_is_an_error() {
    let fixture = expired();
    let fault = FaultKind::OauthError {
        error: "invalid_grant".to_owned(),
        description: None,
        status: Some(200),
    };
    fixture.provider.fault(Fault::refresh(fault).forever());
    assert_eq!(code(&fixture.api().token("acme")), "auth_required");
}

#[test]
fn a_client_that_is_refused_keeps_its_login() {
    let fixture = expired();
    let fault = Fault::refresh(FaultKind::oauth_error("invalid_client")).forever();
    fixture.provider.fault(fault);
    let refused = fixture.api().token("acme");
    assert_eq!(
        (refused.status, code(&refused)),
        (502, "client_misconfigured".into())
    );
    fixture.provider.clear_faults();
    wait::until("a token once the client is accepted again", || {
        (fixture.api().post_to("acme", "refresh", &json!({})).status == 200).then_some(())
    });
}

#[test]
fn unusual_but_valid_token_responses_are_understood() {
    for patch in [
        json!({ "expires_in": "1" }),
        json!({ "expires_in": null }),
        json!({ "scope": null }),
        json!({ "token_type": "bearer" }),
        json!({ "refresh_token": null }),
    ] {
        let fixture = AgentFixture::with_short_tokens(1.0);
        fixture.add("acme");
        let label = patch.to_string();
        fixture
            .provider
            .fault(Fault::exchange(FaultKind::Edit { patch }).forever());
        fixture.api().sign_in("acme");
        let reply = fixture.api().token("acme");
        assert_eq!(reply.status, 200, "{label}: {}", reply.text());
    }
}

#[test]
fn a_response_of_another_provider_or_sign_in_is_refused() {
    use valetkey_demo_provider::IdTokenFlaw::{BadSignature, WrongIssuer, WrongNonce};
    let id_tokens = [WrongNonce, WrongIssuer, BadSignature]
        .map(|flaw| Fault::exchange(FaultKind::IdToken { flaw }));
    let wrong_iss = FaultKind::set("iss", "http://127.0.0.1:1");
    let redirect = Fault::at(Endpoint::Authorize, wrong_iss);
    for fault in id_tokens.into_iter().chain([redirect]) {
        let fixture = AgentFixture::start();
        fixture.add("acme");
        fixture.provider.fault(fault.clone().forever());
        let started = fixture.api().begin("acme");
        valetkey_tests::api::follow(started["authorize_url"].as_str().unwrap());
        let ended = fixture.api().wait(&started);
        assert_eq!(ended["state"], "failed", "{fault:?}: {ended}");
        assert_eq!(fixture.api().connections(), Vec::<String>::new());
    }
}

#[test]
fn a_verifier_that_does_not_match_is_refused_by_the_provider_and_reported() {
    let fixture = AgentFixture::start();
    fixture.add("acme");
    let started = fixture.api().begin("acme");
    // An attacker replaces the challenge (by that of RFC 7636, appendix B).
    let mut url = url::Url::parse(started["authorize_url"].as_str().unwrap()).unwrap();
    let other = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    let swapped: Vec<(String, String)> = url
        .query_pairs()
        .into_owned()
        .map(|(name, value)| match name.as_str() {
            "code_challenge" => (name, other.to_owned()),
            _ => (name, value),
        })
        .collect();
    url.query_pairs_mut().clear().extend_pairs(swapped);
    valetkey_tests::api::follow(url.as_str());
    let ended = fixture.api().wait(&started);
    assert_eq!(ended["state"], "failed", "{ended}");
    let reason = ended["error"].to_string();
    assert!(reason.contains("invalid_grant"), "{reason}");
    assert_eq!(fixture.api().connections(), Vec::<String>::new());
}
