//! The window with 200 connections, in the real web view: how long a person waits for it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use valetkey_demo_provider::{DemoProvider, Settings};
use valetkey_tests::WindowFixture;
use valetkey_tests::webview::Role;

use crate::desktop::Stage;
use crate::report::Report;
use crate::statistics::median;

const CONNECTIONS: usize = 200;
const ROUNDS: usize = 9;
const OPENINGS: usize = 5;

/// One frame later everything that was changed has been painted.
const PAINTED: &str = "const painted = () =>
    new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));";

/// Times of a window that holds a long list.
pub(crate) fn list(report: &mut Report) {
    let scene = WindowFixture::start();
    for number in 0..CONNECTIONS {
        scene.sign_in(&format!("account-{number:03}"));
    }
    scene.view.see_in_row("account-000", "Connected");
    clicks(&scene, report);
    scrolling(&scene, report);
    typing(&scene, report);
}

/// From the request for the window, which a click in the tray sends, to its painted list.
pub(crate) fn opening(report: &mut Report) {
    let stage = Stage::start();
    let provider = DemoProvider::start(Settings::auto_consent("ada")).expect("a free port");
    let api = stage.session.api();
    for number in 0..CONNECTIONS {
        let name = format!("account-{number:03}");
        api.add(&provider.client_config(&name));
        api.sign_in(&name);
    }
    let mut times: Vec<Duration> = (0..OPENINGS)
        .map(|_| {
            let began = Instant::now();
            let (still, pictures) = stage.open_and_watch();
            stage.close();
            let first = pictures.iter().find(|(_, picture)| *picture == still);
            first.expect("the last one is").0 - began
        })
        .collect();
    let what = format!("window asked for, to {CONNECTIONS} painted rows (p50 of {OPENINGS})");
    report.figure(&what, median(&mut times) / 1000.0, "ms", None);
}

/// From the click on the page's name to its painted list.
fn clicks(scene: &WindowFixture, report: &mut Report) {
    let script = format!(
        "{PAINTED} const done = arguments[0];
        const start = performance.now();
        document.querySelector('nav a[href=\"#/connections\"]').click();
        painted().then(() => done([performance.now() - start, document.querySelectorAll('main li').length]))"
    );
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            scene.view.click(Role::Link, "Settings");
            scene.view.see("Storage and addresses");
            let told = run(scene, &script);
            assert_eq!(told[1], CONNECTIONS, "the whole list is painted");
            milliseconds(&told[0])
        })
        .collect();
    let what = format!("click on Connections to {CONNECTIONS} painted rows (p50 of {ROUNDS})");
    report.figure(&what, median(&mut times) / 1000.0, "ms", None);
}

/// Frames while the list runs from its top to its end.
fn scrolling(scene: &WindowFixture, report: &mut Report) {
    let frames = run(
        scene,
        "const done = arguments[0], frames = [], main = document.querySelector('main');
        let last = performance.now();
        const step = () => {
            const now = performance.now();
            frames.push(now - last);
            last = now;
            if (frames.length > 120) return done(frames.slice(1));
            main.scrollBy(0, 120);
            requestAnimationFrame(step);
        };
        requestAnimationFrame(step)",
    );
    tell_frames("scrolling", &frames, report);
}

/// From each key in the search field to the painted answer.
fn typing(scene: &WindowFixture, report: &mut Report) {
    let keys = run(
        scene,
        &format!(
            "{PAINTED} const done = arguments[0], times = [];
            const field = document.querySelector('input[type=search]');
            const type = async () => {{
                for (const key of 'account-123') {{
                    const start = performance.now();
                    field.value += key;
                    field.dispatchEvent(new InputEvent('input', {{bubbles: true}}));
                    await painted();
                    times.push(performance.now() - start);
                }}
                done(times);
            }};
            type()"
        ),
    );
    tell_frames("typing in search", &keys, report);
    scene.view.see_in_row("account-123", "Connected");
}

fn tell_frames(what: &str, times: &Value, report: &mut Report) {
    let times = times.as_array().expect("a list");
    let mut times: Vec<Duration> = times.iter().map(milliseconds).collect();
    times.sort();
    let at = |share: usize| times[(times.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    for (name, share) in [("p50", 50), ("p95", 95), ("longest", 100)] {
        let what = format!("frame while {what}, {CONNECTIONS} connections ({name})");
        report.figure(&what, at(share), "ms", None);
    }
}

fn run(scene: &WindowFixture, script: &str) -> Value {
    let ran = scene.view.driver().run_async(script, &json!([]));
    ran.unwrap_or_else(|refused| panic!("{refused:?}"))
}

fn milliseconds(value: &Value) -> Duration {
    Duration::from_secs_f64(value.as_f64().expect("a time") / 1000.0)
}
