//! Icon and menu in the tray: a picture of the last snapshot. `model` says what there is to see,
//! this puts it there. What a click starts is in `deeds`.

mod click;
pub(crate) mod appindicator;
mod model;
mod panel_theme;
mod status_notifier;

use std::sync::{Mutex, OnceLock, PoisonError};

use tauri::image::Image;
use tauri::include_image;
use tauri::menu::{Menu, MenuEvent, MenuItem, PredefinedMenuItem, SubmenuBuilder};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager as _, Wry};

use crate::watch::Snapshot;
use model::{Choice, Line, Model, State};

/// Why no icon could be made.
static UNMADE: OnceLock<String> = OnceLock::new();

/// Why no icon is seen now; None if one is.
pub(crate) fn problem() -> Option<String> {
    UNMADE.get().cloned().or_else(status_notifier::problem)
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
    ground: Ground,
}

/// What the icon stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Ground {
    /// Most panels.
    #[default]
    Dark,
    Light,
}

/// Puts the icon there. Where that does not work, [`problem`] says why.
pub(crate) fn put(app: &AppHandle) {
    let unmade = appindicator::problem().or_else(|| {
        let made = make(app);
        made.err()
            .map(|error| format!("The icon cannot be made ({error})"))
    });
    if let Some(why) = unmade {
        UNMADE.get_or_init(|| why);
    }
}

fn make(app: &AppHandle) -> tauri::Result<()> {
    let menu = Menu::new(app)?;
    let icon = TrayIconBuilder::with_id("valetkey")
        .icon(picture(State::Starting, Ground::default()))
        .tooltip("Valet Key")
        .menu(&menu)
        .on_menu_event(|app, event: MenuEvent| {
            if let Some(choice) = Choice::parse(&event.id().0) {
                click::on(app, choice);
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
    panel_theme::follow(move |ground| change(&handle, move |tray, _| tray.stand_on(ground)));
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
                .set_icon(Some(picture(model.state, shown.ground)))?;
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
        shown.model = Some(model);
        Ok(())
    }

    /// The panel has another colour now.
    fn stand_on(&self, ground: Ground) -> tauri::Result<()> {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.ground == ground {
            return Ok(());
        }
        shown.ground = ground;
        let state = shown.model.as_ref().map_or(State::Starting, |it| it.state);
        self.icon.set_icon(Some(picture(state, ground)))
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

fn picture(state: State, ground: Ground) -> Image<'static> {
    match (ground, state) {
        (Ground::Dark, State::Well) => include_image!("../icons/tray/on-dark/well@2x.png"),
        (Ground::Dark, State::NeedsYou) => include_image!("../icons/tray/on-dark/needs-you@2x.png"),
        (Ground::Dark, State::Busy) => include_image!("../icons/tray/on-dark/busy@2x.png"),
        (Ground::Dark, State::Paused | State::Starting) => {
            include_image!("../icons/tray/on-dark/hollow@2x.png")
        }
        (Ground::Light, State::Well) => include_image!("../icons/tray/on-light/well@2x.png"),
        (Ground::Light, State::NeedsYou) => {
            include_image!("../icons/tray/on-light/needs-you@2x.png")
        }
        (Ground::Light, State::Busy) => include_image!("../icons/tray/on-light/busy@2x.png"),
        (Ground::Light, State::Paused | State::Starting) => {
            include_image!("../icons/tray/on-light/hollow@2x.png")
        }
    }
}
