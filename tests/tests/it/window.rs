//! The window in the real web view: what a person sees there and what their clicks do.

use std::fs;

use serde_json::json;
use valetkey_demo_provider::Settings;
use valetkey_tests::webview::{ENTER, ESCAPE};
use valetkey_tests::{Desktop, Role, Session, WindowFixture, cli, leak_search, wait};

/// Begins every code and token of the provider.
const PREFIX: &str = "planted-token-2d90-";
const SECRET: &str = "planted-client-secret-b7e2";

#[test]
fn the_list_shows_what_is_connected_and_follows_what_other_programs_do() {
    let scene = WindowFixture::start();
    let view = &scene.view;
    view.see("No connections yet.");

    scene.sign_in("mail");
    scene.sign_in("calendar");
    scene.add("drive");
    view.see_in_row("mail", "ada@example.com");
    view.see_in_row("mail", "Connected");
    view.see_in_row("calendar", "Connected");
    view.see_in_row("drive", "Not connected");
    view.see_one(Role::Button, "Connect drive");

    scene.api().access_token("mail");
    view.see_in_row("mail", "used just now");
    scene.provider.revoke_account("ada");
    scene.api().post_to("mail", "refresh", &json!({}));
    view.see("mail (ada@example.com) needs you to sign in again.");
    view.see_in_row("mail", "Sign in again");
    view.see_in_row("calendar", "Connected");
    scene.picture("list");

    assert_eq!(scene.api().disconnect("calendar").status, 200);
    view.see_in_row("calendar", "Not connected");
}

#[test]
fn every_mistake_in_a_new_authenticator_is_named_before_it_is_saved() {
    let scene = WindowFixture::start();
    let view = &scene.view;
    scene.add("taken");
    view.click(Role::Link, "Add authenticator");
    view.click(Role::Button, "Custom");

    view.fill("Name", "Taken");
    view.see("“Taken” is taken. Choose another name.");
    view.fill("Name", "mail/work");
    view.see("A name cannot contain a slash, which separates the label of an account.");
    view.fill("Client secret", "ghp_0123456789");
    view.see("This looks like a GitHub access token, not a client secret.");
    view.fill("Client ID", "de mo");
    view.see("It contains a space.");
    view.fill("Token URL", "http://login.example.com/token");
    view.see("Secrets are sent to this address, so it must be https.");
    view.fill("Authorization URL", "login.example.com/authorize");
    view.see("This is not an https address.");
    scene.picture("mistakes");
    view.click(Role::Button, "Save");
    view.see("This is not an https address.");
    assert_eq!(scene.api().authenticators(), ["taken"], "nothing is saved");

    // What is offered instead is one click away.
    view.click(Role::Button, "Remove the space");
    view.see_no_more("It contains a space.");
    view.click(Role::Button, "Use https://login.example.com/authorize");
    view.see_no_more("This is not an https address.");
    view.click(Role::Button, "Use https://login.example.com/token");
    view.see_no_more("it must be https");

    view.fill("Client ID", "");
    view.fill("Client secret", "");
    view.fill("Name", "Mail");
    view.click(Role::Button, "Save");
    view.see("Enter the client ID.");
    view.fill("Client ID", "demo");
    view.see_no_more("Enter the client ID.");
    view.fill("Authorization URL", &scene.provider.url("/authorize"));
    view.fill("Token URL", &scene.provider.url("/token"));
    view.press("Add scopes", &format!("openid email{ENTER}"));
    view.click(Role::Button, "Save");
    view.see("Mail is saved.");
    view.see_in_row("Mail", "Not connected");
    assert_eq!(scene.api().authenticators(), ["mail", "taken"]);
}

#[test]
fn connecting_opens_the_browser_and_the_page_says_connected_by_itself() {
    let scene = WindowFixture::start();
    let view = &scene.view;
    scene.add("mail");
    view.run("window.loadedOnce = true", &json!([]));

    view.click(Role::Button, "Connect mail");
    view.see_in_row("mail", "Signing in…");
    let visit = scene.browser.wait_for_visit(1);
    assert!(
        visit.text.contains("You can close this tab"),
        "{}",
        visit.text
    );
    view.see_in_row("mail", "Connected");
    view.see("mail is connected.");
    view.until("the same page", "window.loadedOnce === true");
    let said = cli::ok(scene.desktop(), &["token", "mail"]);
    assert!(scene.provider.access_token_lives(said.stdout.trim()));
}

