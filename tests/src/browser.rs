//! The system browser: Chromium as `$BROWSER`, with a scripted person.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::desktop::Desktop;
use crate::wait;

const CHROMIUM: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The programs with which desktops open URLs.
const OPENERS: [&str; 5] = ["xdg-open", "gio", "gnome-open", "kde-open", "wslview"];

/// The scripted person.
#[derive(Debug, Clone)]
pub struct Person {
    /// Typed into the login page.
    pub login: String,
    pub consent: Consent,
    /// Whether the browser has a window, on the desktop's screen.
    pub on_screen: bool,
}

/// What a person does when asked for consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Logs in and allows.
    Allow,
    /// Denies.
    Deny,
    /// Opens the first page and does nothing.
    Leave,
}

impl Person {
    /// Logs in as `login` and allows.
    pub fn named(login: &str) -> Self {
        Self {
            login: login.to_owned(),
            consent: Consent::Allow,
            on_screen: false,
        }
    }

    /// With a visible browser.
    #[must_use]
    pub fn on_screen(self) -> Self {
        Self {
            on_screen: true,
            ..self
        }
    }

    /// Logs in as `login` and denies.
    pub fn who_denies(login: &str) -> Self {
        Self {
            consent: Consent::Deny,
            ..Self::named(login)
        }
    }

    /// Never answers.
    pub fn who_leaves(login: &str) -> Self {
        Self {
            consent: Consent::Leave,
            ..Self::named(login)
        }
    }
}

/// A browser with its person. Every visit has a fresh Chromium profile, so no login is remembered.
pub struct Browser {
    folder: PathBuf,
}

/// The result of one visit.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The URL that `$BROWSER` was given.
    pub asked: String,
    /// The last page.
    pub url: String,
    /// Status of the last page.
    pub status: u16,
    /// The last page's title.
    pub title: String,
    /// The last page's visible text.
    pub text: String,
    /// A picture of the last page.
    pub screenshot: PathBuf,
}

impl Browser {
    /// Makes `person`'s browser the desktop's `$BROWSER`.
    pub fn install(desktop: &mut Desktop, person: &Person) -> Self {
        let browser = Self::add(desktop, "browser", person);
        desktop.set("BROWSER", browser.command());
        browser
    }

    /// Another browser, for a second person.
    pub fn add(desktop: &Desktop, name: &str, person: &Person) -> Self {
        let browser = Self {
            folder: desktop.folder().join(name),
        };
        fs::create_dir_all(browser.visits_folder()).expect("our own folder");
        browser.set_person(person);
        let script = format!(
            "#!/bin/sh\nexec node '{}' '{}' '{}' \"$@\"\n",
            node_script("person.mjs").display(),
            browser.person_file().display(),
            browser.visits_folder().display(),
        );
        write_script(&browser.command(), &script);
        browser
    }

    /// Makes a program that only follows redirects the desktop's `$BROWSER`, for servers that ask nobody.
    pub fn install_follower(desktop: &mut Desktop) {
        let program = desktop.folder().join("follow-redirects");
        let curl = "curl --silent --show-error --location --max-time 30 --output /dev/null";
        write_script(&program, &format!("#!/bin/sh\nexec {curl} \"$1\"\n"));
        desktop.set("BROWSER", program);
    }

    /// Makes a program that opens nothing the desktop's `$BROWSER`; the file in which it writes what it
    /// was given.
    pub fn install_recorder(desktop: &mut Desktop) -> PathBuf {
        let opened = desktop.folder().join("opened");
        let program = desktop.folder().join("record-url");
        let script = format!("#!/bin/sh\necho \"$@\" >> '{}'\n", opened.display());
        write_script(&program, &script);
        desktop.set("BROWSER", program);
        opened
    }

    /// Removes the browser: every program that could open one fails at once.
    pub fn remove(desktop: &mut Desktop) {
        let folder = desktop.folder().join("no-browser");
        fs::create_dir_all(&folder).expect("our own folder");
        for opener in OPENERS {
            write_script(&folder.join(opener), "#!/bin/sh\nexit 3\n");
        }
        let path = std::env::var("PATH").expect("PATH is set");
        desktop.set("PATH", format!("{}:{path}", folder.display()));
        desktop.set("BROWSER", "/nowhere/browser");
    }

    /// Sets the person of the following visits.
    pub fn set_person(&self, person: &Person) {
        let consent = match person.consent {
            Consent::Allow => "allow",
            Consent::Deny => "deny",
            Consent::Leave => "leave",
        };
        let script = json!({
            "login": person.login, "consent": consent, "onScreen": person.on_screen,
            "chromium": chromium(),
        });
        fs::write(self.person_file(), script.to_string()).expect("our own folder");
    }

    /// The program that takes a URL.
    pub fn command(&self) -> PathBuf {
        self.folder.join("open-url")
    }

    /// Waits for the end of the `count`-th visit; panics if Chromium failed.
    pub fn wait_for_visit(&self, count: usize) -> Visit {
        wait::until(&format!("visit {count} of the browser"), || {
            self.visits().into_iter().nth(count - 1)
        })
    }

    /// Every visit that ended, oldest first.
    pub fn visits(&self) -> Vec<Visit> {
        self.reports().iter().map(Visit::read).collect()
    }

    fn reports(&self) -> Vec<Value> {
        let files = fs::read_dir(self.visits_folder()).expect("made at the start");
        let mut reports: Vec<_> = files
            .map(|file| file.expect("readable").path())
            .filter(|path| path.extension().is_some_and(|it| it == "json"))
            .map(|path| (path.metadata().and_then(|it| it.modified()).ok(), path))
            .collect();
        reports.sort();
        let texts = reports.iter().map(|(_, path)| fs::read_to_string(path));
        texts
            .map(|text| serde_json::from_str(&text.expect("complete")).expect("our own report"))
            .collect()
    }

    fn person_file(&self) -> PathBuf {
        self.folder.join("person.json")
    }

    fn visits_folder(&self) -> PathBuf {
        self.folder.join("visits")
    }
}

impl Visit {
    fn read(report: &Value) -> Self {
        let error = report["error"].as_str();
        assert_eq!(error, None, "the browser failed");
        assert_eq!(
            report["extraArguments"], 0,
            "`$BROWSER` takes one argument: {report}"
        );
        let text = |key: &str| report[key].as_str().unwrap_or_default().to_owned();
        Self {
            asked: text("asked"),
            url: text("url"),
            status: report["status"]
                .as_u64()
                .and_then(|it| it.try_into().ok())
                .unwrap_or_default(),
            title: text("title"),
            text: text("text"),
            screenshot: text("screenshot").into(),
        }
    }
}

/// The installed Chromium.
pub fn chromium() -> PathBuf {
    let path = std::env::var_os("PATH").expect("PATH is set");
    let known = |folder: PathBuf| CHROMIUM.map(|name| folder.join(name));
    std::env::split_paths(&path)
        .flat_map(known)
        .find(|candidate| candidate.is_file())
        .expect("no Chromium in PATH: `cargo xtask test` installs what is missing")
}

/// A script of `tests/node`, whose packages are installed.
pub fn node_script(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("node");
    assert!(
        folder.join("node_modules").is_dir(),
        "npm packages of the tests are missing: run `cargo xtask test`, or `npm ci` in {}",
        folder.display()
    );
    folder.join(name)
}

fn write_script(path: &Path, text: &str) {
    fs::write(path, text).expect("our own folder");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("our own file");
}
