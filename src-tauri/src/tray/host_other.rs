//! Windows and macOS always show tray icons.

/// None: it will be seen.
pub(crate) fn problem() -> Option<String> {
    None
}
