//! Another user of the machine.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::fixture::Asking;

const STATUS: &str = "/api/v1/status";

/// Without root there is no other user to be: the runner shows this test's output, and CI requires it.
#[test]
fn another_user_is_refused_at_the_socket() {
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var_os("CI").is_none(), "CI runs this as root");
        println!("NOT RUN: another user is refused at the socket (needs root)");
        return;
    }
    let asking = Asking::start();
    let url = format!("http://localhost{STATUS}");
    let curl = |user: &str| {
        let (user, group) = (format!("--reuid={user}"), format!("--regid={user}"));
        let socket = asking.socket().to_str().unwrap();
        let arguments = [
            &user,
            &group,
            "--clear-groups",
            "curl",
            "--silent",
            "--show-error",
            "--output",
            "/dev/null",
            "--write-out",
            "%{http_code}",
            "--unix-socket",
            socket,
            &url,
        ];
        let output = asking
            .command("setpriv", &arguments)
            .current_dir("/")
            .output();
        let output = output.expect("setpriv, of util-linux");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_ne!(curl("0"), "000", "ourselves");
    assert_eq!(curl("65534"), "000", "by the folder's permissions");
    let folders = asking.socket().ancestors().skip(1);
    for folder in folders.take_while(|folder| folder.as_os_str() != "/tmp") {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
    }
    fs::set_permissions(asking.socket(), fs::Permissions::from_mode(0o666)).unwrap();
    assert_ne!(curl("0"), "000", "ourselves, still");
    assert_eq!(curl("65534"), "000", "by the user of the peer");
    let log = asking.log();
    assert!(
        log.contains("connection from another user refused"),
        "{log}"
    );
}
