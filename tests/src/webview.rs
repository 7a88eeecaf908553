//! The app's page in the real web view, as a person uses it: things on the screen by their role and
//! their words. What lies under an open dialog, is hidden or switched off is not there.

mod driver;

use std::path::Path;

use serde_json::{Value, json};

use crate::agent::binary;
use crate::desktop::Desktop;
use crate::wait;

pub use driver::{Element, Refused, WebDriver};

const APP: &str = "VALETKEY_DESKTOP_BIN";
const PAGE: &str = include_str!("webview/page.js");
const RECORDER: &str = include_str!("webview/recorder.js");

// Keys without a letter (W3C WebDriver, 17.4.2).
const BACKSPACE: &str = "\u{E003}";
/// The key that takes a line.
pub const ENTER: &str = "\u{E007}";
/// The key that closes.
pub const ESCAPE: &str = "\u{E00C}";

/// What a person tells apart on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Something to press.
    Button,
    /// Something that leads elsewhere.
    Link,
    /// A line of an open menu.
    MenuItem,
    /// One of several cards, of which one is shown.
    Tab,
    /// A choice from a list.
    Choice,
    /// Where one types.
    Field,
    /// Where a file is given.
    File,
}

/// The app with its one window, driven.
pub struct WebView {
    driver: WebDriver,
}

impl WebView {
    /// Starts the app on this desktop and waits for its page.
    pub fn open(desktop: &Desktop) -> Self {
        let driver = WebDriver::start(desktop, &binary(APP), &["--port", "0", "--policy", "allow"]);
        let view = Self { driver };
        view.until("its page", "document.querySelector('main') !== null");
        view
    }

    /// Clicks; waits until there is exactly one to be clicked.
    pub fn click(&self, role: Role, name: &str) {
        self.with(role, name, |it| self.driver.click(it));
    }

    /// Types this into a field instead of what stands there.
    pub fn fill(&self, label: &str, text: &str) {
        self.with(Role::Field, label, |it| {
            let script = "arguments[0].focus(); arguments[0].select()";
            self.driver.run(script, &json!([it]))?;
            let text = if text.is_empty() { BACKSPACE } else { text };
            self.driver.type_into(it, text)
        });
    }

    /// Types into a field, at the end of what stands there.
    pub fn press(&self, label: &str, keys: &str) {
        self.with(Role::Field, label, |it| self.driver.type_into(it, keys));
    }

    /// Gives a file to a file input.
    pub fn give_file(&self, label: &str, file: &Path) {
        let file = file.to_str().expect("our own folder");
        self.with(Role::File, label, |it| self.driver.type_into(it, file));
    }

    /// Takes a choice from a list, by its words.
    pub fn choose(&self, label: &str, option: &str) {
        // The list itself opens as a window of its own.
        let script = "const [list, words] = arguments;
            const option = [...list.options].find(({text}) => text.trim() === words);
            list.selectedIndex = option.index;
            list.dispatchEvent(new Event('change', {bubbles: true}))";
        self.with(Role::Choice, label, |it| {
            self.driver.run(script, &json!([it, option])).map(drop)
        });
    }

    /// Waits until these words are on the screen.
    pub fn see(&self, text: &str) {
        self.wait_for_words("words().includes(text)", text);
    }

    /// Waits until these words are no longer on the screen.
    pub fn see_no_more(&self, text: &str) {
        self.wait_for_words("!words().includes(text)", text);
    }

    /// Waits until there is such a thing.
    pub fn see_one(&self, role: Role, name: &str) {
        self.with(role, name, |_| Ok(()));
    }

    /// Waits until the row that this link leads from says this.
    pub fn see_in_row(&self, link: &str, text: &str) {
        let script = format!("row({}).includes(text)", json!(link));
        self.wait_for_words(&script, text);
    }

    /// All words on the screen; with a dialog open, those of the dialog.
    pub fn words(&self) -> String {
        let said = self.run("return words()", &json!([]));
        said.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until this expression is true in the page.
    pub fn until(&self, what: &str, expression: &str) {
        wait::until(what, || self.wait_for(expression, &json!([])));
    }

    /// Runs a function body in the page, with what `page.js` offers.
    pub fn run(&self, script: &str, arguments: &Value) -> Value {
        let ran = self.driver.run(&format!("{PAGE}{script}"), arguments);
        ran.unwrap_or_else(|refused| panic!("{refused:?}\n{script}"))
    }

    /// Calls a command of the shell as the page could: its answer, or its refusal.
    pub fn invoke(&self, command: &str, arguments: &Value) -> Result<Value, Value> {
        let script = "const [command, given, done] = arguments;
            window.__TAURI_INTERNALS__.invoke(command, given)
                .then((answer) => done({answer}), (refusal) => done({refusal}))";
        let told = self.driver.run_async(script, &json!([command, arguments]));
        let mut told = told.expect("the page runs");
        match told.get_mut("refusal") {
            Some(refusal) => Err(refusal.take()),
            None => Ok(told["answer"].take()),
        }
    }

    /// From now on everything that crosses the bridge is written down, beginning with the first
    /// request of the page; for [`Self::crossed`].
    pub fn record_the_bridge(&self) {
        self.run(RECORDER, &json!([]));
        self.until("the page again", "document.querySelector('main') !== null");
    }

    /// What the page sent over the bridge, and what it received.
    pub fn crossed(&self) -> (Vec<String>, Vec<String>) {
        let mut crossed = self.run("return window.crossed()", &json!([]));
        let mut texts = |way: &str| {
            serde_json::from_value(crossed[way].take()).expect("the recorder writes texts")
        };
        (texts("sent"), texts("received"))
    }

    /// What drives it.
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    fn with(&self, role: Role, name: &str, act: impl Fn(&Element) -> Result<(), Refused>) {
        let kind = match role {
            Role::Button => "button",
            Role::Link => "link",
            Role::MenuItem => "menuitem",
            Role::Tab => "tab",
            Role::Choice => "choice",
            Role::Field => "field",
            Role::File => "file",
        };
        let done = wait::within(wait::TIMEOUT, || {
            let found = self.wait_for("only(...given)", &json!([kind, name]))?;
            // It may have gone or been covered since it was found.
            act(&Element::read(&found)?).ok()
        });
        let screen = || self.words();
        assert!(done.is_some(), "no {role:?} `{name}` in: {}", screen());
    }

    fn wait_for_words(&self, script: &str, text: &str) {
        let script = format!("(([text]) => {script})(given)");
        let seen = wait::within(wait::TIMEOUT, || self.wait_for(&script, &json!([text])));
        assert!(seen.is_some(), "{script} `{text}` in: {}", self.words());
    }

    /// Waits a moment, in the page, until this expression over `given` is something.
    fn wait_for(&self, expression: &str, given: &Value) -> Option<Value> {
        let script = format!(
            "{PAGE} const given = [...arguments]; const done = given.pop();
            wait(() => {expression}, done)"
        );
        // The page may load again while it is asked.
        let found = self.driver.run_async(&script, given).ok()?;
        (!found.is_null()).then_some(found)
    }
}
