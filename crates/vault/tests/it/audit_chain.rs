//! Whoever changes the log behind Valet Key's back is found out, and nobody else is accused.

use std::fs;
use std::path::Path;

use jiff::SignedDuration;
use uuid::Uuid;
use valetkey_core::actor::Actor;
use valetkey_core::event::{Event, EventId, EventKind};
use valetkey_core::home::Home;
use valetkey_core::id::{AuthenticatorId, ConnectionId, SignInId};
use valetkey_vault::store::testing::TestStore;
use valetkey_vault::{Durability, EventFilter, LogCheck, LogProblem, LogProblemKind, Vault};

use crate::fixture::{home, now};

/// A line with something in every column.
fn line(number: u128) -> Event {
    let id = Uuid::from_u128(number);
    Event::new(EventKind::TokenServed, now())
        .connection(ConnectionId::new(id))
        .authenticator(AuthenticatorId::new(id))
        .sign_in(SignInId::new(id))
        .actor(Actor::parse("process 7 /usr/bin/node"))
        .detail(serde_json::json!({ "number": number.to_string() }))
}

pub(crate) async fn append(vault: &Vault, count: u128) -> EventId {
    let lines: Vec<_> = (1..=count).map(line).collect();
    let appended = vault.append_events(lines, Vec::new(), Vec::new(), Durability::Deferred);
    appended.await.unwrap()
}

pub(crate) struct Log {
    pub(crate) vault: Vault,
    pub(crate) store: TestStore,
    pub(crate) home: Home,
    pub(crate) _folder: tempfile::TempDir,
}

impl Log {
    pub(crate) async fn open() -> Self {
        let (folder, home) = home();
        let store = TestStore::default();
        let vault = Vault::open(&home, store.opener()).await.unwrap();
        vault.open_log_chain(now()).await.unwrap();
        Self {
            vault,
            store,
            home,
            _folder: folder,
        }
    }

    /// With the lines 1 to 9.
    pub(crate) async fn of_nine() -> Self {
        let log = Self::open().await;
        append(&log.vault, 9).await;
        log
    }

    /// As a stop does.
    pub(crate) async fn stop(&self) {
        self.vault.anchor_log(now()).await.unwrap();
        self.vault.close().await.unwrap();
    }

    pub(crate) async fn start(&mut self) {
        self.vault = Vault::open(&self.home, self.store.opener()).await.unwrap();
        self.vault.open_log_chain(now()).await.unwrap();
    }

    pub(crate) fn change(&self, sql: &str) {
        change(&self.home.database(), sql);
    }

    pub(crate) async fn check(&self) -> LogCheck {
        self.vault.check_log(now()).await.unwrap()
    }

    pub(crate) async fn problems(&self) -> Vec<(LogProblemKind, i64, i64)> {
        let problems = self.check().await.problems.into_iter();
        problems
            .map(
                |LogProblem {
                     kind, first, last, ..
                 }| (kind, first.0, last.0),
            )
            .collect()
    }

    pub(crate) async fn why(&self) -> Vec<String> {
        let problems = self.check().await.problems.into_iter();
        problems.filter_map(|problem| problem.why).collect()
    }
}

fn change(database: &Path, sql: &str) {
    let other = rusqlite::Connection::open(database).unwrap();
    other.execute_batch(sql).unwrap();
}

#[tokio::test]
async fn an_untouched_log_is_intact_also_after_a_restart() {
    let mut log = Log::of_nine().await;
    let intact = LogCheck {
        lines: 9,
        first: Some(EventId(1)),
        last: Some(EventId(9)),
        ..LogCheck::default()
    };
    assert_eq!(log.check().await, intact);
    log.stop().await;
    log.start().await;
    assert_eq!(log.check().await, intact);
    assert_eq!(append(&log.vault, 1).await, EventId(10));
    // As after a kill: the keychain knows nine lines.
    log.vault.close().await.unwrap();
    log.start().await;
    assert_eq!(append(&log.vault, 1).await, EventId(11));
    assert_eq!(log.problems().await, []);
}

