//! Authenticators and their secrets.

use std::time::Duration;

use valetkey_core::authenticator::Authenticator;
use valetkey_core::draft::SecretChange;
use valetkey_core::name::ProfileName;
use valetkey_core::secret::ClientSecret;
use valetkey_vault::store::testing::Fault;
use valetkey_vault::{ItemName, StoreError, VaultError};

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

/// The name is free again, and what is left goes when the vault is next reconciled.
async fn is_undone(rig: &Rig, row: &Authenticator) {
    assert_eq!(rig.vault.authenticator(row.id).await.unwrap(), None);
    let again = Authenticator {
        name: row.name.clone(),
        ..authenticator("again")
    };
    rig.vault.add_authenticator(&again, None).await.unwrap();
    assert!(rig.vault.unfinished().await.unwrap().reconcile);
    let report = rig.vault.reconcile(now()).await.unwrap();
    assert_eq!(report.removed_authenticators, [row.id]);
    assert!(rig.vault.unfinished().await.unwrap().is_empty());
    assert_eq!(rig.store.items(), [rig.item()]);
    let visible = rig.vault.authenticators(None).await.unwrap();
    assert!(visible.contains(&again) && visible.len() == 2);
}

#[tokio::test]
async fn an_addition_in_doubt_leaves_no_name_behind() {
    let rig = Rig::connected().await;
    rig.vault.reconcile(now()).await.unwrap();
    let (row, secret) = confidential("google");
    rig.store.set(Fault::FailNextWrite);
    let failed = rig.vault.add_authenticator(&row, Some(&secret)).await;
    assert!(matches!(failed, Err(VaultError::Store(_))), "{failed:?}");
    is_undone(&rig, &row).await;
}

#[tokio::test]
async fn an_addition_whose_write_comes_late_leaves_no_secret_behind() {
    let rig = Rig::with_time_limit(Duration::from_millis(50)).await;
    rig.vault.reconcile(now()).await.unwrap();
    let (row, secret) = confidential("google");
    rig.store.set(Fault::HangAtWrite);
    let adding = {
        let (vault, row) = (rig.vault.clone(), row.clone());
        tokio::spawn(async move { vault.add_authenticator(&row, Some(&secret)).await })
    };
    let failed = adding.await.unwrap();
    assert_eq!(failed, Err(VaultError::Store(StoreError::Hung)));
    let report = rig.vault.reconcile(now()).await.unwrap();
    assert!(report.deferred.is_some(), "{report:?}");
    rig.store.set(Fault::None);
    while rig.vault.check_store().await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(rig.store.item(ItemName::ClientSecret(row.id)).is_some());
    is_undone(&rig, &row).await;
}

#[tokio::test]
async fn a_removal_whose_deletion_failed_is_repeated_or_reconciled() {
    for reconciled in [false, true] {
        let rig = Rig::connected().await;
        rig.vault.reconcile(now()).await.unwrap();
        let (row, secret) = confidential("google");
        let added = rig.vault.add_authenticator(&row, Some(&secret)).await;
        added.unwrap();
        rig.store.set(Fault::FailDeletes);
        for _ in 0..2 {
            let failed = rig.vault.remove_authenticator(row.id).await;
            assert!(matches!(failed, Err(VaultError::Store(_))), "{failed:?}");
            assert_eq!(rig.vault.authenticator(row.id).await.unwrap(), None);
            let report = rig.vault.reconcile(now()).await.unwrap();
            assert!(report.deferred.is_some() && report.changed_nothing());
        }
        rig.store.set(Fault::None);
        if reconciled {
            is_undone(&rig, &row).await;
        } else {
            rig.vault.remove_authenticator(row.id).await.unwrap();
            assert!(rig.vault.unfinished().await.unwrap().is_empty());
            assert_eq!(rig.store.items(), [rig.item()]);
        }
    }
}

