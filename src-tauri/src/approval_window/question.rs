//! What the window says about a question, and its buttons.

use std::rc::Rc;

use gtk::prelude::*;
use valetkey_api::core::access::Usage;
use valetkey_api::core::printable::{MAX_LOCATION, MAX_NAME, printable, shortened};
use valetkey_server::approvals::{AccessQuestion, Answer, ChangeQuestion, Grant, Lasts, Question};

use super::labels::{Rows, check, secondary};
use super::scopes::{ScopeChecks, words};
use crate::dialog::quoted;

/// A button and its answer.
pub(super) struct Choice {
    pub(super) button: gtk::Button,
    pub(super) make: Rc<dyn Fn() -> Answer>,
}

impl Choice {
    fn new(label: &str, make: Rc<dyn Fn() -> Answer>) -> Self {
        let button = gtk::Button::with_mnemonic(label);
        Self { button, make }
    }

    fn suggested(label: &str, make: Rc<dyn Fn() -> Answer>) -> Self {
        let choice = Self::new(label, make);
        choice.button.style_context().add_class("suggested-action");
        choice
    }
}

/// What the person can use to answer.
pub(super) struct Controls {
    /// Less than what was asked for.
    pub(super) checks: Vec<gtk::CheckButton>,
    /// The first one allows nothing.
    pub(super) choices: Vec<Choice>,
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

/// Adds what is to be known about a program's question.
pub(super) fn access(column: &gtk::Box, question: &AccessQuestion) -> Controls {
    column.add(&secondary(&wants(question)));
    let rows = rows(question);
    let scopes = ScopeChecks::of(question).map(Rc::new);
    match &scopes {
        Some(scopes) => rows.add_widget("May do", scopes.widget()),
        None => rows.add("May do", &words(question, &question.scopes)),
    }
    if !question.added.is_empty() {
        rows.add("New", &words(question, &question.added));
    }
    column.add(rows.widget());

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
    let checks = project.iter().chain(&proxy).cloned();
    let checks = scopes
        .iter()
        .flat_map(|scopes| scopes.checks())
        .chain(checks);
    let checks = checks.collect();

    let usage = question.usage;
    let chosen = scopes.clone();
    let allow = move |lasts: Lasts| {
        let (project, proxy, scopes) = (project.clone(), proxy.clone(), chosen.clone());
        Rc::new(move || {
            let only_proxy = proxy.as_ref().is_some_and(gtk::CheckButton::is_active);
            Answer::Allow(Grant {
                lasts,
                only_project: project.as_ref().is_some_and(gtk::CheckButton::is_active),
                usage: if only_proxy { Usage::Proxy } else { usage },
                only_scopes: scopes.as_ref().and_then(|scopes| scopes.fewer()),
            })
        }) as Rc<dyn Fn() -> Answer>
    };
    let mut choices = vec![Choice::new("_Once", allow(Lasts::Once))];
    if question.program.client.is_known() {
        choices.push(Choice::new("One _hour", allow(Lasts::Hour)));
        choices.push(Choice::suggested("_Always", allow(Lasts::Always)));
    } else {
        column.add(&secondary(
            "It cannot be told which program this is, so the answer is not remembered.",
        ));
    }
    if let Some(scopes) = scopes {
        // A token that may do nothing is of no use.
        let buttons: Vec<_> = choices.iter().map(|it| it.button.clone()).collect();
        scopes.on_change(move |any| buttons.iter().for_each(|button| button.set_sensitive(any)));
    }
    choices.insert(0, Choice::new("_Deny", Rc::new(|| Answer::Deny)));
    Controls { checks, choices }
}

/// Adds what is to be known about a change.
pub(super) fn change(column: &gtk::Box, question: &ChangeQuestion) -> Controls {
    column.add(&secondary(&quoted(&question.text)));
    let rows = Rows::new();
    rows.add("Asked by", &question.asked_by);
    column.add(rows.widget());
    let once = || {
        Answer::Allow(Grant {
            lasts: Lasts::Once,
            only_project: false,
            usage: Usage::Token,
            only_scopes: None,
        })
    };
    Controls {
        checks: Vec::new(),
        choices: vec![
            Choice::new("Ca_ncel", Rc::new(|| Answer::Deny)),
            Choice::suggested(&format!("_{}", question.confirm), Rc::new(once)),
        ],
    }
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

fn rows(question: &AccessQuestion) -> Rows {
    let client = &question.program.client;
    let pid = question
        .pid
        .map_or(String::new(), |pid| format!(" · process {pid}"));
    let rows = Rows::new();
    rows.add("Program", &format!("{}{pid}", client.location()));
    rows.add("Connection", &question.name.to_string());
    let application = client.application.as_ref();
    if let Some(application) = application.filter(|code| code.is_known()) {
        rows.add("Started by", &application.name());
    }
    rows
}
