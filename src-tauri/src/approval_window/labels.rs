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

/// Names and their values, in two columns.
pub(super) fn grid(rows: &[(&str, String)]) -> gtk::Grid {
    let grid = gtk::Grid::new();
    grid.set_column_spacing(16);
    grid.set_row_spacing(6);
    for (row, (name, value)) in (0..).zip(rows) {
        let name = secondary(name);
        name.set_valign(gtk::Align::Start);
        grid.attach(&name, 0, row, 1, 1);
        let value = left(value);
        value.set_max_width_chars(38);
        grid.attach(&value, 1, row, 1, 1);
    }
    grid
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