#[tokio::test]
async fn one_changed_byte_in_any_column_is_found() {
    let other = "x'00000000000000000000000000000063'";
    let changes = [
        ("at = at + 1", 5),
        ("kind = 'token.refused'", 5),
        (&format!("connection = {other}"), 5),
        (&format!("authenticator = {other}"), 5),
        (&format!("sign_in = {other}"), 5),
        ("sign_in = NULL", 5),
        ("connection = sign_in, sign_in = NULL", 5),
        ("actor = 'process 8 /usr/bin/node'", 5),
        ("detail = '{\"number\":\"6\"}'", 5),
        ("detail = NULL", 5),
        // The line behind it depends on these.
        ("mac = NULL", 6),
        ("mac = zeroblob(32)", 6),
    ];
    for (what, last) in changes {
        let log = Log::of_nine().await;
        log.change(&format!("UPDATE events SET {what} WHERE id = 5"));
        let found = [(LogProblemKind::Changed, 5, last)];
        assert_eq!(log.problems().await, found, "{what}");
    }
}

#[tokio::test]
async fn a_removed_line_swapped_lines_and_new_numbers_are_found() {
    use LogProblemKind::{Changed, Removed};
    let swap = "UPDATE events SET id = 100 WHERE id = 3; UPDATE events SET id = 3 WHERE id = 7;
                UPDATE events SET id = 7 WHERE id = 100;";
    let close_the_gap =
        "DELETE FROM events WHERE id = 5; UPDATE events SET id = id - 1 WHERE id > 5";
    let cases = [
        ("DELETE FROM events WHERE id = 5", vec![(Removed, 5, 5)]),
        ("DELETE FROM events WHERE id < 3", vec![(Removed, 1, 2)]),
        (swap, vec![(Changed, 3, 4), (Changed, 7, 8)]),
        (
            close_the_gap,
            vec![(Changed, 5, 8), (LogProblemKind::Cut, 9, 9)],
        ),
    ];
    for (sql, found) in cases {
        let log = Log::of_nine().await;
        log.change(sql);
        assert_eq!(log.problems().await, found, "{sql}");
    }
}

#[tokio::test]
async fn an_inserted_line_is_found_and_those_behind_it_are_right() {
    let log = Log::of_nine().await;
    let copy = "INSERT INTO events (id, at, kind, mac) SELECT 10, at, kind, mac FROM events WHERE id = 9;
                INSERT INTO events (id, at, kind, mac) SELECT 0, at, kind, mac FROM events WHERE id = 9;";
    log.change(copy);
    let inserted = [
        (LogProblemKind::Changed, 0, 0),
        (LogProblemKind::Changed, 10, 10),
    ];
    assert_eq!(log.problems().await, inserted);
    assert_eq!(append(&log.vault, 2).await, EventId(12));
    assert_eq!(log.problems().await, inserted);
}

#[tokio::test]
async fn a_cut_tail_is_found_while_the_agent_runs_and_after_it_ran() {
    let mut log = Log::of_nine().await;
    let cut = "DELETE FROM events WHERE id > 6;
               UPDATE sqlite_sequence SET seq = 6 WHERE name = 'events'";
    log.change(cut);
    assert_eq!(log.problems().await, [(LogProblemKind::Cut, 7, 9)]);
    assert_eq!(append(&log.vault, 1).await, EventId(10), "no id twice");
    assert_eq!(log.problems().await, [(LogProblemKind::Removed, 7, 9)]);

    for cut in [cut, "DELETE FROM events WHERE id > 6"] {
        log = Log::of_nine().await;
        log.stop().await;
        log.change(cut);
        for _ in 0..2 {
            log.start().await;
            append(&log.vault, 1).await;
            let found = [
                (LogProblemKind::Removed, 7, 9),
                (LogProblemKind::FoundAtStart, 10, 10),
            ];
            assert_eq!(log.problems().await, found);
            assert_eq!(log.why().await, ["lines_missing"]);
            log.stop().await;
        }
    }
}

