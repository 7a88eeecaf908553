//! Many concurrent callers: one request to the provider, a response for each of them.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Barrier};
use std::thread;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use valetkey_demo_provider::{Fault, Filter};
use valetkey_tests::AgentFixture;

const CALLERS: usize = 1000;

/// Each caller has a connection of its own.
fn allow_many_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("up to the hard limit is allowed");
}

#[test]
fn a_thousand_callers_at_expiry_make_one_request_and_all_are_served() {
    allow_many_files();
    let fixture = AgentFixture::with_short_tokens(2.0);
    let before = fixture.sign_in("acme");
    fixture.wait_for_expiry("acme");
    // The new token outlives the slowest caller.
    fixture
        .provider
        .update(|settings| settings.access_token_lifetime_seconds = Some(3600.0));

    let start = Arc::new(Barrier::new(CALLERS));
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let (api, start) = (fixture.api(), Arc::clone(&start));
            let caller = thread::Builder::new().stack_size(256 * 1024);
            let call = move || {
                start.wait();
                api.access_token("acme")
            };
            caller.spawn(call).expect("a thread")
        })
        .collect();
    let tokens: BTreeSet<_> = callers.into_iter().map(|it| it.join().unwrap()).collect();

    assert_eq!(tokens.len(), 1, "all have the same token");
    assert_eq!(fixture.provider.count(Filter::refreshes()), 1);
    let after = fixture.api().connection("acme");
    let generation = |view: &serde_json::Value| view["generation"].as_u64().unwrap();
    assert_eq!(generation(&after), generation(&before) + 1);
    assert!(!fixture.provider.family_revoked("ada"));
}

#[test]
fn a_caller_that_hangs_up_during_a_refresh_changes_nothing() {
    let mut fixture = AgentFixture::with_short_tokens(2.0);
    fixture.sign_in("acme");
    fixture.wait_for_expiry("acme");
    let latch = fixture.provider.latch(Fault::refresh);

    let mut caller = UnixStream::connect(fixture.agent().socket_path()).unwrap();
    let request = "POST /api/v1/credentials/connections/acme/token HTTP/1.1\r\n\
                   Host: localhost\r\nContent-Length: 0\r\n\r\n";
    caller.write_all(request.as_bytes()).unwrap();
    fixture.provider.wait_arrived(Filter::refreshes(), 1);
    drop(caller);
    latch.release();

    fixture.api().access_token("acme");
    assert_eq!(fixture.provider.count(Filter::refreshes()), 1);
    assert!(!fixture.provider.family_revoked("ada"));
}

#[test]
fn a_refresh_that_hangs_holds_up_only_its_own_connection() {
    let fixture = AgentFixture::with_short_tokens(2.0);
    fixture.sign_in("acme");
    fixture.wait_for_expiry("acme");
    let latch = fixture.provider.latch(Fault::refresh);
    let api = fixture.api();
    let waiting = thread::spawn(move || api.token("acme"));
    fixture.provider.wait_arrived(Filter::refreshes(), 1);

    fixture.sign_in("other");
    fixture.api().access_token("other");
    latch.release();
    assert_eq!(waiting.join().unwrap().status, 200);
}
