//! The tray icon of the app and its menu, as the panel reads and clicks them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use zbus::blocking::proxy::Builder;
use zbus::blocking::{Connection, Proxy};
use zbus::proxy::CacheProperties;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use crate::wait;

pub(super) const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

/// What `GetLayout` gives for one line: its number, how it looks, its own lines.
type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// The tray of one desktop.
pub struct Tray {
    bus: Connection,
}

/// One line of the menu. Separators have no words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuLine {
    id: i32,
    /// What it says.
    pub words: String,
    /// Whether it can be clicked.
    pub enabled: bool,
    /// Its submenu.
    pub lines: Vec<MenuLine>,
}

impl Tray {
    pub(super) fn new(bus: Connection) -> Self {
        Self { bus }
    }

    /// Who shows an icon: bus name and object path, as the watcher lists them.
    pub fn items(&self) -> Vec<String> {
        let watcher = self.proxy(WATCHER, "/StatusNotifierWatcher", WATCHER);
        let items = watcher.get_property("RegisteredStatusNotifierItems");
        items.unwrap_or_default()
    }

    /// The picture that the panel is given: the bytes of its file.
    pub fn icon(&self) -> Option<Vec<u8>> {
        let item = self.items().into_iter().next_back()?;
        let (name, path) = item.split_at(item.find('/')?);
        let icon = self.proxy(name, path, ITEM);
        let folder: String = icon.get_property("IconThemePath").ok()?;
        let name: String = icon.get_property("IconName").ok()?;
        let file = Path::new(&folder).join(name);
        fs::read(file.with_extension("png")).ok()
    }

    /// Waits for the app's icon.
    pub fn wait_for_icon(&self) {
        self.menu();
    }

    /// The menu as it is, separators left out.
    pub fn lines(&self) -> Vec<MenuLine> {
        wait::until("the menu", || read(&self.menu()))
    }

    /// The words of the menu's lines, without those of submenus.
    pub fn words(&self) -> Vec<String> {
        self.lines().into_iter().map(|line| line.words).collect()
    }

    /// Waits for a line with these words.
    pub fn wait_for_line(&self, words: &str) -> MenuLine {
        let mut seen = Vec::new();
        let found = wait::within(wait::TIMEOUT, || {
            seen = self.lines();
            seen.iter().find(|line| line.words == words).cloned()
        });
        found.unwrap_or_else(|| panic!("no line `{words}` in the menu: {seen:#?}"))
    }

    /// Clicks on a line, by the words of the way to it. A word stands for `word: state` too.
    pub fn pick(&self, way: &[&str]) {
        let mut seen = Vec::new();
        let picked = wait::within(wait::TIMEOUT, || {
            let menu = self.menu();
            seen = read(&menu)?;
            let id = find(&seen, way)?;
            // The menu may have been built anew meanwhile: then the number is of nobody.
            let event = (id, "clicked", Value::from(0_i32), 0_u32);
            menu.call::<_, _, ()>("Event", &event).ok()
        });
        picked.unwrap_or_else(|| panic!("no way {way:?} in the menu: {seen:#?}"));
    }

    fn menu(&self) -> Proxy<'static> {
        wait::until("the app's tray icon", || {
            let item = self.items().into_iter().next_back()?;
            let (name, path) = item.split_at(item.find('/')?);
            let icon = self.proxy(name, path, ITEM);
            let menu: OwnedObjectPath = icon.get_property("Menu").ok()?;
            let menu = Proxy::new_owned(self.bus.clone(), name.to_owned(), menu, MENU);
            menu.ok()
        })
    }

    fn proxy<'a>(&'a self, name: &'a str, path: &'a str, interface: &'a str) -> Proxy<'a> {
        uncached(&self.bus, name, path, interface)
    }
}

/// Panels do not announce every change of their properties.
pub(super) fn uncached<'a>(
    bus: &Connection,
    name: &'a str,
    path: &'a str,
    interface: &'a str,
) -> Proxy<'a> {
    let proxy = Builder::new(bus)
        .cache_properties(CacheProperties::No)
        .destination(name)
        .and_then(|it| it.path(path)?.interface(interface));
    proxy.and_then(Builder::build).expect("valid names")
}

/// None while the app is busy or builds it anew.
fn read(menu: &Proxy<'_>) -> Option<Vec<MenuLine>> {
    // A panel says so before it shows the menu.
    let _needs_update: bool = menu.call("AboutToShow", &(0_i32,)).ok()?;
    let whole = (0_i32, -1_i32, Vec::<&str>::new());
    let (_revision, root): (u32, Layout) = menu.call("GetLayout", &whole).ok()?;
    Some(lines(root.2))
}

fn lines(children: Vec<OwnedValue>) -> Vec<MenuLine> {
    let children = children.into_iter().map(line);
    children.filter(|line| !line.words.is_empty()).collect()
}

fn line(child: OwnedValue) -> MenuLine {
    let (id, look, children) = Layout::try_from(child).expect("a layout");
    let words = look.get("label").map(|it| it.downcast_ref::<&str>());
    let enabled = look.get("enabled").map(|it| it.downcast_ref::<bool>());
    MenuLine {
        id,
        // An underscore marks the key; two are one.
        words: words.map_or_else(String::new, |it| it.expect("words").replace("__", "_")),
        enabled: enabled.is_none_or(|it| it.expect("yes or no")),
        lines: lines(children),
    }
}

fn find(lines: &[MenuLine], way: &[&str]) -> Option<i32> {
    let (words, rest) = way.split_first()?;
    let is_it = |line: &&MenuLine| {
        let state = line.words.strip_prefix(words);
        state.is_some_and(|it| it.is_empty() || it.starts_with(": "))
    };
    let line = lines.iter().find(is_it)?;
    if rest.is_empty() {
        line.enabled.then_some(line.id)
    } else {
        find(&line.lines, rest)
    }
}
