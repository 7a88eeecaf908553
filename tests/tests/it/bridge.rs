//! No token ever crosses into the web page: everything that crosses the bridge is written down while
//! a person uses the whole window, and searched for every secret there is; so is the memory of the
//! web process.

use std::collections::HashSet;
use std::{fs, thread};

use serde_json::json;
use valetkey_demo_provider::{Client, Settings};
use valetkey_tests::{Agent, Desktop, Role, WindowFixture, cli, leak_search};

/// Begins every code and every token of the provider but the ID tokens.
const PREFIX: &str = "planted-token-4c6d-";
const CLIENT_SECRET: &str = "planted-client-secret-83be";
/// A person types this one in the window: it may go out once, by name, and never comes back.
const TYPED_SECRET: &str = "planted-typed-secret-5a17";
/// No secret: the page shows it, so every search must find it.
const KNOWN: &str = "planted-client-id-61f0";

#[test]
fn no_token_crosses_into_the_page_or_is_in_its_memory() {
    // A client key was made before the app came.
    let desktop = Desktop::start();
    let agent = Agent::start(&desktop);
    let create = ["key", "create", "--name", "ci", "--json"];
    let made = cli::ok(&desktop, &create).json();
    let key = made["key"].as_str().unwrap();
    assert!(agent.stop().success());

    let scene = WindowFixture::on(
        desktop,
        Settings {
            token_prefix: PREFIX.to_owned(),
            clients: vec![Client::confidential(KNOWN, CLIENT_SECRET)],
            ..Settings::default()
        },
    );
    let view = &scene.view;
    view.record_the_bridge();
    let mut mail = scene.provider.client_config("mail");
    mail["client_id"] = json!(KNOWN);
    mail["client_secret"] = json!(CLIENT_SECRET);
    scene.api().add(&mail);

    use_the_whole_window(&scene);
    ask_for_tokens_by_hand(&scene);

    let issued = scene.provider.issued_secrets();
    let mut secrets = vec![PREFIX, CLIENT_SECRET, key];
    let id_tokens = issued.iter().filter(|it| !it.starts_with(PREFIX));
    secrets.extend(id_tokens.map(String::as_str));
    assert!(secrets.len() > 3, "no ID token was issued");

    let (sent, received) = view.crossed();
    let typed = sent.iter().filter(|it| it.contains(TYPED_SECRET)).count();
    assert_eq!(typed, 1, "once, to be kept");
    let (sent, received) = (sent.join("\n"), received.join("\n"));
    assert!(sent.contains("copy_token"), "not every command");
    assert!(received.contains(KNOWN), "not every answer");
    assert!(received.contains("connection.added"), "not every event");
    assert_eq!(leak_search::text_with(&sent, &secrets), None);
    secrets.push(TYPED_SECRET);
    assert_eq!(leak_search::text_with(&received, &secrets), None);
    secrets.pop();

    let one = |name: &str| {
        let found = scene.session.programs(name);
        assert_eq!(found.len(), 1, "{name}");
        found[0]
    };
    let status = scene.session.http().get("/api/v1/status").json();
    let app = u32::try_from(status["pid"].as_u64().expect("a process")).expect("a process");
    assert_eq!(leak_search::memory_with(app, &[PREFIX]), Some(PREFIX));
    // The window's own process, which is the app's program too.
    let mut programs = scene.session.programs("valetkey-desktop");
    programs.retain(|it| *it != app);
    assert_eq!(programs.len(), 1, "one window");
    assert_eq!(leak_search::memory_with(programs[0], &[KNOWN]), Some(KNOWN));
    assert_eq!(leak_search::memory_with(programs[0], &secrets), None);
    let page = one("WebKitWebProcess");
    let between: HashSet<String> = pipes(app)
        .intersection(&pipes(programs[0]))
        .cloned()
        .collect();
    assert!(!between.is_empty(), "they speak over pipes");
    for engine in [page, one("WebKitNetworkProcess")] {
        let held: Vec<_> = pipes(engine).intersection(&between).cloned().collect();
        assert_eq!(
            held,
            Vec::<String>::new(),
            "the engine could speak as the window"
        );
    }
    assert_eq!(leak_search::memory_with(page, &[KNOWN]), Some(KNOWN));
    assert_eq!(leak_search::memory_with(page, &secrets), None);
    let network = one("WebKitNetworkProcess");
    assert_eq!(leak_search::memory_with(network, &secrets), None);
}

