//! The keychain store against a real gnome-keyring on a private desktop: locked, killed, restarted,
//! frozen, absent.
//!
//! A process finds its keychain through its environment, so each vault runs in a child on that
//! desktop ([`driver`]); the test moves the keychain under it.

mod driver;

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use valetkey_tests::Desktop;

use self::driver::Driver;

const THEIRS: &str = "grant/00000000-0000-4000-8000-000000000007";

/// What a person would not notice; far below the D-Bus limit of 25 s.
const AT_ONCE: Duration = Duration::from_secs(10);

/// Names and contents of all items. (The keyring adds attributes of its own when it likes.)
fn items(desktop: &mut Desktop) -> BTreeSet<(String, Vec<u8>)> {
    let items = desktop.keyring().items();
    let named = |attributes: &HashMap<String, String>| {
        format!("{} {}", attributes["service"], attributes["username"])
    };
    items
        .into_iter()
        .map(|item| (named(&item.attributes), item.secret))
        .collect()
}

#[test]
fn logins_are_kept_in_the_keychain_and_removed_from_it() {
    let mut desktop = Desktop::start();
    let mut vault = Driver::start(&desktop, "home");
    assert_eq!(vault.ask("check"), "ok");
    let id = vault.ask("first none");
    assert_eq!(vault.ask(&format!("load {id}")), "generation 1");
    assert_eq!(vault.ask(&format!("refresh {id}")), "ok");
    let items = desktop.keyring().items();
    assert_eq!(items.len(), 1, "one login is one item: {items:?}");
    assert_eq!(items[0].attributes["username"], format!("grant/{id}"));
    assert!(items[0].attributes["service"].starts_with("valetkey-"));

    drop(vault);
    let mut vault = Driver::start(&desktop, "home");
    assert_eq!(vault.ask(&format!("load {id}")), "generation 2");
    assert_eq!(vault.ask("probe"), "ok");
    assert_eq!(vault.ask(&format!("remove {id}")), "ok");
    assert_eq!(desktop.keyring().items(), []);
}

#[test]
fn two_homes_never_touch_each_others_items() {
    let mut desktop = Desktop::start();
    // Another program's item, and a login of the person's default home.
    for service in ["another program", "valetkey"] {
        let named = [("service", service), ("username", THEIRS)];
        let attributes = named.map(|(name, value)| (name.to_owned(), value.to_owned()));
        desktop
            .keyring()
            .add_item(&HashMap::from(attributes), "planted", b"theirs");
    }
    let mut first = Driver::start(&desktop, "first");
    let mut second = Driver::start(&desktop, "second");
    let one = first.ask("first none");
    let two = second.ask("first none");
    let before = items(&mut desktop);
    assert_eq!(before.len(), 4);

    // The second one loses its database: it adopts what is its own.
    drop(second);
    for file in ["valetkey.db", "valetkey.db-wal", "valetkey.db-shm"] {
        drop(std::fs::remove_file(
            desktop.folder().join("second").join(file),
        ));
    }
    let mut second = Driver::start(&desktop, "second");
    assert_eq!(second.ask("reconcile"), format!("adopted {two}"));
    assert_eq!(second.ask(&format!("load {one}")), "not found");
    assert_eq!(second.ask(&format!("remove {two}")), "ok");
    assert_eq!(first.ask(&format!("load {one}")), "generation 1");
    let untouched = before
        .into_iter()
        .filter(|(user, _)| !user.contains(&two))
        .collect();
    assert!(
        items(&mut desktop) == untouched,
        "items of others were touched"
    );
}

#[test]
fn a_locked_keychain_is_reported_at_once_without_a_prompt_until_it_is_unlocked() {
    let mut desktop = Desktop::start();
    let mut vault = Driver::start(&desktop, "home");
    let id = vault.ask("first none");
    desktop.keyring().lock();
    let started = Instant::now();
    for request in [
        "check",
        &format!("load {id}"),
        &format!("refresh {id}"),
        "first work",
        "probe",
    ] {
        assert_eq!(vault.ask(request), "locked", "{request}");
    }
    assert!(started.elapsed() < AT_ONCE, "a prompt was waited for");
    assert!(desktop.keyring().is_locked());
    // A start with a locked keychain.
    drop(vault);
    let mut vault = Driver::start(&desktop, "home");
    assert_eq!(vault.ask("reconcile"), "deferred: locked");

    desktop.keyring().unlock();
    assert_eq!(vault.ask("check"), "ok");
    assert_eq!(vault.ask(&format!("load {id}")), "generation 1");
    assert_eq!(vault.ask(&format!("refresh {id}")), "ok");
}

#[test]
fn a_restarted_keychain_works_at_once() {
    let mut desktop = Desktop::start();
    let mut vault = Driver::start(&desktop, "home");
    let id = vault.ask("first none");
    desktop.keyring().kill();
    let started = Instant::now();
    for request in ["check", &format!("load {id}"), &format!("refresh {id}")] {
        assert_eq!(vault.ask(request), "unavailable", "{request}");
    }
    assert!(started.elapsed() < AT_ONCE);
    desktop.keyring().start();
    assert_eq!(vault.ask(&format!("load {id}")), "generation 1");

    // Restarted between two calls: nobody notices.
    for request in [
        format!("refresh {id}"),
        "check".to_owned(),
        format!("load {id}"),
    ] {
        desktop.keyring().kill();
        desktop.keyring().start();
        let answer = vault.ask(&request);
        assert!(
            ["ok", "generation 2"].contains(&answer.as_str()),
            "{request}: {answer}"
        );
    }
}

#[test]
fn a_frozen_keychain_fails_calls_and_recovers() {
    let mut desktop = Desktop::start();
    let mut vault = Driver::start(&desktop, "home");
    let id = vault.ask("first none");
    desktop.keyring().suspend();
    let started = Instant::now();
    for request in [
        &format!("refresh {id}"),
        "check",
        &format!("load {id}"),
        "check",
    ] {
        assert_eq!(vault.ask(request), "hung", "{request}");
    }
    assert!(started.elapsed() < AT_ONCE);
    desktop.keyring().resume();
    vault.ask_until("check", "ok");
    // The write that timed out was carried out late.
    assert_eq!(vault.ask(&format!("load {id}")), "generation 2");
}

#[test]
fn a_desktop_without_a_keychain_says_so_at_once() {
    for desktop in [Desktop::without_keyring(), Desktop::without_bus()] {
        let started = Instant::now();
        let mut vault = Driver::start(&desktop, "home");
        assert_eq!(vault.ask("check"), "unavailable");
        assert_eq!(vault.ask("first none"), "unavailable");
        assert_eq!(vault.ask("reconcile"), "deferred: unavailable");
        assert!(started.elapsed() < AT_ONCE);
    }
}

#[test]
fn a_bus_that_dies_is_no_panic() {
    let mut desktop = Desktop::start();
    let mut vault = Driver::start(&desktop, "home");
    let id = vault.ask("first none");
    desktop.kill_bus();
    for _ in 0..2 {
        assert_eq!(vault.ask(&format!("load {id}")), "unavailable");
    }
}
