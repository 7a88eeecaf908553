//! Client keys: what is remembered of them.

use crate::support::{Bench, me};
use valetkey_agent::{Clock as _, NewKey};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::settings::Settings;

#[tokio::test]
async fn when_a_key_was_last_used_survives_a_restart() {
    let mut bench = Bench::start().await;
    let ask = NewKey {
        name: "ci".to_owned(),
        connections: None,
        manage: false,
        expires_at: None,
    };
    let (row, key) = bench.agent.create_key(ask, &me()).await.expect("a key");
    bench.restart().await;
    assert_eq!(bench.agent.keys()[0].used_at, None);
    let used = bench.agent.verify_key(key.expose()).expect("ours");
    assert_eq!(used.id, row.id);
    assert!(used.used_at.is_some());
    bench.restart().await;
    assert_eq!(bench.agent.keys()[0].used_at, used.used_at);
}

/// What a kill leaves between a change and its line in the log: the change with its event.
#[tokio::test]
async fn a_line_that_a_kill_kept_from_the_log_is_written_at_the_next_start() {
    let mut bench = Bench::start().await;
    let ask = |name: &str| NewKey {
        name: name.to_owned(),
        connections: None,
        manage: false,
        expires_at: None,
    };
    let made = bench.agent.create_key(ask("ci"), &me()).await;
    let (row, _) = made.expect("a key");
    let event = Event::new(EventKind::KeyRevoked, bench.clock.now()).actor(&me());
    let revoked = bench.vault.revoke_client_key(row.id, &event).await;
    revoked.expect("it is there");
    assert_eq!(bench.count(EventKind::KeyRevoked).await, 0);
    bench.restart().await;
    assert_eq!(bench.agent.keys(), []);
    assert_eq!(bench.count(EventKind::KeyRevoked).await, 1);
    assert_eq!(bench.vault.unlogged_events().await, Ok(Vec::new()));

    // All that the agent does itself is in the log once.
    let (row, _) = bench
        .agent
        .create_key(ask("ci"), &me())
        .await
        .expect("a key");
    bench
        .agent
        .confirm_key(row.id, &me())
        .await
        .expect("it is there");
    bench
        .agent
        .revoke_key("ci", &me())
        .await
        .expect("it is there");
    bench.agent.pause(&me()).await.expect("stored");
    bench.agent.pause(&me()).await.expect("no change");
    let days = 30.try_into().expect("a number of days");
    let shorter = move |settings: &mut Settings| settings.retention_days = days;
    bench
        .agent
        .change_settings(shorter, &me())
        .await
        .expect("stored");
    bench.agent.resume(&me()).await.expect("stored");
    assert_eq!(bench.vault.unlogged_events().await, Ok(Vec::new()));
    bench.restart().await;
    for (kind, count) in [
        (EventKind::KeyCreated, 2),
        (EventKind::KeyConfirmed, 1),
        (EventKind::KeyRevoked, 2),
        (EventKind::Paused, 1),
        (EventKind::SettingsChanged, 1),
        (EventKind::Resumed, 1),
    ] {
        assert_eq!(bench.count(kind).await, count, "{kind:?}");
    }
}
