//! Page, capabilities and icons, compiled in.

pub(crate) fn load() -> tauri::Context {
    tauri::generate_context!()
}
