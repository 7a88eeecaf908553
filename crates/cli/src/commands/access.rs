//! `valetkey access`: which program may use which connection.

use jiff::Timestamp;
use valetkey_api::ErrorCode;
use valetkey_api::access::{AnswerRequest, Lasts, RuleView};
use valetkey_api::client::{Client, ClientError};
use valetkey_api::core::access::Verdict;

use crate::agent;
use crate::args::{Access, Allow, Global};
use crate::failure::Failure;
use crate::render::access as render;
use crate::terminal::Terminal;

pub(super) fn access(terminal: Terminal, global: &Global, args: Access) -> Result<(), Failure> {
    let mut client = agent::connect(global)?;
    match args {
        Access::List => {
            let overview = render::Overview {
                rules: client.rules()?,
                approvals: client.approvals()?.approvals,
            };
            let now = Timestamp::now();
            terminal.reply(&overview, |overview, style| {
                render::list(overview, now, style)
            })
        }
        Access::Allow(args) => answer(terminal, &mut client, args.request, &allow(&args)),
        Access::Deny { request } => {
            let deny = AnswerRequest {
                verdict: Verdict::Deny,
                lasts: None,
                only_project: false,
                only_proxy: false,
                only_scopes: None,
            };
            answer(terminal, &mut client, request, &deny)
        }
        Access::Remove { rule } => {
            let id = rule_id(&mut client, &rule)?;
            let removed = client.remove_rule(&id)?;
            terminal.done(&removed, |rule, _| render::removed(rule))
        }
    }
}

fn allow(args: &Allow) -> AnswerRequest {
    let lasts = if args.once {
        Lasts::Once
    } else if args.hour {
        Lasts::Hour
    } else {
        Lasts::Always
    };
    AnswerRequest {
        verdict: Verdict::Allow,
        lasts: Some(lasts),
        only_project: args.this_project,
        only_proxy: args.proxy_only,
        only_scopes: None,
    }
}

/// Answers, or opens the window in which the desktop app takes the answer.
fn answer(
    terminal: Terminal,
    client: &mut Client,
    request: u64,
    answer: &AnswerRequest,
) -> Result<(), Failure> {
    match client.answer_approval(request, answer) {
        Ok(done) => terminal.done(&done, |_, _| render::answered(answer.verdict)),
        Err(ClientError::Api(error)) if error.code == ErrorCode::AccessDenied => {
            let shown = client.show_approval(request)?;
            terminal.done(&shown, |_, _| {
                "the desktop app asks you in a window: answer there\n".to_owned()
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// By the beginning of its id, as lists show it.
fn rule_id(client: &mut Client, text: &str) -> Result<String, Failure> {
    let rules = client.rules()?.rules;
    let mut found = rules
        .iter()
        .map(|rule: &RuleView| rule.id.to_string())
        .filter(|id| id.starts_with(text));
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id),
        // The agent says that there is none, or that it is no id.
        _ => Ok(text.to_owned()),
    }
}
