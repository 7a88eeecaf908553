//! Who may have which token: remembered rules, questions to the person, and the check at the exit.
//!
//! A request is decided before it waits for anything ([`Agent::authorize`]), and once more where the
//! token leaves (`Inner::check_access`, under the registry's lock): a rule that was removed, a key that
//! was revoked or a scope that was added meanwhile counts.

mod approvals;
mod ask;
mod check;
mod question;
mod refusal;
mod rules;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use valetkey_core::access::{Decision, Policy, Request, Rule, Usage, decide};
use valetkey_core::id::{ClientKeyId, ConnectionId};
use valetkey_core::name::InProfile;
use valetkey_core::program::Program;
use valetkey_core::scope::Scopes;
use valetkey_vault::Vault;

use self::approvals::Told;
pub use self::approvals::{ANSWER_TIMEOUT, Approval, ApprovalId, Approvals};
pub(crate) use self::ask::show_in_turn;
pub use self::question::{AccessQuestion, Answer, ChangeQuestion, Grant, Lasts, Question};
pub use self::refusal::{NotAllowed, Refusal};
pub use self::rules::RuleView;
use crate::error::AgentError;
use crate::key::Actor;
use crate::state::{Agent, Inner};
use crate::token::TokenRequirements;

/// The setting that is there once a desktop app ran in this home.
const DESKTOP_RAN: &str = "desktop_ran";
/// How long an answer "once" waits for a caller that hung up.
const ONCE_LASTS: SignedDuration = SignedDuration::from_mins(10);
/// Answers "once" that may wait.
const MAX_ONCE: usize = 32;
/// A use of a rule is stored at most this often.
const USE_STORED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Who asks for a token.
#[derive(Debug, Clone)]
pub struct Requester {
    /// For the audit log.
    pub actor: Actor,
    pub identity: Identity,
}

impl Requester {
    /// False if its process has ended or runs something else than when it asked.
    pub(crate) fn is_still_there(&self) -> bool {
        match &self.identity {
            Identity::Person | Identity::Key(_) => true,
            Identity::Program(program, process) => process.still_runs(program),
        }
    }

    /// The person in front, or what they started in the app itself.
    pub fn person(actor: Actor) -> Self {
        Self {
            actor,
            identity: Identity::Person,
        }
    }
}

/// What decides about a requester.
#[derive(Debug, Clone)]
pub enum Identity {
    /// The person in front, or the agent itself.
    Person,
    /// A client key: it was made for its connections.
    Key(ClientKeyId),
    /// A program of this user: rules decide.
    Program(Arc<Program>, Arc<dyn Process>),
}

/// The process of a program that asks.
pub trait Process: fmt::Debug + Send + Sync {
    /// Whether it lives and still runs this program: it may have run another one meanwhile.
    fn still_runs(&self, program: &Program) -> bool;
}

/// That the person allowed this one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Once {
    scopes: Scopes,
    usage: Usage,
}

/// What was decided about a request.
#[derive(Debug, Default)]
pub(crate) struct Authorized {
    pub(crate) once: Option<Once>,
    /// The token may have no more than these scopes.
    pub(crate) only: Option<Scopes>,
}

/// What an agent knows about access.
pub(crate) struct Access {
    /// Whether a desktop app runs, which can ask.
    desktop: bool,
    /// Whether one ever ran in this home, or that cannot be known.
    desktop_ran: AtomicBool,
    /// What `--policy` said.
    policy: Option<Policy>,
    pub(crate) approvals: Approvals,
    rules: Mutex<HashMap<ConnectionId, Vec<Rule>>>,
    /// Answers "once" whose callers had hung up.
    once: Mutex<Vec<(AccessQuestion, Once, Timestamp)>>,
}

/// Who runs the agent, and what a program gets that no rule decides about.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccessConfig {
    /// The desktop app: the person can be asked.
    pub desktop: bool,
    /// An explicit choice for this run.
    pub policy: Option<Policy>,
}

impl Access {
    pub(crate) fn new(config: AccessConfig, desktop_ran: bool, rules: Vec<Rule>) -> Self {
        let mut by_connection: HashMap<ConnectionId, Vec<Rule>> = HashMap::new();
        for rule in rules {
            by_connection.entry(rule.connection).or_default().push(rule);
        }
        Self {
            desktop: config.desktop,
            desktop_ran: AtomicBool::new(desktop_ran),
            policy: config.policy,
            approvals: Approvals::default(),
            rules: Mutex::new(by_connection),
            once: Mutex::default(),
        }
    }

