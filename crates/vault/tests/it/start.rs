//! What a start finds after a crash or a loss, and what it makes of it.

use valetkey_core::connection::Connection;
use valetkey_core::connection_state::{Status, Transition};
use valetkey_core::stored_grant::StoredGrant;
use valetkey_vault::store::testing::{Fault, TestStore};
use valetkey_vault::{ItemName, Vault, VaultError};

use crate::fixture::{
    Fixture, after, authenticator, connecting, event, home, now, open_sign_in, refreshed, stored,
};

const LATER: &str = "2026-03-02T00:00:00Z";

/// The row of a first sign-in whose item could not be written, and that item's content.
async fn first_grant_not_stored(fixture: &Fixture) -> (Connection, StoredGrant) {
    let row = connecting(&fixture.authenticator, Some("work"));
    let grant = stored(&fixture.authenticator, &row, 1);
    fixture.store.set(Fault::FailWrites);
    fixture
        .vault
        .store_first_grant(&row, &grant, &event())
        .await
        .unwrap_err();
    fixture.store.set(Fault::None);
    (row, grant)
}

#[tokio::test]
async fn a_first_sign_in_without_its_item_is_dropped() {
    let fixture = Fixture::connected().await;
    let (row, _) = first_grant_not_stored(&fixture).await;

    let fixture = fixture.restarted().await;
    let report = fixture.vault.reconcile(now()).await.unwrap();
    assert_eq!(report.dropped, [row.id]);
    assert_eq!(
        fixture.vault.connections().await.unwrap(),
        std::slice::from_ref(&fixture.row)
    );
}

#[tokio::test]
async fn a_first_sign_in_with_its_item_is_completed() {
    let fixture = Fixture::connected().await;
    let (row, grant) = first_grant_not_stored(&fixture).await;
    fixture
        .store
        .tamper(ItemName::Grant(row.id), Some(&grant.to_item()));

    let report = fixture.vault.reconcile(now()).await.unwrap();
    let [mended] = &report.mended[..] else {
        panic!("{report:?}")
    };
    assert_eq!((mended.id, mended.state.status), (row.id, Status::Active));
    assert_eq!(mended.expires_at, grant.grant.expires_at);
}

#[tokio::test]
async fn an_interrupted_refresh_leads_back_to_what_the_item_holds() {
    // What the item holds, when the start is, and the state that follows.
    let cases = [
        (1, "2026-03-01T12:30:00Z", Status::Active),
        (1, LATER, Status::Expired),
        (2, "2026-03-01T12:30:00Z", Status::Active),
        (2, LATER, Status::Expired),
    ];
    for (generation, start, status) in cases {
        let fixture = Fixture::connected().await;
        let refreshing = after(&fixture.row, Transition::RefreshBegan);
        fixture.vault.save_connection(&refreshing).await.unwrap();
        let item = stored(&fixture.authenticator, &fixture.row, generation);
        fixture.store.tamper(fixture.item(), Some(&item.to_item()));

        let fixture = fixture.restarted().await;
        let report = fixture
            .vault
            .reconcile(start.parse().unwrap())
            .await
            .unwrap();
        let saved = fixture.saved().await;
        assert_eq!(report.mended, std::slice::from_ref(&saved));
        assert_eq!(
            (saved.state.status, saved.state.generation),
            (status, item.grant.generation)
        );
    }
}

#[tokio::test]
async fn an_interrupted_refresh_whose_item_is_gone_needs_a_new_sign_in() {
    let fixture = Fixture::connected().await;
    fixture
        .vault
        .save_connection(&after(&fixture.row, Transition::RefreshBegan))
        .await
        .unwrap();
    fixture.store.tamper(fixture.item(), None);
    fixture.vault.reconcile(now()).await.unwrap();
    assert_eq!(fixture.saved().await.state.status, Status::NeedsReconnect);
}

