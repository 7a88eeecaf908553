//! The alarm clock: refreshes what is due, stores what is still unsaved, reconciles what the start had
//! to put off. By the wall clock, also after sleep and jumps.
//!
//! Timers count time in which the machine was awake; deadlines are wall-clock. So the sleeper wakes
//! at least every 30 s while something is due within the hour, and when the two clocks disagree it
//! treats that as a wake: everything is looked at again, and what is overdue is spread out.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use valetkey_core::connection_state::Transition;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::freshness;
use valetkey_core::id::ConnectionId;

use crate::agent::{Agent, Inner};
use crate::book::Entry;
use crate::refresh;

/// Longest sleep while something is due within [`SOON`].
const SHORT_SLEEP: Duration = Duration::from_secs(30);
/// Longest sleep otherwise.
const LONG_SLEEP: Duration = Duration::from_mins(10);
const SOON: SignedDuration = SignedDuration::from_hours(1);
/// The clocks may drift apart this far in one sleep before it counts as a jump.
const JUMP: SignedDuration = SignedDuration::from_secs(10);
/// After a wake, overdue refreshes are spread over this time.
const SPREAD: SignedDuration = SignedDuration::from_secs(10);

/// The alarm clock's task. Ends when the agent stops.
pub(crate) async fn run(inner: Arc<Inner>) {
    plan_all(&inner);
    loop {
        let before = (inner.now(), inner.clock.uptime());
        let sleep = inner.clock.sleep(nap(&inner, before.0));
        tokio::select! {
            () = sleep => {}
            () = inner.alarm.notified() => {}
        }
        if inner.stopping.load(Ordering::SeqCst) {
            return;
        }
        if inner.reconcile_later.load(Ordering::SeqCst) {
            reconcile(&inner).await;
        }
        if jumped(&inner, before) {
            tracing::info!("the clock jumped; all logins are checked");
            wake(&inner);
        }
        ring(&inner);
    }
}

/// What could not be reconciled at start, because the keychain was locked or away.
async fn reconcile(inner: &Arc<Inner>) {
    let Ok(report) = inner.vault.reconcile(inner.now()).await else {
        return;
    };
    if report.deferred.is_some() && report.changed_nothing() {
        return;
    }
    inner.reconcile_later.store(false, Ordering::SeqCst);
    let agent = Agent {
        inner: Arc::clone(inner),
    };
    agent.take_over(report).await;
}

fn nap(inner: &Inner, now: Timestamp) -> Duration {
    if inner.reconcile_later.load(Ordering::SeqCst) {
        return SHORT_SLEEP;
    }
    let Some(due) = inner.book().next_alarm() else {
        return LONG_SLEEP;
    };
    let until = due.duration_since(now);
    let longest = if until < SOON {
        SHORT_SLEEP
    } else {
        LONG_SLEEP
    };
    Duration::try_from(until)
        .unwrap_or(Duration::ZERO)
        .min(longest)
}

fn jumped(inner: &Inner, (wall, uptime): (Timestamp, Duration)) -> bool {
    let by_wall = inner.now().duration_since(wall);
    let awake = SignedDuration::try_from(inner.clock.uptime().saturating_sub(uptime))
        .unwrap_or(SignedDuration::MAX);
    (by_wall - awake).abs() > JUMP
}

fn plan_all(inner: &Inner) {
    let now = inner.now();
    let mut book = inner.book();
    let all: Vec<ConnectionId> = book.entries().map(|entry| entry.row.id).collect();
    for id in all {
        book.replan(id, now);
    }
}

/// The machine woke up, or the clock was set: every alarm is planned anew, back-offs end, and what
/// is overdue is spread out.
fn wake(inner: &Inner) {
    plan_all(inner);
    let now = inner.now();
    let mut book = inner.book();
    let backing_off: Vec<ConnectionId> = book
        .entries()
        .filter(|entry| {
            entry
                .row
                .refresh_error
                .as_ref()
                .is_some_and(|s| s.retry_at.is_some())
        })
        .map(|entry| entry.row.id)
        .collect();
    let overdue = book.ringing(now);
    for id in overdue.into_iter().chain(backing_off) {
        let share = SignedDuration::from_secs_f64(SPREAD.as_secs_f64() * crate::random::fraction());
        let soon = freshness::add(now, share);
        let due = book
            .get_mut(id)
            .and_then(|entry| held_until(entry, now))
            .map_or(soon, |until| until.max(soon));
        book.reschedule(id, Some(due));
    }
}

/// What a provider asked us to wait is waited, also across a wake. A clock that was set back would
/// stretch it: then it is over.
fn held_until(entry: &mut Entry, now: Timestamp) -> Option<Timestamp> {
    let refresh_error = entry.row.refresh_error.as_ref();
    if refresh_error.is_some_and(|refresh_error| refresh_error.at > now) {
        entry.hold_until = None;
    }
    entry.hold_until
}

fn ring(inner: &Arc<Inner>) {
    let now = inner.now();
    let ringing = inner.book().ringing(now);
    for id in ringing {
        let inner_of_task = Arc::clone(inner);
        inner.spawn(async move { attend(&inner_of_task, id).await });
    }
}

/// What an alarm is about: a held grant, a refresh that is due, or a token that ended.
async fn attend(inner: &Arc<Inner>, id: ConnectionId) {
    let now = inner.now();
    let (unsaved, refreshable, ended) = {
        let book = inner.book();
        let Some(entry) = book.get(id) else { return };
        let ended = entry.row.expires_at.is_some_and(|end| end <= now);
        (entry.unsaved, entry.row.refreshable, ended)
    };
    if unsaved {
        let _ = refresh::store_one(inner, id).await;
        if inner.book().get(id).is_some_and(|entry| entry.unsaved) {
            return;
        }
    }
    let due = due_for_refresh(inner, id, now);
    if refreshable && due {
        // The outcome is in the book and the log; nobody waits for it here.
        let _ = refresh::join(inner, id).await;
        return;
    }
    if ended {
        end(inner, id, refreshable).await;
    }
    inner.book().replan(id, now);
    inner.alarm.notify_one();
}

fn due_for_refresh(inner: &Inner, id: ConnectionId, now: Timestamp) -> bool {
    let book = inner.book();
    let Some(entry) = book.get(id) else {
        return false;
    };
    if entry.hold_until.is_some_and(|until| until > now) {
        return false;
    }
    let limits = book.provider_of(&entry.row).refresh_limits();
    let pending = entry
        .row
        .refresh_error
        .as_ref()
        .is_some_and(|refresh_error| refresh_error.retry_at.is_some());
    pending || freshness::due_at(&entry.row, limits, now, 1.0).is_some_and(|due| due <= now)
}

/// A token ended that is not refreshed by itself.
async fn end(inner: &Arc<Inner>, id: ConnectionId, refreshable: bool) {
    let now = inner.now();
    let kind = {
        let mut book = inner.book();
        let Some(entry) = book.get(id) else { return };
        let from = entry.row.state.generation;
        let (transition, kind) = if refreshable {
            (Transition::Ended, EventKind::ConnectionExpired)
        } else {
            (
                Transition::Refused { from },
                EventKind::ConnectionNeedsReconnect,
            )
        };
        if book.apply(id, transition).is_err() {
            return;
        }
        kind
    };
    refresh::save_row(inner, id).await;
    inner.record(Event::new(kind, now).connection(id)).await;
}
