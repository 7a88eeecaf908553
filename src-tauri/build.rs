//! Reads `tauri.conf.json` and the capabilities, which name the commands of the page.

use serde_json::Value;

fn main() {
    let capability: Value = serde_json::from_str(include_str!("capabilities/window.json"))
        .expect("the capability is JSON");
    let permissions = capability["permissions"].as_array().expect("a list");
    let commands: Vec<&str> = permissions
        .iter()
        .filter_map(|permission| permission.as_str()?.strip_prefix("allow-"))
        .map(|name| &*name.replace('-', "_").leak())
        .collect();
    let manifest = tauri_build::AppManifest::new().commands(commands.leak());
    let attributes = tauri_build::Attributes::new().app_manifest(manifest);
    tauri_build::try_build(attributes).expect("tauri.conf.json and capabilities are well formed");
}
