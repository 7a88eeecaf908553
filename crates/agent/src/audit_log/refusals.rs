//! Refusals that a caller provokes again and again: the first of a kind is a line at once, the others of
//! the next minute are one line with their number. A program in a loop must not fill the log.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use valetkey_core::actor::Actor;
use valetkey_core::id::ConnectionId;

use super::entry::Entry;

/// So long further refusals are counted.
const WINDOW: Duration = Duration::from_mins(1);
/// Reasons with a line of their own in one window: some name what the caller sent. All others count as
/// the last of them.
const MAX_REASONS: usize = 8;
/// Callers and connections whose refusals are counted. With more of them each is a line.
const MAX_WINDOWS: usize = 256;

/// Whose refusals are counted together: a program by its file, because each process has another id.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Caller {
    name: String,
    connection: ConnectionId,
}

struct Window {
    /// By the clock's uptime.
    ends: Duration,
    reasons: Vec<Reason>,
}

struct Reason {
    why: String,
    /// The last one that was left out, and how many.
    repeated: Option<(Entry, u64)>,
}

/// The windows that are open.
#[derive(Default)]
pub(super) struct Refusals(HashMap<Caller, Window>);

impl Refusals {
    /// The line of `entry`, if it is to be one. Windows that have ended are taken before
    /// ([`Self::take_ended`]).
    pub(super) fn admit(&mut self, entry: Entry, now: Duration) -> Option<Entry> {
        let Some((connection, who, why)) = entry.refusal() else {
            return Some(entry);
        };
        let name = match who {
            Actor::Process {
                executable: Some(path),
                ..
            } => path.clone(),
            other => other.to_string(),
        };
        let caller = Caller { name, connection };
        if let Some(window) = self.0.get_mut(&caller) {
            let known = window.reasons.iter().position(|known| known.why == why);
            let is_full = window.reasons.len() >= MAX_REASONS;
            let at = known.or_else(|| is_full.then_some(MAX_REASONS - 1));
            let Some(reason) = at.and_then(|at| window.reasons.get_mut(at)) else {
                window.reasons.push(Reason::new(why));
                return Some(entry);
            };
            let count = reason.repeated.as_ref().map_or(0, |(_, count)| *count);
            reason.repeated = Some((entry, count + 1));
            return None;
        }
        if self.0.len() < MAX_WINDOWS {
            let window = Window {
                ends: now + WINDOW,
                reasons: vec![Reason::new(why)],
            };
            self.0.insert(caller, window);
        }
        Some(entry)
    }

    /// When something is to be written next.
    pub(super) fn next_end(&self) -> Option<Duration> {
        let windows = self.0.values().filter(|window| window.has_repeated());
        windows.map(|window| window.ends).min()
    }

    /// The lines, written `at` this moment, of the windows that have ended by `now` (None: of all), in the
    /// order of their ends.
    pub(super) fn take_ended(&mut self, now: Option<Duration>, at: Timestamp) -> Vec<Entry> {
        let is_over = |_: &Caller, window: &mut Window| now.is_none_or(|now| window.ends <= now);
        let mut ended: Vec<Window> = self
            .0
            .extract_if(is_over)
            .map(|(_, window)| window)
            .collect();
        ended.sort_by_key(|window| window.ends);
        let reasons = ended.into_iter().flat_map(|window| window.reasons);
        let repeated = reasons.filter_map(|reason| reason.repeated);
        repeated
            .map(|(last, count)| {
                let last = Box::new(last);
                Entry::Repeated { last, count, at }
            })
            .collect()
    }
}

impl Window {
    fn has_repeated(&self) -> bool {
        let mut reasons = self.reasons.iter();
        reasons.any(|reason| reason.repeated.is_some())
    }
}

impl Reason {
    fn new(why: &str) -> Self {
        Self {
            why: why.to_owned(),
            repeated: None,
        }
    }
}