#[tokio::test]
async fn an_interrupted_removal_is_handed_back_to_be_finished() {
    let fixture = Fixture::connected().await;
    let removing = after(&fixture.row, Transition::Disconnected);
    fixture.vault.begin_removal(&removing, None).await.unwrap();
    fixture.store.set(Fault::Locked);
    fixture
        .vault
        .finish_removal(fixture.row.id, None)
        .await
        .unwrap_err();
    fixture.store.set(Fault::None);

    let fixture = fixture.restarted().await;
    let report = fixture.vault.reconcile(now()).await.unwrap();
    assert_eq!(report.removing, [removing]);
    // The tokens are still there to be revoked.
    assert!(fixture.loaded().await.grant.is_some());
    fixture
        .vault
        .finish_removal(fixture.row.id, None)
        .await
        .unwrap();
    assert_eq!(fixture.store.items(), []);
}

#[tokio::test]
async fn rows_at_rest_are_not_looked_up_at_the_start() {
    let fixture = Fixture::connected().await;
    fixture.vault.reconcile(now()).await.unwrap();
    fixture.vault.close().await.unwrap();
    let fixture = fixture.restarted().await;
    let reads = fixture.store.reads();
    fixture.vault.reconcile(now()).await.unwrap();
    assert_eq!(fixture.store.reads(), reads);
}

#[tokio::test]
async fn a_locked_keychain_defers_and_loses_nothing() {
    let fixture = Fixture::connected().await;
    let refreshing = after(&fixture.row, Transition::RefreshBegan);
    fixture.vault.save_connection(&refreshing).await.unwrap();
    let fixture = fixture.restarted().await;
    for fault in [Fault::Locked, Fault::Denied, Fault::Unavailable] {
        fixture.store.set(fault);
        let report = fixture.vault.reconcile(now()).await.unwrap();
        assert!(
            matches!(report.deferred, Some(VaultError::Store(_))),
            "{report:?}"
        );
        assert_eq!(fixture.saved().await, refreshing);
    }
    fixture.store.set(Fault::None);
    let report = fixture.vault.reconcile(now()).await.unwrap();
    assert_eq!(report.deferred, None);
    assert_eq!(fixture.saved().await, fixture.row);
}

#[tokio::test]
async fn a_deferred_reconciliation_leaves_work_that_began_since_alone() {
    let fixture = Fixture::connected().await.restarted().await;
    fixture.store.set(Fault::Locked);
    let report = fixture.vault.reconcile(now()).await.unwrap();
    assert!(report.deferred.is_some());

    fixture.store.set(Fault::None);
    let refreshing = after(&fixture.row, Transition::RefreshBegan);
    fixture.vault.save_connection(&refreshing).await.unwrap();
    let (unsaved, _) = first_grant_not_stored(&fixture).await;
    let sign_in = open_sign_in(&fixture);
    fixture.vault.save_sign_in(&sign_in).await.unwrap();

    let report = fixture.vault.reconcile(now()).await.unwrap();
    assert_eq!(report.deferred, None);
    assert_eq!((report.mended, report.dropped), (vec![], vec![]));
    assert_eq!(report.interrupted_sign_ins, []);
    assert_eq!(fixture.saved().await, refreshing);
    assert_eq!(
        fixture.vault.connection(unsaved.id).await.unwrap(),
        Some(unsaved)
    );
}