#[test]
fn disconnecting_names_what_will_stop_and_revokes_at_the_provider() {
    let scene = WindowFixture::start();
    let view = &scene.view;
    scene.sign_in("mail");
    let token = cli::ok(scene.desktop(), &["token", "mail"]).stdout;
    view.see_in_row("mail", "used just now by valetkey");

    view.click(Role::Button, "Disconnect mail");
    view.see("This program used mail within a day and gets no token until you sign in again:");
    view.see("valetkey, just now");
    view.see("Its tokens are revoked at the provider where that is possible");
    scene.picture("disconnect");
    view.click(Role::Button, "Keep it");
    view.see_in_row("mail", "Connected");

    view.click(Role::Button, "Disconnect mail");
    view.click(Role::Button, "Disconnect");
    view.see("The provider revoked its tokens.");
    view.see_in_row("mail", "Not connected");
    assert!(scene.provider.family_revoked("ada"));
    assert!(!scene.provider.access_token_lives(token.trim()));
}

#[test]
fn the_activity_shows_each_hand_out_as_it_happens_and_is_filtered() {
    let scene = WindowFixture::start();
    let view = &scene.view;
    scene.sign_in("mail");
    scene.sign_in("calendar");
    view.click(Role::Link, "Activity");
    view.see("mail signed in");
    view.see("Today");

    cli::ok(scene.desktop(), &["token", "mail"]);
    view.see("mail (ada@example.com) token handed to valetkey");
    cli::ok(scene.desktop(), &["token", "calendar"]);
    view.see("calendar (ada@example.com) token handed to valetkey");
    scene.picture("activity");

    view.click(Role::Button, "Handed out");
    view.see_no_more("mail signed in");
    view.choose("Connection", "mail");
    view.see_no_more("calendar (ada@example.com) token handed to");
    view.see("mail (ada@example.com) token handed to valetkey");
    view.choose("Connection", "All connections");
    view.fill("Filter", "calendar");
    view.see_no_more("mail (ada@example.com) token handed to");
    view.see("calendar (ada@example.com) token handed to valetkey");
    view.press("Filter", ESCAPE);
    view.see("mail (ada@example.com) token handed to valetkey");
}

#[test]
fn an_authenticator_comes_from_a_file_that_is_chosen_or_dropped() {
    let scene = WindowFixture::start();
    let view = &scene.view;
    scene.add("taken");
    view.click(Role::Link, "Add authenticator");
    let google = json!({ "installed": {
        "client_id": "1.apps.googleusercontent.com",
        "client_secret": "GOCSPX-imported-secret",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": "https://oauth2.googleapis.com/token",
    }});
    let file = scene.desktop().folder().join("client_secret_1.json");
    fs::write(&file, google.to_string()).unwrap();
    view.give_file("File to import", &file);
    view.see("client_secret_1.json is read. Review it, then save.");
    view.click(Role::Button, "Save");
    view.see("google is saved.");

    // A drag over the whole screen is the file manager's; what the page gets of it is this event.
    view.click(Role::Link, "Add authenticator");
    let ours = json!({
        "name": "Hub", "authenticator_type": "github", "client_id": "Iv1.x",
        "client_secret": "${HUB_SECRET}", "scopes": ["repo"],
    });
    let drop = "const carried = new DataTransfer();
        carried.items.add(new File([arguments[0]], 'hub.json', {type: 'application/json'}));
        window.dispatchEvent(new DragEvent('drop', {dataTransfer: carried, cancelable: true}))";
    view.run(drop, &json!([ours.to_string()]));
    view.see("hub.json is read. Review it, then save.");
    view.see("The file names the environment variable HUB_SECRET");
    view.fill("Client secret", "0123456789abcdef");
    view.click(Role::Button, "Save");
    view.see("Hub is saved.");
    assert_eq!(scene.api().authenticators(), ["google", "hub", "taken"]);
}

