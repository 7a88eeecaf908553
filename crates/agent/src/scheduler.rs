//! Refreshes what is due, stores what is still unsaved, has finished what was left half-way.
//!
//! Deadlines are wall-clock times. When the machine was suspended or its clock was set, everything
//! is planned again, and what is overdue is spread out. [`WallTimer`] notices both.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use valetkey_core::connection_state::{Status, Transition};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::freshness;
use valetkey_core::id::ConnectionId;

use crate::clock::WallTimer;
use crate::registry::Entry;
use crate::state::Inner;
use crate::{disconnect, grants, reconcile, refresh};

/// How soon what was left half-way is tried to be finished.
const FINISH_DELAY: SignedDuration = SignedDuration::from_secs(30);
/// After a wake, overdue refreshes are spread over this time.
const SPREAD: SignedDuration = SignedDuration::from_secs(10);

/// The scheduler's task. Ends when the agent stops.
pub(crate) async fn run(inner: Arc<Inner>) {
    let mut timer = WallTimer::new(Arc::clone(&inner.clock));
    let mut finish_at = None;
    plan_all(&inner);
    spread_overdue(&inner);
    loop {
        if finish_at.is_none() && inner.unfinished.load(Ordering::SeqCst) {
            finish_at = Some(freshness::add(inner.now(), FINISH_DELAY));
        }
        let next_due = inner.registry().next_due();
        tokio::select! {
            () = timer.sleep_until(finish_at.into_iter().chain(next_due).min()) => {}
            () = inner.schedule_changed.notified() => {}
        }
        if inner.stopping.load(Ordering::SeqCst) {
            return;
        }
        if finish_at.is_some_and(|at| at <= inner.now()) {
            finish_at = None;
            let inner_of_task = Arc::clone(&inner);
            inner.run(async move { reconcile::finish(&inner_of_task).await });
        }
        if timer.clock_changed() {
            tracing::info!("the clock changed; all connections are checked");
            wake(&inner);
        }
        run_due(&inner);
    }
}

fn plan_all(inner: &Inner) {
    let now = inner.now();
    let mut registry = inner.registry();
    let all: Vec<ConnectionId> = registry.entries().map(|entry| entry.row.id).collect();
    for id in all {
        registry.replan(id, now);
    }
}

/// The machine resumed, or the clock was set: everything is planned again, back-offs end, and what is
/// overdue is spread out.
fn wake(inner: &Inner) {
    plan_all(inner);
    let now = inner.now();
    let mut registry = inner.registry();
    let backing_off: Vec<ConnectionId> = registry
        .entries()
        .filter(|entry| {
            let error = entry.row.refresh_error.as_ref();
            error.is_some_and(refresh::is_transient)
        })
        .map(|entry| entry.row.id)
        .collect();
    let overdue = registry.take_due(now);
    for id in overdue.into_iter().chain(backing_off) {
        let soon = soon(now);
        let due = registry
            .get_mut(id)
            .and_then(|entry| held_until(entry, now))
            .map_or(soon, |until| until.max(soon));
        registry.retry_at(id, due);
    }
}

/// After a start, refreshes that are overdue are spread, unless there is only one.
fn spread_overdue(inner: &Inner) {
    let now = inner.now();
    let mut registry = inner.registry();
    let overdue = registry.take_due(now);
    let several = overdue.len() > 1;
    for id in overdue {
        let due = if several { soon(now) } else { now };
        registry.reschedule(id, Some(due));
    }
}

/// A random moment within [`SPREAD`].
fn soon(now: Timestamp) -> Timestamp {
    let share = SignedDuration::from_secs_f64(SPREAD.as_secs_f64() * crate::random::fraction());
    freshness::add(now, share)
}

/// What a provider asked us to wait is waited, also across a wake. A clock that was set back would
/// stretch it: then it is over.
fn held_until(entry: &mut Entry, now: Timestamp) -> Option<Timestamp> {
    let refresh_error = entry.row.refresh_error.as_ref();
    if refresh_error.is_some_and(|refresh_error| refresh_error.at > now) {
        entry.retry_not_before = None;
    }
    entry.retry_not_before
}

fn run_due(inner: &Arc<Inner>) {
    let now = inner.now();
    let due = inner.registry().take_due(now);
    for id in due {
        let inner_of_task = Arc::clone(inner);
        inner.run(async move { run_job(&inner_of_task, id).await });
    }
}

/// Does what is due for one connection: a removal, an unsaved grant, a refresh, or the end of a token.
async fn run_job(inner: &Arc<Inner>, id: ConnectionId) {
    let now = inner.now();
    let (unsaved, refreshable, ended, generation, removing) = {
        let registry = inner.registry();
        let Some(entry) = registry.get(id) else {
            return;
        };
        let ended = entry.row.expires_at.is_some_and(|end| end <= now);
        (
            entry.unsaved,
            entry.row.refreshable,
            ended,
            entry.row.state.generation,
            entry.row.state.status == Status::Removing,
        )
    };
    if removing {
        return disconnect::retry_removal(inner, id).await;
    }
    if unsaved {
        let _ = grants::save_unsaved(inner, id).await;
        if inner.registry().get(id).is_some_and(|entry| entry.unsaved) {
            return;
        }
    }
    let due = due_for_refresh(inner, id, now);
    if refreshable && due {
        // The outcome is in the registry and the log; nobody waits for it here.
        let _ = refresh::join(inner, id, generation).await;
        return;
    }
    if ended {
        end(inner, id, refreshable).await;
    }
    inner.registry().replan(id, now);
    inner.schedule_changed.notify_one();
}

fn due_for_refresh(inner: &Inner, id: ConnectionId, now: Timestamp) -> bool {
    let registry = inner.registry();
    let Some(entry) = registry.get(id) else {
        return false;
    };
    if entry.retry_not_before.is_some_and(|until| until > now) {
        return false;
    }
    let limits = registry.refresh_limits(&entry.row);
    freshness::due_at(&entry.row, limits, now, 1.0).is_some_and(|due| due <= now)
}

/// A token ended that is not refreshed by itself.
async fn end(inner: &Arc<Inner>, id: ConnectionId, refreshable: bool) {
    let now = inner.now();
    let kind = {
        let mut registry = inner.registry();
        let Some(entry) = registry.get(id) else {
            return;
        };
        let from = entry.row.state.generation;
        let (transition, kind) = if refreshable {
            (Transition::Ended, EventKind::ConnectionExpired)
        } else {
            (
                Transition::Refused { from },
                EventKind::ConnectionNeedsReconnect,
            )
        };
        if registry.apply(id, transition).is_err() {
            return;
        }
        kind
    };
    grants::save_row(inner, id).await;
    inner.record(Event::new(kind, now).connection(id)).await;
}