/// The pipes of a process, without those that it was started with.
fn pipes(process: u32) -> HashSet<String> {
    let descriptors = format!("/proc/{process}/fd");
    let pipe = |descriptor: &str| {
        let link = fs::read_link(format!("{descriptors}/{descriptor}")).ok()?;
        let link = link.to_string_lossy().into_owned();
        link.starts_with("pipe:").then_some(link)
    };
    let given: HashSet<String> = ["0", "1", "2"].into_iter().filter_map(pipe).collect();
    let all = fs::read_dir(&descriptors).expect("tests run as the same user, or root");
    let all = all.filter_map(|it| pipe(it.ok()?.file_name().to_str()?));
    all.filter(|it| !given.contains(it)).collect()
}

/// Every page and everything on it that has to do with tokens.
fn use_the_whole_window(scene: &WindowFixture) {
    let view = &scene.view;
    view.click(Role::Button, "Connect mail");
    scene.browser.wait_for_visit(1);
    view.see_in_row("mail", "Connected");
    cli::ok(scene.desktop(), &["token", "mail"]);
    view.see_in_row("mail", "used just now");

    view.click(Role::Button, "More for mail");
    view.click(Role::MenuItem, "Copy token…");
    scene.session.screen().answer("c");
    view.see("on the clipboard");

    view.click(Role::Button, "More for mail");
    view.click(Role::MenuItem, "Check now");
    view.see("mail works: the provider accepts the token");
    view.click(Role::Button, "More for mail");
    view.click(Role::MenuItem, "Details");
    view.see("Use it in");
    for tab in ["TypeScript", "Python"] {
        view.click(Role::Tab, tab);
    }
    view.click(Role::Button, "Refresh now");
    view.see("mail has a new token.");
    view.click(Role::Button, "Close");

    view.click(Role::Button, "More for mail");
    view.click(Role::MenuItem, "Edit authenticator…");
    view.see("A secret is kept in the keychain.");
    view.fill("Client secret", TYPED_SECRET);
    view.click(Role::Button, "Save");
    view.see("mail is saved.");
    let update = ["update", "mail", "--client-secret-stdin"];
    let updated = cli::run_with_input(scene.desktop(), &update, CLIENT_SECRET);
    assert_eq!(updated.code, Some(0), "{updated:?}");

    scene.api().post_to("mail", "refresh", &json!({}));
    view.click(Role::Link, "Activity");
    view.see("mail (ada@example.com) token handed to");
    view.see("mail (ada@example.com) refreshed");
    view.click(Role::Link, "Settings");
    view.see("Storage and addresses");
    view.click(Role::Link, "Connections");
    view.see_in_row("mail", "Connected");
}

/// As a page would that somebody else wrote.
fn ask_for_tokens_by_hand(scene: &WindowFixture) {
    let view = &scene.view;
    let connection = "/api/v1/credentials/connections/mail";
    let late = json!({ "fingerprint": "0".repeat(64) }).to_string();
    for (verb, body) in [("token", "{}"), ("refresh", "{}"), ("invalidate", &*late)] {
        let path = format!("{connection}/{verb}");
        let ask = json!({ "method": "POST", "path": path, "body": body });
        let answer = view.invoke("request", &ask).expect("it may ask");
        assert_eq!(answer["status"], 403, "{verb}: {answer}");
    }
    let paths = [
        "clients",
        "settings",
        "insights",
        "status",
        "openapi.json",
        "events",
    ];
    for path in paths {
        let ask = json!({ "method": "GET", "path": format!("/api/v1/{path}"), "body": null });
        view.invoke("request", &ask).expect("it may ask");
    }
    // The page alone copies nothing.
    let copied = thread::scope(|scope| {
        scope.spawn(|| scene.session.screen().answer("n"));
        view.invoke("copy_token", &json!({ "connection": "mail" }))
    });
    assert_eq!(copied.expect_err("declined")["code"], "access_denied");
}

#[test]
fn the_page_may_call_nothing_but_what_it_has_buttons_for() {
    let scene = WindowFixture::start();
    for command in [
        "plugin:autostart|enable",
        "plugin:dialog|open",
        "plugin:webview|create_webview_window",
        "plugin:window|close",
        "plugin:app|version",
        "plugin:path|resolve_directory",
    ] {
        let refused = scene.view.invoke(command, &json!({}));
        let words = refused.expect_err(command).to_string();
        assert!(words.contains("not allowed"), "{command}: {words}");
    }
}
