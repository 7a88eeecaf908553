//! What the tasks need on a machine, and whether it is there.

use std::process::Command;

use crate::command::find_program;

/// A program that a task runs, or a library that it builds with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Requirement {
    /// Names of the program, one of which must be in `PATH`. A name with `.pc` is a library that
    /// pkg-config must know, one with `.py` a module that `python3` must find.
    pub(crate) programs: &'static [&'static str],
    /// The Debian package that contains it.
    pub(crate) package: &'static str,
    /// What it is for, shown to the person.
    pub(crate) purpose: &'static str,
}

impl Requirement {
    /// Whether it is on this machine.
    pub(crate) fn is_met(&self) -> bool {
        self.programs
            .iter()
            .any(|name| match name.rsplit_once('.') {
                Some((library, "pc")) => succeeds("pkg-config", &["--exists", library]),
                Some((module, "py")) => succeeds("python3", &["-c", &format!("import {module}")]),
                Some(_) | None => find_program(name).is_some(),
            })
    }
}

/// Also false if the program is not there.
fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let output = Command::new(program).args(arguments).output();
    output.is_ok_and(|output| output.status.success())
}

/// For building the desktop app.
pub(crate) const DESKTOP: &[Requirement] = &[
    Requirement {
        programs: &["pkg-config"],
        package: "pkg-config",
        purpose: "finds the libraries of the desktop app",
    },
    Requirement {
        programs: &["webkit2gtk-4.1.pc"],
        package: "libwebkit2gtk-4.1-dev",
        purpose: "the window of the desktop app",
    },
    Requirement {
        programs: &["ayatana-appindicator3-0.1.pc"],
        package: "libayatana-appindicator3-dev",
        purpose: "its icon in the tray",
    },
];

/// For installing a Node.js of our own.
pub(crate) const NPM: &[Requirement] = &[Requirement {
    programs: &["npm"],
    package: "npm",
    purpose: "installs what the page and the tests are built with",
}];

/// For the demo.
pub(crate) const DEMO: &[Requirement] = &[Requirement {
    programs: &["curl"],
    package: "curl",
    purpose: "a program that fetches a token, and the browser where there is none",
}];

/// For the tests.
pub(crate) const TESTS: &[Requirement] = &[
    Requirement {
        programs: &["dbus-daemon"],
        package: "dbus",
        purpose: "a private session bus for each test",
    },
    Requirement {
        programs: &["gnome-keyring-daemon"],
        package: "gnome-keyring",
        purpose: "a real keychain for each test",
    },
    Requirement {
        programs: &["chromium", "chromium-browser", "google-chrome"],
        package: "chromium",
        purpose: "the system browser of the sign-in tests",
    },
    Requirement {
        programs: &["Xvfb"],
        package: "xvfb",
        purpose: "a screen for the desktop app",
    },
    Requirement {
        programs: &["xfwm4"],
        package: "xfwm4",
        purpose: "the windows on it",
    },
    Requirement {
        programs: &["xfce4-panel"],
        package: "xfce4-panel",
        purpose: "a tray",
    },
    Requirement {
        programs: &["xfconf-query"],
        package: "xfconf",
        purpose: "the settings of window manager and panel",
    },
    Requirement {
        programs: &["dunst"],
        package: "dunst",
        purpose: "shows notifications",
    },
    Requirement {
        programs: &["WebKitWebDriver"],
        package: "webkit2gtk-driver",
        purpose: "clicks and reads in the page of the desktop app",
    },
    Requirement {
        programs: &["xclip"],
        package: "xclip",
        purpose: "another program that reads and fills the clipboard",
    },
    Requirement {
        programs: &["xdotool"],
        package: "xdotool",
        purpose: "mouse and keyboard",
    },
    Requirement {
        programs: &["scrot"],
        package: "scrot",
        purpose: "pictures of the screen",
    },
    Requirement {
        programs: &["python3"],
        package: "python3",
        purpose: "a local tool that fetches a token",
    },
    Requirement {
        programs: &["ensurepip.py"],
        package: "python3-venv",
        purpose: "installs the tester of the API's document",
    },
    Requirement {
        programs: &["curl"],
        package: "curl",
        purpose: "a local tool that fetches a token",
    },
];