    /// Whether a desktop app runs, which can ask.
    pub(crate) fn desktop(&self) -> bool {
        self.desktop
    }

    fn rules(&self) -> MutexGuard<'_, HashMap<ConnectionId, Vec<Rule>>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn once(&self) -> MutexGuard<'_, Vec<(AccessQuestion, Once, Timestamp)>> {
        self.once.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decide(&self, id: ConnectionId, request: &Request<'_>, now: Timestamp) -> Decision {
        let rules = self.rules();
        let own = rules.get(&id).map(Vec::as_slice).unwrap_or_default();
        let active = own.iter().filter(|rule| rule.is_active(now, self.desktop));
        decide(active, request)
    }

    /// Forgets what was about a connection that is gone.
    pub(crate) fn forget(&self, id: ConnectionId) {
        self.rules().remove(&id);
        self.once()
            .retain(|(question, ..)| question.connection != id);
        self.approvals.forget(id);
    }
}

/// Reads the rules, and notes that a desktop app ran. `is_rebuilt`: the database was lost, and with it
/// whether one did.
pub(crate) async fn load(
    vault: &Vault,
    config: AccessConfig,
    is_rebuilt: bool,
) -> Result<Access, AgentError> {
    let rules = vault.rules().await?;
    let known = vault.setting(DESKTOP_RAN).await?.is_some();
    let desktop_ran = known || config.desktop || is_rebuilt;
    if desktop_ran && !known {
        vault.set_setting(DESKTOP_RAN, Some("yes")).await?;
    }
    Ok(Access::new(config, desktop_ran, rules))
}

/// Logins were found whose database was lost: their rules were, too, so nobody gets them unasked.
pub(crate) async fn note_lost_rules(inner: &Inner) -> Result<(), AgentError> {
    if !inner.access.desktop_ran.swap(true, Ordering::Relaxed) {
        inner.vault.set_setting(DESKTOP_RAN, Some("yes")).await?;
    }
    Ok(())
}

impl Agent {
    /// Questions to the person.
    pub fn approvals(&self) -> &Approvals {
        &self.inner.access.approvals
    }

    /// What a program gets that no rule decides about.
    pub fn policy(&self) -> Policy {
        self.inner.policy()
    }

    /// Whether a desktop app ever ran in this home.
    pub fn desktop_ran(&self) -> bool {
        self.inner.access.desktop_ran.load(Ordering::Relaxed)
    }

    /// Decides whether `requester` may use a connection; asks the person if nothing else decides, for
    /// `wait` or until the question was shown for long enough. Zero only lists the question.
    pub(crate) async fn authorize(
        &self,
        id: ConnectionId,
        ask: &TokenRequirements,
        requester: &Requester,
    ) -> Result<Authorized, AgentError> {
        let (usage, wait) = (ask.usage, ask.wait);
        let only = ask.only.clone();
        let Identity::Program(program, _) = &requester.identity else {
            return Ok(Authorized { once: None, only });
        };
        let inner = &self.inner;
        let mut question = inner.question(id, usage, program, requester)?;
        if let Some(only) = &only {
            let registry = inner.registry();
            question.scopes = registry
                .narrowed_scopes(id, only)
                .unwrap_or(question.scopes);
        }
        // A token with fewer scopes takes the place of one that has too many, where it can be had.
        let narrower = |left: Scopes| {
            let has_asked = ask
                .scopes
                .as_ref()
                .is_none_or(|asked| asked.missing_from(&left).is_empty());
            let can_be = has_asked && !left.is_empty() && inner.registry().can_narrow(id);
            can_be.then_some(left)
        };
        let refused = |why| Err(inner.refused(&question, why));
        let deadline = wait.map(|wait| inner.clock.uptime() + wait.min(ANSWER_TIMEOUT));
        loop {
            let now = inner.now();
            let request = Request {
                program,
                usage,
                scopes: &question.scopes,
            };
            let added = match inner.access.decide(id, &request, now) {
                Decision::Allow(_) => return Ok(Authorized { once: None, only }),
                Decision::Deny(_, until) => return refused(Refusal::Denied(until)),
                Decision::ProxyOnly(_) => return refused(Refusal::ProxyOnly),
                Decision::TooManyScopes(_, scopes) => {
                    return match narrower(question.scopes.missing_from(&scopes)) {
                        Some(left) => Ok(Authorized {
                            once: None,
                            only: Some(left),
                        }),
                        None => refused(Refusal::TooManyScopes(scopes)),
                    };
                }
                Decision::Undecided { added } => added,
            };
            if let Some(once) = inner.take_once(&question, now) {
                let only = once.narrows(&question.scopes).and_then(narrower).or(only);
                let once = Some(once);
                return Ok(Authorized { once, only });
            }
            match inner.policy() {
                Policy::Allow => return Ok(Authorized { once: None, only }),
                Policy::Deny => {
                    inner.list_question(&question);
                    return refused(Refusal::NotDecided);
                }
                Policy::Ask => {}
            }
            let left = deadline.map(|end| end.saturating_sub(inner.clock.uptime()));
            let question = AccessQuestion {
                added,
                ..question.clone()
            };
            let told = inner.ask_about_access(question, left, &requester.actor);
            match told.await {
                Told::Answered(Answer::Allow(Grant {
                    lasts: Lasts::Once,
                    usage: granted,
                    only_scopes,
                    ..
                })) => {
                    let once = Once {
                        scopes: only_scopes.unwrap_or(request.scopes.clone()),
                        usage: granted,
                    };
                    let only = once.narrows(request.scopes).and_then(narrower).or(only);
                    let once = Some(once);
                    return Ok(Authorized { once, only });
                }
                // There is a rule now.
                Told::Answered(Answer::Allow(_)) | Told::Decided => {}
                Told::Answered(Answer::Deny) => {
                    let until = inner.now().checked_add(rules::DENIAL_LASTS).ok();
                    return refused(Refusal::Denied(until));
                }
                Told::Waiting => return refused(Refusal::NotAnswered),
                Told::NotAnswered => {
                    if inner.registry().get(id).is_none() {
                        return Err(AgentError::no_connection(id));
                    }
                    return refused(Refusal::NotAnswered);
                }
            }
        }
    }

