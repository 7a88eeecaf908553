//! What a person has chosen holds on the real desktop: quiet hours, the colour of the panel, where
//! exports go.

use std::fs;

use jiff::Timestamp;
use serde_json::{Value, json};
use valetkey_demo_provider::{DemoProvider, Settings};
use valetkey_tests::{Desktop, Role, Session, WindowFixture, cli, wait};
use zbus::interface;
use zbus::zvariant::{OwnedValue, Value as Variant};

/// Quiet but for one minute of the day, which is some minutes away in every time zone.
fn always_quiet() -> Value {
    let minute = Timestamp::now().as_second() / 60;
    let loud = (minute + 7) % 15;
    json!({ "from": format!("00:{:02}", loud + 1), "to": format!("00:{loud:02}") })
}

fn set(session: &Session, settings: &Value) {
    let reply = session
        .http()
        .request_json("PATCH", "/api/v1/settings", settings);
    assert_eq!(reply.status, 200, "{}", reply.text());
}

#[test]
fn in_quiet_hours_nothing_shows_and_at_their_end_what_still_needs_the_person() {
    let session = Session::start();
    let _app = session.app(&["--hidden"]);
    let api = session.api();
    let provider = DemoProvider::start(Settings::auto_consent("ada")).expect("a free port");
    for name in ["mail", "drive", "chat"] {
        api.add(&provider.client_config(name));
        api.sign_in(name);
    }
    wait::until("the last answer", || {
        let all = session.notifications().all().into_iter();
        let mut texts = all.map(|it| it.title + &it.body);
        texts
            .any(|it| it.contains("chat is connected"))
            .then_some(())
    });
    let quiet = json!({ "notifications": { "quiet_hours": always_quiet() } });
    set(&session, &quiet);
    let before = session.notifications().titles();

    provider.revoke_account("ada");
    for name in ["mail", "drive"] {
        api.post_to(name, "refresh", &json!({}));
        assert_eq!(api.connection(name)["status"], "needs_reconnect");
        session
            .tray()
            .wait_for_line(&format!("{name}: sign in again"));
    }
    // A sign-in is answered by the browser's page; here it also mends one of the two.
    api.sign_in("drive");
    session.tray().wait_for_line("drive: connected");
    assert_eq!(session.notifications().titles(), before, "it is quiet");

    set(
        &session,
        &json!({ "notifications": { "quiet_hours": null } }),
    );
    session
        .notifications()
        .wait_for("mail needs you to sign in again");
    let after = session.notifications().titles();
    assert_eq!(after.len(), before.len() + 1, "{after:?}");
}

#[test]
fn the_notice_of_a_lost_login_goes_once_the_login_is_mended_elsewhere() {
    let session = Session::start();
    let _app = session.app(&["--hidden"]);
    let api = session.api();
    let provider = DemoProvider::start(Settings::auto_consent("ada")).expect("a free port");
    api.add(&provider.client_config("mail"));
    api.sign_in("mail");
    session.tray().wait_for_line("mail: connected");
    provider.revoke_account("ada");
    api.post_to("mail", "refresh", &json!({}));
    let shown = session.notifications();
    let call = shown.wait_for("mail needs you to sign in again");

    api.sign_in("mail");
    wait::until("the end of the notice", || {
        let mut all = shown.all().into_iter();
        all.find(|it| it.id == call.id)?.closed.then_some(())
    });

    // The next loss is told anew.
    provider.revoke_account("ada");
    api.post_to("mail", "refresh", &json!({}));
    let again = shown.wait_for("mail needs you to sign in again");
    assert_eq!(again.replaces, 0, "{again:?}");
}

/// The settings of a desktop, as far as the app asks.
struct Portal(u32);

#[interface(name = "org.freedesktop.portal.Settings")]
impl Portal {
    fn read(&self, namespace: &str, key: &str) -> zbus::fdo::Result<OwnedValue> {
        if (namespace, key) != ("org.freedesktop.appearance", "color-scheme") {
            return Err(zbus::fdo::Error::UnknownProperty(key.to_owned()));
        }
        let inner = Variant::Value(Box::new(Variant::U32(self.0)));
        Ok(inner.try_into().expect("a number is no file descriptor"))
    }
}

const PATH: &str = "/org/freedesktop/portal/desktop";

#[test]
fn the_tray_icon_is_dark_where_the_desktop_is_light() {
    let session = Session::bare(Desktop::start()).with_windows().with_panel();
    let bus = session.desktop.bus().expect("it has one");
    let server = bus.object_server();
    server.at(PATH, Portal(0)).expect("a free path");
    bus.request_name("org.freedesktop.portal.Desktop")
        .expect("a free name");
    let _app = session.app(&["--hidden"]);
    let tray = session.tray();
    tray.wait_for_line("Settings");
    // Nothing is known of light and dark in these bytes, but that the picture is another one.
    let at_first = wait::until("the icon", || tray.icon());
    for (scheme, same) in [(1, true), (2, false), (0, true)] {
        let value = Variant::U32(scheme);
        let change = ("org.freedesktop.appearance", "color-scheme", value);
        bus.emit_signal(
            None::<&str>,
            PATH,
            "org.freedesktop.portal.Settings",
            "SettingChanged",
            &change,
        )
        .expect("the bus runs");
        wait::until("the icon that fits", || {
            (tray.icon()? == at_first).eq(&same).then_some(())
        });
    }
}

#[test]
fn exported_authenticators_land_in_the_downloads_and_are_added_from_there() {
    let scene = WindowFixture::start();
    let view = &scene.view;
    scene.sign_in("mail");
    view.see_in_row("mail", "Connected");
    let downloads = scene.desktop().home().join("Downloads");
    view.click(Role::Link, "Settings");
    for name in [
        "valetkey-authenticators.json",
        "valetkey-authenticators-2.json",
    ] {
        view.click(Role::Button, "Export");
        view.see(&format!("Saved as {}.", downloads.join(name).display()));
        let text = fs::read_to_string(downloads.join(name)).expect("it is there");
        let file: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(file["authenticators"][0]["name"], "mail");
    }
    let file = downloads.join("valetkey-authenticators.json");

    assert_eq!(scene.api().disconnect("mail").status, 200);
    assert_eq!(scene.api().remove("mail").status, 200);
    let file = file.display().to_string();
    cli::ok(scene.desktop(), &["add", "--config", &file]);
    assert_eq!(scene.api().authenticators(), ["mail"]);
}
