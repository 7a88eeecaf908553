//! Client keys: what is remembered of them.

use crate::support::{Bench, me};
use valetkey_agent::NewKey;

#[tokio::test]
async fn when_a_key_was_last_used_survives_a_restart() {
    let mut bench = Bench::start().await;
    let ask = NewKey {
        name: "ci".to_owned(),
        connections: None,
        manage: false,
        expires_at: None,
    };
    let (row, key) = bench.agent.create_key(ask, &me()).await.expect("a key");
    bench.restart().await;
    assert_eq!(bench.agent.keys()[0].used_at, None);
    let used = bench.agent.verify_key(key.expose()).expect("ours");
    assert_eq!(used.id, row.id);
    assert!(used.used_at.is_some());
    bench.restart().await;
    assert_eq!(bench.agent.keys()[0].used_at, used.used_at);
}
