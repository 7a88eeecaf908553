//! Many connections.

use std::time::{Duration, Instant};

use valetkey_core::connection::Connection;
use valetkey_core::id::ConnectionId;

use crate::fixture::Fixture;

/// The budget is 300 ms for a whole start in a release build; this is an unoptimised one on a busy
/// machine, so the bound only catches work that grows faster than the rows.
const BOUND: Duration = Duration::from_secs(5);

#[tokio::test]
async fn ten_thousand_connections_are_read_in_one_go() {
    let fixture = Fixture::connected().await;
    fixture
        .vault
        .reconcile(crate::fixture::now())
        .await
        .unwrap();
    fixture.vault.close().await.unwrap();
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)
               INSERT INTO connections SELECT
                   '00000000-0000-4000-8000-' || printf('%012d', i), authenticator, 'a' || i,
                   display_name, issuer, sub, status, generation, asked_scopes, scopes, issued_at,
                   expires_at, refresh_expires_at, refreshable, created_at, used_at, keep_warm,
                   refresh_error, issued_boot_time, proxy, needed, kind
               FROM connections, n";
    let database = rusqlite::Connection::open(fixture.home.database()).unwrap();
    database.execute_batch(sql).unwrap();
    drop(database);

    let started = Instant::now();
    let fixture = fixture.restarted().await;
    fixture
        .vault
        .reconcile(crate::fixture::now())
        .await
        .unwrap();
    let rows = fixture.vault.connections().await.unwrap();
    let took = started.elapsed();
    println!("10,000 rows: {took:?}");
    assert!(took < BOUND, "{took:?}");
    let ids: std::collections::BTreeSet<ConnectionId> =
        rows.iter().map(|row: &Connection| row.id).collect();
    assert_eq!(ids.len(), 10_000);
}
