//! The brightness of the panel, as far as the desktop reports.
//!
//! No desktop reports a program the colour of its panel; `color-scheme` of the settings portal is the
//! nearest. It is 0 (no preference), 1 (dark) or 2 (light). Panels are dark under no preference
//! (GNOME's default, Xfce's, Cinnamon's), and where people choose light outright (2), GNOME and Plasma
//! lighten the panel too. So only 2 is a light panel; without a portal it is a dark one.

use std::thread;

use zbus::blocking::{Connection, Proxy};
use zbus::zvariant::{OwnedValue, Value};

use super::PanelTheme;

const PORTAL: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";
const SETTINGS: &str = "org.freedesktop.portal.Settings";
const NAMESPACE: &str = "org.freedesktop.appearance";
const KEY: &str = "color-scheme";

/// Reports the theme once it is known, and whenever it changes. The portal may first have to start.
pub(super) fn follow(report: impl Fn(PanelTheme) + Send + 'static) {
    let follows = move || {
        if let Err(error) = listen(&report) {
            tracing::debug!(%error, "no color scheme");
        }
    };
    let thread = thread::Builder::new().name("color-scheme".to_owned());
    if let Err(error) = thread.spawn(follows) {
        tracing::warn!(%error, "the icon does not follow the color scheme");
    }
}

fn listen(report: &impl Fn(PanelTheme)) -> zbus::Result<()> {
    let settings = Proxy::new(&Connection::session()?, PORTAL, PATH, SETTINGS)?;
    let changes = settings.receive_signal("SettingChanged")?;
    let now: OwnedValue = settings.call("Read", &(NAMESPACE, KEY))?;
    report(theme(&now));
    for change in changes {
        let body = change.body();
        let Ok((namespace, key, value)) = body.deserialize::<(&str, &str, Value<'_>)>() else {
            continue;
        };
        if (namespace, key) == (NAMESPACE, KEY) {
            report(theme(&value));
        }
    }
    Ok(())
}

/// `Read` wraps its value twice.
fn theme(value: &Value<'_>) -> PanelTheme {
    match value {
        Value::Value(inner) => theme(inner),
        Value::U32(2) => PanelTheme::Light,
        _ => PanelTheme::Dark,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_desktop_that_is_light_outright_has_a_light_panel() {
        for (scheme, expected) in [
            (0, PanelTheme::Dark),
            (1, PanelTheme::Dark),
            (2, PanelTheme::Light),
        ] {
            let value = Value::U32(scheme);
            assert_eq!(theme(&value), expected);
            let wrapped = Value::Value(Box::new(Value::Value(Box::new(value))));
            assert_eq!(theme(&wrapped), expected);
        }
    }
}
