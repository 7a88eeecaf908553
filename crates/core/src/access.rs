//! Which program may use which connection: remembered answers, and what they say to a request.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{ConnectionId, RuleId};
use crate::program::{Client, Program};
use crate::scope::Scopes;

/// What a program wants of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Usage {
    /// The access token itself. Whoever may have it may also use the proxy.
    #[default]
    Token,
    /// Requests through the proxy, which keeps the token.
    Proxy,
}

/// What a rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Allow,
    Deny,
}

/// What a program gets when no rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// The person is asked.
    #[default]
    Ask,
    /// It is allowed.
    Allow,
    /// It is refused.
    Deny,
}

/// A remembered answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub id: RuleId,
    /// Whose requests it decides.
    pub client: Client,
    /// Only in this project; None: in any.
    pub project: Option<PathBuf>,
    pub connection: ConnectionId,
    pub usage: Usage,
    pub verdict: Verdict,
    /// The scopes that were shown when it was allowed. A token with more is another question. Of a denial
    /// those that it is about, which an earlier answer did not cover; none: all.
    pub scopes: Scopes,
    /// Whether the person chose fewer scopes than the connection has: then a token with more is
    /// refused, and not asked about again.
    pub narrowed: bool,
    pub created_at: Timestamp,
    /// When it ends; None: when it is removed.
    pub ends_at: Option<Timestamp>,
    /// When it last decided a request.
    pub used_at: Option<Timestamp>,
    /// False for a rule that was written while no desktop app ran: while one runs, it counts only
    /// once the person has confirmed it.
    pub confirmed: bool,
}

/// A request that rules are asked about.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub program: &'a Program,
    pub usage: Usage,
    /// The scopes that the token has.
    pub scopes: &'a Scopes,
}

/// What the rules of a connection say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Allow(RuleId),
    /// Until then; None: until the rule is removed.
    Deny(RuleId, Option<Timestamp>),
    /// It may use the proxy, and asks for the token.
    ProxyOnly(RuleId),
    /// It may have fewer scopes than the token has.
    TooManyScopes(RuleId, Scopes),
    /// No rule decides. The scopes are those that a rule did not cover yet.
    Undecided {
        added: Scopes,
    },
}

impl Rule {
    /// Whether it has not ended.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.ends_at.is_none_or(|end| now < end)
    }

    /// Whether it is in force. Unconfirmed rules are not while a desktop app runs.
    pub fn is_active(&self, now: Timestamp, desktop: bool) -> bool {
        (self.confirmed || !desktop) && self.is_live(now)
    }

    fn is_about(&self, request: &Request<'_>) -> bool {
        let project = self.project.is_none() || self.project == request.program.project;
        let scopes = match self.verdict {
            Verdict::Allow => true,
            Verdict::Deny => {
                let mut denied = self.scopes.iter();
                self.scopes.is_empty() || denied.any(|scope| request.scopes.contains(scope))
            }
        };
        project && scopes && self.client == request.program.client
    }
}

