use valetkey_core::home::Home;
use valetkey_vault::{EventFilter, StoreChoice};

use super::queue::MAX_QUEUED;
use super::*;
use crate::clock::{SystemClock, TestClock};
use crate::key::Actor;
use crate::proxy::ProxiedRequest;

async fn open() -> (tempfile::TempDir, Vault, Arc<AuditLog>) {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::at(folder.path());
    let vault = Vault::open(&home, StoreChoice::Memory).await.unwrap();
    let clock = Arc::new(SystemClock::default());
    let log = AuditLog::new(vault.clone(), clock, RetentionDays::default());
    (folder, vault, log)
}

/// Each of another connection, so that none is folded.
fn refused(log: &AuditLog, why: String) -> Entry {
    refused_of(log, ConnectionId::new(crate::random::uuid()), why)
}

fn refused_of(log: &AuditLog, id: ConnectionId, why: String) -> Entry {
    Entry::Refused(Box::new(RefusedAccess {
        id,
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

#[tokio::test]
async fn repeated_refusals_are_one_line_with_their_number() {
    let (_folder, vault, log) = open().await;
    let (one, other) = (crate::random::uuid(), crate::random::uuid());
    let record = |id, why: &str| {
        log.record(refused_of(&log, ConnectionId::new(id), why.to_owned()));
    };
    for _ in 0..1_000 {
        record(one, "denied");
    }
    record(other, "denied");
    record(one, "paused");
    record(one, "paused");
    // A reason may name what the caller sent.
    for n in 0..100 {
        record(one, &format!("refused `{n}`"));
    }
    log.flush().await;
    let first = newest(&vault, 1_000).await;
    assert_eq!(
        first.len(),
        9,
        "eight reasons of one connection, and the other's"
    );
    assert!(
        first
            .iter()
            .all(|(_, event)| event.detail["repeated"].is_null())
    );
    assert_eq!(first[0].1.detail["why"], "denied");
    log.write_counted(Some(log.clock.uptime()));
    log.flush().await;
    assert_eq!(
        newest(&vault, 1_000).await.len(),
        9,
        "the minute is not over"
    );
    log.write_counted(Some(log.clock.uptime() + Duration::from_mins(1)));
    log.flush().await;
    let all = newest(&vault, 1_000).await;
    let counted: Vec<_> = all[first.len()..]
        .iter()
        .map(|(_, event)| {
            (
                event.detail["why"].as_str().unwrap(),
                &event.detail["repeated"],
            )
        })
        .collect();
    assert_eq!(
        counted,
        [
            ("denied", &json!(999)),
            ("paused", &json!(1)),
            ("refused `99`", &json!(94))
        ]
    );
    record(one, "denied");
    log.flush().await;
    assert_eq!(
        newest(&vault, 1_000).await.len(),
        all.len() + 1,
        "a new minute"
    );
}

#[tokio::test]
async fn each_request_that_was_sent_is_a_line_and_a_use() {
    let (_folder, vault, log) = open().await;
    let id = ConnectionId::new(crate::random::uuid());
    let proxied = |sent| {
        let request = ProxiedRequest {
            id,
            method: "DELETE".to_owned(),
            host: None,
            path: "/".to_owned(),
            sent,
            status: None,
            why: Some("no answer".to_owned()),
            who: Actor::agent(),
        };
        let (name, at) = (None, log.clock.now());
        Entry::Proxied(Box::new(ProxiedAccess { request, name, at }))
    };
    for sent in [true, false] {
        for _ in 0..3 {
            log.record(proxied(sent));
        }
    }
    log.flush().await;
    assert_eq!(newest(&vault, 100).await.len(), 3 + 1);
    assert!(proxied(true).usage().is_some());
    assert!(proxied(false).usage().is_none());
}

#[tokio::test]
async fn the_number_of_refusals_is_written_without_being_asked_for() {
    let (_folder, vault, _) = open().await;
    let clock = Arc::new(TestClock::new(Timestamp::now()));
    let own = Arc::<TestClock>::clone(&clock);
    let log = AuditLog::new(vault.clone(), own, RetentionDays::default());
    let counting = tokio::spawn(Arc::clone(&log).count_refusals());
    let id = ConnectionId::new(crate::random::uuid());
    for _ in 0..3 {
        log.record(refused_of(&log, id, "denied".to_owned()));
    }
    log.flush().await;
    let counted = async {
        while log.is_idle() {
            clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), counted).await.unwrap();
    log.flush().await;
    counting.abort();
    let last = newest(&vault, 2).await;
    assert_eq!(last[1].1.detail["repeated"], 2);
}
