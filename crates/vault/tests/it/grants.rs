//! Operations that write an item and its row, and the repair of rows and items that differ.

use valetkey_core::connection::{RefreshError, RefreshErrorKind};
use valetkey_core::connection_state::{Status, Transition};
use valetkey_core::id::Generation;
use valetkey_vault::store::testing::{Fault, TestStore};
use valetkey_vault::{GrantNotKept, ItemName, Vault, VaultError};

use crate::fixture::{
    Fixture, after, authenticator, connecting, event, home, now, refreshed, stored,
};

#[tokio::test]
async fn a_first_grant_survives_a_restart() {
    let (_folder, home) = home();
    let store = TestStore::default();
    let github = authenticator("github");
    let row = connecting(&github, None);
    let grant = stored(&github, &row, 1);
    let (active, _) = {
        let vault = Vault::open(&home, store.opener()).await.unwrap();
        vault
            .add_authenticator(&github, None, &event())
            .await
            .unwrap();
        vault
            .store_first_grant(&row, &grant, &event())
            .await
            .unwrap()
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
    let fixture = Fixture::connected().await;
    let removing = after(&fixture.row, Transition::Disconnected);
    fixture.vault.begin_removal(&removing, None).await.unwrap();
    fixture
        .vault
        .finish_removal(fixture.row.id, None)
        .await
        .unwrap();
    assert_eq!(fixture.store.items(), []);
    assert_eq!(fixture.vault.connections().await.unwrap(), []);
    fixture
        .vault
        .finish_removal(fixture.row.id, None)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_removal_whose_deletion_failed_is_finished_at_any_later_time() {
    let fixture = Fixture::connected().await;
    fixture.vault.reconcile(now()).await.unwrap();
    let removing = after(&fixture.row, Transition::Disconnected);
    fixture.vault.begin_removal(&removing, None).await.unwrap();
    for fault in [Fault::FailDeletes, Fault::Locked, Fault::Unavailable] {
        fixture.store.set(fault);
        let failed = fixture.vault.finish_removal(fixture.row.id, None).await;
        assert!(matches!(failed, Err(VaultError::Store(_))), "{failed:?}");
        let unfinished = fixture.vault.unfinished().await.unwrap();
        assert_eq!(unfinished.removals, [fixture.row.id]);
        assert_eq!(fixture.saved().await, removing);
    }
    fixture.store.set(Fault::None);
    // Twice side by side.
    let finish = || fixture.vault.finish_removal(fixture.row.id, None);
    let (one, two) = tokio::join!(finish(), finish());
    assert_eq!((one, two), (Ok(None), Ok(None)));
    assert!(fixture.vault.unfinished().await.unwrap().is_empty());
    assert_eq!(fixture.store.items(), []);
}

#[tokio::test]
async fn only_a_row_in_removing_loses_its_item() {
    let fixture = Fixture::connected().await;
    let refused = fixture.vault.finish_removal(fixture.row.id, None).await;
    assert!(matches!(refused, Err(VaultError::Bug(_))));
    assert!(matches!(
        fixture.vault.begin_removal(&fixture.row, None).await,
        Err(VaultError::Bug(_))
    ));
    assert!(fixture.store.item(fixture.item()).is_some());
}

#[tokio::test]
async fn nothing_revives_a_connection_that_is_being_removed() {
    let fixture = Fixture::connected().await;
    let removing = after(&fixture.row, Transition::Disconnected);
    fixture.vault.begin_removal(&removing, None).await.unwrap();
    let writes = fixture.store.writes();

    let (late_row, late_grant) = refreshed(&fixture.authenticator, &fixture.row);
    let kept = fixture
        .vault
        .store_grant(&late_row, &late_grant, None)
        .await;
    assert_eq!(kept, Err(GrantNotKept::StaleTransition));
    assert!(matches!(
        fixture.vault.save_connection(&late_row).await,
        Err(VaultError::NotFound(_))
    ));
    assert_eq!(fixture.store.writes(), writes);

    fixture
        .vault
        .finish_removal(fixture.row.id, None)
        .await
        .unwrap();
    let kept = fixture
        .vault
        .store_grant(&late_row, &late_grant, None)
        .await;
    assert_eq!(kept, Err(GrantNotKept::StaleTransition));
    assert!(matches!(
        fixture.vault.save_connection(&late_row).await,
        Err(VaultError::NotFound(_))
    ));
    assert_eq!(fixture.store.items(), []);
    assert_eq!(fixture.vault.connections().await.unwrap(), []);
}

#[tokio::test]
async fn an_older_generation_overwrites_nothing() {
    let fixture = Fixture::connected().await;
    let (second_row, second) = refreshed(&fixture.authenticator, &fixture.row);
    let (third_row, third) = refreshed(&fixture.authenticator, &second_row);
    fixture
        .vault
        .store_grant(&third_row, &third, None)
        .await
        .unwrap();
    assert_eq!(
        fixture.vault.store_grant(&second_row, &second, None).await,
        Err(GrantNotKept::StaleTransition)
    );
    assert!(fixture.vault.save_connection(&second_row).await.is_err());
    assert_eq!(fixture.loaded().await.grant, Some(third));
}

#[tokio::test]
async fn a_row_that_is_older_than_its_item_adopts_it_at_first_use() {
    let fixture = Fixture::connected().await;
    let (newer_row, newer) = refreshed(&fixture.authenticator, &fixture.row);
    fixture.store.tamper(fixture.item(), Some(&newer.to_item()));
    let loaded = fixture.loaded().await;
    assert_eq!(loaded.grant, Some(newer));
    assert_eq!(loaded.mended, Some(newer_row.clone()));
    assert_eq!(fixture.saved().await, newer_row);
}

#[tokio::test]
async fn an_item_that_is_older_than_its_row_is_used_under_the_newer_number() {
    let fixture = Fixture::connected().await;
    let first = stored(&fixture.authenticator, &fixture.row, 1);
    let (second_row, second) = refreshed(&fixture.authenticator, &fixture.row);
    fixture
        .vault
        .store_grant(&second_row, &second, None)
        .await
        .unwrap();
    fixture.store.tamper(fixture.item(), Some(&first.to_item()));
    let loaded = fixture.loaded().await.grant.unwrap();
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
        let fixture = Fixture::connected().await;
        fixture.store.tamper(fixture.item(), content);
        let loaded = fixture.loaded().await;
        assert_eq!(loaded.grant, None);
        assert_eq!(loaded.mended.unwrap().state.status, Status::NeedsReconnect);
        assert_eq!(fixture.saved().await.state.status, Status::NeedsReconnect);
        assert_eq!(
            fixture.store.item(fixture.item()).as_deref(),
            content,
            "left as it is"
        );
    }
}

#[tokio::test]
async fn an_item_found_again_makes_its_connection_usable_again() {
    let fixture = Fixture::connected().await;
    let item = fixture.store.item(fixture.item());
    fixture.store.tamper(fixture.item(), None);
    fixture.loaded().await;
    fixture.store.tamper(fixture.item(), item.as_deref());
    let loaded = fixture.loaded().await;
    assert_eq!(
        loaded.grant,
        Some(stored(&fixture.authenticator, &fixture.row, 1))
    );
    assert_eq!(loaded.mended, Some(fixture.row.clone()));
    assert_eq!(fixture.saved().await, fixture.row);
}

#[tokio::test]
async fn an_item_does_not_revive_a_refused_connection() {
    let fixture = Fixture::connected().await;
    let mut refused = fixture.row.clone();
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
    fixture.vault.save_connection(&refused).await.unwrap();
    assert_eq!(fixture.loaded().await.mended, None);
    assert_eq!(fixture.saved().await, refused);
}

#[tokio::test]
async fn a_failed_write_leaves_the_old_grant_and_may_be_repeated() {
    let fixture = Fixture::connected().await;
    let (newer_row, newer) = refreshed(&fixture.authenticator, &fixture.row);
    for fault in [
        Fault::Locked,
        Fault::Denied,
        Fault::Unavailable,
        Fault::FailNextWrite,
    ] {
        fixture.store.set(fault);
        let kept = fixture.vault.store_grant(&newer_row, &newer, None).await;
        assert!(
            matches!(kept, Err(GrantNotKept::NotStored(VaultError::Store(_)))),
            "{kept:?}"
        );
        fixture.store.set(Fault::None);
        assert_eq!(fixture.saved().await, fixture.row);
        assert_eq!(
            fixture.loaded().await.grant,
            Some(stored(&fixture.authenticator, &fixture.row, 1))
        );
    }
    fixture
        .vault
        .store_grant(&newer_row, &newer, None)
        .await
        .unwrap();
    assert_eq!(fixture.loaded().await.grant, Some(newer));
}

#[tokio::test]
async fn a_write_that_is_done_but_reports_a_failure_counts_as_done() {
    let fixture = Fixture::connected().await;
    let (newer_row, newer) = refreshed(&fixture.authenticator, &fixture.row);
    fixture.store.set(Fault::WriteThenFail);
    fixture
        .vault
        .store_grant(&newer_row, &newer, None)
        .await
        .unwrap();
    assert_eq!(fixture.saved().await, newer_row);
}

#[tokio::test]
async fn a_first_grant_that_cannot_be_stored_can_be_stored_later_or_given_up() {
    let fixture = Fixture::connected().await;
    let row = connecting(&fixture.authenticator, Some("work"));
    let grant = stored(&fixture.authenticator, &row, 1);
    fixture.store.set(Fault::FailWrites);
    assert!(
        fixture
            .vault
            .store_first_grant(&row, &grant, &event())
            .await
            .is_err()
    );
    fixture.store.set(Fault::None);
    assert_eq!(
        fixture
            .vault
            .store_first_grant(&row, &grant, &event())
            .await
            .unwrap()
            .0
            .state
            .status,
        Status::Active
    );

    let row = connecting(&fixture.authenticator, Some("home"));
    fixture.store.set(Fault::FailWrites);
    let grant = stored(&fixture.authenticator, &row, 1);
    assert!(
        fixture
            .vault
            .store_first_grant(&row, &grant, &event())
            .await
            .is_err()
    );
    fixture
        .vault
        .begin_removal(&after(&row, Transition::Disconnected), None)
        .await
        .unwrap();
    fixture.vault.finish_removal(row.id, None).await.unwrap();
    assert_eq!(fixture.vault.connection(row.id).await.unwrap(), None);
}

#[tokio::test]
async fn a_name_is_free_again_once_its_removal_has_begun() {
    let fixture = Fixture::connected().await;
    let again = connecting(&fixture.authenticator, None);
    let grant = stored(&fixture.authenticator, &again, 1);
    let taken = fixture
        .vault
        .store_first_grant(&again, &grant, &event())
        .await;
    assert!(
        matches!(
            taken,
            Err(GrantNotKept::NotStored(VaultError::NameTaken(_)))
        ),
        "{taken:?}"
    );
    assert_eq!(fixture.store.item(ItemName::Grant(again.id)), None);

    fixture
        .vault
        .begin_removal(&after(&fixture.row, Transition::Disconnected), None)
        .await
        .unwrap();
    fixture
        .vault
        .store_first_grant(&again, &grant, &event())
        .await
        .unwrap();
}
