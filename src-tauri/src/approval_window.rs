//! The approval window: may this program use this connection, shall this change be made.
//!
//! It is a window of this process, drawn by the toolkit: no web page and no program can answer in its
//! place. It shows one question at a time, the oldest first. For the first half second its buttons take
//! no click and no key, so that a key meant for another window answers nothing. A synthetic X11 click
//! looks like a real one; that is out of reach.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use gtk::glib::{ControlFlow, Propagation, SourceId, timeout_add_local};
use gtk::prelude::*;
use jiff::Timestamp;
use tauri::AppHandle;
use valetkey_api::core::access::Usage;
use valetkey_server::App;
use valetkey_server::approvals::{
    AccessQuestion, Answer, Approval, ApprovalId, ChangeQuestion, Grant, Lasts, Question,
};

use crate::dialog::quoted;
use crate::notifications::{Action, Kind, Notification};
use crate::{dialog, notifier};

/// How long the buttons take no click and no key; the countdown moves as often.
const GUARD_TIME: Duration = Duration::from_millis(500);
const WIDTH: i32 = 440;
/// Scopes that are named; the others are counted.
const MAX_SCOPES: usize = 8;

thread_local! {
    /// The question that is shown; on the main thread.
    static SHOWN: RefCell<Option<Shown>> = const { RefCell::new(None) };
}

struct Shown {
    id: ApprovalId,
    window: gtk::Window,
    timer: SourceId,
    /// It is answered or another question takes its place.
    is_over: Rc<Cell<bool>>,
}

/// Shows the open questions from now on, one after the other.
pub(crate) fn begin(app: &AppHandle, agent: App) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let mut changed = agent.agent().approvals().subscribe();
        let mut announced = None;
        loop {
            changed.mark_unchanged();
            let mut questions = agent.agent().approvals().list().into_iter();
            let next = questions.find(|it| it.open_until.is_some());
            announce(&app, next.as_ref(), &mut announced);
            let (handle, agent) = (app.clone(), agent.clone());
            let shown = app.run_on_main_thread(move || present(&handle, &agent, next));
            if let Err(error) = shown {
                tracing::error!(%error, "approval window");
            }
            if changed.changed().await.is_err() {
                return;
            }
        }
    });
}

/// A notification, because the window may be behind others: it can only open it.
fn announce(app: &AppHandle, next: Option<&Approval>, announced: &mut Option<ApprovalId>) {
    let id = next.map(|approval| approval.id);
    if id == *announced {
        return;
    }
    *announced = id;
    match next {
        Some(approval) => notifier::show(
            app,
            Notification {
                kind: Kind::Approval,
                title: quoted(&title(&approval.question)),
                body: "Valet Key asks in a window of its own.".to_owned(),
                action: Action::Approve,
            },
        ),
        None => notifier::withdraw(app, Kind::Approval),
    }
}

/// Brings the window to the front.
pub(crate) fn show(app: &AppHandle) {
    let front = app.run_on_main_thread(|| {
        SHOWN.with_borrow(|shown| {
            if let Some(shown) = shown {
                shown.window.present();
            }
        });
    });
    if let Err(error) = front {
        tracing::error!(%error, "approval window");
    }
}

fn present(app: &AppHandle, agent: &App, next: Option<Approval>) {
    let same = SHOWN.with_borrow(|shown| {
        let shown = shown.as_ref().map(|shown| shown.id);
        shown == next.as_ref().map(|approval| approval.id)
    });
    if same {
        return;
    }
    close();
    if let Some(approval) = next {
        let shown = build(app, agent, &approval);
        SHOWN.set(Some(shown));
    }
}

/// Takes the window away; its question stays.
fn close() {
    let Some(shown) = SHOWN.take() else {
        return;
    };
    shown.timer.remove();
    shown.is_over.set(true);
    shown.window.close();
}

fn build(app: &AppHandle, agent: &App, approval: &Approval) -> Shown {
    let window = gtk::Window::new(gtk::WindowType::Toplevel);
    window.set_title("Valet Key asks");
    window.set_icon_name(Some("valetkey"));
    window.set_position(gtk::WindowPosition::Center);
    window.set_type_hint(gtk::gdk::WindowTypeHint::Dialog);
    window.set_keep_above(true);
    window.set_urgency_hint(true);
    window.set_resizable(false);
    window.set_default_size(WIDTH, -1);

    let column = gtk::Box::new(gtk::Orientation::Vertical, 14);
    column.set_border_width(24);
    column.add(&heading(&quoted(&title(&approval.question))));
    let answers = match &approval.question {
        Question::Access(question) => access(&column, question),
        Question::Change(question) => change(&column, question),
    };
    let buttons = gtk::Box::new(gtk::Orientation::Horizontal, 8);
    buttons.set_homogeneous(true);
    let mut first = None;
    for answer in answers {
        let button = gtk::Button::with_mnemonic(&answer.label);
        if answer.suggested {
            button.style_context().add_class("suggested-action");
        }
        let (app, agent, id, make) = (app.clone(), agent.clone(), approval.id, answer.make);
        button.connect_clicked(move |_| give(&app, &agent, id, make()));
        first.get_or_insert_with(|| button.clone());
        buttons.pack_start(&button, true, true, 0);
    }
    column.add(&buttons);
    let countdown = secondary("");
    countdown.set_xalign(0.5);
    column.add(&countdown);
    window.add(&column);

    let (dismissed, id) = (agent.clone(), approval.id);
    let is_over = Rc::new(Cell::new(false));
    let over = Rc::clone(&is_over);
    window.connect_delete_event(move |_, _| {
        if over.get() {
            return Propagation::Proceed;
        }
        dismissed.agent().dismiss_approval(id);
        Propagation::Stop
    });
    let escaped = agent.clone();
    window.connect_key_press_event(move |_, key| {
        if key.keyval() == gtk::gdk::keys::constants::Escape {
            escaped.agent().dismiss_approval(id);
            return Propagation::Stop;
        }
        Propagation::Proceed
    });
    buttons.set_sensitive(false);
    let timer = keep_time(&countdown, approval, buttons, first);
    window.show_all();
    window.present();
    Shown {
        id: approval.id,
        window,
        timer,
        is_over,
    }
}

