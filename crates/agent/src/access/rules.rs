//! Remembered answers: written by the person's answers, listed, confirmed, removed.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use valetkey_core::access::{Rule, Usage, Verdict};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::id::{ConnectionId, RuleId};
use valetkey_core::name::{ConnectionName, InProfile};
use valetkey_vault::UnloggedId;

use super::approvals::{ApprovalId, Told};
use super::question::{AccessQuestion, Answer, Grant, Lasts, Question};
use super::{MAX_ONCE, ONCE_LASTS, Once, USE_STORED_EVERY};
use crate::error::AgentError;
use crate::key::Actor;
use crate::random;
use crate::state::{Agent, Inner};

/// How long a denial is remembered.
pub(super) const DENIAL_LASTS: SignedDuration = SignedDuration::from_mins(10);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A rule, for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleView {
    pub rule: Rule,
    pub connection: InProfile<ConnectionName>,
    /// False while it waits for the person to confirm it.
    pub is_active: bool,
}

impl Agent {
    /// The rules that have not ended, the newest first.
    pub fn rules(&self) -> Vec<RuleView> {
        let inner = &self.inner;
        let now = inner.now();
        let mut views: Vec<RuleView> = {
            let registry = inner.registry();
            let rules = inner.access.rules();
            let live = rules.values().flatten().filter(|rule| rule.is_live(now));
            live.filter_map(|rule| {
                let row = &registry.get(rule.connection)?.row;
                Some(RuleView {
                    connection: registry.full_name_of(row)?,
                    is_active: rule.is_active(now, inner.access.desktop),
                    rule: rule.clone(),
                })
            })
            .collect()
        };
        views.sort_by_key(|view| Reverse(view.rule.created_at));
        views
    }

    /// Answers a question and remembers the answer. While a desktop app runs, call it only for an answer
    /// that was given in the app's own window.
    pub async fn answer(
        &self,
        id: ApprovalId,
        answer: Answer,
        who: &Actor,
    ) -> Result<(), AgentError> {
        let who = who.clone();
        self.run(|agent| async move { agent.inner.answer(id, answer, &who).await })
            .await
    }

    /// Gives a question that nobody answered another turn in the window.
    pub fn show_approval(&self, id: ApprovalId) -> Result<(), AgentError> {
        let uptime = self.inner.clock.uptime();
        if self.inner.access.approvals.reopen(id, uptime) {
            Ok(())
        } else {
            Err(no_approval(id))
        }
    }

    /// Takes the window of a question away; who waits is told that nobody answered. A change is
    /// dropped with it.
    pub fn dismiss_approval(&self, id: ApprovalId) {
        self.inner.access.approvals.dismiss(id);
    }

    /// Removes a rule.
    pub async fn remove_rule(&self, id: RuleId, who: &Actor) -> Result<RuleView, AgentError> {
        let view = self.rule(id)?;
        let who = who.clone();
        self.run(|agent| async move {
            let inner = &agent.inner;
            let event = rule_event(EventKind::RuleRemoved, &view, inner.now(), &who);
            let stored = inner.vault.remove_rule(id, &event).await?;
            if let Some(rules) = inner.access.rules().get_mut(&view.rule.connection) {
                rules.retain(|rule| rule.id != id);
            }
            inner.audit_log.record_stored(event, stored).await;
            Ok(view)
        })
        .await
    }

    /// The person confirms a rule that was written while no desktop app ran.
    pub async fn confirm_rule(&self, id: RuleId, who: &Actor) -> Result<(), AgentError> {
        let view = self.rule(id)?;
        let who = who.clone();
        self.run(|agent| async move {
            let inner = &agent.inner;
            let event = rule_event(EventKind::RuleConfirmed, &view, inner.now(), &who);
            let stored = inner.vault.confirm_rule(id, &event).await?;
            if let Some(rules) = inner.access.rules().get_mut(&view.rule.connection) {
                for rule in rules.iter_mut().filter(|rule| rule.id == id) {
                    rule.confirmed = true;
                }
            }
            inner.audit_log.record_stored(event, stored).await;
            Ok(())
        })
        .await
    }

    /// A rule that has not ended.
    pub fn rule(&self, id: RuleId) -> Result<RuleView, AgentError> {
        let found = self.rules().into_iter().find(|view| view.rule.id == id);
        found.ok_or_else(|| AgentError::NotFound {
            kind: "rule",
            name: id.to_string(),
            hint: Some("`valetkey access list` lists them".to_owned()),
        })
    }
}

