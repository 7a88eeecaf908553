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

pub(crate) fn passphrase(text: &str) -> FileKey {
    FileKey::Passphrase(Zeroizing::new(text.to_owned()))
}

pub(crate) fn open(path: &Path, key: &FileKey) -> Result<FileStore, VaultError> {
    FileStore::open(path, key, CHEAP)
}

pub(crate) fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secrets.vault");
    (folder, path)
}

pub(crate) fn grant(n: u128) -> ItemName {
    ItemName::Grant(ConnectionId::new(Uuid::from_u128(n)))
}

pub(crate) fn client_secret() -> ItemName {
    ItemName::ClientSecret(AuthenticatorId::new(Uuid::from_u128(2)))
}

pub(crate) fn value(store: &mut FileStore, item: ItemName) -> Option<Vec<u8>> {
    store.read(&item).unwrap().map(|value| value.to_vec())
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
    newer.push(3);
    for content in [&b""[..], b"valet", b"ssh-rsa AAAA", &newer] {
        std::fs::write(&path, content).unwrap();
        let opened = open(&path, &passphrase("p")).map(|_| ());
        assert!(matches!(opened, Err(VaultError::Corrupt(_))), "{opened:?}");
    }
}

/// As a power cut leaves it: the mark is where the last complete write put it.
#[test]
fn a_write_that_was_cut_off_anywhere_leaves_the_old_value() {
    let (_folder, path) = file();
    let key = passphrase("p");
    let mut store = open(&path, &key).unwrap();
    store.write(&grant(1), b"old").unwrap();
    let before = std::fs::read(&path).unwrap();
    store.write(&grant(1), b"new").unwrap();
    let after = std::fs::read(&path).unwrap();
    let unmarked = [&before[..], &after[before.len()..]].concat();
    for end in before.len()..=after.len() {
        std::fs::write(&path, &unmarked[..end]).unwrap();
        let mut store = open(&path, &key).unwrap();
        let is_whole = end == after.len();
        let expected: &[u8] = if is_whole { b"new" } else { b"old" };
        assert_eq!(value(&mut store, grant(1)).unwrap(), expected, "{end}");
        // The store goes on from there.
        store.write(&grant(2), b"next").unwrap();
        let mut store = open(&path, &key).unwrap();
        assert_eq!(value(&mut store, grant(1)).unwrap(), expected);
        assert_eq!(value(&mut store, grant(2)).unwrap(), b"next");
    }
    // Space that was reserved but never written.
    std::fs::write(&path, [&before[..], &vec![0; 5000]].concat()).unwrap();
    let mut store = open(&path, &key).unwrap();
    assert_eq!(value(&mut store, grant(1)).unwrap(), b"old");
}

#[test]
fn records_of_another_time_do_not_fit_in() {
    let (_folder, path) = file();
    let key = passphrase("p");
    let mut store = open(&path, &key).unwrap();
    let mut ends = Vec::new();
    for value in [b"one", b"two", b"end"] {
        store.write(&grant(1), value).unwrap();
        ends.push(std::fs::read(&path).unwrap().len());
    }
    let whole = std::fs::read(&path).unwrap();
    let [first, second] = [ends[0] - (ends[1] - ends[0])..ends[0], ends[0]..ends[1]];
    let third = ends[1]..ends[2];
    let head = &whole[..first.start];
    for order in [
        [&second, &first, &third],
        [&first, &second, &first],
        [&first, &first, &third],
    ] {
        let parts = order.map(|range| &whole[range.clone()]).concat();
        std::fs::write(&path, [head, &parts].concat()).unwrap();
        let opened = open(&path, &key).map(|_| ());
        assert!(matches!(opened, Err(VaultError::Corrupt(_))), "{opened:?}");
    }
    // One left out.
    let parts = [head, &whole[first], &whole[third]].concat();
    std::fs::write(&path, parts).unwrap();
    assert!(open(&path, &key).is_err());
}

#[test]
fn a_write_adds_one_item_however_many_there_are() {
    let (_folder, path) = file();
    let mut store = open(&path, &passphrase("p")).unwrap();
    for n in 0..1000 {
        store.write(&grant(n), &[7; 1000]).unwrap();
    }
    let before = std::fs::read(&path).unwrap();
    store.write(&grant(500), &[8; 1000]).unwrap();
    let after = std::fs::read(&path).unwrap();
    assert!(after.len() - before.len() < 1200);
    // All but the mark near its start is as it was.
    assert!(after[512..before.len()] == before[512..]);
}

#[test]
fn outdated_values_are_dropped_in_time() {
    let (folder, path) = file();
    let key = passphrase("p");
    let mut store = open(&path, &key).unwrap();
    store.write(&client_secret(), b"client-secret").unwrap();
    for n in 0..500_u16 {
        let value = [&n.to_le_bytes()[..], &[7; 1000]].concat();
        store.write(&grant(1), &value).unwrap();
        let length = std::fs::metadata(&path).unwrap().len();
        assert!(length < 70_000, "{length} after {n} writes");
    }
    store.delete(&client_secret()).unwrap();
    let mut store = open(&path, &key).unwrap();
    assert_eq!(store.list().unwrap(), [grant(1)]);
    assert_eq!(
        value(&mut store, grant(1)).unwrap()[..2],
        499_u16.to_le_bytes()
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_copy_put_back_while_the_store_is_open_is_taken() {
    let (folder, path) = file();
    let mut store = open(&path, &passphrase("p")).unwrap();
    store.write(&grant(1), b"old").unwrap();
    let copy = folder.path().join("copy");
    std::fs::copy(&path, &copy).unwrap();
    store.write(&grant(1), b"new").unwrap();
    std::fs::rename(&copy, &path).unwrap();
    assert_eq!(value(&mut store, grant(1)).unwrap(), b"old");
    store.write(&grant(2), b"x").unwrap();
    let mut store = open(&path, &passphrase("p")).unwrap();
    assert_eq!(store.list().unwrap(), [grant(1), grant(2)]);
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
        let start = if ours { &b"valetkey\x02\x01\x08\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00"[..] }
            else { b"" };
        std::fs::write(&path, [start, &content].concat()).unwrap();
        prop_assert!(open(&path, &passphrase("p")).is_err());
    }
}
