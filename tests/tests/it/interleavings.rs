//! Changes during other work: a disconnect while callers wait for a refresh, a locked keychain during
//! a removal.

use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use valetkey_demo_provider::{Fault, Filter, Settings};
use valetkey_tests::{AgentFixture, Api, Reply, wait};

/// Longer than each test takes, shorter than what [`request_longer_token`] asks for.
const LIFETIME_SECONDS: f64 = 60.0;

/// How the refresh ends that a caller waits for.
#[derive(Debug, Clone, Copy)]
enum Refresh {
    Succeeds,
    Hangs,
}

fn signed_in() -> AgentFixture {
    let fixture = AgentFixture::with(Settings {
        access_token_lifetime_seconds: Some(LIFETIME_SECONDS),
        ..Settings::auto_consent("ada")
    });
    fixture.sign_in("acme");
    fixture
        .provider
        .update(|settings| settings.access_token_lifetime_seconds = Some(3600.0));
    fixture
}

/// Needs a refresh; the current token is the fallback.
fn request_longer_token(api: &Api) -> Reply {
    api.post_to("acme", "token", &json!({ "min_valid_seconds": 300 }))
}

/// The response to a caller that waits for a refresh during `change`, and to a later one.
fn responses_after(change: impl FnOnce(&Api) + Send + 'static, refresh: Refresh) -> (Reply, Reply) {
    let fixture = signed_in();
    let latch = fixture.provider.latch(Fault::refresh);
    let api = fixture.api();
    let waiting = thread::spawn(move || request_longer_token(&api));
    fixture.provider.wait_arrived(Filter::refreshes(), 1);
    let api = fixture.api();
    let changing = thread::spawn(move || change(&api));
    match refresh {
        Refresh::Succeeds => {
            wait::until("the change", || {
                (fixture.api().token("acme").status != 200).then_some(())
            });
            latch.release();
            changing.join().expect("the change is made");
            (
                waiting.join().expect("no panic"),
                fixture.api().token("acme"),
            )
        }
        Refresh::Hangs => {
            let reply = waiting.join().expect("no panic");
            latch.release();
            changing.join().expect("the change is made");
            (reply, fixture.api().token("acme"))
        }
    }
}

fn code(reply: &Reply) -> Value {
    reply.json()["detail"]["code"].take()
}

fn assert_no_token_after(change: fn(&Api)) {
    for refresh in [Refresh::Hangs, Refresh::Succeeds] {
        let (waited, later) = responses_after(change, refresh);
        let text = waited.text();
        assert!(!text.contains("access_token"), "{refresh:?}: {text}");
        assert_ne!(waited.status, 200, "{refresh:?}: {text}");
        assert_ne!(later.status, 200, "{refresh:?}: {}", later.text());
    }
}

#[test]
fn a_caller_that_waits_for_a_refresh_gets_no_token_after_a_disconnect() {
    assert_no_token_after(|api| {
        let reply = api.disconnect("acme");
        assert_eq!(reply.status, 200, "{}", reply.text());
    });
}

#[test]
fn a_caller_that_waits_for_a_refresh_gets_no_token_after_a_pause() {
    let pause = |api: &Api| assert_eq!(api.post("pause", &json!({})).status, 200);
    assert_no_token_after(pause);
    let (waited, _) = responses_after(pause, Refresh::Hangs);
    assert_eq!(code(&waited), "paused");
}

#[test]
fn a_caller_that_waits_for_a_refresh_gets_no_token_of_a_disabled_authenticator() {
    let disable = |api: &Api| {
        let path = "/api/v1/oauth/authenticators/acme";
        let reply = api.request("PATCH", path, Some(&json!({ "is_active": false })));
        assert_eq!(reply.status, 200, "{}", reply.text());
    };
    assert_no_token_after(disable);
    let (waited, later) = responses_after(disable, Refresh::Hangs);
    assert_eq!(code(&waited), code(&later));
}

#[test]
fn an_interrupted_removal_is_finished_although_the_keychain_is_locked_at_the_next_start() {
    for failpoint in ["disconnect.marked", "vault.before_item_deleted"] {
        let mut fixture = AgentFixture::start();
        fixture.sign_in("acme");
        fixture.restart_to_abort_at(failpoint);
        fixture.abort_during(|api| drop(api.disconnect("acme")));
        fixture.desktop.keyring().lock();
        fixture.start_agent();
        assert_ne!(fixture.api().token("acme").status, 200, "{failpoint}");
        // The first try has met the locked keychain.
        wait::until("a look at the keychain", || {
            let status = fixture.api().get("status").json();
            (status["secret_store"]["state"] == "locked").then_some(())
        });

        fixture.desktop.keyring().unlock();
        let finished = wait::within(Duration::from_mins(3), || {
            fixture.api().connections().is_empty().then_some(())
        });
        assert!(finished.is_some(), "{failpoint}: it is never finished");
        assert!(fixture.provider.family_revoked("ada"), "{failpoint}");
        assert_eq!(fixture.desktop.keyring().secrets(), [], "{failpoint}");
    }
}
