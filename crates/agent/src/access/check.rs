//! The last check before a token leaves.

use jiff::Timestamp;
use valetkey_core::access::{Decision, Policy, Request, Usage};
use valetkey_core::id::{ClientKeyId, ConnectionId};
use valetkey_core::name::{ConnectionName, InProfile};
use valetkey_core::scope::Scopes;

use super::{AccessQuestion, Identity, NotAllowed, Once, Refusal, Requester};
use crate::error::AgentError;
use crate::state::Inner;

impl Inner {
    /// An answer "once" that was given after its caller had hung up; it counts for one request.
    pub(super) fn take_once(&self, question: &AccessQuestion, now: Timestamp) -> Option<Once> {
        let mut waiting = self.access.once();
        waiting.retain(|(_, _, until)| now < *until);
        let at = waiting.iter().position(|(asked, once, _)| {
            let known = asked.program.client.is_known() || asked.pid == question.pid;
            known
                && asked.program == question.program
                && asked.connection == question.connection
                && once.usage == question.usage
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
        let program = match &requester.identity {
            Identity::Person => return Ok(()),
            Identity::Key(key) => {
                return if self.key_covers(*key, id, now) {
                    Ok(())
                } else {
                    Err(Refusal::Withdrawn)
                };
            }
            Identity::Program(program, _) => program,
        };
        let request = Request {
            program,
            usage,
            scopes,
        };
        match self.access.decide(id, &request, now) {
            Decision::Allow(rule) => {
                self.rule_used(id, rule, now);
                Ok(())
            }
            Decision::Deny(_, until) => Err(Refusal::Denied(until)),
            Decision::ProxyOnly(_) => Err(Refusal::ProxyOnly),
            Decision::TooManyScopes(_, scopes) => Err(Refusal::TooManyScopes(scopes)),
            Decision::Undecided { .. } => match once {
                Some(once) => once.covers(usage, scopes),
                None if self.policy() == Policy::Allow => Ok(()),
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

    fn key_covers(&self, key: ClientKeyId, id: ConnectionId, now: Timestamp) -> bool {
        let keys = self.client_keys();
        let row = keys.iter().find(|row| row.id == key);
        row.is_some_and(|row| {
            let covers = row.connections.as_ref().is_none_or(|own| own.contains(&id));
            covers && row.is_active(now, self.access.desktop)
        })
    }
}

impl Once {
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
