//! Rules and questions.

use std::path::Path;

use valetkey_agent::{AccessQuestion, Approval, ChangeQuestion, Question};
use valetkey_api::access::{ApprovalView, ProgramView, QuestionView, RuleView};
use valetkey_api::core::printable::{MAX_LOCATION, shortened};
use valetkey_api::core::program::Client;

pub(crate) fn rule(view: valetkey_agent::RuleView) -> RuleView {
    let rule = view.rule;
    RuleView {
        id: rule.id,
        program: program(rule.client),
        project: rule.project.as_ref().map(text),
        profile: view.connection.profile,
        connection: view.connection.name,
        usage: rule.usage,
        verdict: rule.verdict,
        scopes: rule.scopes,
        narrowed: rule.narrowed,
        created_at: rule.created_at,
        ends_at: rule.ends_at,
        used_at: rule.used_at,
        is_active: view.is_active,
    }
}

pub(crate) fn approval(approval: Approval) -> ApprovalView {
    ApprovalView {
        id: approval.id.0,
        question: match approval.question {
            Question::Access(question) => access(*question),
            Question::Change(ChangeQuestion {
                title,
                text,
                asked_by,
                ..
            }) => QuestionView::Change {
                title,
                text,
                asked_by,
            },
        },
        asked_at: approval.asked_at,
        open_until: approval.open_until,
        is_queued: approval.is_queued,
        count: approval.count,
    }
}

fn access(question: AccessQuestion) -> QuestionView {
    QuestionView::Access {
        project: question.program.project.as_ref().map(text),
        program: program(question.program.client),
        pid: question.pid,
        profile: question.name.profile,
        connection: question.name.name,
        usage: question.usage,
        scopes: question.scopes,
        added: question.added,
    }
}

fn program(client: Client) -> ProgramView {
    ProgramView {
        name: client.name(),
        location: client.location(),
        started_by: client.application.as_ref().map(|code| code.name()),
        is_known: client.is_known(),
        client,
    }
}

fn text(path: impl AsRef<Path>) -> String {
    shortened(&path.as_ref().to_string_lossy(), MAX_LOCATION)
}
