//! What the tasks need on a machine, and how to see that it is there.

use std::process::Command;

use crate::shell::find_program;

/// A program that a task runs, or a library that it builds with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// The program; the first of these in `PATH` will do. A name with `.pc` is a library that
    /// pkg-config knows.
    pub(crate) programs: &'static [&'static str],
    /// The Debian package that brings it.
    pub(crate) package: &'static str,
    /// What it is for, as the person reads it.
    pub(crate) purpose: &'static str,
}

impl Need {
    /// Is it on this machine?
    pub(crate) fn is_met(&self) -> bool {
        self.programs
            .iter()
            .any(|name| match name.strip_suffix(".pc") {
                Some(library) => is_installed(library),
                None => find_program(name).is_some(),
            })
    }
}

fn is_installed(library: &str) -> bool {
    let asked = Command::new("pkg-config")
        .args(["--exists", library])
        .status();
    asked.is_ok_and(|status| status.success())
}

/// For building the desktop app.
pub(crate) const DESKTOP: &[Need] = &[
    Need {
        programs: &["pkg-config"],
        package: "pkg-config",
        purpose: "finds the libraries of the desktop app",
    },
    Need {
        programs: &["webkit2gtk-4.1.pc"],
        package: "libwebkit2gtk-4.1-dev",
        purpose: "the window of the desktop app",
    },
    Need {
        programs: &["ayatana-appindicator3-0.1.pc"],
        package: "libayatana-appindicator3-dev",
        purpose: "its icon in the tray",
    },
];

/// For installing a Node.js of our own.
pub(crate) const NPM: &[Need] = &[Need {
    programs: &["npm"],
    package: "npm",
    purpose: "installs what the page and the tests are built with",
}];

/// For the demo.
pub(crate) const DEMO: &[Need] = &[Need {
    programs: &["curl"],
    package: "curl",
    purpose: "a program that fetches a token, and the browser where there is none",
}];

/// For the tests.
pub(crate) const TESTS: &[Need] = &[
    Need {
        programs: &["dbus-daemon"],
        package: "dbus",
        purpose: "a private session bus for each test",
    },
    Need {
        programs: &["gnome-keyring-daemon"],
        package: "gnome-keyring",
        purpose: "a real keychain for each test",
    },
    Need {
        programs: &["chromium", "chromium-browser", "google-chrome"],
        package: "chromium",
        purpose: "the system browser of the sign-in tests",
    },
    Need {
        programs: &["Xvfb"],
        package: "xvfb",
        purpose: "a screen for the desktop app",
    },
    Need {
        programs: &["xfwm4"],
        package: "xfwm4",
        purpose: "the windows on it",
    },
    Need {
        programs: &["xfce4-panel"],
        package: "xfce4-panel",
        purpose: "a tray",
    },
    Need {
        programs: &["xfconf-query"],
        package: "xfconf",
        purpose: "the settings of window manager and panel",
    },
    Need {
        programs: &["dunst"],
        package: "dunst",
        purpose: "shows notifications",
    },
    Need {
        programs: &["WebKitWebDriver"],
        package: "webkit2gtk-driver",
        purpose: "clicks and reads in the page of the desktop app",
    },
    Need {
        programs: &["xclip"],
        package: "xclip",
        purpose: "another program that reads and fills the clipboard",
    },
    Need {
        programs: &["xdotool"],
        package: "xdotool",
        purpose: "mouse and keyboard",
    },
    Need {
        programs: &["scrot"],
        package: "scrot",
        purpose: "pictures of the screen",
    },
    Need {
        programs: &["python3"],
        package: "python3",
        purpose: "a local tool that fetches a token",
    },
    Need {
        programs: &["curl"],
        package: "curl",
        purpose: "a local tool that fetches a token",
    },
];
