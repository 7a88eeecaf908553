//! The revocation at the provider, and what a disconnect reports of it.

use std::thread;

use serde_json::{Value, json};
use valetkey_demo_provider::{Endpoint, Fault, FaultKind};
use valetkey_tests::{AgentFixture, Reply};

fn code(reply: &Reply) -> Value {
    reply.json()["detail"]["code"].take()
}

fn revocation(disconnected: &Reply) -> Value {
    assert_eq!(disconnected.status, 200, "{}", disconnected.text());
    disconnected.json()["revocation"].take()
}

#[test]
fn a_revocation_that_no_endpoint_confirmed_is_not_reported_as_done() {
    let page_not_found = FaultKind::Raw {
        status: 404,
        headers: [("content-type".to_owned(), "text/plain".to_owned())].into(),
        body: "404 page not found\n".to_owned(),
    };
    for kind in [
        page_not_found,
        FaultKind::Html { status: 404 },
        FaultKind::status(405),
        FaultKind::status(503),
    ] {
        let fixture = AgentFixture::start();
        fixture.sign_in("acme");
        let fault = Fault::at(Endpoint::Revoke, kind.clone());
        fixture.provider.fault(fault.forever());
        let revocation = revocation(&fixture.api().disconnect("acme"));
        assert!(!fixture.provider.family_revoked("ada"), "{kind:?}");
        assert_ne!(revocation["outcome"], "revoked", "{kind:?}: {revocation}");
        assert!(revocation["reason"].is_string(), "{kind:?}: {revocation}");
    }
}

#[test]
fn a_confirmed_revocation_is_reported_as_done() {
    let fixture = AgentFixture::start();
    fixture.sign_in("acme");
    let revocation = revocation(&fixture.api().disconnect("acme"));
    assert!(fixture.provider.family_revoked("ada"));
    assert_eq!(revocation["outcome"], "revoked", "{revocation}");
}

#[test]
fn a_disconnect_after_one_that_failed_at_a_locked_keychain_still_revokes() {
    let mut fixture = AgentFixture::start();
    fixture.sign_in("acme");
    let latch = fixture
        .provider
        .latch(|latch| Fault::at(Endpoint::Revoke, latch));
    let unavailable = Fault::at(Endpoint::Revoke, FaultKind::status(503));
    fixture.provider.fault(unavailable.forever());
    let api = fixture.api();
    let first = thread::spawn(move || api.disconnect("acme"));
    fixture.provider.wait_arrived(Endpoint::Revoke, 1);
    fixture.desktop.keyring().lock();
    latch.release();
    let first = first.join().unwrap();
    assert_eq!(
        (first.status, code(&first)),
        (503, json!("keychain_locked"))
    );

    fixture.provider.clear_faults();
    fixture.desktop.keyring().unlock();
    let second = fixture.api().disconnect("acme");
    // The agent may have finished by itself meanwhile; then there is nothing left to disconnect.
    if second.status == 200 {
        let revocation = revocation(&second);
        assert_eq!(revocation["outcome"], "revoked", "{revocation}");
    } else {
        assert_eq!(second.status, 404, "{}", second.text());
    }
    assert!(fixture.provider.family_revoked("ada"));
    assert_eq!(fixture.desktop.keyring().secrets(), []);
}
