//! Reads `tauri.conf.json` and the capabilities.

fn main() {
    let commands = tauri_build::AppManifest::new().commands(&[
        "request",
        "follow",
        "unfollow",
        "open_url",
        "copy_token",
        "refresh_now",
        "save_file",
        "shell_state",
        "set_autostart",
        "login_offer_done",
        "begin_demo",
        "open_log_folder",
        "first_start_done",
    ]);
    let attributes = tauri_build::Attributes::new().app_manifest(commands);
    tauri_build::try_build(attributes).expect("tauri.conf.json and capabilities are well formed");
}
