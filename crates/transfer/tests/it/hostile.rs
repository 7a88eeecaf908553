use proptest::prelude::*;
use serde_json::{Value, json};
use valetkey_transfer::{file, git, oidc_agent};

use crate::{found, refused};

#[test]
fn what_is_no_description_of_a_client_is_refused_in_words() {
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let many: Vec<Value> = vec![json!({"authenticator_type": "github"}); 1001];
    let many = json!({ "authenticators": many }).to_string();
    for (file, words) in [
        (&b"\xff\xfe\x00"[..], "no text"),
        (b"", "no OAuth client"),
        (b"PATH=/bin\n", "no OAuth client"),
        (b"{\"a\": 1}", "no OAuth client"),
        (b"{\"authenticators\": {}}", "no OAuth client"),
        (b"{\"authenticators\": []}", "no authenticator"),
        (b"{\"authenticators\": [1]}", "no JSON object"),
        (b"{\"authenticators\": [{\"profile\": 1}]}", "no text"),
        (
            b"{\"authenticators\": [{\"profile\": \"a/b\"}]}",
            "no good name",
        ),
        (
            b"{\"authenticators\": [{\"is_active\": \"no\"}]}",
            "true or false",
        ),
        (b"{\"installed\": []}", "no client id"),
        (b"[1]", "no OAuth client"),
        (b"{\"a\": ", "no JSON"),
        (deep.as_bytes(), "no JSON"),
        (many.as_bytes(), "more than 1000"),
        (
            b"FMCP_OAUTH_CLIENT_ID=a\n",
            "`FMCP_OAUTH_AUTH_ENDPOINT` is not set",
        ),
    ] {
        let error = refused(file);
        assert!(error.message.contains(words), "{words}: {error:?}");
        assert!(!error.hint.is_empty());
    }
}

/// A secret in a wrong place is not shown.
#[test]
fn no_error_quotes_what_was_read() {
    for text in [
        r#"{"authenticators": ["s3cret"]}"#,
        r#"{"authenticators": "s3cret"}"#,
        r#"{"s3cret": "s3cret""#,
        r#"[{"issuer": 1, "x": "s3cret"}]"#,
    ] {
        let error = refused(text.as_bytes());
        assert!(!format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[test]
fn wrong_types_are_left_to_the_check_of_the_fields() {
    let found = found(r#"{"authenticators": [{"authenticator_type": 1, "client_id": []}]}"#);
    let [one] = &found.authenticators[..] else {
        panic!("one: {found:?}");
    };
    assert_eq!(one.origin, "?");
    assert!(one.input.clone().check().is_err());
}

proptest! {
    #[test]
    fn nothing_that_is_read_panics(bytes: Vec<u8>, text: String) {
        let _ = file::read(&bytes);
        let _ = file::read(text.as_bytes());
        let _ = git::read(text.as_bytes());
        let _ = oidc_agent::issuer_file(text.as_bytes());
    }
}
