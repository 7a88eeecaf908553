use valetkey_transfer::encrypted::{decrypt, encrypt, is_encrypted};
use valetkey_transfer::file::{self, Content};

use crate::fields;

const EXPORT: &str = r#"{"authenticators": [{"authenticator_type": "github", "client_id": "a",
    "client_secret": "as ${IT} is"}]}"#;

#[test]
fn what_was_encrypted_is_read_with_its_passphrase_alone() {
    let text = encrypt(EXPORT.as_bytes(), "correct horse");
    assert!(
        text.starts_with("-----BEGIN AGE ENCRYPTED FILE-----\n"),
        "{text}"
    );
    assert!(!text.contains("as "), "{text}");
    assert_eq!(file::read(text.as_bytes()).unwrap(), Content::Encrypted);

    let content = decrypt(text.as_bytes(), "correct horse").unwrap();
    let found = file::read_decrypted(&content).unwrap();
    let [one] = &found.authenticators[..] else {
        panic!("one: {found:?}");
    };
    assert_eq!(fields(one)["client_secret"], "as ${IT} is");
    assert!(!one.has_variables, "a secret is taken as it is");

    let wrong = decrypt(text.as_bytes(), "correct house").unwrap_err();
    assert_eq!(wrong.message, "the passphrase is wrong");
    let half = &text.as_bytes()[..text.len() / 2];
    assert!(is_encrypted(half));
    let damaged = decrypt(half, "correct horse").unwrap_err();
    assert!(damaged.message.contains("damaged"), "{damaged}");
}

#[test]
fn a_file_that_would_take_all_memory_is_refused() {
    let file = b"age-encryption.org/v1\n-> scrypt bBjlhJVYZeE4aqUdmtRHfw 40\nZV/AhotwSGqaPCU43cepl4WYUouAa17a3xpu4G2yi5k\n--- fgMiVLJHMlg9fW7CVG/hPS5EAU4Zeg19LyCP7SoH5nA\n0123456789abcdef";
    let refused = decrypt(file, "correct horse").unwrap_err();
    assert!(refused.message.contains("more work"), "{refused}");
}
