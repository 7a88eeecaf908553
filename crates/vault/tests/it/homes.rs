//! Homes: folders, modes, vault ids.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use valetkey_core::home::Home;
use valetkey_vault::store::testing::TestStore;
use valetkey_vault::{StoreChoice, Vault, VaultError, VaultId};

use crate::fixture::{Fixture, home};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn folders_and_files_are_closed_to_others() {
    let fixture = Fixture::connected().await;
    for folder in [&fixture.home.data, &fixture.home.runtime] {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
    for entry in std::fs::read_dir(&fixture.home.data).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
    }
}

#[tokio::test]
async fn an_open_folder_is_closed() {
    let (_folder, home) = home();
    std::fs::create_dir_all(&home.data).unwrap();
    std::fs::set_permissions(&home.data, std::fs::Permissions::from_mode(0o755)).unwrap();
    Vault::open(&home, StoreChoice::Memory).await.unwrap();
    assert_eq!(mode(&home.data), 0o700);
}

#[tokio::test]
async fn every_home_has_an_id_of_its_own_that_stays() {
    let (_a, first) = home();
    let (_b, second) = home();
    let id = |home: Home| async move {
        Vault::open(&home, StoreChoice::Memory)
            .await
            .unwrap()
            .vault_id()
    };
    let (one, two) = (id(first.clone()).await, id(second).await);
    assert_ne!(one, two);
    assert_eq!(id(first).await, one);
    let default = Home {
        is_default: true,
        ..home().1
    };
    assert_eq!(id(default).await, VaultId::Default);
    assert_eq!(VaultId::Default.service(), "valetkey");
}

#[tokio::test]
async fn a_lost_vault_id_is_written_again_from_the_database() {
    let fixture = Fixture::connected().await;
    let id = fixture.vault.vault_id();
    std::fs::remove_file(fixture.home.vault_id()).unwrap();
    let fixture = fixture.restarted().await;
    assert_eq!(fixture.vault.vault_id(), id);
    assert!(fixture.home.vault_id().exists());
}

#[tokio::test]
async fn a_damaged_vault_id_is_an_error_and_not_another_id() {
    let (_folder, home) = home();
    std::fs::create_dir_all(&home.data).unwrap();
    std::fs::write(home.vault_id(), "not an id").unwrap();
    let opened = Vault::open(&home, TestStore::default().opener()).await;
    assert!(matches!(opened.err(), Some(VaultError::Corrupt(_))));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let (folder, _) = home();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let home = Home::at(&file.join("home"));
    let Err(VaultError::Disk(text)) = Vault::open(&home, StoreChoice::Memory).await.map(|_| ())
    else {
        panic!("a file is no folder")
    };
    assert!(
        text.contains("cannot use the folder") && text.contains("file/home"),
        "{text}"
    );
}

#[tokio::test]
async fn no_secret_reaches_the_database() {
    let fixture = Fixture::connected().await;
    let loaded = fixture.loaded().await.grant.unwrap().grant;
    fixture.vault.close().await.unwrap();
    for entry in std::fs::read_dir(&fixture.home.data).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let content = std::fs::read(&path).unwrap();
            for secret in [
                loaded.access_token.expose(),
                loaded.refresh_token.as_ref().unwrap().expose(),
            ] {
                let found = content
                    .windows(secret.len())
                    .any(|part| part == secret.as_bytes());
                assert!(!found, "{} holds a token", path.display());
            }
        }
    }
}
