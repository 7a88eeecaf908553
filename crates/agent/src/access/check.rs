//! The last check before a token leaves.

use jiff::Timestamp;
use valetkey_core::access::{Decision, Policy, Request, Usage};
use valetkey_core::id::{ClientKeyId, ConnectionId, RuleId};
use valetkey_core::name::{ConnectionName, InProfile};
use valetkey_core::scope::Scopes;

use super::{Access, AccessQuestion, Identity, NotAllowed, Once, Refusal, Requester};
use crate::error::AgentError;
use crate::state::Inner;

/// What allows a request.
#[derive(Debug, Default)]
pub(crate) struct Allowed {
    /// The rule that does.
    rule: Option<RuleId>,
    /// When its rule or key ends by itself.
    pub(crate) until: Option<Timestamp>,
}

impl Inner {
    /// An answer "once" that was given after its caller had hung up; it counts for one request. There is
    /// none for a program that is not known.
    pub(super) fn take_once(&self, question: &AccessQuestion, now: Timestamp) -> Option<Once> {
        let mut waiting = self.access.once();
        waiting.retain(|(_, _, until)| now < *until);
        let at = waiting.iter().position(|(asked, once, _)| {
            asked.program == question.program
                && asked.connection == question.connection
                && (once.usage, question.usage) != (Usage::Proxy, Usage::Token)
        })?;
        Some(waiting.remove(at).1)
    }

    /// The last check before a token leaves, under the registry's lock.
    pub(crate) fn check_access(
        &self,
        requester: &Requester,
        id: ConnectionId,
        usage: Usage,
        scopes: &Scopes,
        once: Option<&Once>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let allowed = self.allowed(requester, id, usage, scopes, once, now)?;
        if let Some(rule) = allowed.rule {
            self.rule_used(id, rule, now);
        }
        Ok(())
    }

    /// What allows a request, if anything does now. Changes nothing.
    pub(crate) fn allowed(
        &self,
        requester: &Requester,
        id: ConnectionId,
        usage: Usage,
        scopes: &Scopes,
        once: Option<&Once>,
        now: Timestamp,
    ) -> Result<Allowed, Refusal> {
        let program = match &requester.identity {
            Identity::Person => return Ok(Allowed::default()),
            Identity::Key(key) => return self.allowed_by_key(*key, id, now),
            Identity::Program(program, _) => program,
        };
        let request = Request {
            program,
            usage,
            scopes,
        };
        match self.access.decide(id, &request, now) {
            Decision::Allow(rule) => Ok(Allowed {
                rule: Some(rule),
                until: self.access.end_of(id, rule),
            }),
            Decision::Deny(_, until) => Err(Refusal::Denied(until)),
            Decision::ProxyOnly(_) => Err(Refusal::ProxyOnly),
            Decision::TooManyScopes(_, scopes) => Err(Refusal::TooManyScopes(scopes)),
            Decision::Undecided { .. } => match once {
                Some(once) => once.covers(usage, scopes).map(|()| Allowed::default()),
                None if self.policy() == Policy::Allow => Ok(Allowed::default()),
                None => Err(Refusal::Withdrawn),
            },
        }
    }

    /// What a requester is told that changed while it waited.
    pub(crate) fn withdrawn(&self, id: ConnectionId, requester: &Requester) -> AgentError {
        let registry = self.registry();
        let row = registry.get(id).map(|entry| &entry.row);
        match row.and_then(|row| registry.full_name_of(row)) {
            Some(name) => self.not_allowed(name, requester, Refusal::Withdrawn),
            None => AgentError::no_connection(id),
        }
    }

    /// What a requester is told that may not have a token.
    pub(crate) fn not_allowed(
        &self,
        connection: InProfile<ConnectionName>,
        requester: &Requester,
        why: Refusal,
    ) -> AgentError {
        let program = match &requester.identity {
            Identity::Program(program, _) => program.client.name(),
            Identity::Person | Identity::Key(_) => requester.actor.to_string(),
        };
        NotAllowed {
            connection,
            program,
            why,
            can_ask: self.access.desktop,
        }
        .into()
    }

    fn allowed_by_key(
        &self,
        key: ClientKeyId,
        id: ConnectionId,
        now: Timestamp,
    ) -> Result<Allowed, Refusal> {
        let keys = self.client_keys();
        let row = keys.iter().find(|row| row.id == key);
        let row = row.filter(|row| {
            let covers = row.connections.as_ref().is_none_or(|own| own.contains(&id));
            covers && row.is_active(now, self.access.desktop)
        });
        let row = row.ok_or(Refusal::Withdrawn)?;
        Ok(Allowed {
            rule: None,
            until: row.expires_at,
        })
    }
}

impl Access {
    /// When a rule ends by itself.
    fn end_of(&self, connection: ConnectionId, rule: RuleId) -> Option<Timestamp> {
        let rules = self.rules();
        let own = rules.get(&connection)?;
        own.iter().find(|own| own.id == rule)?.ends_at
    }
}

impl Once {
    /// The scopes that it was given for, if those are fewer than `scopes`.
    pub(super) fn narrows(&self, scopes: &Scopes) -> Option<Scopes> {
        let left = scopes.iter().filter(|scope| self.scopes.contains(scope));
        let left: Scopes = left.map(str::to_owned).collect();
        (left != *scopes).then_some(left)
    }

    fn covers(&self, usage: Usage, scopes: &Scopes) -> Result<(), Refusal> {
        if (self.usage, usage) == (Usage::Proxy, Usage::Token) {
            return Err(Refusal::ProxyOnly);
        }
        let added = scopes.missing_from(&self.scopes);
        if added.is_empty() {
            Ok(())
        } else {
            Err(Refusal::TooManyScopes(added))
        }
    }
}