#[test]
fn the_activity_is_exported_to_the_downloads_and_holds_no_secret() {
    let scene = WindowFixture::on(
        Desktop::start(),
        Settings {
            token_prefix: PREFIX.to_owned(),
            ..Settings::default()
        },
    );
    let view = &scene.view;
    scene.sign_in("mail");
    let token = cli::ok(scene.desktop(), &["token", "mail"]).stdout;
    assert!(token.contains(PREFIX));
    view.click(Role::Link, "Activity");
    view.see("mail (ada@example.com) token handed to valetkey");

    let downloads = scene.desktop().home().join("Downloads");
    for (kind, name) in [
        ("JSON", "valetkey-activity.json"),
        ("CSV", "valetkey-activity.csv"),
    ] {
        let events = scene.api().get("events").json()["events"]
            .as_array()
            .unwrap()
            .len();
        view.click(Role::Button, "Export");
        view.click(Role::MenuItem, &format!("{events} events as {kind}"));
        view.see(&format!("Saved as {}.", downloads.join(name).display()));
        let text = fs::read_to_string(downloads.join(name)).unwrap();
        assert!(text.contains("token.served"), "{text}");
        assert_eq!(leak_search::text_with(&text, &[PREFIX]), None);
    }
}

#[test]
fn authenticators_are_exported_without_their_secrets_and_come_back_from_the_file() {
    let scene = WindowFixture::start();
    let view = &scene.view;
    let mut mail = scene.provider.client_config("mail");
    mail["client_secret"] = json!(SECRET);
    scene.api().add(&mail);
    scene.add("drive");
    view.click(Role::Link, "Settings");
    view.click(Role::Button, "Export");
    let file = scene
        .desktop()
        .home()
        .join("Downloads/valetkey-authenticators.json");
    view.see(&format!("Saved as {}.", file.display()));
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(&scene.provider.url("/token")), "{text}");
    assert_eq!(leak_search::text_with(&text, &[SECRET]), None);

    for name in ["mail", "drive"] {
        assert_eq!(scene.api().remove(name).status, 200);
    }
    view.click(Role::Link, "Connections");
    view.see("No connections yet.");
    view.click(Role::Link, "Settings");
    // Its button opens the desktop's own file dialog.
    view.give_file("File to import", &file);
    view.see("Needs its client secret.");
    view.click(Role::Button, "Add the one that is ready");
    wait::until("the authenticator without a secret", || {
        (scene.api().authenticators() == ["drive"]).then_some(())
    });
    view.click(Role::Button, "Review mail");
    view.see("The file names the environment variable MAIL_CLIENT_SECRET");
    view.fill("Client secret", SECRET);
    view.click(Role::Button, "Save");
    view.see("mail is saved.");
    assert_eq!(scene.api().authenticators(), ["drive", "mail"]);
}

#[test]
fn who_has_no_client_tries_the_demo_and_it_is_gone_at_the_next_start() {
    let scene = WindowFixture::start();
    scene.view.see("Try the demo");
    scene.picture("empty");
    let WindowFixture {
        view,
        browser,
        session,
        ..
    } = scene;
    view.click(Role::Button, "Try the demo");
    let visit = browser.wait_for_visit(1);
    assert!(
        visit.text.contains("You can close this tab"),
        "{}",
        visit.text
    );
    view.see_in_row("Demo", "Connected");
    let said = cli::ok(&session.desktop, &["token", "demo"]);
    assert!(!said.stdout.trim().is_empty());
    assert_eq!(session.programs("valetkey-demo-provider").len(), 1);

    let stopping = cli::start(&session.desktop, &["stop"]);
    session.screen().answer("s");
    assert_eq!(cli::finish(stopping).code, Some(0));
    drop(view);
    wait::until("the end of the provider", || {
        let left = session.programs("valetkey-demo-provider");
        left.is_empty().then_some(())
    });
    let _again = session.app(&["--hidden"]);
    wait::until("a home without the demo", || {
        session.api().authenticators().is_empty().then_some(())
    });
    assert_eq!(session.api().connections(), Vec::<String>::new());
}

#[test]
fn details_in_the_tray_opens_the_details_of_that_connection() {
    let session = Session::bare(Desktop::start()).with_windows().with_panel();
    let scene = WindowFixture::in_session(session, Settings::default());
    let tray = scene.session.tray();
    tray.wait_for_icon();
    scene.sign_in("mail");
    scene.sign_in("calendar");
    tray.wait_for_line("calendar: connected");
    tray.pick(&["calendar", "Details"]);
    scene.view.see("Use it in");
    scene.view.see("Programs ask for calendar");
}
