//! Operations that write an item and its row, and the repair of rows and items that differ.

use std::time::Duration;

use valetkey_core::connection::{Connection, RefreshError, RefreshErrorKind};
use valetkey_core::connection_state::{Status, Transition};
use valetkey_core::id::Generation;
use valetkey_vault::store::testing::{Fault, TestStore};
use valetkey_vault::{GrantNotKept, ItemName, StoreError, Vault, VaultError};

use crate::fixture::{Rig, after, authenticator, connecting, home, now, refreshed, stored};

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
    assert_eq!(active.state.status, Status::Active);

    let vault = Vault::open(&home, store.opener()).await.unwrap();
    assert_eq!(
        vault.connections().await.unwrap(),
        std::slice::from_ref(&active)
    );
    assert_eq!(vault.authenticators(None).await.unwrap(), [github]);
    let loaded = vault.load_grant(row.id, now()).await.unwrap();
    assert_eq!((loaded.grant, loaded.mended), (Some(grant), None));
}

#[tokio::test]
async fn a_removal_deletes_the_item_and_the_row() {
    let rig = Rig::connected().await;
    let removing = after(&rig.row, Transition::Disconnected);
    rig.vault.begin_removal(&removing).await.unwrap();
    rig.vault.finish_removal(rig.row.id).await.unwrap();
    assert_eq!(rig.store.items(), []);
    assert_eq!(rig.vault.connections().await.unwrap(), []);
    rig.vault.finish_removal(rig.row.id).await.unwrap();
}

#[tokio::test]
async fn a_removal_whose_deletion_failed_is_finished_at_any_later_time() {
    let rig = Rig::connected().await;
    rig.vault.reconcile(now()).await.unwrap();
    let removing = after(&rig.row, Transition::Disconnected);
    rig.vault.begin_removal(&removing).await.unwrap();
    for fault in [Fault::FailDeletes, Fault::Locked, Fault::Unavailable] {
        rig.store.set(fault);
        let failed = rig.vault.finish_removal(rig.row.id).await;
        assert!(matches!(failed, Err(VaultError::Store(_))), "{failed:?}");
        let unfinished = rig.vault.unfinished().await.unwrap();
        assert_eq!(unfinished.removals, [rig.row.id]);
        assert_eq!(rig.saved().await, removing);
    }
    rig.store.set(Fault::None);
    // Twice side by side.
    let finish = || rig.vault.finish_removal(rig.row.id);
    let (one, two) = tokio::join!(finish(), finish());
    assert_eq!((one, two), (Ok(()), Ok(())));
    assert!(rig.vault.unfinished().await.unwrap().is_empty());
    assert_eq!(rig.store.items(), []);
}

#[tokio::test]
async fn only_a_row_in_removing_loses_its_item() {
    let rig = Rig::connected().await;
    let refused = rig.vault.finish_removal(rig.row.id).await;
    assert!(matches!(refused, Err(VaultError::Bug(_))));
    assert!(matches!(
        rig.vault.begin_removal(&rig.row).await,
        Err(VaultError::Bug(_))
    ));
    assert!(rig.store.item(rig.item()).is_some());
}

#[tokio::test]
async fn nothing_revives_a_connection_that_is_being_removed() {
    let rig = Rig::connected().await;
    let removing = after(&rig.row, Transition::Disconnected);
    rig.vault.begin_removal(&removing).await.unwrap();
    let writes = rig.store.writes();

    let (late_row, late_grant) = refreshed(&rig.authenticator, &rig.row);
    let kept = rig.vault.store_grant(&late_row, &late_grant).await;
    assert_eq!(kept, Err(GrantNotKept::StaleTransition));
    assert!(matches!(
        rig.vault.save_connection(&late_row).await,
        Err(VaultError::NotFound(_))
    ));
    assert_eq!(rig.store.writes(), writes);

    rig.vault.finish_removal(rig.row.id).await.unwrap();
    let kept = rig.vault.store_grant(&late_row, &late_grant).await;
    assert_eq!(kept, Err(GrantNotKept::StaleTransition));
    assert!(matches!(
        rig.vault.save_connection(&late_row).await,
        Err(VaultError::NotFound(_))
    ));
    assert_eq!(rig.store.items(), []);
    assert_eq!(rig.vault.connections().await.unwrap(), []);
}