#[tokio::test]
async fn a_lost_database_is_rebuilt_from_the_items() {
    let fixture = Fixture::connected().await;
    let work = connecting(&fixture.authenticator, Some("work"));
    let grant = stored(&fixture.authenticator, &work, 1);
    let (work, _) = fixture
        .vault
        .store_first_grant(&work, &grant, &event())
        .await
        .unwrap();
    fixture.vault.close().await.unwrap();
    for file in ["valetkey.db", "valetkey.db-wal", "valetkey.db-shm"] {
        drop(std::fs::remove_file(fixture.home.data.join(file)));
    }

    let vault = Vault::open(&fixture.home, fixture.store.opener())
        .await
        .unwrap();
    let report = vault.reconcile(now()).await.unwrap();
    assert_eq!(report.adopted.len(), 2, "{report:?}");
    assert_eq!(
        vault.authenticators(None).await.unwrap(),
        [fixture.authenticator]
    );
    for before in [fixture.row, work] {
        let rebuilt = vault.connection(before.id).await.unwrap().unwrap();
        assert_eq!(
            (rebuilt.account, rebuilt.state),
            (before.account, before.state)
        );
        assert_eq!(
            (rebuilt.scopes, rebuilt.expires_at),
            (before.scopes, before.expires_at)
        );
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_moved_aside_and_rebuilt() {
    let fixture = Fixture::connected().await;
    fixture.vault.close().await.unwrap();
    let path = fixture.home.database();
    std::fs::write(
        &path,
        "this is a shopping list, not a database. ".repeat(200),
    )
    .unwrap();

    let vault = Vault::open(&fixture.home, fixture.store.opener())
        .await
        .unwrap();
    let aside = vault.moved_aside().unwrap().to_owned();
    assert!(
        std::fs::read_to_string(aside)
            .unwrap()
            .starts_with("this is a shopping list")
    );
    let report = vault.reconcile(now()).await.unwrap();
    assert_eq!(report.adopted.len(), 1);
    vault.integrity().await.unwrap();
}

#[tokio::test]
async fn adopted_names_that_are_taken_get_a_number() {
    let (_folder, home) = home();
    let store = TestStore::default();
    let vault = Vault::open(&home, store.opener()).await.unwrap();
    let current = authenticator("github");
    vault
        .add_authenticator(&current, None, &event())
        .await
        .unwrap();
    // Items of an authenticator of the same name, and two of the same account.
    let old = authenticator("github");
    for _ in 0..2 {
        let row = connecting(&old, Some("work"));
        let item: StoredGrant = stored(&old, &row, 1);
        store.tamper(ItemName::Grant(row.id), Some(&item.to_item()));
    }
    let report = vault.reconcile(now()).await.unwrap();
    assert_eq!(report.adopted.len(), 2, "{report:?}");
    let names: Vec<_> = vault
        .authenticators(None)
        .await
        .unwrap()
        .iter()
        .map(|a| a.name.to_string())
        .collect();
    assert_eq!(names, ["github", "github-2"]);
    let labels: Vec<_> = report
        .adopted
        .iter()
        .map(|row| row.account.label.clone().unwrap().to_string())
        .collect();
    assert_eq!(labels, ["work", "ada@example.com"]);
}

#[tokio::test]
async fn items_are_listed_in_a_new_database_only() {
    let fixture = Fixture::connected().await;
    fixture.vault.reconcile(now()).await.unwrap();
    let stray = connecting(&fixture.authenticator, Some("stray"));
    let item = stored(&fixture.authenticator, &stray, 1).to_item();
    fixture.store.tamper(ItemName::Grant(stray.id), Some(&item));
    let fixture = fixture.restarted().await;
    assert_eq!(fixture.vault.reconcile(now()).await.unwrap().adopted, []);
}

#[tokio::test]
async fn an_adoption_that_was_deferred_is_made_up_for() {
    let fixture = Fixture::connected().await;
    let stray = connecting(&fixture.authenticator, Some("stray"));
    let item = stored(&fixture.authenticator, &stray, 1).to_item();
    fixture.store.tamper(ItemName::Grant(stray.id), Some(&item));
    let fixture = fixture.restarted().await;
    fixture.store.set(Fault::Locked);
    assert!(
        fixture
            .vault
            .reconcile(now())
            .await
            .unwrap()
            .deferred
            .is_some()
    );
    let fixture = fixture.restarted().await;
    fixture.store.set(Fault::None);
    assert_eq!(
        fixture.vault.reconcile(now()).await.unwrap().adopted.len(),
        1
    );
}

#[tokio::test]
async fn unreadable_items_are_neither_adopted_nor_deleted() {
    let fixture = Fixture::connected().await;
    let stray = ItemName::Grant(connecting(&fixture.authenticator, None).id);
    let other = refreshed(&fixture.authenticator, &fixture.row).1.to_item();
    for content in [&b"garbage"[..], &other[..]] {
        fixture.store.tamper(stray, Some(content));
        let report = fixture.vault.reconcile(now()).await.unwrap();
        assert_eq!(report.adopted, []);
        assert_eq!(fixture.store.item(stray).as_deref(), Some(content));
    }
}
