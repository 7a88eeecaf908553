//! Icon and menu in the tray. `model` decides what they show, this file draws it; `click` runs what is
//! picked from the menu.

pub(crate) mod appindicator;
mod click;
mod model;
mod panel_theme;
mod status_notifier;

use std::sync::{Mutex, OnceLock, PoisonError};

use tauri::image::Image;
use tauri::include_image;
use tauri::menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem, SubmenuBuilder};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager as _, Wry};

use crate::snapshot::Snapshot;
use model::{Line, MenuAction, Model, State};

/// Why the icon could not be created.
static FAILURE: OnceLock<String> = OnceLock::new();

/// Why no icon is visible now; None if one is.
pub(crate) fn problem() -> Option<String> {
    FAILURE.get().cloned().or_else(status_notifier::problem)
}

/// The icon, its menu, and what they show.
pub(crate) struct Tray {
    icon: TrayIcon,
    menu: Menu<Wry>,
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    model: Option<Model>,
    theme: PanelTheme,
}

/// The brightness of the panel behind the icon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum PanelTheme {
    /// Most panels.
    #[default]
    Dark,
    Light,
}

/// Creates the icon. If that fails, [`problem`] tells why.
pub(crate) fn create(app: &AppHandle) {
    let failure = appindicator::problem().or_else(|| {
        let created = try_create(app);
        created
            .err()
            .map(|error| format!("The icon cannot be created ({error})"))
    });
    if let Some(why) = failure {
        FAILURE.get_or_init(|| why);
    }
}

fn try_create(app: &AppHandle) -> tauri::Result<()> {
    let menu = Menu::new(app)?;
    let icon = TrayIconBuilder::with_id("valetkey")
        .icon(picture(State::Starting, PanelTheme::default()))
        .tooltip("Valet Key")
        .menu(&menu)
        .on_menu_event(|app, event: MenuEvent| {
            if let Some(action) = MenuAction::parse(&event.id().0) {
                click::run(app, action);
            }
        })
        .build(app)?;
    let tray = Tray {
        icon,
        menu,
        shown: Mutex::default(),
    };
    tray.show(app, Model::starting())?;
    app.manage(tray);
    let handle = app.clone();
    panel_theme::follow(move |theme| change(&handle, move |tray, _| tray.set_theme(theme)));
    Ok(())
}

/// Shows this snapshot.
pub(crate) fn update(app: &AppHandle, snapshot: &Snapshot) {
    let model = Model::of(snapshot);
    change(app, |tray, app| tray.show(app, model));
}

fn change(
    app: &AppHandle,
    change: impl FnOnce(&Tray, &AppHandle) -> tauri::Result<()> + Send + 'static,
) {
    let handle = app.clone();
    let changed = app.run_on_main_thread(move || {
        let Some(tray) = handle.try_state::<Tray>() else {
            return;
        };
        if let Err(error) = change(&tray, &handle) {
            tracing::error!(%error, "tray");
        }
    });
    if let Err(error) = changed {
        tracing::error!(%error, "tray");
    }
}

impl Tray {
    /// Changes only what differs: a menu that is open stays open.
    fn show(&self, app: &AppHandle, model: Model) -> tauri::Result<()> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let before = shown.model.as_ref();
        if before.is_none_or(|before| before.state != model.state) {
            self.icon
                .set_icon(Some(picture(model.state, shown.theme)))?;
            self.icon.set_tooltip(Some(model.state.tooltip()))?;
        }
        if before.is_none_or(|before| before.lines != model.lines || before.end != model.end) {
            // On Linux a menu cannot be replaced, only its content.
            for item in self.menu.items()? {
                self.menu.remove(&item)?;
            }
            for line in &model.lines {
                self.append(app, line)?;
            }
            if !model.lines.is_empty() {
                self.menu.append(&PredefinedMenuItem::separator(app)?)?;
            }
            for line in &model.end {
                self.append(app, line)?;
            }
        }
        shown.model = Some(model);
        Ok(())
    }

    fn set_theme(&self, theme: PanelTheme) -> tauri::Result<()> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.theme == theme {
            return Ok(());
        }
        shown.theme = theme;
        let state = shown.model.as_ref().map_or(State::Starting, |it| it.state);
        self.icon.set_icon(Some(picture(state, theme)))
    }

    fn append(&self, app: &AppHandle, line: &Line) -> tauri::Result<()> {
        match line {
            Line::Item { label, action } => {
                let id = action.to_string();
                let item = MenuItem::with_id(app, id, escaped(label), true, None::<&str>)?;
                self.menu.append(&item)
            }
            Line::Submenu { label, actions } => {
                let mut submenu = SubmenuBuilder::new(app, escaped(label));
                for (label, action) in actions {
                    submenu = submenu.text(action.to_string(), label);
                }
                self.menu.append(&submenu.build()?)
            }
        }
    }
}

/// A single `&` would mark the letter after it as a key.
fn escaped(label: &str) -> String {
    label.replace('&', "&&")
}

fn picture(state: State, theme: PanelTheme) -> Image<'static> {
    match (theme, state) {
        (PanelTheme::Dark, State::Well) => include_image!("../icons/tray/on-dark/well@2x.png"),
        (PanelTheme::Dark, State::NeedsYou | State::Asking) => {
            include_image!("../icons/tray/on-dark/needs-you@2x.png")
        }
        (PanelTheme::Dark, State::Locked) => include_image!("../icons/tray/on-dark/locked@2x.png"),
        (PanelTheme::Dark, State::Busy) => include_image!("../icons/tray/on-dark/busy@2x.png"),
        (PanelTheme::Dark, State::Paused | State::Starting) => {
            include_image!("../icons/tray/on-dark/hollow@2x.png")
        }
        (PanelTheme::Light, State::Well) => include_image!("../icons/tray/on-light/well@2x.png"),
        (PanelTheme::Light, State::NeedsYou | State::Asking) => {
            include_image!("../icons/tray/on-light/needs-you@2x.png")
        }
        (PanelTheme::Light, State::Locked) => {
            include_image!("../icons/tray/on-light/locked@2x.png")
        }
        (PanelTheme::Light, State::Busy) => include_image!("../icons/tray/on-light/busy@2x.png"),
        (PanelTheme::Light, State::Paused | State::Starting) => {
            include_image!("../icons/tray/on-light/hollow@2x.png")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locked_keychain_has_an_icon_of_its_own() {
        for theme in [PanelTheme::Dark, PanelTheme::Light] {
            let locked = picture(State::Locked, theme);
            for state in [
                State::Well,
                State::NeedsYou,
                State::Asking,
                State::Busy,
                State::Paused,
                State::Starting,
            ] {
                assert!(locked.rgba() != picture(state, theme).rgba(), "{state:?}");
            }
        }
    }
}
