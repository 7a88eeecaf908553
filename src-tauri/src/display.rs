//! Whether there is a display. Checked before the desktop's event loop starts, which ends the process
//! without one.

/// An X server or a Wayland compositor answers.
pub(crate) fn is_available() -> bool {
    gtk::init().is_ok()
}
