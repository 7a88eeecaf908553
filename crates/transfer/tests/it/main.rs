//! Files as other tools write them, and as nobody should.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking; clippy.toml spares only #[test]"
)]

mod encrypted;
mod hostile;
mod sources;

use serde_json::{Value, json};
use valetkey_transfer::file::{self, Content};
use valetkey_transfer::{Found, FoundAuthenticator, Unreadable};

/// What is in this file, which is not encrypted.
fn found(text: &str) -> Found {
    match file::read(text.as_bytes()).unwrap() {
        Content::Found(found) => found,
        Content::Encrypted => panic!("encrypted"),
    }
}

fn refused(bytes: &[u8]) -> Unreadable {
    match file::read(bytes) {
        Err(error) => error,
        Ok(content) => panic!("{content:?}"),
    }
}

/// The fields, with the secret.
fn fields(found: &FoundAuthenticator) -> Value {
    serde_json::from_str(&found.input.to_json()).unwrap()
}

/// Each as where it was found and its fields.
fn all(found: &Found) -> Value {
    let all = found.authenticators.iter();
    all.map(|it| json!({ &it.origin: fields(it) })).collect()
}
