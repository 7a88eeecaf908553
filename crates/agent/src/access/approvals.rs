//! Questions to the person in front of the desktop app: may this program use this connection, shall
//! this change be made.
//!
//! Equal questions are one. A question about access outlives its caller: who answers late has answered
//! for the next time. One that nobody answered in time stays in the list, without a window.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use valetkey_core::access::Usage;
use valetkey_core::id::ConnectionId;
use valetkey_core::name::{ConnectionName, InProfile};
use valetkey_core::program::Program;
use valetkey_core::scope::Scopes;

/// How long a question is shown, and a caller waits for the answer.
pub const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
/// Questions that may be kept; above that the oldest unanswered one is dropped.
const MAX_QUESTIONS: usize = 32;

/// Names a question while the agent runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApprovalId(pub u64);

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// May this program use this connection?
    Access(Box<AccessQuestion>),
    /// Shall this change be made?
    Change(ChangeQuestion),
}

/// May `program` use a connection?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessQuestion {
    pub program: Program,
    /// Of the process that asked first.
    pub pid: Option<i32>,
    pub connection: ConnectionId,
    pub name: InProfile<ConnectionName>,
    /// The account, for the person.
    pub account: Option<String>,
    /// Display name of the provider.
    pub provider: String,
    pub usage: Usage,
    /// What the token may do.
    pub scopes: Scopes,
    /// Those of them that an earlier answer did not cover.
    pub added: Scopes,
}

/// Shall a change be made that widens what programs can do?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeQuestion {
    /// As a question: `Stop Valet Key?`.
    pub title: String,
    /// What it leads to.
    pub text: String,
    /// Who wants it, for the person.
    pub asked_by: String,
    /// The label of the button that makes the change.
    pub confirm: String,
}

/// The person's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Allow(Grant),
    /// No: for ten minutes, if it is about access.
    Deny,
}

/// What is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub lasts: Lasts,
    /// Only in the project in which the program asked.
    pub only_project: bool,
    pub usage: Usage,
    /// Fewer scopes than were asked for.
    pub only_scopes: Option<Scopes>,
}

/// For how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    /// For this request, or the next one if nobody waits any more.
    Once,
    Hour,
    /// Until the rule is removed.
    Always,
}

/// A question, for those who show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub id: ApprovalId,
    pub question: Question,
    pub asked_at: Timestamp,
    /// When its window closes; None: it is listed, and has no window.
    pub open_until: Option<Timestamp>,
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
    /// The question was dropped.
    Dropped,
}

/// A question that a caller waits for.
pub(crate) struct Asked {
    pub id: ApprovalId,
    pub told: watch::Receiver<Told>,
    /// Nobody had asked it before.
    pub is_new: bool,
    /// It got a window by this call.
    pub is_opened: bool,
}

struct Entry {
    approval: Approval,
    told: watch::Sender<Told>,
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

    /// Marked as changed whenever [`Self::list`] would return something else.
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The questions, the oldest first.
    pub fn list(&self) -> Vec<Approval> {
        let entries = self.entries();
        entries.list.iter().map(|e| e.approval.clone()).collect()
    }

    /// One of them.
    pub fn get(&self, id: ApprovalId) -> Option<Approval> {
        self.list().into_iter().find(|approval| approval.id == id)
    }

    /// Asks, or joins the same question. It gets a window until `open_until`, if that is given.
    pub(crate) fn ask(
        &self,
        question: Question,
        now: Timestamp,
        open_until: Option<Timestamp>,
    ) -> Asked {
        let mut entries = self.entries();
        let same = entries
            .list
            .iter_mut()
            .find(|entry| same(&entry.approval.question, &question));
        let asked = if let Some(entry) = same {
            let approval = &mut entry.approval;
            approval.count += 1;
            // An open window does not stay open longer because more callers come.
            let is_open = approval.open_until.is_some_and(|until| now < until);
            if !is_open {
                approval.open_until = open_until;
            }
            Asked {
                id: approval.id,
                told: entry.told.subscribe(),
                is_new: false,
                is_opened: !is_open && open_until.is_some(),
            }
        } else {
            if entries.list.len() >= MAX_QUESTIONS {
                entries.drop_one(now);
            }
            entries.last_id += 1;
            let id = ApprovalId(entries.last_id);
            let told = watch::Sender::new(Told::Waiting);
            let receiver = told.subscribe();
            let approval = Approval {
                id,
                question,
                asked_at: now,
                open_until,
                count: 1,
            };
            entries.list.push_back(Entry { approval, told });
            Asked {
                id,
                told: receiver,
                is_new: true,
                is_opened: open_until.is_some(),
            }
        };
        drop(entries);
        self.changed.send_replace(());
        asked
    }