#[tokio::test]
async fn an_older_generation_overwrites_nothing() {
    let rig = Rig::connected().await;
    let (second_row, second) = refreshed(&rig.authenticator, &rig.row);
    let (third_row, third) = refreshed(&rig.authenticator, &second_row);
    rig.vault.store_grant(&third_row, &third).await.unwrap();
    assert_eq!(
        rig.vault.store_grant(&second_row, &second).await,
        Err(GrantNotKept::StaleTransition)
    );
    assert!(rig.vault.save_connection(&second_row).await.is_err());
    assert_eq!(rig.loaded().await.grant, Some(third));
}

#[tokio::test]
async fn a_row_that_is_older_than_its_item_adopts_it_at_first_use() {
    let rig = Rig::connected().await;
    let (newer_row, newer) = refreshed(&rig.authenticator, &rig.row);
    rig.store.tamper(rig.item(), Some(&newer.to_item()));
    let loaded = rig.loaded().await;
    assert_eq!(loaded.grant, Some(newer));
    assert_eq!(loaded.mended, Some(newer_row.clone()));
    assert_eq!(rig.saved().await, newer_row);
}

#[tokio::test]
async fn an_item_that_is_older_than_its_row_is_used_under_the_newer_number() {
    let rig = Rig::connected().await;
    let first = stored(&rig.authenticator, &rig.row, 1);
    let (second_row, second) = refreshed(&rig.authenticator, &rig.row);
    rig.vault.store_grant(&second_row, &second).await.unwrap();
    rig.store.tamper(rig.item(), Some(&first.to_item()));
    let loaded = rig.loaded().await.grant.unwrap();
    assert_eq!(loaded.grant.generation, Generation(2));
    assert_eq!(loaded.grant.access_token, first.grant.access_token);
}

#[tokio::test]
async fn a_lost_or_unreadable_item_asks_for_a_new_sign_in() {
    for content in [
        None,
        Some(&b"{\"version\":9}"[..]),
        Some(b"\xff\x00"),
        Some(b""),
    ] {
        let rig = Rig::connected().await;
        rig.store.tamper(rig.item(), content);
        let loaded = rig.loaded().await;
        assert_eq!(loaded.grant, None);
        assert_eq!(loaded.mended.unwrap().state.status, Status::NeedsReconnect);
        assert_eq!(rig.saved().await.state.status, Status::NeedsReconnect);
        assert_eq!(
            rig.store.item(rig.item()).as_deref(),
            content,
            "left as it is"
        );
    }
}

#[tokio::test]
async fn an_item_found_again_makes_its_connection_usable_again() {
    let rig = Rig::connected().await;
    let item = rig.store.item(rig.item());
    rig.store.tamper(rig.item(), None);
    rig.loaded().await;
    rig.store.tamper(rig.item(), item.as_deref());
    let loaded = rig.loaded().await;
    assert_eq!(loaded.grant, Some(stored(&rig.authenticator, &rig.row, 1)));
    assert_eq!(loaded.mended, Some(rig.row.clone()));
    assert_eq!(rig.saved().await, rig.row);
}

#[tokio::test]
async fn an_item_does_not_revive_a_refused_connection() {
    let rig = Rig::connected().await;
    let mut refused = rig.row.clone();
    refused.state.status = Status::NeedsReconnect;
    refused.refresh_error = Some(RefreshError {
        kind: RefreshErrorKind::SignInAgain,
        reason: "invalid_grant".to_owned(),
        at: refused.created_at,
        since: refused.created_at,
        attempts: 1,
        retry_at: None,
        not_before: None,
    });
    rig.vault.save_connection(&refused).await.unwrap();
    assert_eq!(rig.loaded().await.mended, None);
    assert_eq!(rig.saved().await, refused);
}

#[tokio::test]
async fn a_failed_write_leaves_the_old_grant_and_may_be_repeated() {
    let rig = Rig::connected().await;
    let (newer_row, newer) = refreshed(&rig.authenticator, &rig.row);
    for fault in [
        Fault::Locked,
        Fault::Denied,
        Fault::Unavailable,
        Fault::FailNextWrite,
    ] {
        rig.store.set(fault);
        let kept = rig.vault.store_grant(&newer_row, &newer).await;
        assert!(
            matches!(kept, Err(GrantNotKept::NotStored(VaultError::Store(_)))),
            "{kept:?}"
        );
        rig.store.set(Fault::None);
        assert_eq!(rig.saved().await, rig.row);
        assert_eq!(
            rig.loaded().await.grant,
            Some(stored(&rig.authenticator, &rig.row, 1))
        );
    }
    rig.vault.store_grant(&newer_row, &newer).await.unwrap();
    assert_eq!(rig.loaded().await.grant, Some(newer));
}