#[tokio::test]
async fn an_old_copy_of_the_database_is_found() {
    let mut log = Log::of_nine().await;
    log.stop().await;
    let copy = fs::read(log.home.database()).unwrap();
    log.start().await;
    append(&log.vault, 5).await;
    log.stop().await;
    fs::write(log.home.database(), copy).unwrap();
    log.start().await;
    let found = [
        (LogProblemKind::Removed, 10, 14),
        (LogProblemKind::FoundAtStart, 15, 15),
    ];
    assert_eq!(log.problems().await, found);
}

#[tokio::test]
async fn a_lost_database_is_said_to_be_new() {
    let mut log = Log::of_nine().await;
    log.stop().await;
    fs::remove_file(log.home.database()).unwrap();
    log.start().await;
    let found = [
        (LogProblemKind::Removed, 1, 9),
        (LogProblemKind::FoundAtStart, 10, 10),
    ];
    assert_eq!(log.problems().await, found);
    assert_eq!(log.why().await, ["database_replaced"]);
}

#[tokio::test]
async fn a_changed_line_stays_found_after_a_restart() {
    let mut log = Log::of_nine().await;
    log.stop().await;
    log.change("UPDATE events SET actor = 'window' WHERE id = 9");
    log.start().await;
    append(&log.vault, 3).await;
    assert_eq!(log.problems().await, [(LogProblemKind::Changed, 9, 9)]);
    log.stop().await;
    log.change("UPDATE events SET mac = NULL WHERE id > 8");
    log.start().await;
    let found = log.why().await;
    assert_eq!(found, ["line_changed"]);
}

#[tokio::test]
async fn a_pruned_log_is_intact_and_a_removed_line_at_its_start_is_found() {
    let mut log = Log::of_nine().await;
    let later = now() + SignedDuration::from_secs(60);
    let kept = Event::new(EventKind::Paused, later);
    let append_kept = async |vault: &Vault, count| {
        let lines = vec![kept.clone(); count];
        let appended = vault.append_events(lines, Vec::new(), Vec::new(), Durability::Deferred);
        appended.await.unwrap()
    };
    append_kept(&log.vault, 3).await;
    assert_eq!(log.vault.prune_events(later, later).await.unwrap(), 9);
    let check = log.check().await;
    assert_eq!(check.problems, []);
    assert_eq!((check.lines, check.pruned_until), (3, Some(EventId(9))));
    log.stop().await;
    log.start().await;
    assert_eq!(log.problems().await, []);
    log.change("DELETE FROM events WHERE id = 10");
    assert_eq!(log.problems().await, [(LogProblemKind::Removed, 10, 10)]);
    // In front of the start, too.
    log.change(
        "INSERT INTO events (id, at, kind, mac) SELECT 9, at, kind, mac FROM events WHERE id = 11",
    );
    let found = [
        (LogProblemKind::Changed, 9, 9),
        (LogProblemKind::Removed, 10, 10),
    ];
    assert_eq!(log.problems().await, found);
    // All of it.
    let end = later + SignedDuration::from_secs(1);
    log.vault.prune_events(end, end).await.unwrap();
    let told = [(LogProblemKind::FoundAtStart, 13, 13)];
    assert_eq!(log.problems().await, told);
    assert_eq!(log.why().await, ["changed_before_pruning"]);
    assert_eq!(append_kept(&log.vault, 1).await, EventId(14));
    log.stop().await;
    log.start().await;
    assert_eq!(log.problems().await, told);
}

