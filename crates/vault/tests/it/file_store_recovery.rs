//! The encrypted file: files of the first version, interrupted writes and kills.

use std::path::Path;

use valetkey_vault::{FileKey, SecretStore, VaultError};

use crate::file_store::{client_secret, file, grant, open, passphrase, value};

/// Made by the code that wrote the first version of the file, with a passphrase: `grant(1)` holds
/// `refresh-token-1` and a client secret `client-secret`; in `.new`, written next, `grant(1)` holds
/// `refresh-token-2`.
const VERSION_1: &[u8] = include_bytes!("fixtures/version_1.vault");
const VERSION_1_NEW: &[u8] = include_bytes!("fixtures/version_1.vault.new");

fn version_1_key() -> FileKey {
    passphrase("correct horse")
}

#[test]
fn a_file_of_the_first_version_is_migrated() {
    let (folder, path) = file();
    std::fs::write(&path, VERSION_1).unwrap();
    let wrong = open(&path, &passphrase("wrong")).map(|_| ());
    assert!(matches!(wrong, Err(VaultError::WrongPassphrase(_))));
    assert_eq!(std::fs::read(&path).unwrap(), VERSION_1);
    for _ in 0..2 {
        let mut store = open(&path, &version_1_key()).unwrap();
        assert_eq!(store.list().unwrap(), [grant(1), client_secret()]);
        assert_eq!(value(&mut store, grant(1)).unwrap(), b"refresh-token-1");
        assert_eq!(
            value(&mut store, client_secret()).unwrap(),
            b"client-secret"
        );
        assert_eq!(std::fs::read(&path).unwrap()[8], 2);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_interrupted_write_of_the_first_version_is_completed() {
    let (folder, path) = file();
    let new = folder.path().join("secrets.vault.new");
    std::fs::write(&path, VERSION_1).unwrap();
    std::fs::write(&new, VERSION_1_NEW).unwrap();
    let mut store = open(&path, &version_1_key()).unwrap();
    assert_eq!(value(&mut store, grant(1)).unwrap(), b"refresh-token-2");
    assert_eq!(
        value(&mut store, client_secret()).unwrap(),
        b"client-secret"
    );
    assert!(!new.exists());
}

#[test]
fn an_incomplete_or_older_write_of_the_first_version_is_dropped() {
    let cut = &VERSION_1_NEW[..VERSION_1_NEW.len() - 1];
    for (content, age) in [(cut, 0), (b"", 0), (VERSION_1_NEW, 60)] {
        let (folder, path) = file();
        let new = folder.path().join("secrets.vault.new");
        std::fs::write(&path, VERSION_1).unwrap();
        std::fs::write(&new, content).unwrap();
        let written = std::time::SystemTime::now() - std::time::Duration::from_secs(age);
        let file = std::fs::File::options().write(true).open(&new).unwrap();
        file.set_modified(written).unwrap();
        let mut store = open(&path, &version_1_key()).unwrap();
        assert_eq!(value(&mut store, grant(1)).unwrap(), b"refresh-token-1");
        assert!(!new.exists());
    }
}

const CRASH_PATH: &str = "VALETKEY_FILE_STORE_CRASH_TEST";

/// Kills the process at every failpoint of the store: when it migrates, writes, rewrites.
#[test]
fn a_crash_of_the_store_loses_nothing_that_was_written() {
    if let Some(path) = std::env::var_os(CRASH_PATH) {
        return write_until_killed(Path::new(&path));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let names: Vec<_> = ["file.rs", "file/item_log.rs"]
        .into_iter()
        .flat_map(|name| crate::crash::failpoints_in(&folder.join(name)))
        .collect();
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        for passage in [1, 2, 3, 70] {
            let (folder, path) = file();
            std::fs::write(&path, VERSION_1).unwrap();
            std::fs::write(folder.path().join("secrets.vault.new"), VERSION_1_NEW).unwrap();
            let died = std::process::Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "file_store_recovery::a_crash_of_the_store_loses_nothing_that_was_written",
                ])
                .env(CRASH_PATH, &path)
                .env("VALETKEY_ABORT_AT", format!("{name}#{passage}"))
                .output()
                .unwrap();
            let ended = died.status.success();
            assert!(ended || died.status.code().is_none(), "{name}: {died:?}");
            assert!(passage > 1 || !ended, "the child never passes `{name}`");
            check_promises(folder.path(), &path, &format!("{name}#{passage}"));
        }
    }
}

/// After each step it notes what it was told.
fn write_until_killed(path: &Path) {
    let note = |text: String| {
        std::fs::write(path.with_file_name("promise"), text).unwrap();
    };
    let mut store = open(path, &version_1_key()).unwrap();
    note("0".to_owned());
    for n in 1..=100 {
        let value = format!("{n} {}", "x".repeat(1000));
        store.write(&grant(7), value.as_bytes()).unwrap();
        note(n.to_string());
    }
    store.delete(&client_secret()).unwrap();
    note("deleted".to_owned());
}

fn check_promises(folder: &Path, path: &Path, place: &str) {
    let promise = std::fs::read_to_string(folder.join("promise")).unwrap_or_default();
    let mut store = open(path, &version_1_key()).unwrap();
    // The newest login, which only `.new` had.
    assert_eq!(
        value(&mut store, grant(1)).unwrap(),
        b"refresh-token-2",
        "{place}"
    );
    let found = value(&mut store, grant(7)).map_or(0, |value| {
        let text = String::from_utf8(value).unwrap();
        text.split(' ').next().unwrap().parse::<u32>().unwrap()
    });
    let promised = match promise.as_str() {
        "" => 0,
        "deleted" => 100,
        n => n.parse().unwrap(),
    };
    assert!(
        found == promised || found == promised + 1,
        "{place}: {found} after {promised}"
    );
    let secret = value(&mut store, client_secret());
    if promise == "deleted" {
        assert_eq!(secret, None, "{place}");
    } else if promised < 100 {
        assert_eq!(secret.unwrap(), b"client-secret", "{place}");
    }
    // And it can be written again.
    store.write(&grant(8), b"after").unwrap();
    let mut store = open(path, &version_1_key()).unwrap();
    assert_eq!(value(&mut store, grant(8)).unwrap(), b"after", "{place}");
    let left = std::fs::read_dir(folder).unwrap().count();
    assert!(left <= 2, "{place}: files are left behind");
}
