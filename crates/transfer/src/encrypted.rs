//! Our export with secrets: age, armoured, with a passphrase. `age --decrypt` opens it, too.

use std::io::{Read as _, Write as _};

use age::armor::{ArmoredReader, ArmoredWriter, Format};
use age::secrecy::SecretString;
use age::{Decryptor, Encryptor, scrypt};
use zeroize::Zeroizing;

use crate::found::Unreadable;

const ARMOR: &[u8] = b"-----BEGIN AGE ENCRYPTED FILE-----";
const BINARY: &[u8] = b"age-encryption.org/v1";
/// Work of scrypt (2^18, 256 MiB): what `age` itself takes.
const WORK_FACTOR: u8 = 18;
/// Most work that a file may ask for, as in `age`: it would take memory without end.
const MAX_WORK_FACTOR: u8 = 22;
/// Longest content.
const MAX_CONTENT: u64 = 4 << 20;

/// Whether [`decrypt`] may open it.
pub fn is_encrypted(bytes: &[u8]) -> bool {
    let bytes = bytes.trim_ascii_start();
    bytes.starts_with(ARMOR) || bytes.starts_with(BINARY)
}

/// `content`, readable with `passphrase` alone.
pub fn encrypt(content: &[u8], passphrase: &str) -> String {
    let mut recipient = scrypt::Recipient::new(SecretString::from(passphrase.to_owned()));
    recipient.set_work_factor(WORK_FACTOR);
    let encryptor = Encryptor::with_recipients(std::iter::once(&recipient as _))
        .expect("one recipient of a passphrase is allowed");
    let mut encrypted = Vec::new();
    let write = || -> std::io::Result<()> {
        let armor = ArmoredWriter::wrap_output(&mut encrypted, Format::AsciiArmor)?;
        let mut writer = encryptor.wrap_output(armor)?;
        writer.write_all(content)?;
        writer.finish()?.finish()?;
        Ok(())
    };
    write().expect("a Vec takes everything");
    String::from_utf8(encrypted).expect("armour is ASCII")
}

/// The content of what [`encrypt`] made.
pub fn decrypt(encrypted: &[u8], passphrase: &str) -> Result<Zeroizing<String>, Unreadable> {
    let broken = || {
        Unreadable::new(
            "the encrypted file is damaged, or not ours",
            "copy it again from where it was exported",
        )
    };
    let mut identity = scrypt::Identity::new(SecretString::from(passphrase.to_owned()));
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    let decryptor = Decryptor::new(ArmoredReader::new(encrypted)).map_err(|_| broken())?;
    if !decryptor.is_scrypt() {
        return Err(Unreadable::new(
            "the file is encrypted for a key, not with a passphrase",
            "decrypt it with `age --decrypt`, and import what comes out",
        ));
    }
    let reader =
        decryptor
            .decrypt(std::iter::once(&identity as _))
            .map_err(|error| match error {
                age::DecryptError::DecryptionFailed
                | age::DecryptError::NoMatchingKeys
                | age::DecryptError::KeyDecryptionFailed => {
                    Unreadable::new("the passphrase is wrong", "try again")
                }
                age::DecryptError::ExcessiveWork { .. } => Unreadable::new(
                    "the file asks for more work than any passphrase is worth",
                    "it was not exported here: import it only if you know who made it",
                ),
                _ => broken(),
            })?;
    let mut content = Zeroizing::new(String::with_capacity(64 << 10));
    let mut limited = reader.take(MAX_CONTENT + 1);
    limited.read_to_string(&mut content).map_err(|_| broken())?;
    if content.len() as u64 > MAX_CONTENT {
        return Err(broken());
    }
    Ok(content)
}
