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
        started_by: client
            .application
            .as_ref()
            .filter(|code| code.is_known())
            .map(|code| code.name()),
        is_known: client.is_known(),
        client,
    }
}

fn text(path: impl AsRef<Path>) -> String {
    shortened(&path.as_ref().to_string_lossy(), MAX_LOCATION)
}

#[cfg(test)]
mod tests {
    use valetkey_api::core::program::{Code, UnknownReason};

    use super::*;

    #[test]
    fn a_starter_that_is_not_known_has_no_name() {
        let started_by = |application: Option<Code>| {
            let client = Client {
                code: Code::Executable {
                    path: "/bin/tool".into(),
                },
                through: Vec::new(),
                application: application.map(Box::new),
            };
            program(client).started_by
        };
        let terminal = Code::Terminal {
            shell: "/bin/bash".into(),
            options: Vec::new(),
        };
        assert_eq!(started_by(Some(terminal)).as_deref(), Some("Terminal"));
        let reason = UnknownReason::HiddenExecutable;
        assert_eq!(started_by(Some(Code::Unknown { reason })), None);
        assert_eq!(started_by(None), None);
    }
}