impl Inner {
    async fn answer(&self, id: ApprovalId, answer: Answer, who: &Actor) -> Result<(), AgentError> {
        let approvals = &self.access.approvals;
        let entry = approvals.take(id).ok_or_else(|| no_approval(id))?;
        let answer = answer.within(&entry.question);
        if let Question::Access(question) = &entry.question
            && let Err(error) = self.remember(question, &answer, &entry.told, who).await
        {
            let connection = question.connection;
            approvals.put_back(entry, self.clock.uptime());
            // It may have gone meanwhile.
            self.settle_questions(connection);
            return Err(error);
        }
        entry.told.send_replace(Told::Answered(answer));
        if let Question::Access(question) = &entry.question {
            self.settle_questions(question.connection);
        }
        Ok(())
    }

    /// Stores the rule that an answer makes, if it makes one.
    async fn remember(
        &self,
        question: &AccessQuestion,
        answer: &Answer,
        told: &tokio::sync::watch::Sender<Told>,
        who: &Actor,
    ) -> Result<(), AgentError> {
        let now = self.now();
        let (kind, rule) = match answer {
            Answer::Allow(grant) if grant.only_project && question.program.project.is_none() => {
                return Err(AgentError::InvalidRequest {
                    message: "it cannot be told in which project this program works".to_owned(),
                    hint: Some("allow it in any project, or once".to_owned()),
                });
            }
            Answer::Allow(grant) if grant.usage != question.usage && !question.has_proxy => {
                return Err(AgentError::InvalidRequest {
                    message: format!(
                        "the proxy of `{}` leads nowhere: its authenticator names no API hosts",
                        question.name
                    ),
                    hint: Some(
                        "`valetkey update AUTHENTICATOR --api-host HOST` names one".to_owned(),
                    ),
                });
            }
            Answer::Allow(grant) => {
                let rule = match grant.lasts {
                    Lasts::Once => None,
                    Lasts::Hour => Some(allowed(question, grant, now.checked_add(HOUR).ok(), now)),
                    Lasts::Always => Some(allowed(question, grant, None, now)),
                };
                (EventKind::AccessAllowed, rule)
            }
            Answer::Deny => (EventKind::AccessDenied, Some(denied(question, now))),
        };
        let known = question.program.client.is_known();
        let rule = match rule {
            Some(rule) if known => Some(Rule {
                confirmed: self.access.desktop,
                ..rule
            }),
            Some(Rule {
                verdict: Verdict::Allow,
                ..
            }) => {
                return Err(AgentError::InvalidRequest {
                    message:
                        "it cannot be told which program this is, so it can be allowed once only"
                            .to_owned(),
                    hint: None,
                });
            }
            // The next process that asks may be another program.
            None if !known && matches!(answer, Answer::Allow(_)) && told.receiver_count() == 0 => {
                return Err(AgentError::InvalidRequest {
                    message: "it cannot be told which program this was, and it no longer waits"
                        .to_owned(),
                    hint: Some("run it again, and allow it while it waits".to_owned()),
                });
            }
            Some(_) | None => None,
        };
        let mut detail = json!({
            "connection": question.name.name, "program": question.program.client.name(),
            "location": question.program.client.location(), "usage": question.usage,
        });
        if let Some(rule) = &rule {
            detail["rule"] = json!(rule.id);
            detail["until"] = json!(rule.ends_at);
            detail["project"] = json!(rule.project);
            detail["scopes"] = json!(rule.scopes);
            detail["usage"] = json!(rule.usage);
        }
        let event = Event::new(kind, now)
            .connection(question.connection)
            .actor(who)
            .detail(detail);
        match rule {
            Some(rule) => {
                let stored = self.store_rule(rule, &event).await?;
                self.audit_log.record_stored(event, stored).await;
            }
            None => self.record(event).await,
        }
        if let Answer::Allow(grant) = answer
            && grant.lasts == Lasts::Once
            && known
            && told.receiver_count() == 0
        {
            self.keep_once(question, grant, now);
        }
        Ok(())
    }

