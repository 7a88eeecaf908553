//! Searches for secrets where they could have leaked to.

mod memory;

use std::fs;
use std::path::{Path, PathBuf};

pub use memory::memory_with;

/// Every file under `folder` that holds one of the secrets, plainly or in base64.
pub fn files_with(folder: &Path, secrets: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // A file or folder may be gone by the time it is read: processes still run.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let bytes = fs::read(entry.path()).unwrap_or_default();
                if secrets.iter().any(|secret| holds(&bytes, secret)) {
                    found.push(entry.path());
                }
            }
        }
    }
    found
}

/// Does this text hold one of the secrets, plainly or in base64?
pub fn text_with<'a>(text: &str, secrets: &[&'a str]) -> Option<&'a str> {
    let mut held = secrets.iter().filter(|it| holds(text.as_bytes(), it));
    held.next().copied()
}

/// Command line of every process on the machine that holds one of the secrets.
pub fn command_lines_with(secrets: &[&str]) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("this is Linux");
    processes
        .filter_map(|entry| fs::read(entry.ok()?.path().join("cmdline")).ok())
        .filter(|line| secrets.iter().any(|secret| holds(line, secret)))
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .collect()
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    let contains = |needle: &[u8]| bytes.windows(needle.len()).any(|it| it == needle);
    forms(secret).iter().any(|form| contains(form))
}

/// The secret as it is, and in base64.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    assert!(secret.len() >= 8, "too short to be searched for: {secret}");
    let mut forms = base64_cores(secret);
    forms.push(secret.as_bytes().to_vec());
    forms
}

/// How the secret looks inside base64, at each of the three offsets, without the characters at
/// the ends that depend on its neighbours.
fn base64_cores(secret: &str) -> Vec<Vec<u8>> {
    (0..3)
        .map(|offset| {
            let mut padded = vec![0; offset];
            padded.extend_from_slice(secret.as_bytes());
            let text = base64(&padded);
            let whole = padded.len() / 3 * 4;
            text[if offset == 0 { 0 } else { 4 }..whole].to_vec()
        })
        .collect()
}

fn base64(bytes: &[u8]) -> Vec<u8> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let sextet = |word: u32, shift: u32| LETTERS[(word >> shift & 63) as usize];
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
            let word = byte(0) << 16 | byte(1) << 8 | byte(2);
            [18, 12, 6, 0].map(|shift| sextet(word, shift))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_in_base64_at_every_offset() {
        let secret = "planted-secret-1";
        for text in [
            "cGxhbnRlZC1zZWNyZXQtMQ==",   // at 0
            "OnBsYW50ZWQtc2VjcmV0LTE6",   // ":" before and after
            "Yjo6cGxhbnRlZC1zZWNyZXQtMQ", // at 3
            "OjpwbGFudGVkLXNlY3JldC0xOg", // at 2
        ] {
            assert_eq!(text_with(text, &[secret]), Some(secret), "{text}");
        }
        assert_eq!(text_with("nothing to see here", &[secret]), None);
    }
}
