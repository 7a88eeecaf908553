//! The whole operations in which the keychain leads.

use crate::fixture::{after, authenticator, connecting, home, now, stored};
use valetkey_core::life::{Happening, Status};
use valetkey_vault::store::testing::TestStore;
use valetkey_vault::{ItemName, Vault};

#[tokio::test]
async fn a_first_grant_survives_a_restart() {
    let (_folder, home) = home();
    let store = TestStore::default();
    let github = authenticator("github");
    let row = connecting(&github, None);
    let grant = stored(&github, &row, 1);
    let active = {
        let vault = Vault::open(&home, store.opener()).await.unwrap();
        vault.add_authenticator(&github, None).await.unwrap();
        vault.store_first_grant(&row, &grant).await.unwrap()
    };
    assert_eq!(active.life.status, Status::Active);

    let vault = Vault::open(&home, store.opener()).await.unwrap();
    assert_eq!(
        vault.connections().await.unwrap(),
        std::slice::from_ref(&active)
    );
    assert_eq!(vault.authenticators(None).await.unwrap(), [github]);
    let loaded = vault.load_grant(row.id, now()).await.unwrap();
    assert_eq!((loaded.grant, loaded.mended), (Some(grant), None));

    let removing = after(&active, Happening::Disconnected);
    vault.begin_removal(&removing).await.unwrap();
    vault.finish_removal(row.id).await.unwrap();
    assert_eq!(store.item(ItemName::Grant(row.id)), None);
    assert_eq!(vault.connections().await.unwrap(), []);
}
