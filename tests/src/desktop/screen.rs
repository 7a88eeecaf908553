//! A virtual screen: its windows, mouse, keyboard and screenshots.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::process::Running;
use crate::wait;

/// A screen is still once two screenshots this far apart are equal.
const STILL_INTERVAL: Duration = Duration::from_millis(300);
/// After this a screen that still changes is taken as it is.
const STILL_TIMEOUT: Duration = Duration::from_secs(5);

/// The title of the window that asks.
pub const APPROVAL_WINDOW: &str = "Valet Key asks";

/// A private Xvfb.
pub struct Screen {
    number: u32,
    _server: Running,
}

/// A visible window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The X server's number.
    pub id: String,
    /// Its left upper corner and size.
    pub x: i32,
    /// See `x`.
    pub y: i32,
    /// See `x`.
    pub width: i32,
    /// See `x`.
    pub height: i32,
}

/// A part of the screen: left, top, width, height in pixels.
#[derive(Debug, Clone, Copy)]
pub struct Area(pub u32, pub u32, pub u32, pub u32);

impl Screen {
    pub(super) fn start() -> Self {
        let mut xvfb = Command::new("Xvfb");
        xvfb.args(["-displayfd", "1", "-screen", "0", "1280x800x24"]);
        // Otherwise it resets when its last client disconnects, and refuses clients meanwhile.
        xvfb.args(["-noreset", "-nolisten", "tcp"]);
        let server = Running::start(&mut xvfb);
        let number = server.wait_for("its number", |line| line.text.parse().ok());
        Self {
            number,
            _server: server,
        }
    }

    /// `$DISPLAY`.
    pub fn display(&self) -> String {
        format!(":{}", self.number)
    }

    pub(super) fn has_window_manager(&self) -> Option<()> {
        self.xdotool(&["get_desktop"]).map(drop)
    }

    /// The visible windows with exactly this name.
    pub fn windows(&self, name: &str) -> Vec<Window> {
        let special = |c: char| (!c.is_alphanumeric() && c != ' ').then_some('\\');
        let pattern: String = name
            .chars()
            .flat_map(|c| special(c).into_iter().chain([c]))
            .collect();
        self.search("--name", &format!("^{pattern}$"))
    }

    /// The visible windows of a program, by its window class.
    pub fn windows_of(&self, class: &str) -> Vec<Window> {
        self.search("--class", &format!("^{class}$"))
    }

    fn search(&self, by: &str, pattern: &str) -> Vec<Window> {
        let found = self.xdotool(&["search", "--onlyvisible", by, pattern]);
        let ids = found.unwrap_or_default();
        ids.lines().filter_map(|id| self.window(id)).collect()
    }

    fn window(&self, id: &str) -> Option<Window> {
        let text = self.xdotool(&["getwindowgeometry", "--shell", id])?;
        let figure = |name: &str| {
            let mut lines = text.lines();
            let figure = lines.find_map(|it| it.strip_prefix(name)?.strip_prefix('='));
            figure?.parse().ok()
        };
        Some(Window {
            id: id.to_owned(),
            x: figure("X")?,
            y: figure("Y")?,
            width: figure("WIDTH")?,
            height: figure("HEIGHT")?,
        })
    }

    /// Waits for a window with this name.
    pub fn wait_for_window(&self, name: &str) -> Window {
        wait::until(&format!("a window `{name}`"), || {
            self.windows(name).into_iter().next()
        })
    }

    /// Waits until no window has this name.
    pub fn wait_for_no_window(&self, name: &str) {
        wait::until(&format!("no window `{name}`"), || {
            self.windows(name).is_empty().then_some(())
        });
    }

    /// Closes a window as a person does: Alt+F4. Needs a window manager.
    pub fn close(&self, window: &Window) {
        self.raise(window);
        self.press("alt+F4");
    }

    /// Brings a window to the front and gives it the keyboard.
    pub fn raise(&self, window: &Window) {
        self.xdotool(&["windowactivate", "--sync", &window.id])
            .expect("the window is there");
    }

