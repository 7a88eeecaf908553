//! Icon and menu in the tray: a picture of the last snapshot. `model` says what there is to see,
//! this puts it there. What a click starts is in `deeds`.

mod click;
#[cfg_attr(target_os = "linux", path = "host_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "host_other.rs")]
mod host;
mod model;

use std::sync::{Mutex, PoisonError};

use tauri::image::Image;
use tauri::include_image;
use tauri::menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem, SubmenuBuilder};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager as _, Wry};

use crate::watch::Snapshot;
use model::{Choice, Line, Model, State};

pub(crate) use host::problem;

/// The icon, its menu, and what they show.
pub(crate) struct Tray {
    icon: TrayIcon,
    menu: Menu<Wry>,
    shown: Mutex<Option<Model>>,
}

/// Puts the icon there.
pub(crate) fn put(app: &AppHandle) -> tauri::Result<()> {
    let menu = Menu::new(app)?;
    let icon = TrayIconBuilder::with_id("valetkey")
        .icon(picture(State::Hollow))
        .icon_as_template(cfg!(target_os = "macos"))
        .tooltip("Valet Key")
        .menu(&menu)
        .show_menu_on_left_click(cfg!(not(windows)))
        .on_menu_event(|app, event: MenuEvent| {
            if let Some(choice) = Choice::parse(&event.id().0) {
                click::on(app, choice);
            }
        })
        .on_tray_icon_event(|icon, event| click::icon(icon.app_handle(), &event))
        .build(app)?;
    let tray = Tray {
        icon,
        menu,
        shown: Mutex::new(None),
    };
    tray.show(app, Model::starting())?;
    app.manage(tray);
    Ok(())
}

/// Shows this snapshot.
pub(crate) fn update(app: &AppHandle, snapshot: &Snapshot) {
    let model = Model::of(snapshot);
    let handle = app.clone();
    let shown = app.run_on_main_thread(move || {
        let tray = handle.state::<Tray>();
        if let Err(error) = tray.show(&handle, model) {
            tracing::error!(%error, "tray");
        }
    });
    if let Err(error) = shown {
        tracing::error!(%error, "tray");
    }
}

impl Tray {
    /// Changes only what differs: a menu that is open stays open.
    fn show(&self, app: &AppHandle, model: Model) -> tauri::Result<()> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let before = shown.as_ref();
        if before.is_none_or(|before| before.state != model.state) {
            self.icon.set_icon(Some(picture(model.state)))?;
            self.icon.set_tooltip(Some(model.state.words()))?;
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
        *shown = Some(model);
        Ok(())
    }

    fn append(&self, app: &AppHandle, line: &Line) -> tauri::Result<()> {
        match line {
            Line::Item { words, choice } => {
                let id = choice.to_string();
                let item = MenuItem::with_id(app, id, words, true, None::<&str>)?;
                self.menu.append(&item)
            }
            Line::Submenu { words, choices } => {
                let mut submenu = SubmenuBuilder::new(app, words);
                for (words, choice) in choices {
                    submenu = submenu.text(choice.to_string(), words);
                }
                self.menu.append(&submenu.build()?)
            }
        }
    }
}

#[cfg(target_os = "macos")]
fn picture(state: State) -> Image<'static> {
    match state {
        State::Well => include_image!("../icons/tray/template/well@2x.png"),
        State::NeedsYou => include_image!("../icons/tray/template/needs-you@2x.png"),
        State::Busy => include_image!("../icons/tray/template/busy@2x.png"),
        State::Hollow => include_image!("../icons/tray/template/hollow@2x.png"),
    }
}

#[cfg(not(target_os = "macos"))]
fn picture(state: State) -> Image<'static> {
    match state {
        State::Well => include_image!("../icons/tray/on-dark/well@2x.png"),
        State::NeedsYou => include_image!("../icons/tray/on-dark/needs-you@2x.png"),
        State::Busy => include_image!("../icons/tray/on-dark/busy@2x.png"),
        State::Hollow => include_image!("../icons/tray/on-dark/hollow@2x.png"),
    }
}
