//! The approval window: may this program use this connection, shall this change be made.
//!
//! It is a window of this process, drawn by the toolkit: no web page and no program can answer in its
//! place. The agent says which question has its turn. For the first half second its controls take no
//! click and no key, so that a key meant for another window answers nothing. A synthetic X11 click looks
//! like a real one; that is out of reach.

mod labels;
mod question;
mod scopes;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use gtk::glib::{ControlFlow, Propagation, SourceId, timeout_add_local};
use gtk::prelude::*;
use jiff::Timestamp;
use tauri::AppHandle;
use valetkey_server::App;
use valetkey_server::approvals::{Answer, Approval, ApprovalId, Question};

use self::labels::{heading, secondary};
use self::question::{Choice, Controls, access, change, title};
use crate::notifications::{Action, Kind, Notification};
use crate::{dialog, notifier};

/// How long its controls take no click and no key; the countdown moves as often.
const GUARD_TIME: Duration = Duration::from_millis(500);
const WIDTH: i32 = 440;

thread_local! {
    /// The question that is shown; on the main thread.
    static SHOWN: RefCell<Option<Shown>> = const { RefCell::new(None) };
}

struct Shown {
    id: ApprovalId,
    window: gtk::Window,
    /// How many questions wait behind it.
    queue: gtk::Label,
    timer: SourceId,
    /// It is answered or another question takes its place.
    is_over: Rc<Cell<bool>>,
}

/// Shows the open questions from now on, one after the other.
pub(crate) fn begin(app: &AppHandle, agent: App) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let mut changed = agent.agent().approvals().subscribe();
        let mut announced: Option<Approval> = None;
        loop {
            changed.mark_unchanged();
            let questions = agent.agent().approvals().list();
            let queued = questions.iter().filter(|it| it.is_queued).count();
            let unanswered = questions
                .iter()
                .find(|it| is_over(it, announced.as_ref()))
                .cloned();
            let next = questions.into_iter().find(|it| it.open_until.is_some());
            if next.as_ref().map(|it| it.id) != announced.as_ref().map(|it| it.id) {
                announce(&app, next.as_ref(), unanswered.as_ref());
                announced.clone_from(&next);
            }
            let (handle, agent) = (app.clone(), agent.clone());
            let shown = app.run_on_main_thread(move || present(&handle, &agent, next, queued));
            if let Err(error) = shown {
                tracing::error!(%error, "approval window");
            }
            if changed.changed().await.is_err() {
                return;
            }
        }
    });
}

/// Whether this question was shown last, for its whole time: the person has not closed it.
fn is_over(now: &Approval, shown: Option<&Approval>) -> bool {
    let shown = shown.filter(|shown| shown.id == now.id);
    let until = shown.and_then(|shown| shown.open_until);
    now.open_until.is_none() && until.is_some_and(|until| until <= Timestamp::now())
}

/// A notification, because the window may be behind others: it can only open it. One that nobody
/// answered in time is told, too.
fn announce(app: &AppHandle, next: Option<&Approval>, unanswered: Option<&Approval>) {
    let notification = match (next, unanswered.map(|it| &it.question)) {
        (Some(approval), _) => Notification {
            kind: Kind::Approval,
            title: title(&approval.question),
            body: "Valet Key asks in a window of its own.".to_owned(),
            action: Action::Approve,
        },
        (None, Some(Question::Access(question))) => Notification {
            kind: Kind::Approval,
            title: format!(
                "{} was refused {}",
                question.program.client.name(),
                question.name
            ),
            body: "Nobody answered in time. You can allow it under Access.".to_owned(),
            action: Action::Access,
        },
        (None, Some(Question::Change(_)) | None) => return notifier::withdraw(app, Kind::Approval),
    };
    notifier::show(app, notification);
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

fn present(app: &AppHandle, agent: &App, next: Option<Approval>, queued: usize) {
    let same = SHOWN.with_borrow(|shown| {
        let shown = shown.as_ref().map(|shown| shown.id);
        shown == next.as_ref().map(|approval| approval.id)
    });
    if !same {
        close();
        if let Some(approval) = next {
            let shown = build(app, agent, &approval);
            SHOWN.set(Some(shown));
        }
    }
    SHOWN.with_borrow(|shown| {
        if let Some(shown) = shown {
            shown.queue.set_visible(queued > 0);
            shown.queue.set_text(&match queued {
                1 => "1 more question waits".to_owned(),
                more => format!("{more} more questions wait"),
            });
        }
    });
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
    column.add(&heading(&title(&approval.question)));
    let Controls { checks, choices } = match &approval.question {
        Question::Access(question) => access(&column, question),
        Question::Change(question) => change(&column, question),
    };
    let buttons = gtk::Box::new(gtk::Orientation::Horizontal, 8);
    buttons.set_homogeneous(true);
    let first = choices.first().map(|choice| choice.button.clone());
    for Choice { button, make } in choices {
        let (app, agent, id) = (app.clone(), agent.clone(), approval.id);
        button.connect_clicked(move |_| give(&app, &agent, id, make()));
        buttons.pack_start(&button, true, true, 0);
    }
    column.add(&buttons);
    let countdown = secondary("");
    countdown.set_xalign(0.5);
    column.add(&countdown);
    let queue = secondary("");
    queue.set_xalign(0.5);
    queue.set_no_show_all(true);
    column.add(&queue);
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
    let checks = checks.into_iter().map(Cast::upcast::<gtk::Widget>);
    let controls: Vec<gtk::Widget> = checks.chain([buttons.upcast()]).collect();
    set_sensitive(&controls, false);
    let timer = keep_time(&countdown, approval, controls, first);
    window.show_all();
    window.present();
    Shown {
        id: approval.id,
        window,
        queue,
        timer,
        is_over,
    }
}

/// Counts down, and lets the controls work after a while, with the focus on the first button, which
/// allows nothing.
fn keep_time(
    label: &gtk::Label,
    approval: &Approval,
    controls: Vec<gtk::Widget>,
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
    let is_guarded = Cell::new(true);
    timeout_add_local(GUARD_TIME, move || {
        update();
        if is_guarded.replace(false) {
            set_sensitive(&controls, true);
            if let Some(first) = &first {
                first.grab_focus();
            }
        }
        // Until the window is closed.
        ControlFlow::Continue
    })
}

fn set_sensitive(controls: &[gtk::Widget], sensitive: bool) {
    for control in controls {
        control.set_sensitive(sensitive);
    }
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
