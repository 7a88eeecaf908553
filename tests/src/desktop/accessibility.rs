//! What the windows of the toolkit say, as a screen reader reads it (AT-SPI). The private bus starts
//! nobody, so the registry is started by hand, on the session bus itself.

use std::path::{Path, PathBuf};

use zbus::blocking::Connection;
use zbus::zvariant::OwnedObjectPath;

use super::panel::wait_for_name;
use super::screen::APPROVAL_WINDOW;
use super::tray::uncached;
use super::{Environment, Session};
use crate::process::Running;
use crate::wait;

const REGISTRY: &str = "org.a11y.atspi.Registry";
const ROOT: &str = "/org/a11y/atspi/accessible/root";
const ACCESSIBLE: &str = "org.a11y.atspi.Accessible";
const COMPONENT: &str = "org.a11y.atspi.Component";

/// Their places in the bits of a widget's state.
const CHECKED: u32 = 4;
const SENSITIVE: u32 = 24;
const SHOWING: u32 = 25;

/// Bus name and object path of a widget.
type Reference = (String, OwnedObjectPath);

/// A widget that is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Widget {
    /// `label`, `check box`, `push button`.
    pub role: String,
    /// What it says.
    pub text: String,
    pub is_checked: bool,
    /// Whether it takes clicks and keys.
    pub is_sensitive: bool,
    /// Left, top, width, height on the screen.
    pub extents: (i32, i32, i32, i32),
}

pub(super) fn start(environment: &Environment, bus: &Connection) -> Running {
    let registry = Running::start(&mut environment.command(registry_daemon()));
    wait_for_name(bus, REGISTRY);
    registry
}

fn registry_daemon() -> PathBuf {
    let folders = ["/usr/libexec", "/usr/lib/at-spi2-core", "/usr/lib"];
    let paths = folders.map(|folder| Path::new(folder).join("at-spi2-registryd"));
    paths
        .into_iter()
        .find(|path| path.is_file())
        .expect("no at-spi2-registryd, which the toolkit brings")
}

/// The widgets of the window with this title, from the top. None if it is not there, or changes just
/// now.
fn widgets(bus: &Connection, window: &str) -> Option<Vec<Widget>> {
    let programs = children(bus, &(REGISTRY.to_owned(), root()))?;
    let windows = programs.iter().filter_map(|program| children(bus, program));
    let found = windows.flatten().find(|it| {
        let title = text(bus, it);
        title.is_some_and(|title| title == window)
    });
    let mut widgets = Vec::new();
    read(bus, &found?, &mut widgets)?;
    Some(widgets)
}

fn root() -> OwnedObjectPath {
    ROOT.try_into().expect("a path")
}

fn read(bus: &Connection, at: &Reference, into: &mut Vec<Widget>) -> Option<()> {
    for child in children(bus, at)? {
        let accessible = uncached(bus, &child.0, child.1.as_str(), ACCESSIBLE);
        let state: Vec<u32> = accessible.call("GetState", &()).ok()?;
        if is(&state, SHOWING) {
            into.push(widget(bus, &child, &state)?);
        }
        read(bus, &child, into)?;
    }
    Some(())
}

fn widget(bus: &Connection, at: &Reference, state: &[u32]) -> Option<Widget> {
    let accessible = uncached(bus, &at.0, at.1.as_str(), ACCESSIBLE);
    let component = uncached(bus, &at.0, at.1.as_str(), COMPONENT);
    Some(Widget {
        role: accessible.call("GetRoleName", &()).ok()?,
        text: text(bus, at)?,
        is_checked: is(state, CHECKED),
        is_sensitive: is(state, SENSITIVE),
        // In coordinates of the screen.
        extents: component.call("GetExtents", &(0_u32,)).ok()?,
    })
}

/// Whether a bit of a widget's state is set.
fn is(state: &[u32], bit: u32) -> bool {
    let word = state.get(usize::try_from(bit / 32).expect("small"));
    word.is_some_and(|word| word & (1 << (bit % 32)) != 0)
}

fn children(bus: &Connection, of: &Reference) -> Option<Vec<Reference>> {
    let accessible = uncached(bus, &of.0, of.1.as_str(), ACCESSIBLE);
    accessible.call("GetChildren", &()).ok()
}

fn text(bus: &Connection, of: &Reference) -> Option<String> {
    let accessible = uncached(bus, &of.0, of.1.as_str(), ACCESSIBLE);
    accessible.get_property("Name").ok()
}

impl Session {
    /// The widgets that the approval window shows, once it takes an answer.
    pub fn approval_widgets(&self) -> Vec<Widget> {
        wait::until("an approval window that takes an answer", || {
            let widgets = widgets(&self.bus_of_widgets(), APPROVAL_WINDOW)?;
            let mut buttons = widgets.iter().filter(|it| it.role == "push button");
            buttons.any(|it| it.is_sensitive).then_some(widgets)
        })
    }

    /// Clicks on the check box with this text in the approval window, and waits until it has changed.
    pub fn click_check_box(&self, text: &str) {
        let find = |widgets: Vec<Widget>| {
            let mut widgets = widgets.into_iter();
            widgets.find(|it| it.role == "check box" && it.text == text)
        };
        let before = find(self.approval_widgets()).expect("the check box is there");
        let (x, y, width, height) = before.extents;
        self.screen().click_at(x + width / 2, y + height / 2);
        wait::until("a changed check box", || {
            let now = find(widgets(&self.bus_of_widgets(), APPROVAL_WINDOW)?)?;
            (now.is_checked != before.is_checked).then_some(())
        });
    }

    fn bus_of_widgets(&self) -> Connection {
        self.desktop.bus().expect("widgets are read on the bus")
    }
}
