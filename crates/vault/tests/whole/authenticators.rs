//! Authenticators and their secrets.

use valetkey_core::authenticator::Authenticator;
use valetkey_core::draft::SecretChange;
use valetkey_core::name::ProfileName;
use valetkey_core::secret::ClientSecret;
use valetkey_vault::store::testing::Fault;
use valetkey_vault::{ItemName, VaultError};

use crate::fixture::{Rig, authenticator, now};

fn confidential(name: &str) -> (Authenticator, ClientSecret) {
    let row = Authenticator {
        has_secret: true,
        ..authenticator(name)
    };
    (row, ClientSecret::new("s3cret"))
}

#[tokio::test]
async fn a_secret_is_kept_in_the_store_and_goes_with_its_authenticator() {
    let rig = Rig::connected().await;
    let (row, secret) = confidential("google");
    rig.vault
        .add_authenticator(&row, Some(&secret))
        .await
        .unwrap();
    assert_eq!(rig.vault.client_secret(row.id).await.unwrap(), Some(secret));
    assert_eq!(
        rig.vault.authenticator(row.id).await.unwrap(),
        Some(row.clone())
    );
    rig.vault.remove_authenticator(row.id).await.unwrap();
    assert_eq!(rig.store.items(), [rig.item()]);
    assert_eq!(rig.vault.authenticator(row.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_new_secret_keeps_the_connections() {
    let rig = Rig::connected().await;
    let secret = |text: &str| Some(SecretChange::Set(ClientSecret::new(text)));
    for text in ["one", "two"] {
        rig.vault
            .update_authenticator(&rig.authenticator, secret(text))
            .await
            .unwrap();
        let row = rig
            .vault
            .authenticator(rig.authenticator.id)
            .await
            .unwrap()
            .unwrap();
        assert!(row.has_secret);
        let stored = rig.vault.client_secret(row.id).await.unwrap();
        assert_eq!(stored, Some(ClientSecret::new(text)));
    }
    assert!(rig.loaded().await.grant.is_some());

    // Other changes leave it as it is.
    let disabled = Authenticator {
        is_active: false,
        ..rig.authenticator.clone()
    };
    rig.vault
        .update_authenticator(&disabled, None)
        .await
        .unwrap();
    let row = rig
        .vault
        .authenticator(rig.authenticator.id)
        .await
        .unwrap()
        .unwrap();
    assert!(row.has_secret && !row.is_active);

    let change = Some(SecretChange::Remove);
    rig.vault
        .update_authenticator(&rig.authenticator, change)
        .await
        .unwrap();
    assert_eq!(rig.vault.client_secret(row.id).await.unwrap(), None);
    assert_eq!(rig.saved().await, rig.row);
}

#[tokio::test]
async fn one_that_has_connections_is_not_removed() {
    let rig = Rig::connected().await;
    let refused = rig.vault.remove_authenticator(rig.authenticator.id).await;
    assert!(matches!(refused, Err(VaultError::InUse(_))), "{refused:?}");
}

#[tokio::test]
async fn names_are_unique_within_a_profile() {
    let rig = Rig::connected().await;
    let (other, secret) = confidential("github");
    let taken = rig.vault.add_authenticator(&other, Some(&secret)).await;
    assert!(matches!(taken, Err(VaultError::NameTaken(_))), "{taken:?}");
    assert_eq!(rig.store.items(), [rig.item()], "nothing half-stored");

    let staging: ProfileName = "staging".parse().unwrap();
    let other = Authenticator {
        profile: staging.clone(),
        ..other
    };
    rig.vault
        .add_authenticator(&other, Some(&secret))
        .await
        .unwrap();
    assert_eq!(
        rig.vault.authenticators(Some(&staging)).await.unwrap(),
        [other]
    );
    assert_eq!(rig.vault.authenticators(None).await.unwrap().len(), 2);
    assert_eq!(
        rig.vault.profiles().await.unwrap(),
        [ProfileName::default(), staging]
    );
}

#[tokio::test]
async fn a_locked_keychain_leaves_nothing_half_stored() {
    let rig = Rig::connected().await;
    let (row, secret) = confidential("google");
    rig.store.set(Fault::Locked);
    let refused = rig.vault.add_authenticator(&row, Some(&secret)).await;
    assert!(matches!(refused, Err(VaultError::Store(_))));
    assert_eq!(
        rig.vault.authenticators(None).await.unwrap(),
        std::slice::from_ref(&rig.authenticator)
    );
    rig.store.set(Fault::None);
    rig.vault
        .add_authenticator(&row, Some(&secret))
        .await
        .unwrap();

    rig.store.set(Fault::Locked);
    rig.vault.remove_authenticator(row.id).await.unwrap_err();
    rig.vault
        .update_authenticator(&row, Some(SecretChange::Remove))
        .await
        .unwrap_err();
    assert_eq!(
        rig.vault.authenticator(row.id).await.unwrap(),
        Some(row.clone())
    );
    rig.store.set(Fault::None);
    assert_eq!(rig.vault.client_secret(row.id).await.unwrap(), Some(secret));
}

#[tokio::test]
async fn a_secret_whose_write_failed_in_doubt_is_settled_at_the_next_start() {
    let rig = Rig::connected().await;
    let (row, secret) = confidential("google");
    rig.store.set(Fault::FailNextWrite);
    rig.vault
        .add_authenticator(&row, Some(&secret))
        .await
        .unwrap_err();
    assert_eq!(rig.vault.authenticator(row.id).await.unwrap(), None);
    rig.vault.reconcile(now()).await.unwrap();
    rig.vault
        .add_authenticator(&row, Some(&secret))
        .await
        .unwrap();
    assert!(rig.store.item(ItemName::ClientSecret(row.id)).is_some());
}
