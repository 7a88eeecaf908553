//! When the scheduler looks at each connection next.

use jiff::Timestamp;
use valetkey_core::connection_state::Status;
use valetkey_core::freshness;
use valetkey_core::id::ConnectionId;

use super::ConnectionRegistry;

impl ConnectionRegistry {
    /// Plans this connection's next refresh (or the end of its token) from its row.
    pub(crate) fn replan(&mut self, id: ConnectionId, now: Timestamp) {
        let Some(entry) = self.entries.get(&id) else {
            return;
        };
        if entry.row.state.status == Status::Removing {
            // Its removal sets when it is retried.
            return;
        }
        let limits = self.refresh_limits(&entry.row);
        let ends = || {
            entry
                .row
                .expires_at
                .filter(|_| entry.row.state.status == Status::Active)
        };
        let due = if entry.unsaved || entry.refresh_task.is_some() {
            entry.due
        } else if entry.row.refreshable {
            // A wake-up while nothing may be sent would only plan itself again.
            freshness::due_at(&entry.row, limits, now, entry.jitter)
                .map(|due| entry.retry_not_before.map_or(due, |until| due.max(until)))
                .or_else(ends)
        } else {
            ends()
        };
        self.reschedule(id, due);
    }

    /// Sets when the scheduler looks at this connection next.
    pub(crate) fn reschedule(&mut self, id: ConnectionId, due: Option<Timestamp>) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        if let Some(old) = entry.due.take() {
            self.schedule.remove(&(old, id));
        }
        if let Some(due) = due {
            self.schedule.insert((due, id));
        }
        entry.due = due;
    }

    /// Ends a back-off early: what failed is tried again at `due`.
    pub(crate) fn retry_at(&mut self, id: ConnectionId, due: Timestamp) {
        if let Some(entry) = self.entries.get_mut(&id)
            && let Some(error) = &mut entry.row.refresh_error
        {
            error.retry_at = Some(due);
        }
        self.reschedule(id, Some(due));
    }

    /// The earliest planned moment.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.schedule.first().map(|(due, _)| *due)
    }

    /// Takes the connections that are due by `now` out of the schedule.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> Vec<ConnectionId> {
        let mut due = Vec::new();
        while let Some((at, id)) = self.schedule.first().copied()
            && at <= now
        {
            self.reschedule(id, None);
            due.push(id);
        }
        due
    }
}
