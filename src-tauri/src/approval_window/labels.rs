//! The parts of the window. Every text passes through [`printable`]: names of programs, accounts and
//! providers come from outside.

use gtk::prelude::*;
use valetkey_api::core::printable::printable;

/// What is asked.
pub(super) fn heading(text: &str) -> gtk::Label {
    let label = left(text);
    let bold = gtk::pango::AttrList::new();
    bold.insert(gtk::pango::AttrInt::new_weight(gtk::pango::Weight::Bold));
    bold.insert(gtk::pango::AttrFloat::new_scale(1.2));
    label.set_attributes(Some(&bold));
    label
}

pub(super) fn secondary(text: &str) -> gtk::Label {
    let label = left(text);
    label.style_context().add_class("dim-label");
    label
}

/// A check box whose label wraps.
pub(super) fn check(text: &str) -> gtk::CheckButton {
    let check = gtk::CheckButton::with_label(&printable(text));
    let label = check.child().map(Cast::downcast::<gtk::Label>);
    if let Some(Ok(label)) = label {
        wrap(&label, 44);
    }
    check
}

/// Names and what stands beside them, in two columns.
pub(super) struct Rows(gtk::Grid);

impl Rows {
    pub(super) fn new() -> Self {
        let grid = gtk::Grid::new();
        grid.set_column_spacing(16);
        grid.set_row_spacing(6);
        Self(grid)
    }

    pub(super) fn add(&self, name: &str, value: &str) {
        let value = left(value);
        value.set_max_width_chars(38);
        self.add_widget(name, &value);
    }

    pub(super) fn add_widget(&self, name: &str, value: &impl IsA<gtk::Widget>) {
        let name = secondary(name);
        name.set_valign(gtk::Align::Start);
        self.0
            .attach_next_to(&name, gtk::Widget::NONE, gtk::PositionType::Bottom, 1, 1);
        self.0
            .attach_next_to(value, Some(&name), gtk::PositionType::Right, 1, 1);
    }

    pub(super) fn widget(&self) -> &gtk::Grid {
        &self.0
    }
}

/// Our own texts break lines; what stands in them does not.
fn left(text: &str) -> gtk::Label {
    let lines: Vec<_> = text.lines().map(printable).collect();
    let label = gtk::Label::new(Some(&lines.join("\n")));
    label.set_xalign(0.0);
    wrap(&label, 48);
    label
}

fn wrap(label: &gtk::Label, width: i32) {
    label.set_line_wrap(true);
    label.set_line_wrap_mode(gtk::pango::WrapMode::WordChar);
    label.set_max_width_chars(width);
}
