//! Authenticators and their secrets.

use std::time::Duration;

use valetkey_core::authenticator::Authenticator;
use valetkey_core::draft::SecretChange;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::name::ProfileName;
use valetkey_core::secret::ClientSecret;
use valetkey_vault::store::testing::Fault;
use valetkey_vault::{ItemName, StoreError, VaultError};

use crate::fixture::{Fixture, authenticator, event, now, remove_authenticator};

fn change() -> Event {
    Event::new(EventKind::AuthenticatorUpdated, now())
}

fn confidential(name: &str) -> (Authenticator, ClientSecret) {
    let row = Authenticator {
        has_secret: true,
        ..authenticator(name)
    };
    (row, ClientSecret::new("s3cret"))
}

#[tokio::test]
async fn a_secret_is_kept_in_the_store_and_goes_with_its_authenticator() {
    let fixture = Fixture::connected().await;
    let (row, secret) = confidential("google");
    fixture
        .vault
        .add_authenticator(&row, Some(&secret), &event())
        .await
        .unwrap();
    assert_eq!(
        fixture.vault.client_secret(row.id).await.unwrap(),
        Some(secret)
    );
    assert_eq!(
        fixture.vault.authenticator(row.id).await.unwrap(),
        Some(row.clone())
    );
    remove_authenticator(&fixture.vault, row.id).await.unwrap();
    assert_eq!(fixture.store.items(), [fixture.item()]);
    assert_eq!(fixture.vault.authenticator(row.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_new_secret_keeps_the_connections() {
    let fixture = Fixture::connected().await;
    let secret = |text: &str| Some(SecretChange::Set(ClientSecret::new(text)));
    for text in ["one", "two"] {
        fixture
            .vault
            .update_authenticator(&fixture.authenticator, secret(text), &change())
            .await
            .unwrap();
        let row = fixture
            .vault
            .authenticator(fixture.authenticator.id)
            .await
            .unwrap()
            .unwrap();
        assert!(row.has_secret);
        let stored = fixture.vault.client_secret(row.id).await.unwrap();
        assert_eq!(stored, Some(ClientSecret::new(text)));
    }
    assert!(fixture.loaded().await.grant.is_some());

    // Other changes leave it as it is.
    let disabled = Authenticator {
        is_active: false,
        ..fixture.authenticator.clone()
    };
    fixture
        .vault
        .update_authenticator(&disabled, None, &change())
        .await
        .unwrap();
    let row = fixture
        .vault
        .authenticator(fixture.authenticator.id)
        .await
        .unwrap()
        .unwrap();
    assert!(row.has_secret && !row.is_active);

    let removal = Some(SecretChange::Remove);
    fixture
        .vault
        .update_authenticator(&fixture.authenticator, removal, &change())
        .await
        .unwrap();
    assert_eq!(fixture.vault.client_secret(row.id).await.unwrap(), None);
    assert_eq!(fixture.saved().await, fixture.row);
}

#[tokio::test]
async fn one_that_has_connections_is_not_removed() {
    let fixture = Fixture::connected().await;
    let refused = remove_authenticator(&fixture.vault, fixture.authenticator.id).await;
    assert!(matches!(refused, Err(VaultError::InUse(_))), "{refused:?}");
}

#[tokio::test]
async fn names_are_unique_within_a_profile() {
    let fixture = Fixture::connected().await;
    let (other, secret) = confidential("github");
    let taken = fixture
        .vault
        .add_authenticator(&other, Some(&secret), &event())
        .await;
    assert!(matches!(taken, Err(VaultError::NameTaken(_))), "{taken:?}");
    assert_eq!(
        fixture.store.items(),
        [fixture.item()],
        "nothing half-stored"
    );

    let staging: ProfileName = "staging".parse().unwrap();
    let other = Authenticator {
        profile: staging.clone(),
        ..other
    };
    fixture
        .vault
        .add_authenticator(&other, Some(&secret), &event())
        .await
        .unwrap();
    assert_eq!(
        fixture.vault.authenticators(Some(&staging)).await.unwrap(),
        [other]
    );
    assert_eq!(fixture.vault.authenticators(None).await.unwrap().len(), 2);
    assert_eq!(
        fixture.vault.profiles().await.unwrap(),
        [ProfileName::default(), staging]
    );
}

#[tokio::test]
async fn a_locked_keychain_leaves_nothing_half_stored() {
    let fixture = Fixture::connected().await;
    let (row, secret) = confidential("google");
    fixture.store.set(Fault::Locked);
    let refused = fixture
        .vault
        .add_authenticator(&row, Some(&secret), &event())
        .await;
    assert!(matches!(refused, Err(VaultError::Store(_))));
    assert_eq!(
        fixture.vault.authenticators(None).await.unwrap(),
        std::slice::from_ref(&fixture.authenticator)
    );
    fixture.store.set(Fault::None);
    fixture
        .vault
        .add_authenticator(&row, Some(&secret), &event())
        .await
        .unwrap();

    fixture.store.set(Fault::Locked);
    remove_authenticator(&fixture.vault, row.id)
        .await
        .unwrap_err();
    fixture
        .vault
        .update_authenticator(&row, Some(SecretChange::Remove), &change())
        .await
        .unwrap_err();
    assert_eq!(
        fixture.vault.authenticator(row.id).await.unwrap(),
        Some(row.clone())
    );
    fixture.store.set(Fault::None);
    assert_eq!(
        fixture.vault.client_secret(row.id).await.unwrap(),
        Some(secret)
    );
}

/// The name is free again, and what is left goes when the vault is next reconciled.
async fn is_undone(fixture: &Fixture, row: &Authenticator) {
    assert_eq!(fixture.vault.authenticator(row.id).await.unwrap(), None);
    let again = Authenticator {
        name: row.name.clone(),
        ..authenticator("again")
    };
    fixture
        .vault
        .add_authenticator(&again, None, &event())
        .await
        .unwrap();
    assert!(fixture.vault.unfinished().await.unwrap().reconcile);
    let report = fixture.vault.reconcile(now()).await.unwrap();
    assert_eq!(report.removed_authenticators, [row.id]);
    assert!(fixture.vault.unfinished().await.unwrap().is_empty());
    assert_eq!(fixture.store.items(), [fixture.item()]);
    let visible = fixture.vault.authenticators(None).await.unwrap();
    assert!(visible.contains(&again) && visible.len() == 2);
}

#[tokio::test]
async fn an_addition_in_doubt_leaves_no_name_behind() {
    let fixture = Fixture::connected().await;
    fixture.vault.reconcile(now()).await.unwrap();
    let (row, secret) = confidential("google");
    fixture.store.set(Fault::FailNextWrite);
    let failed = fixture
        .vault
        .add_authenticator(&row, Some(&secret), &event())
        .await;
    assert!(matches!(failed, Err(VaultError::Store(_))), "{failed:?}");
    is_undone(&fixture, &row).await;
}

#[tokio::test]
async fn an_addition_whose_write_comes_late_leaves_no_secret_behind() {
    let fixture = Fixture::with_time_limit(Duration::from_millis(50)).await;
    fixture.vault.reconcile(now()).await.unwrap();
    let (row, secret) = confidential("google");
    fixture.store.set(Fault::HangAtWrite);
    let adding = {
        let (vault, row) = (fixture.vault.clone(), row.clone());
        tokio::spawn(async move { vault.add_authenticator(&row, Some(&secret), &event()).await })
    };
    let failed = adding.await.unwrap();
    assert_eq!(failed, Err(VaultError::Store(StoreError::Hung)));
    let report = fixture.vault.reconcile(now()).await.unwrap();
    assert!(report.deferred.is_some(), "{report:?}");
    fixture.store.set(Fault::None);
    while fixture.vault.check_store().await.is_err() {
        tokio::task::yield_now().await;
    }
    assert!(fixture.store.item(ItemName::ClientSecret(row.id)).is_some());
    is_undone(&fixture, &row).await;
}

#[tokio::test]
async fn a_removal_whose_deletion_failed_is_repeated_or_reconciled() {
    for reconciled in [false, true] {
        let fixture = Fixture::connected().await;
        fixture.vault.reconcile(now()).await.unwrap();
        let (row, secret) = confidential("google");
        let added = fixture
            .vault
            .add_authenticator(&row, Some(&secret), &event())
            .await;
        added.unwrap();
        fixture.store.set(Fault::FailDeletes);
        for _ in 0..2 {
            let failed = remove_authenticator(&fixture.vault, row.id).await;
            assert!(matches!(failed, Err(VaultError::Store(_))), "{failed:?}");
            assert_eq!(fixture.vault.authenticator(row.id).await.unwrap(), None);
            let report = fixture.vault.reconcile(now()).await.unwrap();
            assert!(report.deferred.is_some() && report.changed_nothing());
        }
        fixture.store.set(Fault::None);
        if reconciled {
            is_undone(&fixture, &row).await;
        } else {
            remove_authenticator(&fixture.vault, row.id).await.unwrap();
            assert!(fixture.vault.unfinished().await.unwrap().is_empty());
            assert_eq!(fixture.store.items(), [fixture.item()]);
        }
    }
}

#[tokio::test]
async fn a_name_that_only_a_cut_off_addition_holds_is_taken_over() {
    let fixture = Fixture::connected().await;
    fixture.vault.reconcile(now()).await.unwrap();
    let (row, secret) = confidential("google");
    let added = fixture
        .vault
        .add_authenticator(&row, Some(&secret), &event())
        .await;
    added.unwrap();
    // As a kill between secret and row leaves it.
    let database = rusqlite::Connection::open(fixture.home.database()).unwrap();
    let sql = "UPDATE authenticators SET stage = 'adding' WHERE name = 'google'";
    assert_eq!(database.execute(sql, []).unwrap(), 1);
    is_undone(&fixture, &row).await;
}

#[tokio::test]
async fn a_change_whose_secret_is_in_doubt_changes_no_field_and_may_be_repeated() {
    let fixture = Fixture::connected().await;
    fixture.vault.reconcile(now()).await.unwrap();
    let public = fixture.authenticator.clone();
    let renamed = Authenticator {
        display_name: "Renamed".to_owned(),
        ..public.clone()
    };
    let set = || Some(SecretChange::Set(ClientSecret::new("s3cret")));
    let stored = async || {
        fixture
            .vault
            .authenticator(public.id)
            .await
            .unwrap()
            .unwrap()
    };

    fixture.store.set(Fault::FailNextWrite);
    let failed = fixture
        .vault
        .update_authenticator(&renamed, set(), &change())
        .await;
    failed.unwrap_err();
    assert_eq!(stored().await, public);
    assert!(fixture.vault.unfinished().await.unwrap().reconcile);
    // Without a secret it needs no keychain, and the doubt remains.
    fixture.store.set(Fault::Locked);
    let kept = fixture
        .vault
        .update_authenticator(&renamed, None, &change())
        .await;
    kept.unwrap();
    assert_eq!(stored().await, renamed);
    assert!(fixture.vault.unfinished().await.unwrap().reconcile);
    fixture.store.set(Fault::None);
    fixture.vault.reconcile(now()).await.unwrap();
    assert_eq!(stored().await, renamed);
    assert!(fixture.vault.unfinished().await.unwrap().is_empty());

    let done = fixture
        .vault
        .update_authenticator(&public, set(), &change())
        .await;
    done.unwrap();
    fixture.store.set(Fault::FailDeletes);
    let remove = || Some(SecretChange::Remove);
    let failed = fixture
        .vault
        .update_authenticator(&renamed, remove(), &change())
        .await;
    failed.unwrap_err();
    // That it goes is decided; all else is as before.
    assert_eq!(stored().await, public);
    assert!(fixture.vault.unfinished().await.unwrap().reconcile);
    fixture.store.set(Fault::None);
    let done = fixture
        .vault
        .update_authenticator(&renamed, remove(), &change())
        .await;
    done.unwrap();
    assert_eq!(stored().await, renamed);
    assert_eq!(fixture.store.items(), [fixture.item()]);
    assert!(fixture.vault.unfinished().await.unwrap().is_empty());
}

/// A reconciliation beside an addition, which is half-way for as long as the keychain takes.
#[tokio::test]
async fn a_reconciliation_waits_for_work_under_way_and_leaves_it_alone() {
    let fixture = Fixture::connected().await;
    fixture.vault.reconcile(now()).await.unwrap();
    let (row, secret) = confidential("google");
    fixture.store.set(Fault::HangAtWrite);
    let adding = {
        let (vault, row) = (fixture.vault.clone(), row.clone());
        tokio::spawn(async move { vault.add_authenticator(&row, Some(&secret), &event()).await })
    };
    while !fixture.store.is_hanging() {
        tokio::task::yield_now().await;
    }
    let beside: Vec<_> = (0..2)
        .map(|_| {
            let vault = fixture.vault.clone();
            tokio::spawn(async move { (vault.reconcile(now()).await, vault.unfinished().await) })
        })
        .collect();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    fixture.store.set(Fault::None);
    adding.await.unwrap().unwrap();
    for task in beside {
        let (report, unfinished) = task.await.unwrap();
        assert!(report.unwrap().changed_nothing());
        assert!(unfinished.unwrap().is_empty());
    }
    let stored = fixture.vault.authenticator(row.id).await.unwrap();
    assert_eq!(stored, Some(row.clone()));
    assert!(fixture.store.item(ItemName::ClientSecret(row.id)).is_some());
}

#[tokio::test]
async fn a_secret_whose_write_failed_in_doubt_is_settled_at_the_next_start() {
    let fixture = Fixture::connected().await;
    let (row, secret) = confidential("google");
    fixture.store.set(Fault::FailNextWrite);
    fixture
        .vault
        .add_authenticator(&row, Some(&secret), &event())
        .await
        .unwrap_err();
    assert_eq!(fixture.vault.authenticator(row.id).await.unwrap(), None);
    fixture.vault.reconcile(now()).await.unwrap();
    fixture
        .vault
        .add_authenticator(&row, Some(&secret), &event())
        .await
        .unwrap();
    assert!(fixture.store.item(ItemName::ClientSecret(row.id)).is_some());
}