    /// Gives the question a window again, until then.
    pub(crate) fn reopen(&self, id: ApprovalId, until: Timestamp) -> bool {
        let mut entries = self.entries();
        let entry = entries.list.iter_mut().find(|e| e.approval.id == id);
        let found = entry.map(|entry| entry.approval.open_until = Some(until));
        drop(entries);
        self.changed.send_replace(());
        found.is_some()
    }

    /// Takes the window of a question away, if its time is over. A change that nobody confirmed is
    /// dropped.
    pub(crate) fn close_window(&self, id: ApprovalId, now: Timestamp) {
        let mut entries = self.entries();
        let over = |entry: &&mut Entry| {
            entry.approval.id == id && entry.approval.open_until.is_some_and(|until| until <= now)
        };
        let Some(entry) = entries.list.iter_mut().find(over) else {
            return;
        };
        entry.approval.open_until = None;
        entries.drop_changes(id);
        drop(entries);
        self.changed.send_replace(());
    }

    /// Takes the window of a question away, whoever waits. A change is dropped with it.
    pub(crate) fn dismiss(&self, id: ApprovalId) {
        let mut entries = self.entries();
        let Some(entry) = entries.list.iter_mut().find(|e| e.approval.id == id) else {
            return;
        };
        entry.approval.open_until = None;
        // Those who wait keep the old channel.
        std::mem::replace(&mut entry.told, watch::Sender::new(Told::Waiting))
            .send_replace(Told::Dropped);
        entries.drop_changes(id);
        drop(entries);
        self.changed.send_replace(());
    }

    /// Takes a question out to answer it; tells nobody yet.
    pub(crate) fn take(&self, id: ApprovalId) -> Option<(Approval, watch::Sender<Told>)> {
        let mut entries = self.entries();
        let at = entries.list.iter().position(|e| e.approval.id == id)?;
        let entry = entries.list.remove(at)?;
        drop(entries);
        self.changed.send_replace(());
        Some((entry.approval, entry.told))
    }

    /// Puts a question back whose answer could not be stored.
    pub(crate) fn put_back(&self, approval: Approval, told: watch::Sender<Told>) {
        let mut entries = self.entries();
        let at = entries
            .list
            .iter()
            .position(|e| e.approval.id > approval.id);
        let at = at.unwrap_or(entries.list.len());
        entries.list.insert(at, Entry { approval, told });
        drop(entries);
        self.changed.send_replace(());
    }

    /// Drops the questions that a rule decides now, and tells those who wait.
    pub(crate) fn settle(&self, decided: &[ApprovalId]) {
        let mut entries = self.entries();
        entries.list.retain(|entry| {
            let is_decided = decided.contains(&entry.approval.id);
            if is_decided {
                entry.told.send_replace(Told::Decided);
            }
            !is_decided
        });
        drop(entries);
        self.changed.send_replace(());
    }

    /// Drops all: the agent stops.
    pub(crate) fn drop_all(&self) {
        for entry in self.entries().list.drain(..) {
            entry.told.send_replace(Told::Dropped);
        }
        self.changed.send_replace(());
    }

    /// Drops the questions about a connection that is gone.
    pub(crate) fn forget(&self, connection: ConnectionId) {
        self.entries()
            .list
            .retain(|entry| match &entry.approval.question {
                Question::Access(question) => question.connection != connection,
                Question::Change(_) => true,
            });
        self.changed.send_replace(());
    }
}

impl Entries {
    /// Drops a question without a window, unless it is about access.
    fn drop_changes(&mut self, id: ApprovalId) {
        self.list.retain(|entry| {
            entry.approval.id != id || matches!(entry.approval.question, Question::Access(_))
        });
    }

    /// Makes room: the oldest without a window, or else the oldest.
    fn drop_one(&mut self, now: Timestamp) {
        let closed = |e: &Entry| e.approval.open_until.is_none_or(|until| until <= now);
        let at = self.list.iter().position(closed).unwrap_or(0);
        if let Some(entry) = self.list.remove(at) {
            entry.told.send_replace(Told::Dropped);
        }
    }
}

/// The process, and what the person reads beside the question, may differ.
fn same(one: &Question, other: &Question) -> bool {
    match (one, other) {
        (Question::Access(one), Question::Access(other)) => {
            // What cannot be told apart is never one question, unless it is one process.
            let known = one.program.client.is_known() || one.pid == other.pid;
            known
                && one.program == other.program
                && one.connection == other.connection
                && one.usage == other.usage
                && one.scopes == other.scopes
        }
        (Question::Change(one), Question::Change(other)) => one == other,
        (Question::Access(_), Question::Change(_)) | (Question::Change(_), Question::Access(_)) => {
            false
        }
    }
}
