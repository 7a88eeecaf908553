//! What a test registers and who signs in at the demo provider, where it does not care.

use serde_json::{Value, json};
use valetkey_demo_provider::DemoProvider;

/// The account that signs in.
pub const ACCOUNT: &str = "ada";

/// An authenticator of the provider's public client.
pub fn draft(provider: &DemoProvider, name: &str) -> Value {
    json!({
        "name": name,
        "authenticator_type": "custom",
        "client_id": "demo",
        "scopes": ["openid", "email", "offline_access"],
        "issuer": provider.issuer(),
        "authorize_url": provider.url("/authorize"),
        "token_url": provider.url("/token"),
        "revocation_url": provider.url("/revoke"),
        "userinfo_url": provider.url("/userinfo"),
    })
}
