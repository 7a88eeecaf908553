//! The encrypted file.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use uuid::Uuid;
use valetkey_core::id::{AuthenticatorId, ConnectionId};
use valetkey_vault::store::{Cost, FileStore};
use valetkey_vault::{FileKey, ItemName, SecretStore, StoreError, VaultError};
use zeroize::Zeroizing;

/// The least that Argon2 takes: these tests are about the file, not about guessing.
const CHEAP: Cost = Cost {
    memory: 8,
    passes: 1,
    lanes: 1,
};

fn passphrase(text: &str) -> FileKey {
    FileKey::Passphrase(Zeroizing::new(text.to_owned()))
}

fn open(path: &Path, key: &FileKey) -> Result<FileStore, VaultError> {
    FileStore::open(path, key, CHEAP)
}

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secrets.vault");
    (folder, path)
}

fn grant(n: u128) -> ItemName {
    ItemName::Grant(ConnectionId::new(Uuid::from_u128(n)))
}

#[test]
fn items_survive_a_restart_and_stand_nowhere_in_plain() {
    let (_folder, path) = file();
    let key = passphrase("correct horse");
    open(&path, &key)
        .unwrap()
        .write(&grant(1), b"refresh-token-1")
        .unwrap();
    let mut store = open(&path, &key).unwrap();
    assert_eq!(
        store.read(&grant(1)).unwrap().unwrap().as_slice(),
        b"refresh-token-1"
    );
    assert_eq!(store.read(&grant(2)).unwrap(), None);
    assert_eq!(store.list().unwrap(), [grant(1)]);
    let content = std::fs::read(&path).unwrap();
    assert!(
        !content
            .windows(7)
            .any(|part| part == b"refresh" || part == b"correct")
    );
    store.delete(&grant(1)).unwrap();
    store.delete(&grant(1)).unwrap();
    assert_eq!(store.list().unwrap(), []);
}

#[cfg(unix)]
#[test]
fn the_file_is_closed_to_others_and_leaves_no_copies() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, path) = file();
    open(&path, &passphrase("p"))
        .unwrap()
        .write(&grant(1), b"x")
        .unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_wrong_passphrase_is_its_own_error_and_changes_nothing() {
    let (folder, path) = file();
    open(&path, &passphrase("right"))
        .unwrap()
        .write(&grant(1), b"x")
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    let key_file = folder.path().join("key");
    std::fs::write(&key_file, [7; 32]).unwrap();
    for key in [
        passphrase("wrong"),
        passphrase(""),
        FileKey::KeyFile(key_file),
    ] {
        let opened = open(&path, &key).map(|_| ());
        assert!(
            matches!(opened, Err(VaultError::WrongPassphrase(_))),
            "{opened:?}"
        );
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_key_file_opens_what_it_made() {
    let (folder, path) = file();
    let key_file = folder.path().join("key");
    let key = FileKey::KeyFile(key_file.clone());
    assert!(
        matches!(open(&path, &key).err(), Some(VaultError::Disk(_))),
        "no key file"
    );
    std::fs::write(&key_file, "short").unwrap();
    assert!(matches!(
        open(&path, &key).err(),
        Some(VaultError::WrongPassphrase(_))
    ));
    std::fs::write(&key_file, [7; 32]).unwrap();
    open(&path, &key).unwrap().write(&grant(1), b"x").unwrap();
    assert_eq!(open(&path, &key).unwrap().list().unwrap(), [grant(1)]);
    std::fs::write(&key_file, [8; 32]).unwrap();
    assert!(matches!(
        open(&path, &key).err(),
        Some(VaultError::WrongPassphrase(_))
    ));
    std::fs::write(&key_file, [7; 32]).unwrap();
    let opened = open(&path, &passphrase("p")).map(|_| ());
    assert!(matches!(opened, Err(VaultError::WrongPassphrase(_))));
}

#[test]
fn a_file_that_vanishes_is_not_taken_for_an_empty_one() {
    let (_folder, path) = file();
    let mut store = open(&path, &passphrase("p")).unwrap();
    store.write(&grant(1), b"x").unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(
        store.write(&grant(2), b"y"),
        Err(StoreError::Broken(_))
    ));
    assert!(matches!(store.check(), Err(StoreError::Broken(_))));
    assert!(!path.exists());
}

#[test]
fn an_unchanged_item_is_not_written_again() {
    let (_folder, path) = file();
    let mut store = open(&path, &passphrase("p")).unwrap();
    store.write(&grant(1), b"x").unwrap();
    let before = std::fs::read(&path).unwrap();
    store.write(&grant(1), b"x").unwrap();
    store.delete(&grant(9)).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn foreign_and_newer_files_are_told_apart_from_wrong_passphrases() {
    let (_folder, path) = file();
    let mut newer = b"valetkey".to_vec();
    newer.push(2);
    for content in [&b""[..], b"valet", b"ssh-rsa AAAA", &newer] {
        std::fs::write(&path, content).unwrap();
        let opened = open(&path, &passphrase("p")).map(|_| ());
        assert!(matches!(opened, Err(VaultError::Corrupt(_))), "{opened:?}");
    }
}

fn any_item() -> impl Strategy<Value = ItemName> {
    (0_u128..4, any::<bool>()).prop_map(|(id, is_grant)| {
        let id = Uuid::from_u128(id);
        if is_grant {
            ItemName::Grant(ConnectionId::new(id))
        } else {
            ItemName::ClientSecret(AuthenticatorId::new(id))
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_behaves_like_a_map(
        steps in prop::collection::vec(
            (any_item(), prop::option::of(prop::collection::vec(any::<u8>(), 0..300))),
            0..12,
        ),
    ) {
        let (_folder, path) = file();
        let key = passphrase("p");
        let mut map = std::collections::BTreeMap::new();
        let mut store = open(&path, &key).unwrap();
        for (item, value) in steps {
            if let Some(value) = value {
                store.write(&item, &value).unwrap();
                map.insert(item, value);
            } else {
                store.delete(&item).unwrap();
                map.remove(&item);
            }
        }
        let mut store = open(&path, &key).unwrap();
        prop_assert_eq!(store.list().unwrap(), map.keys().copied().collect::<Vec<_>>());
        for (item, value) in map {
            prop_assert_eq!(store.read(&item).unwrap().unwrap().to_vec(), value);
        }
    }

    #[test]
    fn damage_is_always_noticed(position: prop::sample::Index, bit in 0_u8..8, cut: bool) {
        let (_folder, path) = file();
        let key = passphrase("p");
        open(&path, &key).unwrap().write(&grant(1), b"refresh-token-1").unwrap();
        let mut content = std::fs::read(&path).unwrap();
        let position = position.index(content.len());
        if cut {
            content.truncate(position);
        } else {
            content[position] ^= 1 << bit;
        }
        std::fs::write(&path, &content).unwrap();
        prop_assert!(open(&path, &key).is_err());
        prop_assert_eq!(std::fs::read(&path).unwrap(), content);
    }

    #[test]
    fn any_bytes_are_refused(content in prop::collection::vec(any::<u8>(), 0..400), ours: bool) {
        let (_folder, path) = file();
        let start = if ours { &b"valetkey\x01\x01\x08\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00"[..] }
            else { b"" };
        std::fs::write(&path, [start, &content].concat()).unwrap();
        prop_assert!(open(&path, &passphrase("p")).is_err());
    }
}