/// What `rules`, those of one connection that are in force, say to a request. A rule of the project
/// comes before one of any project, and a later one before an earlier one.
pub fn decide<'a>(rules: impl Iterator<Item = &'a Rule>, request: &Request<'_>) -> Decision {
    let undecided = |added| Decision::Undecided { added };
    if !request.program.client.is_known() {
        return undecided(Scopes::default());
    }
    let rule = rules
        .filter(|rule| rule.is_about(request))
        .max_by_key(|rule| (rule.project.is_some(), rule.created_at));
    let Some(rule) = rule else {
        return undecided(Scopes::default());
    };
    match rule.verdict {
        Verdict::Deny => return Decision::Deny(rule.id, rule.ends_at),
        Verdict::Allow => {}
    }
    let added = request.scopes.missing_from(&rule.scopes);
    if !added.is_empty() {
        return if rule.narrowed {
            Decision::TooManyScopes(rule.id, added)
        } else {
            undecided(added)
        };
    }
    match (rule.usage, request.usage) {
        (Usage::Proxy, Usage::Token) => Decision::ProxyOnly(rule.id),
        (Usage::Token, _) | (Usage::Proxy, Usage::Proxy) => Decision::Allow(rule.id),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::program::{Code, UnknownReason};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn program(path: &str) -> Program {
        Program {
            client: Client {
                code: Code::Executable { path: path.into() },
                through: Vec::new(),
                application: None,
            },
            project: Some("/work".into()),
        }
    }

    fn allow(number: u128) -> Rule {
        Rule {
            id: RuleId::new(Uuid::from_u128(number)),
            client: program("/bin/tool").client,
            project: None,
            connection: ConnectionId::new(Uuid::nil()),
            usage: Usage::Token,
            verdict: Verdict::Allow,
            scopes: Scopes::parse_any("read write"),
            narrowed: false,
            created_at: at(i64::try_from(number).unwrap()),
            ends_at: None,
            used_at: None,
            confirmed: true,
        }
    }

    fn deny(number: u128) -> Rule {
        Rule {
            verdict: Verdict::Deny,
            scopes: Scopes::default(),
            ..allow(number)
        }
    }

    fn ask(rules: &[Rule], usage: Usage, scopes: &str) -> Decision {
        let request = Request {
            program: &program("/bin/tool"),
            usage,
            scopes: &Scopes::parse_any(scopes),
        };
        decide(rules.iter(), &request)
    }

    fn undecided(added: &str) -> Decision {
        Decision::Undecided {
            added: Scopes::parse_any(added),
        }
    }

    #[test]
    fn a_rule_decides_for_its_program_alone() {
        let rule = allow(1);
        assert_eq!(
            ask(std::slice::from_ref(&rule), Usage::Token, "read"),
            Decision::Allow(rule.id)
        );
        let request = Request {
            program: &program("/bin/other"),
            usage: Usage::Token,
            scopes: &Scopes::default(),
        };
        assert_eq!(decide([&rule].into_iter(), &request), undecided(""));
    }

    #[test]
    fn no_rule_decides_for_an_unknown_program() {
        let unknown = Program::unknown(UnknownReason::HiddenExecutable);
        let rule = Rule {
            client: unknown.client.clone(),
            ..allow(1)
        };
        let request = Request {
            program: &unknown,
            usage: Usage::Token,
            scopes: &Scopes::default(),
        };
        assert_eq!(decide([&rule].into_iter(), &request), undecided(""));
    }

    #[test]
    fn the_project_comes_before_time_and_the_newest_wins() {
        let here = Rule {
            project: Some("/work".into()),
            ..allow(1)
        };
        let elsewhere = Rule {
            project: Some("/play".into()),
            ..deny(5)
        };
        let rules = [here.clone(), deny(2), allow(3), deny(4), elsewhere];
        assert_eq!(ask(&rules, Usage::Token, ""), Decision::Allow(here.id));
        assert_eq!(
            ask(&rules[1..], Usage::Token, ""),
            Decision::Deny(deny(4).id, None)
        );
        assert_eq!(
            ask(&rules[1..3], Usage::Token, ""),
            Decision::Allow(allow(3).id)
        );
    }

    #[test]
    fn a_token_with_more_scopes_is_another_question() {
        let mut rule = allow(1);
        assert_eq!(
            ask(&[rule.clone()], Usage::Token, "write admin"),
            undecided("admin")
        );
        rule.narrowed = true;
        let too_many = Decision::TooManyScopes(rule.id, Scopes::parse_any("admin"));
        assert_eq!(ask(&[rule], Usage::Token, "write admin"), too_many);
    }

    #[test]
    fn a_denial_of_added_scopes_leaves_the_allowed_ones() {
        let denied = Rule {
            scopes: Scopes::parse_any("admin"),
            ..deny(2)
        };
        let rules = [allow(1), denied.clone()];
        assert_eq!(
            ask(&rules, Usage::Token, "read write"),
            Decision::Allow(allow(1).id)
        );
        let wider = Decision::Deny(denied.id, None);
        assert_eq!(ask(&rules, Usage::Token, "write admin"), wider);
        assert_eq!(ask(&rules, Usage::Token, "write other"), undecided("other"));
        assert_eq!(
            ask(&rules[..1], Usage::Token, "write admin"),
            undecided("admin")
        );
    }

    #[test]
    fn the_proxy_is_less_than_the_token() {
        let token = allow(1);
        assert_eq!(
            ask(std::slice::from_ref(&token), Usage::Proxy, ""),
            Decision::Allow(token.id)
        );
        let proxy = Rule {
            usage: Usage::Proxy,
            ..token
        };
        let rules = std::slice::from_ref(&proxy);
        assert_eq!(ask(rules, Usage::Proxy, ""), Decision::Allow(proxy.id));
        assert_eq!(ask(rules, Usage::Token, ""), Decision::ProxyOnly(proxy.id));
    }

    #[test]
    fn a_rule_ends_and_waits_for_its_confirmation() {
        let mut rule = allow(1);
        rule.ends_at = Some(at(10));
        assert!(rule.is_active(at(9), true));
        assert!(!rule.is_active(at(10), true));
        rule.confirmed = false;
        assert!(!rule.is_active(at(9), true));
        assert!(rule.is_active(at(9), false));
    }
}
