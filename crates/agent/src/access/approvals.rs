//! Questions to the person in front of the desktop app: may this program use this connection, shall
//! this change be made.
//!
//! Equal questions are one. A question about access outlives its caller: who answers late has answered
//! for the next time.
//!
//! One question is shown at a time, for [`ANSWER_TIMEOUT`]; the others wait for their turn, the oldest
//! first. One that nobody answered while it was shown, or whose turn did not come within
//! [`QUEUE_TIMEOUT`], stays in the list, without a window.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use valetkey_core::id::ConnectionId;

use super::question::{Answer, Question, same};

/// How long a question is shown.
pub const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
/// How long it waits for its turn.
pub(super) const QUEUE_TIMEOUT: Duration = Duration::from_mins(2);
/// Questions that may be kept.
const MAX_QUESTIONS: usize = 32;

/// Names a question while the agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApprovalId(pub u64);

/// A question, for those who show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub id: ApprovalId,
    pub question: Question,
    pub asked_at: Timestamp,
    /// When its window closes; None: it is not shown.
    pub open_until: Option<Timestamp>,
    /// Whether it waits for its turn.
    pub is_queued: bool,
    /// How often it was asked.
    pub count: u32,
}

/// What a caller that waits is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    Waiting,
    Answered(Answer),
    /// A rule decides it now.
    Decided,
    /// Its turn is over, or did not come.
    NotAnswered,
}

/// A question that a caller waits for.
pub(super) struct Asked {
    pub(super) id: ApprovalId,
    pub(super) told: watch::Receiver<Told>,
    /// Nobody had asked it before.
    pub(super) is_new: bool,
}

/// Whether a question is in the window. The times are uptimes, which no change of the clock moves.
#[derive(Debug, Clone, Copy)]
enum Turn {
    /// It is listed only.
    None,
    /// It waits for its turn, at most until then.
    Queued { until: Duration },
    /// It is shown.
    Shown { until: Duration, closes: Timestamp },
}

impl Turn {
    fn queued(uptime: Duration) -> Self {
        let until = uptime + QUEUE_TIMEOUT;
        Self::Queued { until }
    }

    const fn until(self) -> Option<Duration> {
        match self {
            Self::None => None,
            Self::Queued { until } | Self::Shown { until, .. } => Some(until),
        }
    }

    const fn is_shown(self) -> bool {
        matches!(self, Self::Shown { .. })
    }
}

/// A question in the list.
pub(super) struct Entry {
    id: ApprovalId,
    pub(super) question: Question,
    asked_at: Timestamp,
    count: u32,
    turn: Turn,
    pub(super) told: watch::Sender<Told>,
}

impl Entry {
    fn approval(&self) -> Approval {
        Approval {
            id: self.id,
            question: self.question.clone(),
            asked_at: self.asked_at,
            open_until: match self.turn {
                Turn::Shown { closes, .. } => Some(closes),
                Turn::None | Turn::Queued { .. } => None,
            },
            is_queued: matches!(self.turn, Turn::Queued { .. }),
            count: self.count,
        }
    }

    /// Takes it out of the window, and tells those who wait.
    fn close(&mut self) {
        self.turn = Turn::None;
        // Those who wait keep the old channel.
        std::mem::replace(&mut self.told, watch::Sender::new(Told::Waiting))
            .send_replace(Told::NotAnswered);
    }
}

/// The questions that are not answered, in the order in which they were first asked.
pub struct Approvals {
    entries: Mutex<Entries>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Entries {
    last_id: u64,
    list: VecDeque<Entry>,
}

impl Default for Approvals {
    fn default() -> Self {
        Self {
            entries: Mutex::default(),
            changed: watch::Sender::new(()),
        }
    }
}

impl Approvals {
    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the list, and says so.
    fn change<T>(&self, change: impl FnOnce(&mut Entries) -> T) -> T {
        let changed = change(&mut self.entries());
        self.changed.send_replace(());
        changed
    }

    /// Marked as changed whenever [`Self::list`] would return something else.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The questions, the oldest first.
    pub fn list(&self) -> Vec<Approval> {
        self.entries().list.iter().map(Entry::approval).collect()
    }

    /// One of them.
    pub fn get(&self, id: ApprovalId) -> Option<Approval> {
        self.list().into_iter().find(|approval| approval.id == id)
    }

    /// Asks, or joins the same question. It waits for its turn in the window from `uptime` on, if that
    /// is given.
    pub(super) fn ask(
        &self,
        question: Question,
        now: Timestamp,
        uptime: Option<Duration>,
    ) -> Asked {
        self.change(|entries| {
            let turn = uptime.map_or(Turn::None, Turn::queued);
            let mut list = entries.list.iter_mut();
            if let Some(entry) = list.find(|entry| same(&entry.question, &question)) {
                entry.count += 1;
                // It is not shown for longer because more callers come.
                if matches!(entry.turn, Turn::None) {
                    entry.turn = turn;
                }
                return Asked {
                    id: entry.id,
                    told: entry.told.subscribe(),
                    is_new: false,
                };
            }
            if entries.list.len() >= MAX_QUESTIONS {
                entries.drop_one();
            }
            entries.last_id += 1;
            let id = ApprovalId(entries.last_id);
            let told = watch::Sender::new(Told::Waiting);
            let receiver = told.subscribe();
            entries.list.push_back(Entry {
                id,
                question,
                asked_at: now,
                count: 1,
                turn,
                told,
            });
            Asked {
                id,
                told: receiver,
                is_new: true,
            }
        })
    }