    /// Answers the question in the approval window by a key of its buttons, such as `a` for Always. The
    /// buttons take none in the first moments. Needs a window manager.
    pub fn answer(&self, key: &str) {
        let asked = self.wait_for_window(APPROVAL_WINDOW);
        wait::until("an answered question", || {
            let open = self.windows(APPROVAL_WINDOW);
            if open.iter().all(|window| window.id != asked.id) {
                return Some(());
            }
            // Fails if it closes just now.
            self.xdotool(&["windowactivate", "--sync", &asked.id]);
            self.press(&format!("alt+{key}"));
            None
        });
    }

    /// Presses a key, as `xdotool` names it: `Return`, `alt+F4`.
    pub fn press(&self, key: &str) {
        self.xdotool(&["key", key]).expect("the screen takes keys");
    }

    /// Clicks with the left button, at a place in a window.
    pub fn click(&self, window: &Window, x: i32, y: i32) {
        let (x, y) = (x.to_string(), y.to_string());
        self.xdotool(&[
            "mousemove",
            "--sync",
            "--window",
            &window.id,
            &x,
            &y,
            "click",
            "1",
        ])
        .expect("the window is there");
    }

    /// Moves the mouse to the middle of a window and clicks with the left button.
    pub fn click_on(&self, window: &Window) {
        self.click(window, window.width / 2, window.height / 2);
    }

    /// Clicks with the left button at a place of the screen.
    pub fn click_at(&self, x: i32, y: i32) {
        let (x, y) = (x.to_string(), y.to_string());
        self.xdotool(&["mousemove", "--sync", &x, &y, "click", "1"])
            .expect("the screen takes clicks");
    }

    /// A picture of the screen, once it is still: `target/FOLDER/STEP.png`.
    pub fn picture(&self, folder: &str, step: &str) -> PathBuf {
        let path = picture_folder(folder).join(format!("{step}.png"));
        self.shoot_still(&path, None);
        path
    }

    /// A picture of the screen or a part of it, once that is still.
    pub fn shoot_still(&self, path: &Path, area: Option<&Area>) {
        let began = Instant::now();
        let mut before = self.shoot_area(path, area);
        while began.elapsed() < STILL_TIMEOUT {
            std::thread::sleep(STILL_INTERVAL);
            let now = self.shoot_area(path, area);
            if now == before {
                break;
            }
            before = now;
        }
    }

    /// Whether any pixel has this colour.
    pub fn shows(&self, colour: [u8; 3]) -> bool {
        let file = tempfile::Builder::new().suffix(".ppm").tempfile();
        let picture = self.shoot(file.expect("/tmp takes a file").path());
        // A header, then three bytes a pixel.
        let (_header, pixels) = picture.as_rchunks::<3>();
        pixels.contains(&colour)
    }

    /// A picture of the screen as it is now, written there and returned.
    pub fn shoot(&self, path: &Path) -> Vec<u8> {
        self.shoot_area(path, None)
    }

    fn shoot_area(&self, path: &Path, area: Option<&Area>) -> Vec<u8> {
        let mut scrot = Command::new("scrot");
        scrot.arg("--overwrite");
        if let Some(Area(x, y, width, height)) = area {
            scrot.arg(format!("--autoselect={x},{y},{width},{height}"));
        }
        let output = self.run(scrot.arg(path));
        assert!(output.status.success(), "no picture: {output:?}");
        std::fs::read(path).expect("just written")
    }

    fn xdotool(&self, arguments: &[&str]) -> Option<String> {
        let output = self.run(Command::new("xdotool").args(arguments));
        let text = String::from_utf8(output.stdout).expect("plain text");
        output.status.success().then_some(text)
    }

    fn run(&self, command: &mut Command) -> Output {
        let program = command.get_program().to_string_lossy().into_owned();
        let output = command.env("DISPLAY", self.display()).output();
        output.unwrap_or_else(|error| panic!("`{program}` does not start: {error}"))
    }
}

/// Where pictures of this name are kept: a folder under the target folder.
pub fn picture_folder(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let folder = target.unwrap_or_else(default).join(name);
    std::fs::create_dir_all(&folder).expect("the target folder is ours");
    folder
}
