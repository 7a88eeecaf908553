//! The window's processes at the socket: whatever descends from the app below another process of the
//! app's own program. Here this test program stands for the app, and for its window.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::gateway::Gateway;

/// The socket that a process in the part of the window connects to.
const SOCKET: &str = "VALETKEY_TEST_WINDOW_SOCKET";

/// What a web engine would run.
fn ask(socket: &Path) -> Command {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--max-time", "20", "--unix-socket"])
        .arg(socket)
        .arg("http://valetkey/api/v1/credentials/connections/demo")
        .stdin(Stdio::null());
    curl
}

/// The part of the window: nothing but where another test starts it.
#[test]
fn the_part_of_the_window() {
    if let Some(socket) = std::env::var_os(SOCKET) {
        let ended = ask(Path::new(&socket)).status().unwrap();
        assert!(ended.success());
    }
}

async fn says(mut command: Command) -> String {
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn what_the_window_starts_is_refused_and_what_the_app_starts_is_not() {
    let gateway = Gateway::open(&[]).await;
    // As the browser, which the app itself starts.
    let answer = says(ask(&gateway.socket)).await;
    assert!(answer.contains(r#""name":"demo""#), "{answer}");

    let part = "own_window::the_part_of_the_window";
    let mut window = Command::new(std::env::current_exe().unwrap());
    window
        .args([part, "--exact", "--nocapture"])
        .env(SOCKET, &gateway.socket);
    let answer = says(window).await;
    assert!(answer.contains(r#""code":"access_denied""#), "{answer}");
    assert!(answer.contains("the window started"), "{answer}");
    assert!(!answer.contains(r#""name":"demo""#), "{answer}");
}
