//! The chain of the log while its keychain item cannot be asked, or is gone.

use jiff::SignedDuration;
use valetkey_core::event::EventId;
use valetkey_vault::store::testing::{Fault, TestStore};
use valetkey_vault::{ItemName, LogProblemKind, StoreChoice, Vault, VaultError};

use crate::audit_chain::{Log, append};
use crate::fixture::{home, now};

#[tokio::test]
async fn lines_written_while_the_keychain_is_locked_join_the_chain_later() {
    let mut log = Log::of_nine().await;
    log.stop().await;
    log.vault = Vault::open(&log.home, log.store.opener()).await.unwrap();
    log.store.set(Fault::Locked);
    let opened = log.vault.open_log_chain(now()).await;
    assert!(matches!(opened, Err(VaultError::Store(_))), "{opened:?}");
    assert_eq!(append(&log.vault, 3).await, EventId(12));
    let check = log.vault.check_log(now()).await;
    assert!(matches!(check, Err(VaultError::Store(_))), "{check:?}");
    log.store.set(Fault::None);
    assert_eq!(
        log.vault.anchor_log(now()).await.unwrap(),
        Some(EventId(13))
    );
    let check = log.check().await;
    assert_eq!((check.problems, check.lines, check.late), (vec![], 13, 1));
    log.change("UPDATE events SET at = 0 WHERE id = 11");
    assert_eq!(log.problems().await, [(LogProblemKind::Changed, 11, 11)]);
}

#[tokio::test]
async fn an_anchor_that_could_not_be_written_is_written_later() {
    let mut log = Log::of_nine().await;
    for fault in [Fault::Locked, Fault::FailWrites, Fault::Unavailable] {
        log.store.set(fault);
        append(&log.vault, 1).await;
        let anchored = log.vault.anchor_log(now()).await;
        assert!(matches!(anchored, Err(VaultError::Store(_))), "{fault:?}");
        let end = now() + SignedDuration::from_secs(1);
        let pruned = log.vault.prune_events(end, end).await;
        assert!(matches!(pruned, Err(VaultError::Store(_))), "{fault:?}");
        // The key is in memory.
        assert_eq!(log.problems().await, []);
        log.store.set(Fault::None);
    }
    log.stop().await;
    log.change("DELETE FROM events WHERE id = 12");
    log.start().await;
    assert_eq!(log.why().await, ["lines_missing"]);
}

#[tokio::test]
async fn the_keychain_is_not_written_while_nothing_happens() {
    let log = Log::of_nine().await;
    log.vault.anchor_log(now()).await.unwrap();
    log.store.set(Fault::FailWrites);
    log.vault.anchor_log(now()).await.unwrap();
    assert_eq!(log.vault.prune_events(now(), now()).await.unwrap(), 0);
}

#[tokio::test]
async fn a_lost_key_is_said_and_a_new_one_covers_what_comes() {
    let mut log = Log::of_nine().await;
    log.stop().await;
    for lost in [None, Some(b"{}".as_slice())] {
        log.store.tamper(ItemName::AuditLog, lost);
        log.start().await;
        append(&log.vault, 1).await;
        assert_eq!(log.why().await, ["key_missing"]);
        log.stop().await;
    }
    log.start().await;
    let check = log.check().await;
    assert_eq!((check.uncovered, check.lines), (11, 2));
}

#[tokio::test]
async fn lines_from_before_the_chain_are_not_covered_and_go_with_their_age() {
    let (folder, home) = home();
    let store = TestStore::default();
    let vault = Vault::open(&home, store.opener()).await.unwrap();
    append(&vault, 4).await;
    vault.open_log_chain(now()).await.unwrap();
    append(&vault, 2).await;
    let log = Log {
        vault,
        store,
        home,
        _folder: folder,
    };
    let check = log.check().await;
    assert_eq!(check.problems, []);
    assert_eq!((check.uncovered, check.lines), (4, 2));
    log.change("DELETE FROM events WHERE id = 2");
    assert_eq!(log.problems().await, []);
    let end = now() + SignedDuration::from_secs(1);
    assert_eq!(log.vault.prune_events(end, end).await.unwrap(), 5);
    assert_eq!(log.check().await.uncovered, 0);
}

#[tokio::test]
async fn a_store_in_memory_keeps_the_key_for_its_run() {
    let (_folder, home) = home();
    for run in 0..2 {
        let vault = Vault::open(&home, StoreChoice::Memory).await.unwrap();
        vault.open_log_chain(now()).await.unwrap();
        append(&vault, 2).await;
        let check = vault.check_log(now()).await.unwrap();
        assert_eq!(check.problems, []);
        assert_eq!((check.uncovered, check.lines), (run * 2, 2));
        vault.close().await.unwrap();
    }
}
