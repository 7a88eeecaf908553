//! What the icon stands on. A template of macOS takes the menu bar's colour by itself; Windows has a
//! setting for its taskbar, apart from the one for apps. It is read once: whoever changes it sees the
//! new icon after the next start.

use super::Ground;

/// Tells the ground if it is known.
#[cfg(windows)]
pub(super) fn follow(tell: impl Fn(Ground) + Send + 'static) {
    use std::os::windows::process::CommandExt as _;
    use std::process::Command;

    const NO_CONSOLE: u32 = 0x0800_0000;
    const PERSONALIZE: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Themes\Personalize";
    std::thread::spawn(move || {
        let asked = Command::new("reg")
            .args(["query", PERSONALIZE, "/v", "SystemUsesLightTheme"])
            .creation_flags(NO_CONSOLE)
            .output();
        let told = asked.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        match told {
            Ok(told) if told.trim_end().ends_with("0x1") => tell(Ground::Light),
            Ok(_) => tell(Ground::Dark),
            Err(error) => tracing::debug!(%error, "no color scheme"),
        }
    });
}

/// Nothing to tell.
#[cfg(not(windows))]
pub(super) fn follow(_tell: impl Fn(Ground) + Send + 'static) {}
