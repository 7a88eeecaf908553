//! Changes of an authenticator, while its sign-ins and removals are under way.

use crate::support::{Bench, authenticator_key, change, me};
use serde_json::json;
use valetkey_agent::AuthenticatorChange;

#[tokio::test]
async fn two_changes_of_an_authenticator_side_by_side_both_count() {
    let bench = Bench::start().await;
    let key = authenticator_key("demo");
    let disable = AuthenticatorChange {
        is_active: Some(false),
        ..AuthenticatorChange::default()
    };
    let narrow = change(json!({ "scopes": ["openid"] }));
    let (me, agent) = (me(), &bench.agent);
    let (disabled, narrowed) = tokio::join!(
        agent.update_authenticator(&key, disable, &me),
        agent.update_authenticator(&key, narrow, &me),
    );
    disabled.unwrap();
    narrowed.unwrap();
    let now = agent.authenticator(&key).unwrap().authenticator;
    assert!(!now.is_active, "{now:?}");
    assert_eq!(now.scopes.to_string(), "openid");
}