#[tokio::test]
async fn a_name_that_only_a_cut_off_addition_holds_is_taken_over() {
    let rig = Rig::connected().await;
    rig.vault.reconcile(now()).await.unwrap();
    let (row, secret) = confidential("google");
    let added = rig.vault.add_authenticator(&row, Some(&secret)).await;
    added.unwrap();
    // As a kill between secret and row leaves it.
    let database = rusqlite::Connection::open(rig.home.database()).unwrap();
    let sql = "UPDATE authenticators SET stage = 'adding' WHERE name = 'google'";
    assert_eq!(database.execute(sql, []).unwrap(), 1);
    is_undone(&rig, &row).await;
}

#[tokio::test]
async fn a_change_whose_secret_is_in_doubt_changes_no_field_and_may_be_repeated() {
    let rig = Rig::connected().await;
    rig.vault.reconcile(now()).await.unwrap();
    let public = rig.authenticator.clone();
    let renamed = Authenticator {
        display_name: "Renamed".to_owned(),
        ..public.clone()
    };
    let set = || Some(SecretChange::Set(ClientSecret::new("s3cret")));
    let stored = async || rig.vault.authenticator(public.id).await.unwrap().unwrap();

    rig.store.set(Fault::FailNextWrite);
    let failed = rig.vault.update_authenticator(&renamed, set()).await;
    failed.unwrap_err();
    assert_eq!(stored().await, public);
    assert!(rig.vault.unfinished().await.unwrap().reconcile);
    // Without a secret it needs no keychain, and the doubt remains.
    rig.store.set(Fault::Locked);
    let kept = rig.vault.update_authenticator(&renamed, None).await;
    kept.unwrap();
    assert_eq!(stored().await, renamed);
    assert!(rig.vault.unfinished().await.unwrap().reconcile);
    rig.store.set(Fault::None);
    rig.vault.reconcile(now()).await.unwrap();
    assert_eq!(stored().await, renamed);
    assert!(rig.vault.unfinished().await.unwrap().is_empty());

    let done = rig.vault.update_authenticator(&public, set()).await;
    done.unwrap();
    rig.store.set(Fault::FailDeletes);
    let remove = || Some(SecretChange::Remove);
    let failed = rig.vault.update_authenticator(&renamed, remove()).await;
    failed.unwrap_err();
    // That it goes is decided; all else is as before.
    assert_eq!(stored().await, public);
    assert!(rig.vault.unfinished().await.unwrap().reconcile);
    rig.store.set(Fault::None);
    let done = rig.vault.update_authenticator(&renamed, remove()).await;
    done.unwrap();
    assert_eq!(stored().await, renamed);
    assert_eq!(rig.store.items(), [rig.item()]);
    assert!(rig.vault.unfinished().await.unwrap().is_empty());
}

/// A reconciliation beside an addition, which is half-way for as long as the keychain takes.
#[tokio::test]
async fn a_reconciliation_waits_for_work_under_way_and_leaves_it_alone() {
    let rig = Rig::connected().await;
    rig.vault.reconcile(now()).await.unwrap();
    let (row, secret) = confidential("google");
    rig.store.set(Fault::HangAtWrite);
    let adding = {
        let (vault, row) = (rig.vault.clone(), row.clone());
        tokio::spawn(async move { vault.add_authenticator(&row, Some(&secret)).await })
    };
    while !rig.store.is_hanging() {
        tokio::task::yield_now().await;
    }
    let beside: Vec<_> = (0..2)
        .map(|_| {
            let vault = rig.vault.clone();
            tokio::spawn(async move { (vault.reconcile(now()).await, vault.unfinished().await) })
        })
        .collect();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    rig.store.set(Fault::None);
    adding.await.unwrap().unwrap();
    for task in beside {
        let (report, unfinished) = task.await.unwrap();
        assert!(report.unwrap().changed_nothing());
        assert!(unfinished.unwrap().is_empty());
    }
    let stored = rig.vault.authenticator(row.id).await.unwrap();
    assert_eq!(stored, Some(row.clone()));
    assert!(rig.store.item(ItemName::ClientSecret(row.id)).is_some());
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
