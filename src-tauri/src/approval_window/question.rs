//! What the window says about a question, and its buttons.

use std::rc::Rc;

use gtk::prelude::*;
use valetkey_api::core::access::Usage;
use valetkey_api::core::printable::{MAX_LOCATION, MAX_NAME, printable, shortened};
use valetkey_api::core::scope::Scopes;
use valetkey_server::approvals::{AccessQuestion, Answer, ChangeQuestion, Grant, Lasts, Question};

use super::labels::{check, grid, secondary};
use crate::dialog::quoted;

/// Scopes that are named; the others are counted.
const MAX_SCOPES: usize = 8;

/// A button and its answer.
pub(super) struct Choice {
    pub(super) label: String,
    pub(super) suggested: bool,
    pub(super) make: Rc<dyn Fn() -> Answer>,
}

/// The question in one line.
pub(super) fn title(question: &Question) -> String {
    match question {
        Question::Access(question) => {
            let program = question.program.client.name();
            let provider = shortened(&question.provider, MAX_NAME);
            format!("Let “{program}” use {provider}?")
        }
        Question::Change(question) => printable(&quoted(&question.title)).into_owned(),
    }
}

/// Adds what is to be known about a program's question. The first button allows nothing.
pub(super) fn access(column: &gtk::Box, question: &AccessQuestion) -> Vec<Choice> {
    column.add(&secondary(&wants(question)));
    column.add(&grid(&rows(question)));

    let project = question.program.project.as_ref().map(|project| {
        let project = shortened(&project.to_string_lossy(), MAX_LOCATION);
        let check = check(&format!("Only in this project ({project})"));
        check.set_active(true);
        column.add(&check);
        check
    });
    // Less than it asked for, where that leads somewhere.
    let proxy = (question.usage == Usage::Token && question.has_proxy).then(|| {
        let check = check("Through the proxy only: it gets no token");
        column.add(&check);
        check
    });
    let usage = question.usage;
    let allow = move |lasts: Lasts| {
        let (project, proxy) = (project.clone(), proxy.clone());
        Rc::new(move || {
            let only_proxy = proxy.as_ref().is_some_and(gtk::CheckButton::is_active);
            Answer::Allow(Grant {
                lasts,
                only_project: project.as_ref().is_some_and(gtk::CheckButton::is_active),
                usage: if only_proxy { Usage::Proxy } else { usage },
                only_scopes: None,
            })
        }) as Rc<dyn Fn() -> Answer>
    };
    let choice = |label: &str, suggested, make| Choice {
        label: label.to_owned(),
        suggested,
        make,
    };
    let mut choices = vec![
        choice("_Deny", false, Rc::new(|| Answer::Deny)),
        choice("_Once", false, allow(Lasts::Once)),
    ];
    if question.program.client.is_known() {
        choices.push(choice("One _hour", false, allow(Lasts::Hour)));
        choices.push(choice("_Always", true, allow(Lasts::Always)));
    } else {
        column.add(&secondary(
            "It cannot be told which program this is, so the answer is not remembered.",
        ));
    }
    choices
}

/// Adds what is to be known about a change.
pub(super) fn change(column: &gtk::Box, question: &ChangeQuestion) -> Vec<Choice> {
    column.add(&secondary(&quoted(&question.text)));
    column.add(&grid(&[("Asked by", question.asked_by.clone())]));
    let once = || {
        Answer::Allow(Grant {
            lasts: Lasts::Once,
            only_project: false,
            usage: Usage::Token,
            only_scopes: None,
        })
    };
    vec![
        Choice {
            label: "Ca_ncel".to_owned(),
            suggested: false,
            make: Rc::new(|| Answer::Deny),
        },
        Choice {
            label: format!("_{}", question.confirm),
            suggested: true,
            make: Rc::new(once),
        },
    ]
}

fn wants(question: &AccessQuestion) -> String {
    let what = match question.usage {
        Usage::Token => "It asks for an access token",
        Usage::Proxy => "It asks to send requests, without the token,",
    };
    match &question.account {
        Some(account) => format!("{what} of {}.", shortened(account, MAX_NAME)),
        None => format!("{what}."),
    }
}

fn rows(question: &AccessQuestion) -> Vec<(&'static str, String)> {
    let client = &question.program.client;
    let pid = question
        .pid
        .map_or(String::new(), |pid| format!(" · process {pid}"));
    let mut rows = vec![
        ("Program", format!("{}{pid}", client.location())),
        ("Connection", question.name.to_string()),
    ];
    let application = client.application.as_ref();
    if let Some(application) = application.filter(|code| code.is_known()) {
        rows.push(("Started by", application.name()));
    }
    rows.push(("May do", scopes(question, &question.scopes)));
    if !question.added.is_empty() {
        rows.push(("New", scopes(question, &question.added)));
    }
    rows
}

/// In plain words, where the catalogue has them.
fn scopes(question: &AccessQuestion, scopes: &Scopes) -> String {
    let words = |scope| question.catalogue.scope_words(scope).unwrap_or(scope);
    let all: Vec<String> = scopes
        .iter()
        .map(|scope| shortened(words(scope), MAX_NAME))
        .collect();
    if all.is_empty() {
        return "what the provider gives by default".to_owned();
    }
    let more = all.len().saturating_sub(MAX_SCOPES);
    let named = all[..all.len() - more].join(", ");
    if more == 0 {
        named
    } else {
        format!("{named} and {more} more")
    }
}
