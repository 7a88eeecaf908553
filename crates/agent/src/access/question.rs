//! What a person is asked, and what they answer.

use valetkey_core::access::Usage;
use valetkey_core::id::ConnectionId;
use valetkey_core::name::{ConnectionName, InProfile};
use valetkey_core::program::Program;
use valetkey_core::provider::Provider;
use valetkey_core::scope::Scopes;

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
    /// The authenticator's catalogue entry.
    pub catalogue: &'static Provider,
    /// Whether its proxy leads to a host.
    pub has_proxy: bool,
    /// Whether its provider issues tokens with fewer scopes.
    pub can_narrow: bool,
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

impl Answer {
    /// Never more than was asked for.
    pub(super) fn within(self, question: &Question) -> Self {
        match (self, question) {
            (Self::Allow(grant), Question::Access(question)) => Self::Allow(Grant {
                usage: match question.usage {
                    Usage::Token => grant.usage,
                    Usage::Proxy => Usage::Proxy,
                },
                ..grant
            }),
            (answer, _) => answer,
        }
    }
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

impl Grant {
    /// The scopes that it covers: never more than were shown.
    pub(super) fn scopes(&self, question: &AccessQuestion) -> Scopes {
        match &self.only_scopes {
            None => question.scopes.clone(),
            Some(chosen) => {
                let more = chosen.missing_from(&question.scopes);
                chosen.missing_from(&more)
            }
        }
    }
}

/// For how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasts {
    /// For this request, or the next one of a known program if nobody waits any more.
    Once,
    Hour,
    /// Until the rule is removed.
    Always,
}

/// The process, and what the person reads beside the question, may differ.
pub(super) fn same(one: &Question, other: &Question) -> bool {
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
