//! JSON that holds a secret, in a buffer that is wiped on drop. A plain `Vec` that grows leaves copies
//! of what it held behind.

use std::io::{self, Write};

use serde::Serialize;
use zeroize::Zeroizing;

const INITIAL_CAPACITY: usize = 1024;

/// `value` as JSON.
pub fn to_vec(value: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let mut buffer = Buffer(Zeroizing::new(Vec::with_capacity(INITIAL_CAPACITY)));
    serde_json::to_writer(&mut buffer, value).expect("plain structs serialise");
    buffer.0
}

/// Appends, and wipes the old allocation where a larger one is needed.
pub fn append(buffer: &mut Zeroizing<Vec<u8>>, bytes: &[u8]) {
    reserve(buffer, bytes.len());
    buffer.extend_from_slice(bytes);
}

/// Room for so many more bytes.
pub fn reserve(buffer: &mut Zeroizing<Vec<u8>>, additional: usize) {
    let needed = buffer.len() + additional;
    if needed > buffer.capacity() {
        let capacity = needed.max(2 * buffer.capacity());
        let mut larger = Zeroizing::new(Vec::with_capacity(capacity));
        larger.extend_from_slice(buffer);
        *buffer = larger;
    }
}

struct Buffer(Zeroizing<Vec<u8>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        append(&mut self.0, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_json_however_long() {
        for length in [0, 1_000, 100_000] {
            let value = serde_json::json!({ "access_token": "\u{1}x".repeat(length) });
            assert_eq!(*to_vec(&value), serde_json::to_vec(&value).unwrap());
        }
    }

    /// A `Vec` that is moved grows in place or leaves its old allocation as it was; this one never
    /// grows by itself.
    #[test]
    fn a_larger_buffer_is_a_new_one() {
        let mut buffer = Zeroizing::new(Vec::with_capacity(4));
        append(&mut buffer, b"abcd");
        let first = buffer.as_ptr();
        append(&mut buffer, b"e");
        assert_ne!(buffer.as_ptr(), first);
        assert_eq!((&**buffer, buffer.capacity()), (&b"abcde"[..], 8));
    }
}
