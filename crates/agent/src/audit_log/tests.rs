use valetkey_core::home::Home;
use valetkey_vault::{EventFilter, StoreChoice};

use super::queue::MAX_QUEUED;
use super::*;
use crate::clock::SystemClock;
use crate::key::Actor;

async fn open() -> (tempfile::TempDir, Vault, Arc<AuditLog>) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let vault = Vault::open(&home, StoreChoice::Memory).await.unwrap();
    let clock = Arc::new(SystemClock::default());
    let log = AuditLog::new(vault.clone(), clock, RetentionDays::default());
    (folder, vault, log)
}

fn refused(log: &AuditLog, why: String) -> Entry {
    Entry::Refused(Box::new(RefusedAccess {
        id: ConnectionId::new(uuid::Uuid::nil()),
        named: None,
        why,
        at: log.clock.now(),
        who: Actor::agent(),
    }))
}

async fn newest(vault: &Vault, limit: u32) -> Vec<(EventId, Event)> {
    let newest = EventFilter {
        limit,
        ..EventFilter::default()
    };
    vault.events(newest).await.unwrap()
}

#[tokio::test]
async fn a_full_queue_counts_what_it_cannot_hold_and_logs_the_number() {
    const SURPLUS: usize = 10;
    let (_folder, vault, log) = open().await;
    for n in 0..MAX_QUEUED + SURPLUS {
        log.record(refused(&log, n.to_string()));
    }
    assert!(log.flush().await);
    assert!(log.is_idle());
    let found = newest(&vault, 2).await;
    let [(_, last), (id, summary)] = &found[..] else {
        panic!("two events")
    };
    assert_eq!(last.detail["why"], (MAX_QUEUED - 1).to_string());
    assert_eq!(summary.kind, EventKind::TokensUnrecorded);
    assert_eq!(summary.detail["count"], SURPLUS);
    assert_eq!(*id, EventId(i64::try_from(MAX_QUEUED).unwrap() + 1));
    // It is told once.
    assert!(log.flush().await);
    assert_eq!(newest(&vault, 1).await.last().unwrap().0, *id);
}

#[tokio::test]
async fn a_change_has_room_behind_a_full_queue_and_stands_last() {
    let (_folder, vault, log) = open().await;
    for n in 0..MAX_QUEUED {
        log.record(refused(&log, n.to_string()));
    }
    log.record_change(Event::new(EventKind::Paused, log.clock.now()))
        .await;
    let found = newest(&vault, 2).await;
    assert_eq!(found[0].1.detail["why"], (MAX_QUEUED - 1).to_string());
    assert_eq!(found[1].1.kind, EventKind::Paused);
}

#[tokio::test]
async fn lines_that_were_not_written_keep_their_places() {
    let (_folder, vault, log) = open().await;
    vault.close().await.unwrap();
    log.record(refused(&log, "first".to_owned()));
    let at = log.clock.now();
    for kind in [EventKind::Paused, EventKind::Resumed] {
        log.record_change(Event::new(kind, at)).await;
    }
    assert!(!log.flush().await);
    let batch = log.queue().pop().unwrap();
    let kinds: Vec<_> = batch.iter().map(|entry| Event::from(entry).kind).collect();
    assert_eq!(
        kinds,
        [
            EventKind::TokenRefused,
            EventKind::Paused,
            EventKind::Resumed
        ]
    );
}