    /// In the place of those that said something about the same.
    async fn store_rule(&self, rule: Rule, event: &Event) -> Result<UnloggedId, AgentError> {
        let now = self.now();
        let is_replaced = |old: &Rule| {
            let same = old.client == rule.client && old.project == rule.project;
            // A no to further scopes is none to those that were allowed.
            let stays = old.verdict == Verdict::Allow
                && rule.verdict == Verdict::Deny
                && !rule.scopes.is_empty();
            same && !stays || !old.is_live(now)
        };
        let replaced: Vec<RuleId> = {
            let rules = self.access.rules();
            let own = rules.get(&rule.connection);
            let own = own.into_iter().flatten();
            own.filter(|old| is_replaced(old))
                .map(|old| old.id)
                .collect()
        };
        let stored = self.vault.add_rule(rule.clone(), replaced.clone(), event);
        let stored = stored.await?;
        let mut rules = self.access.rules();
        let own = rules.entry(rule.connection).or_default();
        own.retain(|old| !replaced.contains(&old.id));
        own.push(rule);
        Ok(stored)
    }

    fn keep_once(&self, question: &AccessQuestion, grant: &Grant, now: Timestamp) {
        let Ok(until) = now.checked_add(ONCE_LASTS) else {
            return;
        };
        let once = Once {
            scopes: grant.scopes(question),
            usage: grant.usage,
        };
        let mut waiting = self.access.once();
        if waiting.len() >= MAX_ONCE {
            waiting.remove(0);
        }
        waiting.push((question.clone(), once, until));
    }

    /// Remembers when a rule last decided; stored once a minute at most.
    pub(super) fn rule_used(&self, connection: ConnectionId, id: RuleId, now: Timestamp) {
        let mut rules = self.access.rules();
        let own = rules.get_mut(&connection);
        let Some(rule) = own.and_then(|own| own.iter_mut().find(|rule| rule.id == id)) else {
            return;
        };
        let stored = rule
            .used_at
            .is_some_and(|at| now.duration_since(at) < USE_STORED_EVERY);
        if stored {
            return;
        }
        rule.used_at = Some(now);
        drop(rules);
        let vault = self.vault.clone();
        self.tasks.run(async move {
            if let Err(error) = vault.mark_rule_used(id, now).await {
                tracing::warn!(%error, "the use of a rule was not stored");
            }
        });
    }
}

/// An event about a program's question.
pub(super) fn access_event(
    kind: EventKind,
    question: &AccessQuestion,
    at: Timestamp,
    who: &Actor,
) -> Event {
    Event::new(kind, at)
        .connection(question.connection)
        .actor(who)
        .detail(json!({
            "connection": question.name.name, "program": question.program.client.name(),
            "location": question.program.client.location(), "usage": question.usage,
        }))
}

fn rule_event(kind: EventKind, view: &RuleView, at: Timestamp, who: &Actor) -> Event {
    let rule = &view.rule;
    Event::new(kind, at)
        .connection(rule.connection)
        .actor(who)
        .detail(json!({
            "connection": view.connection.name, "rule": rule.id, "program": rule.client.name(),
        }))
}

fn allowed(
    question: &AccessQuestion,
    grant: &Grant,
    ends_at: Option<Timestamp>,
    now: Timestamp,
) -> Rule {
    let project = question.program.project.clone();
    Rule {
        id: RuleId::new(random::uuid()),
        client: question.program.client.clone(),
        project: project.filter(|_| grant.only_project),
        connection: question.connection,
        usage: grant.usage,
        verdict: Verdict::Allow,
        scopes: grant.scopes(question),
        narrowed: grant.only_scopes.is_some(),
        created_at: now,
        ends_at,
        used_at: None,
        confirmed: true,
    }
}

fn denied(question: &AccessQuestion, now: Timestamp) -> Rule {
    Rule {
        id: RuleId::new(random::uuid()),
        client: question.program.client.clone(),
        project: question.program.project.clone(),
        connection: question.connection,
        usage: Usage::Token,
        verdict: Verdict::Deny,
        scopes: question.added.clone(),
        narrowed: false,
        created_at: now,
        ends_at: now.checked_add(DENIAL_LASTS).ok(),
        used_at: None,
        confirmed: true,
    }
}

fn no_approval(id: ApprovalId) -> AgentError {
    AgentError::NotFound {
        kind: "question",
        name: id.0.to_string(),
        hint: Some("`valetkey access list` lists them; it may have been answered".to_owned()),
    }
}
