//! Events that are kept with their changes.

use uuid::Uuid;
use valetkey_core::id::ClientKeyId;
use valetkey_core::secret::Fingerprint;
use valetkey_vault::{ClientKeyRow, Durability};

use crate::fixture::{Fixture, event, now};

/// A kill between a change and its line is one that comes before the line is appended.
#[tokio::test]
async fn an_event_is_kept_with_its_change_until_its_line_is_in_the_log() {
    let fixture = Fixture::connected().await;
    let vault = &fixture.vault;
    let key = ClientKeyRow {
        id: ClientKeyId::new(Uuid::now_v7()),
        name: "ci".into(),
        hash: Fingerprint::of("vk_1"),
        connections: None,
        manage: false,
        created_at: now(),
        expires_at: None,
        used_at: None,
        confirmed: true,
    };
    // Those of the authenticator and the connection.
    let others = vault.unlogged_events().await.unwrap();
    let others: Vec<_> = others.into_iter().map(|(stored, _)| stored).collect();
    assert_eq!(others.len(), 2);
    let logged = vault.append_events([], Vec::new(), others, Durability::Durable);
    logged.await.unwrap();
    let stored = vault.add_client_key(&key, &event()).await.unwrap();
    let kept = vault.unlogged_events().await.unwrap();
    assert_eq!(kept, [(stored, event())]);
    let twin = vault.add_client_key(&key, &event()).await;
    assert!(twin.is_err());
    let kept = vault.unlogged_events().await.unwrap();
    assert_eq!(kept.len(), 1, "a change that fails keeps none");
    let other = vault.revoke_client_key(key.id, &event()).await.unwrap();
    vault
        .append_events([event()], Vec::new(), vec![stored], Durability::Durable)
        .await
        .unwrap();
    let kept = vault.unlogged_events().await.unwrap();
    assert_eq!(kept, [(other, event())]);
}