/// Counts down, and lets the buttons work after a while, with the focus on the first, which allows
/// nothing.
fn keep_time(
    label: &gtk::Label,
    approval: &Approval,
    buttons: gtk::Box,
    first: Option<gtk::Button>,
) -> SourceId {
    let label = label.clone();
    let until = approval.open_until;
    let without = match approval.question {
        Question::Access(_) => "Without an answer it is told to try later",
        Question::Change(_) => "Without an answer nothing changes",
    };
    let update = move || {
        let left = until.map_or(0, |until| until.duration_since(Timestamp::now()).as_secs());
        let left = left.max(0);
        label.set_text(&format!("{without}, in {}:{:02}", left / 60, left % 60));
    };
    update();
    timeout_add_local(GUARD_TIME, move || {
        update();
        if !buttons.is_sensitive() {
            buttons.set_sensitive(true);
            if let Some(first) = &first {
                first.grab_focus();
            }
        }
        // Until the window is closed.
        ControlFlow::Continue
    })
}

/// A button and its answer.
struct Choice {
    label: String,
    suggested: bool,
    make: Rc<dyn Fn() -> Answer>,
}

fn access(column: &gtk::Box, question: &AccessQuestion) -> Vec<Choice> {
    let wants = match question.usage {
        Usage::Token => "It asks for an access token",
        Usage::Proxy => "It asks to send requests, without the token",
    };
    let account = question.account.as_deref();
    let of = account.map_or(String::new(), |account| format!(" of {account}"));
    column.add(&secondary(&format!("{wants}{of}.")));

    let program = &question.program;
    let client = &program.client;
    let pid = question
        .pid
        .map_or(String::new(), |pid| format!(" · process {pid}"));
    let mut rows = vec![
        ("Program", format!("{}{pid}", client.location())),
        ("Connection", question.name.to_string()),
    ];
    if let Some(application) = &client.application {
        rows.push(("Started by", application.name()));
    }
    rows.push(("May do", scopes(question.scopes.iter())));
    if !question.added.is_empty() {
        rows.push(("New", scopes(question.added.iter())));
    }
    column.add(&grid(&rows));

    let project = program.project.as_ref().map(|project| {
        let label = format!("Only in this project ({})", project.display());
        let check = gtk::CheckButton::with_label(&label);
        wrap(&check);
        check.set_active(true);
        column.add(&check);
        check
    });
    let proxy = (question.usage == Usage::Token).then(|| {
        let check = gtk::CheckButton::with_label("Through the proxy only, without the token");
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
    if client.is_known() {
        choices.push(choice("One _hour", false, allow(Lasts::Hour)));
        choices.push(choice("_Always", true, allow(Lasts::Always)));
    } else {
        column.add(&secondary(
            "It cannot be told which program this is, so the answer is not remembered.",
        ));
    }
    choices
}

fn change(column: &gtk::Box, question: &ChangeQuestion) -> Vec<Choice> {
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

fn title(question: &Question) -> String {
    match question {
        Question::Access(question) => {
            let name = question.program.client.name();
            format!("Let `{name}` use {}?", question.provider)
        }
        Question::Change(question) => question.title.clone(),
    }
}

fn scopes<'a>(scopes: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<&str> = scopes.collect();
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

fn heading(text: &str) -> gtk::Label {
    let label = left(text);
    let bold = gtk::pango::AttrList::new();
    bold.insert(gtk::pango::AttrInt::new_weight(gtk::pango::Weight::Bold));
    bold.insert(gtk::pango::AttrFloat::new_scale(1.2));
    label.set_attributes(Some(&bold));
    label
}

fn secondary(text: &str) -> gtk::Label {
    let label = left(text);
    label.style_context().add_class("dim-label");
    label
}

fn left(text: &str) -> gtk::Label {
    let label = gtk::Label::new(Some(text));
    label.set_xalign(0.0);
    label.set_line_wrap(true);
    label.set_line_wrap_mode(gtk::pango::WrapMode::WordChar);
    label.set_max_width_chars(48);
    label
}

fn wrap(check: &gtk::CheckButton) {
    if let Some(label) = check
        .child()
        .and_then(|it| it.downcast::<gtk::Label>().ok())
    {
        label.set_line_wrap(true);
        label.set_line_wrap_mode(gtk::pango::WrapMode::WordChar);
        label.set_max_width_chars(44);
    }
}

fn grid(rows: &[(&str, String)]) -> gtk::Grid {
    let grid = gtk::Grid::new();
    grid.set_column_spacing(16);
    grid.set_row_spacing(6);
    for (row, (name, value)) in (0..).zip(rows) {
        let name = secondary(name);
        name.set_valign(gtk::Align::Start);
        grid.attach(&name, 0, row, 1, 1);
        let value = left(value);
        value.set_selectable(false);
        value.set_max_width_chars(38);
        grid.attach(&value, 1, row, 1, 1);
    }
    grid
}

/// Gives the person's answer to the agent.
fn give(app: &AppHandle, agent: &App, id: ApprovalId, answer: Answer) {
    let (app, agent) = (app.clone(), agent.clone());
    tauri::async_runtime::spawn(async move {
        if let Err(error) = agent.answer_in_app(id, answer).await {
            dialog::show_error(&app, &error);
        }
    });
}