#[tokio::test]
async fn a_line_made_old_is_not_taken_for_a_pruned_one() {
    let mut log = Log::of_nine().await;
    log.change("UPDATE events SET at = 0 WHERE id <= 5");
    let ninety_days = SignedDuration::from_hours(24 * 90);
    let pruned = log.vault.prune_events(now() - ninety_days, now()).await;
    assert_eq!(pruned.unwrap(), 0);
    let changed = [(LogProblemKind::Changed, 1, 5)];
    assert_eq!(log.problems().await, changed);
    log.stop().await;
    log.start().await;
    assert_eq!(log.problems().await, changed);
    // They go when lines behind them are old that nobody changed, and the log says so.
    let later = now() + SignedDuration::from_secs(1);
    assert_eq!(log.vault.prune_events(later, later).await.unwrap(), 9);
    for _ in 0..2 {
        let told = [(LogProblemKind::FoundAtStart, 10, 10)];
        assert_eq!(log.problems().await, told);
        assert_eq!(log.why().await, ["changed_before_pruning"]);
        log.stop().await;
        log.start().await;
    }
    let events = log.vault.events(EventFilter::default()).await.unwrap();
    let (_, told) = &events[0];
    let detail = serde_json::json!({ "why": "changed_before_pruning", "first": 1, "last": 5 });
    assert_eq!((told.kind, &told.detail), (EventKind::LogDamaged, &detail));
    // Said once, and no longer than other lines.
    let end = later + SignedDuration::from_secs(1);
    assert_eq!(log.vault.prune_events(end, end).await.unwrap(), 1);
    assert_eq!(log.problems().await, []);
}

#[tokio::test]
async fn a_changed_time_neither_keeps_a_line_nor_stops_the_pruning() {
    let log = Log::of_nine().await;
    log.change("UPDATE events SET at = at + 1000000000000 WHERE id IN (1, 4, 5)");
    let later = now() + SignedDuration::from_secs(1);
    assert_eq!(log.vault.prune_events(later, later).await.unwrap(), 9);
    assert_eq!(log.why().await, ["changed_before_pruning"]);
}

#[tokio::test]
async fn a_clock_that_was_wrong_neither_keeps_old_lines_nor_deletes_new_ones() {
    let log = Log::open().await;
    let day = SignedDuration::from_hours(24);
    let at = |days: i32| Event::new(EventKind::Paused, now() + day * days);
    // Old, from the future, old, new, from before, new.
    let lines: Vec<_> = [0, 9999, 1, 50, -9999, 51].map(at).into();
    let appended = log
        .vault
        .append_events(lines, Vec::new(), Vec::new(), Durability::Deferred);
    appended.await.unwrap();
    let today = now() + day * 52;
    let pruned = log.vault.prune_events(now() + day * 9, today).await;
    assert_eq!(pruned.unwrap(), 3);
    let left = log.vault.events(EventFilter::default()).await.unwrap();
    let left: Vec<_> = left.into_iter().map(|(id, _)| id.0).collect();
    assert_eq!(left, [4, 5, 6]);
}

#[tokio::test]
async fn a_line_that_failed_to_be_written_breaks_no_chain() {
    let log = Log::of_nine().await;
    log.change(
        "CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    let failed = log
        .vault
        .append_events([line(1)], Vec::new(), Vec::new(), Durability::Durable);
    failed.await.unwrap_err();
    log.change("DROP TRIGGER full");
    assert_eq!(append(&log.vault, 2).await, EventId(11));
    assert_eq!(log.problems().await, []);
}

#[tokio::test]
async fn an_end_without_a_stop_is_told() {
    let log = Log::open().await;
    let kinds = [
        EventKind::AgentStarted,
        EventKind::AgentStopped,
        EventKind::AgentStarted,
        EventKind::TokenServed,
        EventKind::AgentStarted,
    ];
    let lines = kinds.map(|kind| Event::new(kind, now()));
    let appended = log
        .vault
        .append_events(lines, Vec::new(), Vec::new(), Durability::Durable);
    appended.await.unwrap();
    let check = log.check().await;
    assert_eq!(check.problems, []);
    assert_eq!(check.unclean_ends, 1);
    assert_eq!(check.last_unclean_end, Some((EventId(5), now())));
}
