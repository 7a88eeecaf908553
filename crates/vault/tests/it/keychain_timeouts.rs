//! A keychain that does not answer.

use std::time::Duration;

use valetkey_core::connection::Connection;
use valetkey_vault::store::testing::Fault;
use valetkey_vault::{GrantNotKept, StoreError, VaultError};

use crate::fixture::{Fixture, connecting, event, refreshed, stored};

#[tokio::test]
async fn a_hanging_keychain_fails_everyone_at_once_and_recovers() {
    let fixture = Fixture::with_time_limit(Duration::from_millis(50)).await;
    let (newer_row, newer) = refreshed(&fixture.authenticator, &fixture.row);
    fixture.store.set(Fault::Hang);
    let hung = Err(GrantNotKept::NotStored(VaultError::Store(StoreError::Hung)));
    assert_eq!(
        fixture.vault.store_grant(&newer_row, &newer, None).await,
        hung
    );
    let started = std::time::Instant::now();
    for _ in 0..100 {
        assert_eq!(fixture.vault.check_store().await, Err(StoreError::Hung));
    }
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "each waited for its own limit"
    );
    assert_eq!(
        fixture.saved().await,
        fixture.row,
        "the database does not hang"
    );

    fixture.store.set(Fault::None);
    let well = async {
        while fixture.vault.check_store().await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), well)
        .await
        .unwrap();
    // The write that timed out was carried out late: the row adopts it.
    assert_eq!(fixture.loaded().await.mended, Some(newer_row));
}

/// A client that hangs up drops its call; the time limit is everybody's.
#[tokio::test]
async fn the_time_limit_holds_after_its_caller_has_gone() {
    let fixture = Fixture::with_time_limit(Duration::from_millis(50)).await;
    fixture.store.set(Fault::Hang);
    {
        let mut first = std::pin::pin!(fixture.vault.check_store());
        let hangs = async {
            while !fixture.store.is_hanging() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            () = hangs => {}
            ended = &mut first => panic!("{ended:?}"),
        }
    }
    let second = tokio::time::timeout(Duration::from_secs(20), fixture.vault.check_store());
    assert_eq!(second.await.unwrap(), Err(StoreError::Hung));
}

#[tokio::test]
async fn calls_that_never_started_are_not_carried_out_late() {
    let fixture = Fixture::with_time_limit(Duration::from_millis(50)).await;
    fixture.store.set(Fault::Hang);
    let others: Vec<Connection> = (0..5)
        .map(|n| connecting(&fixture.authenticator, Some(&format!("a{n}"))))
        .collect();
    let stuck = fixture.vault.check_store();
    let queued = async {
        for row in &others {
            let grant = stored(&fixture.authenticator, row, 1);
            fixture
                .vault
                .store_first_grant(row, &grant, &event())
                .await
                .unwrap_err();
        }
    };
    let (stuck, ()) = tokio::join!(stuck, queued);
    assert_eq!(stuck, Err(StoreError::Hung));
    fixture.store.set(Fault::None);
    while fixture.vault.check_store().await.is_err() {
        tokio::task::yield_now().await;
    }
    assert_eq!(fixture.store.items(), [fixture.item()]);
}