#[tokio::test]
async fn a_write_that_is_done_but_reports_a_failure_counts_as_done() {
    let rig = Rig::connected().await;
    let (newer_row, newer) = refreshed(&rig.authenticator, &rig.row);
    rig.store.set(Fault::WriteThenFail);
    rig.vault.store_grant(&newer_row, &newer).await.unwrap();
    assert_eq!(rig.saved().await, newer_row);
}

#[tokio::test]
async fn a_first_grant_that_cannot_be_stored_can_be_stored_later_or_given_up() {
    let rig = Rig::connected().await;
    let row = connecting(&rig.authenticator, Some("work"));
    let grant = stored(&rig.authenticator, &row, 1);
    rig.store.set(Fault::FailWrites);
    assert!(rig.vault.store_first_grant(&row, &grant).await.is_err());
    rig.store.set(Fault::None);
    assert_eq!(
        rig.vault
            .store_first_grant(&row, &grant)
            .await
            .unwrap()
            .state
            .status,
        Status::Active
    );

    let row = connecting(&rig.authenticator, Some("home"));
    rig.store.set(Fault::FailWrites);
    let grant = stored(&rig.authenticator, &row, 1);
    assert!(rig.vault.store_first_grant(&row, &grant).await.is_err());
    rig.vault
        .begin_removal(&after(&row, Transition::Disconnected))
        .await
        .unwrap();
    rig.vault.finish_removal(row.id).await.unwrap();
    assert_eq!(rig.vault.connection(row.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_hanging_keychain_fails_everyone_at_once_and_recovers() {
    let rig = Rig::with_time_limit(Duration::from_millis(50)).await;
    let (newer_row, newer) = refreshed(&rig.authenticator, &rig.row);
    rig.store.set(Fault::Hang);
    let hung = Err(GrantNotKept::NotStored(VaultError::Store(StoreError::Hung)));
    assert_eq!(rig.vault.store_grant(&newer_row, &newer).await, hung);
    let started = std::time::Instant::now();
    for _ in 0..100 {
        assert_eq!(rig.vault.check_store().await, Err(StoreError::Hung));
    }
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "each waited for its own limit"
    );
    assert_eq!(rig.saved().await, rig.row, "the database does not hang");

    rig.store.set(Fault::None);
    let well = async {
        while rig.vault.check_store().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), well)
        .await
        .unwrap();
    // The write that timed out was carried out late: the row adopts it.
    assert_eq!(rig.loaded().await.mended, Some(newer_row));
}

/// A client that hangs up drops its call; the time limit is everybody's.
#[tokio::test]
async fn the_time_limit_holds_after_its_caller_has_gone() {
    let rig = Rig::with_time_limit(Duration::from_millis(50)).await;
    rig.store.set(Fault::Hang);
    {
        let mut first = std::pin::pin!(rig.vault.check_store());
        let hangs = async {
            while !rig.store.is_hanging() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = hangs => {}
            ended = &mut first => panic!("{ended:?}"),
        }
    }
    let second = tokio::time::timeout(Duration::from_secs(20), rig.vault.check_store());
    assert_eq!(second.await.unwrap(), Err(StoreError::Hung));
}

#[tokio::test]
async fn calls_that_never_started_are_not_carried_out_late() {
    let rig = Rig::with_time_limit(Duration::from_millis(50)).await;
    rig.store.set(Fault::Hang);
    let others: Vec<Connection> = (0..5)
        .map(|n| connecting(&rig.authenticator, Some(&format!("a{n}"))))
        .collect();
    let stuck = rig.vault.check_store();
    let queued = async {
        for row in &others {
            let grant = stored(&rig.authenticator, row, 1);
            rig.vault.store_first_grant(row, &grant).await.unwrap_err();
        }
    };
    let (stuck, ()) = tokio::join!(stuck, queued);
    assert_eq!(stuck, Err(StoreError::Hung));
    rig.store.set(Fault::None);
    while rig.vault.check_store().await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.store.items(), [rig.item()]);
}

#[tokio::test]
async fn a_name_is_free_again_once_its_removal_has_begun() {
    let rig = Rig::connected().await;
    let again = connecting(&rig.authenticator, None);
    let grant = stored(&rig.authenticator, &again, 1);
    let taken = rig.vault.store_first_grant(&again, &grant).await;
    assert!(
        matches!(
            taken,
            Err(GrantNotKept::NotStored(VaultError::NameTaken(_)))
        ),
        "{taken:?}"
    );
    assert_eq!(rig.store.item(ItemName::Grant(again.id)), None);

    rig.vault
        .begin_removal(&after(&rig.row, Transition::Disconnected))
        .await
        .unwrap();
    rig.vault.store_first_grant(&again, &grant).await.unwrap();
}
