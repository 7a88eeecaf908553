//! Asks the person, and waits for the answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;
use valetkey_core::access::{Decision, Request};
use valetkey_core::event::EventKind;
use valetkey_core::id::ConnectionId;

use super::approvals::{ANSWER_TIMEOUT, ApprovalId, Approvals, Asked, QUEUE_TIMEOUT, Told};
use super::question::{AccessQuestion, ChangeQuestion, Question};
use super::rules::access_event;
use crate::key::Actor;
use crate::state::Inner;

/// The longest that a caller waits: for the turn of its question, and while it is shown.
const LONGEST_WAIT: Duration = QUEUE_TIMEOUT.saturating_add(ANSWER_TIMEOUT);

/// Shows one question after the other. Ends when the agent stops.
pub(crate) async fn show_in_turn(inner: Arc<Inner>) {
    let approvals = &inner.access.approvals;
    let mut changed = approvals.subscribe();
    while !inner.stopping.load(Ordering::SeqCst) {
        changed.mark_unchanged();
        let uptime = inner.clock.uptime();
        let next = approvals.take_turns(uptime, inner.now());
        tokio::select! {
            _ = changed.changed() => {}
            () = inner.clock.sleep(next.unwrap_or_default().saturating_sub(uptime)), if next.is_some() => {}
        }
    }
}

impl Inner {
    /// Lists a question without a window: what was refused can be allowed later.
    pub(super) fn list_question(&self, question: &AccessQuestion) {
        let question = Question::Access(Box::new(question.clone()));
        self.access.approvals.ask(question, self.now(), None);
    }

    /// What became of the question: within `wait`, or else by the end of its turn. Zero only lists it.
    pub(super) async fn ask_about_access(
        self: &Arc<Self>,
        question: AccessQuestion,
        wait: Option<Duration>,
        who: &Actor,
    ) -> Told {
        let now = self.now();
        let uptime = (wait != Some(Duration::ZERO)).then(|| self.clock.uptime());
        let asked = Question::Access(Box::new(question.clone()));
        let Asked { told, is_new, .. } = self.access.approvals.ask(asked, now, uptime);
        if is_new {
            let event = access_event(EventKind::AccessAsked, &question, now, who);
            let inner = Arc::clone(self);
            self.run(async move { inner.record(event).await });
        }
        // The rule may have come after this caller was decided about and before it asked.
        self.settle_questions(question.connection);
        self.told(told, wait).await
    }

    /// What became of the question by the end of its turn.
    pub(super) async fn ask_about_change(&self, question: ChangeQuestion) -> Told {
        let approvals = &self.access.approvals;
        let question = Question::Change(question);
        let uptime = Some(self.clock.uptime());
        let Asked { id, told, .. } = approvals.ask(question, self.now(), uptime);
        let _caller = ChangeCaller { approvals, id };
        self.told(told, None).await
    }

    async fn told(&self, mut told: watch::Receiver<Told>, wait: Option<Duration>) -> Told {
        // A stop drops what was asked before it.
        if self.stopping.load(Ordering::SeqCst) {
            self.access.approvals.drop_all();
        }
        tokio::select! {
            biased;
            told = told.wait_for(|told| *told != Told::Waiting) => {
                told.map_or(Told::NotAnswered, |told| told.clone())
            }
            () = self.clock.sleep(wait.unwrap_or(LONGEST_WAIT)) => Told::Waiting,
        }
    }

    /// Ends the questions about a connection that the rules decide now, or all of them if it is gone.
    pub(super) fn settle_questions(&self, connection: ConnectionId) {
        if self.registry().get(connection).is_none() {
            self.access.forget(connection);
            return;
        }
        let now = self.now();
        let is_decided = |question: &AccessQuestion| {
            let request = Request {
                program: &question.program,
                usage: question.usage,
                scopes: &question.scopes,
            };
            let decision = self.access.decide(connection, &request, now);
            !matches!(decision, Decision::Undecided { .. })
        };
        let approvals = self.access.approvals.list().into_iter();
        let decided: Vec<ApprovalId> = approvals
            .filter_map(|approval| match approval.question {
                Question::Access(question) if question.connection == connection => {
                    is_decided(&question).then_some(approval.id)
                }
                Question::Access(_) | Question::Change(_) => None,
            })
            .collect();
        if !decided.is_empty() {
            self.access.approvals.settle(&decided);
        }
    }
}

/// Somebody who waits for a change to be confirmed. Unlike one about access, the question ends with
/// its last caller: nobody would make the change.
struct ChangeCaller<'a> {
    approvals: &'a Approvals,
    id: ApprovalId,
}

impl Drop for ChangeCaller<'_> {
    fn drop(&mut self) {
        self.approvals.drop_abandoned(self.id);
    }
}
