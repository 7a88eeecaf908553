//! Whether there is a screen at all. Asked before a desktop's event loop is made, which ends the
//! process where there is none.

/// An X server or a Wayland compositor answers.
pub(crate) fn is_there() -> bool {
    gtk::init().is_ok()
}
