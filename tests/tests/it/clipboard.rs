//! "Copy token": the real clipboard of a screen, and its real thirty seconds.

use std::time::{Duration, Instant};

use valetkey_tests::{Role, WindowFixture, cli, wait};

/// What the page promises.
const CLEARED_AFTER: Duration = Duration::from_secs(30);

fn copy_token(scene: &WindowFixture) {
    let view = &scene.view;
    // Until then the row is still changing under the mouse.
    view.see_in_row("mail", "Connected");
    view.click(Role::Button, "More for mail");
    view.click(Role::MenuItem, "Copy token…");
    scene.session.screen().answer("c");
    view.see("A token of mail is on the clipboard.");
}

#[test]
fn a_copied_token_is_confirmed_and_cleared_thirty_seconds_after_the_last_copy() {
    let scene = WindowFixture::start();
    let view = &scene.view;
    scene.sign_in("mail");
    view.see_in_row("mail", "Connected");
    view.click(Role::Button, "More for mail");
    view.click(Role::MenuItem, "Copy token…");
    scene.session.screen().answer("n");
    view.see("Declined in the window of Valet Key");
    view.click(Role::Button, "More for mail");
    view.click(Role::MenuItem, "Hide the message");
    assert_eq!(scene.session.clipboard(), None, "nobody confirmed");

    copy_token(&scene);
    scene.picture("copied");
    let token = cli::ok(scene.desktop(), &["token", "mail"]).stdout;
    assert_eq!(scene.session.clipboard().as_deref(), Some(token.trim()));

    view.see_no_more("A token of mail is on the clipboard.");
    let again = Instant::now();
    copy_token(&scene);
    wait::until("a cleared clipboard", || {
        let text = scene.session.clipboard();
        assert!(text.is_none() || text.as_deref() == Some(token.trim()));
        text.is_none().then_some(())
    });
    assert!(again.elapsed() >= CLEARED_AFTER, "{:?}", again.elapsed());
}

#[test]
fn what_a_person_copied_after_the_token_is_not_cleared() {
    let scene = WindowFixture::start();
    scene.sign_in("mail");
    copy_token(&scene);
    let _program = scene.session.copy("something else");
    // That nothing happens can only be watched.
    let changed = wait::within(CLEARED_AFTER + Duration::from_secs(5), || {
        let text = scene.session.clipboard();
        (text.as_deref() != Some("something else")).then_some(text)
    });
    assert_eq!(changed, None);
}
