//! Rules, and requests that nobody has answered.

use jiff::Timestamp;
use serde::Serialize;
use valetkey_api::access::{ApprovalView, QuestionView, RuleList, RuleView};
use valetkey_api::core::access::{Policy, Usage, Verdict};
use valetkey_api::core::name::{ConnectionName, ProfileName};

use super::failure::hint;
use super::table::{Cell, Table};
use super::time::{ago, until};
use crate::style::{Style, Tone};

/// What `valetkey access list` shows.
#[derive(Debug, Serialize)]
pub(crate) struct Overview {
    #[serde(flatten)]
    pub(crate) rules: RuleList,
    pub(crate) approvals: Vec<ApprovalView>,
}

/// Letters of a rule's id that lists show.
const SHORT_ID: usize = 13;

/// `valetkey access list`
pub(crate) fn list(overview: &Overview, now: Timestamp, style: Style) -> String {
    let mut text = String::new();
    let requests = requests(&overview.approvals, now, style);
    if !requests.is_empty() {
        text.push_str("not answered yet:\n");
        text.push_str(&requests);
        text.push_str(&hint(
            "`valetkey access allow REQUEST`, or `deny`, answers one",
            style,
        ));
        text.push('\n');
    }
    if overview.rules.rules.is_empty() {
        text.push_str("no rules\n");
    } else {
        text.push_str(&rules(&overview.rules.rules, now, style));
    }
    text.push_str(&hint(policy(overview.rules.policy), style));
    text
}

fn requests(approvals: &[ApprovalView], now: Timestamp, style: Style) -> String {
    let mut table = Table::new(&["REQUEST", "PROGRAM", "CONNECTION", "WANTS", "ASKED"]);
    let mut count = 0;
    for approval in approvals {
        let QuestionView::Access {
            program,
            profile,
            connection,
            usage,
            ..
        } = &approval.question
        else {
            continue;
        };
        count += 1;
        let name = format!("{} ({})", program.name, program.location);
        table.row([
            Cell::toned(&approval.id.to_string(), Tone::Heading),
            name.into(),
            named(profile, connection).into(),
            wanted(*usage).into(),
            ago(now, approval.asked_at).into(),
        ]);
    }
    if count == 0 {
        String::new()
    } else {
        table.render(style)
    }
}

fn rules(rules: &[RuleView], now: Timestamp, style: Style) -> String {
    let mut table = Table::new(&[
        "RULE",
        "PROGRAM",
        "CONNECTION",
        "MAY USE",
        "ENDS",
        "LAST USED",
    ]);
    for rule in rules {
        let id: String = rule.id.to_string().chars().take(SHORT_ID).collect();
        let mut name = format!("{} ({})", rule.program.name, rule.program.location);
        if let Some(project) = &rule.project {
            name.push_str(" in ");
            name.push_str(project);
        }
        let may = match (rule.verdict, rule.is_active) {
            (Verdict::Deny, _) if rule.scopes.is_empty() => "nothing".to_owned(),
            (Verdict::Deny, _) => format!("no token with `{}`", rule.scopes),
            (Verdict::Allow, true) => wanted(rule.usage).to_owned(),
            (Verdict::Allow, false) => {
                format!("{} once confirmed in the app", wanted(rule.usage))
            }
        };
        let ends = rule.ends_at.map_or_else(
            || "never".to_owned(),
            |end| format!("in {}", until(now, end)),
        );
        table.row([
            Cell::toned(&id, Tone::Heading),
            name.into(),
            named(&rule.profile, &rule.connection).into(),
            may.into(),
            ends.into(),
            rule.used_at
                .map_or_else(|| "never".to_owned(), |at| ago(now, at))
                .into(),
        ]);
    }
    table.render(style)
}

fn named(profile: &ProfileName, connection: &ConnectionName) -> String {
    if profile.as_str() == "default" {
        connection.to_string()
    } else {
        format!("{connection} ({profile})")
    }
}

const fn wanted(usage: Usage) -> &'static str {
    match usage {
        Usage::Token => "the token",
        Usage::Proxy => "the proxy",
    }
}

const fn policy(policy: Policy) -> &'static str {
    match policy {
        Policy::Ask => "the desktop app asks you about every other program",
        Policy::Allow => "every other program of this user may have tokens, too",
        Policy::Deny => "every other program is refused, and listed here",
    }
}

/// `valetkey access allow` and `deny`
pub(crate) fn answered(verdict: Verdict) -> String {
    match verdict {
        Verdict::Allow => "allowed; `valetkey access list` shows the rule\n".to_owned(),
        Verdict::Deny => "denied for ten minutes\n".to_owned(),
    }
}

/// `valetkey access remove`
pub(crate) fn removed(rule: &RuleView) -> String {
    format!(
        "removed the rule about {} and `{}`\n",
        rule.program.name,
        named(&rule.profile, &rule.connection)
    )
}