    /// The person wants to see a question again: it waits for its turn from `uptime` on.
    pub(super) fn reopen(&self, id: ApprovalId, uptime: Duration) -> bool {
        self.change(|entries| {
            let Some(entry) = entries.find(id) else {
                return false;
            };
            if matches!(entry.turn, Turn::None) {
                entry.turn = Turn::queued(uptime);
            }
            true
        })
    }

    /// Takes what was shown or waited for long enough out of the window, and shows the next question
    /// if none is shown. Returns the uptime at which that has to be done again.
    pub(super) fn take_turns(&self, uptime: Duration, now: Timestamp) -> Option<Duration> {
        let mut entries = self.entries();
        let is_over = |turn: Turn| turn.until().is_some_and(|until| until <= uptime);
        let over = entries.list.iter_mut().filter(|entry| is_over(entry.turn));
        let over: Vec<ApprovalId> = over
            .map(|entry| {
                entry.close();
                entry.id
            })
            .collect();
        for id in &over {
            entries.drop_change(*id);
        }
        let is_shown = entries.list.iter().any(|entry| entry.turn.is_shown());
        let next = if is_shown {
            None
        } else {
            let mut list = entries.list.iter_mut();
            list.find(|entry| matches!(entry.turn, Turn::Queued { .. }))
        };
        let is_changed = next.is_some() || !over.is_empty();
        if let Some(next) = next {
            let shown = SignedDuration::try_from(ANSWER_TIMEOUT).unwrap_or_default();
            next.turn = Turn::Shown {
                until: uptime + ANSWER_TIMEOUT,
                closes: now.saturating_add(shown).unwrap_or(now),
            };
        }
        let turns = entries.list.iter().filter_map(|entry| entry.turn.until());
        let again = turns.min();
        drop(entries);
        if is_changed {
            self.changed.send_replace(());
        }
        again
    }

    /// The person closed the window of a question. A change is dropped with it.
    pub(super) fn dismiss(&self, id: ApprovalId) {
        self.change(|entries| {
            if let Some(entry) = entries.find(id) {
                entry.close();
            }
            entries.drop_change(id);
        });
    }

    /// Drops a change for which no caller waits any more.
    pub(super) fn drop_abandoned(&self, id: ApprovalId) {
        self.change(|entries| {
            let abandoned = |entry: &mut Entry| entry.told.receiver_count() == 0;
            if entries.find(id).is_some_and(abandoned) {
                entries.drop_change(id);
            }
        });
    }

    /// Takes a question out to answer it; tells nobody yet.
    pub(super) fn take(&self, id: ApprovalId) -> Option<Entry> {
        self.change(|entries| {
            let at = entries.list.iter().position(|entry| entry.id == id)?;
            entries.list.remove(at)
        })
    }

    /// Puts a question back whose answer could not be stored. If it was shown, it waits for another
    /// turn.
    pub(super) fn put_back(&self, mut entry: Entry, uptime: Duration) {
        self.change(|entries| {
            if entry.turn.is_shown() {
                entry.turn = Turn::queued(uptime);
            }
            let later = entries.list.iter().position(|other| other.id > entry.id);
            let at = later.unwrap_or(entries.list.len());
            entries.list.insert(at, entry);
        });
    }

    /// Drops the questions that a rule decides now, and tells those who wait.
    pub(super) fn settle(&self, decided: &[ApprovalId]) {
        self.change(|entries| {
            entries.list.retain(|entry| {
                let is_decided = decided.contains(&entry.id);
                if is_decided {
                    entry.told.send_replace(Told::Decided);
                }
                !is_decided
            });
        });
    }

    /// Drops all: the agent stops. Those who wait notice.
    pub(crate) fn drop_all(&self) {
        self.change(|entries| entries.list.clear());
    }

    /// Drops the questions about a connection that is gone. Those who wait notice.
    pub(super) fn forget(&self, connection: ConnectionId) {
        self.change(|entries| {
            entries.list.retain(|entry| match &entry.question {
                Question::Access(question) => question.connection != connection,
                Question::Change(_) => true,
            });
        });
    }
}

impl Entries {
    fn find(&mut self, id: ApprovalId) -> Option<&mut Entry> {
        self.list.iter_mut().find(|entry| entry.id == id)
    }

    /// Drops a question, unless it is about access.
    fn drop_change(&mut self, id: ApprovalId) {
        self.list
            .retain(|entry| entry.id != id || matches!(entry.question, Question::Access(_)));
    }

    /// Makes room: the oldest that is only listed, or else the one that would be shown last.
    fn drop_one(&mut self) {
        let listed = |entry: &Entry| matches!(entry.turn, Turn::None);
        let at = self.list.iter().position(listed);
        self.list.remove(at.unwrap_or(self.list.len() - 1));
    }
}
