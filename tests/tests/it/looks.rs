//! Every page in the real web view, light and dark as the desktop is: kept as pictures, to be looked
//! at.

use serde_json::json;
use valetkey_demo_provider::Settings;
use valetkey_tests::{Desktop, Role, WebView, WindowFixture, wait};

#[test]
fn on_a_light_desktop_every_page_is_light() {
    let brightness = look_at_every_page("light", "Adwaita");
    assert!(brightness.iter().all(|it| *it > 235), "{brightness:?}");
}

#[test]
fn on_a_dark_desktop_every_page_is_dark() {
    let brightness = look_at_every_page("dark", "Adwaita:dark");
    assert!(brightness.iter().all(|it| *it < 45), "{brightness:?}");
}

/// How bright the ground of each page is, from 0 to 255.
fn look_at_every_page(name: &str, theme: &str) -> Vec<u64> {
    let mut desktop = Desktop::start();
    desktop.set("GTK_THEME", theme);
    let scene = WindowFixture::on(desktop, Settings::default());
    let view = &scene.view;
    let mut seen = Vec::new();
    let mut look = |page: &str| {
        scene.picture(&format!("{name}-{page}"));
        seen.push(brightness(view));
    };

    view.see("No connections yet.");
    view.until(
        "the font of the page",
        "Array.from(document.fonts, (font) => font.status).join() === 'loaded'",
    );
    look("empty");
    scene.sign_in("mail");
    scene.sign_in("calendar");
    scene.add("drive");
    scene.api().access_token("calendar");
    view.see_in_row("calendar", "used just now");
    wait::until("the token is in the log", || {
        let events = scene.api().get("events?kind=token.served").json();
        (!events["events"].as_array()?.is_empty()).then_some(())
    });
    scene.provider.revoke_account("ada");
    scene.api().post_to("mail", "refresh", &json!({}));
    view.see("mail (ada@example.com) needs you to sign in again.");
    look("connections");
    view.click(Role::Button, "More for calendar");
    view.see("Copy token…");
    look("menu");
    let line = "return document.querySelector('[role=menuitem]').offsetHeight";
    let height = view.run(line, &json!([])).as_u64().expect("pixels");
    assert!(height < 40, "a line of a menu is {height} pixels high");
    view.click(Role::MenuItem, "Details");
    view.see("Use it in");
    view.see("Recent activity");
    let tops = "const buttons = document.querySelectorAll('[aria-label=Actions] button');
        return [...new Set(Array.from(buttons, (button) => button.offsetTop))].length";
    assert_eq!(view.run(tops, &json!([])), 1, "the buttons fill one line");
    look("details");
    view.click(Role::Button, "Disconnect…");
    view.see("This program used calendar within a day");
    look("disconnect");
    view.click(Role::Button, "Keep it");
    view.click(Role::Button, "Close");

    view.click(Role::Link, "Add authenticator");
    view.click(Role::Button, "GitHub");
    view.see("One-time set-up");
    look("add");
    view.click(Role::Link, "Activity");
    view.see("needs you to sign in again");
    look("activity");
    view.click(Role::Link, "Settings");
    view.see("Storage and addresses");
    look("settings");
    view.run(
        "document.querySelector('main').scrollTo(0, 1e6)",
        &json!([]),
    );
    look("settings-below");
    view.run("location.hash = '#/welcome'", &json!([]));
    view.see("Sign in once. Let your tools drive.");
    look("welcome");
    seen
}

/// The mean of what is painted behind the words, in a grid over the whole page: on a page whose
/// own ground or cards have the other look it is far off.
fn brightness(view: &WebView) -> u64 {
    let script =
        "const pixel = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
        const steps = [...Array(24).keys()].map((step) => (step + 0.5) / 24);
        const points = steps.flatMap((x) => steps.map((y) => [x * innerWidth, y * innerHeight]));
        const bright = points.map(([x, y]) => {
            for (const element of [document.body, ...document.elementsFromPoint(x, y).reverse()]) {
                pixel.fillStyle = getComputedStyle(element).backgroundColor;
                pixel.fillRect(0, 0, 1, 1);
            }
            const [r, g, b] = pixel.getImageData(0, 0, 1, 1).data;
            return (r + g + b) / 3;
        });
        return Math.round(bright.reduce((sum, one) => sum + one) / bright.length)";
    view.run(script, &json!([])).as_u64().expect("a colour")
}
