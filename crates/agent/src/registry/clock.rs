//! Keeps the times in memory right when the wall clock is set.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use valetkey_core::clock_reading::{ClockChange, ClockReading};
use valetkey_core::freshness;

use super::{ConnectionRegistry, Entry, LiveGrant};

impl ConnectionRegistry {
    /// Moves all times to the wall clock as it is set now; returns whether there was something to move.
    /// Cheap while the clock runs as before.
    pub(crate) fn follow_clock(&mut self, now: ClockReading) -> bool {
        let ClockChange::SetBy(by) = now.change_since(&self.clock) else {
            return false;
        };
        tracing::info!(%by, "the wall clock was set");
        self.clock = now;
        let ids: Vec<_> = self.entries.keys().copied().collect();
        for id in ids {
            let Some(entry) = self.entries.get_mut(&id) else {
                continue;
            };
            entry.move_times(by);
            let due = entry.due.map(|due| freshness::add(due, by));
            self.reschedule(id, due);
        }
        true
    }
}

impl Entry {
    fn move_times(&mut self, by: SignedDuration) {
        self.row.move_times(by);
        if let Some(live) = &self.live {
            let mut moved = LiveGrant::clone(live);
            moved.grant.move_times(by);
            self.live = Some(Arc::new(moved));
        }
        self.narrow.move_times(by);
        let move_time = |time: Timestamp| freshness::add(time, by);
        self.retry_not_before = self.retry_not_before.map(move_time);
        self.asked_until = self.asked_until.map(move_time);
    }
}