    /// Asks the person in front of the desktop app whether a change shall be made that widens what
    /// programs can do. Without one nobody is asked.
    pub async fn confirm(&self, question: ChangeQuestion) -> Result<(), AgentError> {
        if !self.inner.access.desktop {
            return Ok(());
        }
        self.check_running()?;
        let what = question.title.clone();
        match self.inner.ask_about_change(question).await {
            Told::Answered(Answer::Allow(_)) => Ok(()),
            Told::Answered(Answer::Deny) => Err(AgentError::NotConfirmed { what, denied: true }),
            Told::Waiting | Told::Decided | Told::NotAnswered => Err(AgentError::NotConfirmed {
                what,
                denied: false,
            }),
        }
    }
}

impl Inner {
    fn policy(&self) -> Policy {
        let access = &self.access;
        if let Some(policy) = access.policy {
            return policy;
        }
        if access.desktop {
            return self.stored_settings().settings.access_policy;
        }
        // As with ssh-agent, until somebody has used the app, which asks.
        if access.desktop_ran.load(Ordering::Relaxed) {
            Policy::Deny
        } else {
            Policy::Allow
        }
    }

    fn question(
        &self,
        id: ConnectionId,
        usage: Usage,
        program: &Program,
        requester: &Requester,
    ) -> Result<AccessQuestion, AgentError> {
        let registry = self.registry();
        let entry = registry
            .get(id)
            .ok_or_else(|| AgentError::no_connection(id))?;
        let authenticator = registry
            .authenticator(entry.row.authenticator)
            .ok_or_else(|| AgentError::no_connection(id))?;
        let name = registry
            .name_of(&entry.row)
            .ok_or_else(|| AgentError::no_connection(id))?;
        let provider = registry.provider_of(&entry.row);
        Ok(AccessQuestion {
            program: program.clone(),
            pid: requester.actor.pid(),
            connection: id,
            name: InProfile::new(authenticator.profile.clone(), name),
            account: entry.row.account.display_name.clone(),
            provider: authenticator.provider_name(provider).to_owned(),
            catalogue: provider,
            has_proxy: !authenticator.api_hosts(provider).is_empty(),
            can_narrow: registry.can_narrow(id),
            usage,
            scopes: entry.row.scopes.clone(),
            added: Scopes::default(),
        })
    }

    fn refused(&self, question: &AccessQuestion, why: Refusal) -> AgentError {
        NotAllowed {
            connection: question.name.clone(),
            program: question.program.client.name(),
            why,
            can_ask: self.access.desktop,
        }
        .into()
    }
}
