//! Masks a token that a host sends back. What is masked keeps its length, so lengths and frames that
//! count bytes stay right. A token may be cut by the border of two chunks: the end of a chunk that could
//! be its beginning is held back until the next one.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;
use valetkey_api::core::secret::AccessToken;
use zeroize::Zeroizing;

/// Stands for each byte of a token.
const MASK: u8 = b'*';

/// So much of the beginning of a token may be shown: anything could begin like this.
const MAX_SHOWN: usize = 8;
/// The end of a chunk that could be the beginning of a token waits so long for more.
const HOLD_TIMEOUT: Duration = Duration::from_millis(50);
/// The same where more than [`MAX_SHOWN`] bytes fit. Then it is hardly anything else.
const LONG_HOLD_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether a byte is written as a number.
type IsEscaped = fn(u8) -> bool;

/// How a text writes bytes as numbers: what stands before the two hexadecimal digits, and for which
/// bytes.
const ESCAPES: [(&str, IsEscaped); 6] = [
    // URLs: all but unreserved characters (RFC 3986, section 2.3), those of forms, letters and digits.
    ("%", |byte| is_symbol_but(b"-._~", byte)),
    ("%", |byte| is_symbol_but(b"-._*", byte)),
    ("%", |byte| is_symbol_but(b"", byte)),
    // JSON: as System.Text.Json, as Gson, and both with the slash.
    ("\\u00", |byte| b"+&<>".contains(&byte)),
    ("\\u00", |byte| b"=&<>".contains(&byte)),
    ("\\u00", |byte| b"+/=&<>".contains(&byte)),
];

/// Finds one token in a stream of bytes.
pub(super) struct Scrubber {
    /// The token as it is, and as JSON and URLs may write it. Never empty texts.
    spellings: Vec<Zeroizing<Vec<u8>>>,
    /// The end of what came, which is the beginning of a spelling.
    held: BytesMut,
    /// So much of `held` went on already, because nothing followed for a while.
    released: usize,
    found: bool,
}

impl Scrubber {
    pub(super) fn new(token: &AccessToken) -> Self {
        let plain = token.expose();
        let slashes = plain.replace('/', "\\/").into_bytes();
        let unescaped = [plain.as_bytes().to_vec(), slashes].map(Zeroizing::new);
        let escaped = ESCAPES.iter().flat_map(|(prefix, is_escaped)| {
            let escape = |digits| escape(plain.as_bytes(), prefix, *is_escaped, digits);
            [b"0123456789ABCDEF", b"0123456789abcdef"].map(escape)
        });
        let mut spellings: Vec<Zeroizing<Vec<u8>>> = Vec::new();
        for text in unescaped.into_iter().chain(escaped) {
            if !text.is_empty() && !spellings.contains(&text) {
                spellings.push(text);
            }
        }
        Self {
            spellings,
            held: BytesMut::new(),
            released: 0,
            found: false,
        }
    }

    /// Whether the token was found since the last call.
    pub(super) fn take_found(&mut self) -> bool {
        std::mem::take(&mut self.found)
    }

    /// What may go on of the bytes so far. A chunk without a token goes on as it is.
    pub(super) fn push(&mut self, chunk: &Bytes) -> Bytes {
        if self.held.is_empty() && !self.is_in(chunk) {
            let end = chunk.len() - self.beginning_at_end(chunk);
            self.held.extend_from_slice(&chunk[end..]);
            return chunk.slice(..end);
        }
        let mut bytes = std::mem::take(&mut self.held);
        bytes.extend_from_slice(chunk);
        self.mask(&mut bytes);
        let end = bytes.len() - self.beginning_at_end(&bytes);
        self.held = bytes.split_off(end);
        let gone = self.released.min(end);
        self.released -= gone;
        bytes.split_off(gone).freeze()
    }

    /// Whether something is held back that could go on.
    pub(super) fn is_holding(&self) -> bool {
        self.held.len() > self.released
    }

    /// How long what is held back waits for more.
    pub(super) fn hold_timeout(&self) -> Duration {
        if self.held.len() > MAX_SHOWN {
            LONG_HOLD_TIMEOUT
        } else {
            HOLD_TIMEOUT
        }
    }

    /// Lets go what is held back: nothing followed for a while, or nothing ever will. All but the first
    /// bytes of it are masked, and so is the rest of a token that follows after all: a host that sends it
    /// slowly, byte by byte, shows no more.
    pub(super) fn release(&mut self) -> Bytes {
        let mut rest = BytesMut::from(&self.held[self.released..]);
        let shown = MAX_SHOWN.saturating_sub(self.released).min(rest.len());
        if shown < rest.len() {
            rest[shown..].fill(MASK);
            self.found = true;
        }
        self.released = self.held.len();
        rest.freeze()
    }

    /// Masks a text that is whole; true if the token was in it.
    pub(super) fn mask(&mut self, bytes: &mut [u8]) -> bool {
        let mut found = false;
        for spelling in &self.spellings {
            let finder = Finder::new(spelling.as_slice());
            let mut from = 0;
            while let Some(at) = finder.find(&bytes[from..]) {
                let end = from + at + spelling.len();
                bytes[from + at..end].fill(MASK);
                from = end;
                found = true;
            }
        }
        self.found |= found;
        found
    }

    /// A text, masked, and whether the token was in it. It may have been cut within a token: what it has
    /// of one at its end is masked as by [`Self::release`].
    pub(super) fn mask_cut(mut self, text: &[u8]) -> (Vec<u8>, bool) {
        let mut masked = self.push(&Bytes::copy_from_slice(text)).to_vec();
        masked.extend_from_slice(&self.release());
        (masked, self.found)
    }

    fn is_in(&self, bytes: &[u8]) -> bool {
        let mut spellings = self.spellings.iter();
        spellings.any(|spelling| Finder::new(spelling.as_slice()).find(bytes).is_some())
    }

    /// The length of the longest end that is the beginning of a spelling.
    fn beginning_at_end(&self, bytes: &[u8]) -> usize {
        let longest = |spelling: &Zeroizing<Vec<u8>>| {
            let most = bytes.len().min(spelling.len() - 1);
            let mut lengths = (1..=most).rev();
            lengths.find(|length| bytes.ends_with(&spelling[..*length]))
        };
        let found = self.spellings.iter().filter_map(longest);
        found.max().unwrap_or(0)
    }
}

fn is_symbol_but(kept: &[u8], byte: u8) -> bool {
    !byte.is_ascii_alphanumeric() && !kept.contains(&byte)
}

fn escape(
    text: &[u8],
    prefix: &str,
    is_escaped: IsEscaped,
    digits: &[u8; 16],
) -> Zeroizing<Vec<u8>> {
    // Large enough: no copy is left behind by growing.
    let mut escaped = Zeroizing::new(Vec::with_capacity(text.len() * (prefix.len() + 2)));
    for &byte in text {
        if is_escaped(byte) {
            escaped.extend_from_slice(prefix.as_bytes());
            escaped.extend([byte >> 4, byte & 0xf].map(|digit| digits[usize::from(digit)]));
        } else {
            escaped.push(byte);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrub(token: &str, chunks: &[&str]) -> (String, bool) {
        let mut scrubber = Scrubber::new(&AccessToken::new(token));
        let mut text = Vec::new();
        for chunk in chunks {
            text.extend(scrubber.push(&Bytes::copy_from_slice(chunk.as_bytes())));
        }
        text.extend(scrubber.release());
        (String::from_utf8(text).unwrap(), scrubber.take_found())
    }

    #[test]
    fn a_token_is_masked_with_its_own_length() {
        let (text, found) = scrub("tok/en", &["<tok/en> and \"tok\\/en\" and ?t=tok%2Fen."]);
        assert_eq!(text, "<******> and \"*******\" and ?t=********.");
        assert!(found);
    }

    #[test]
    fn a_token_is_found_however_its_bytes_are_escaped() {
        for (token, spelling) in [
            // Percent-encoded: all that is reserved, or more; .NET writes lower case.
            ("a+/b=", "a%2B%2Fb%3D"),
            ("a+/b=", "a%2b%2fb%3d"),
            ("a-b_c.d~/", "a%2Db%5Fc%2Ed%7E%2F"),
            ("a-b_c.d~/", "a%2db%5fc%2ed%7e%2f"),
            ("a-b_c.d~/", "a-b_c.d~%2f"),
            ("a-b_c.d~/", "a-b_c.d%7e%2f"),
            // JSON of PHP, System.Text.Json, Gson, and of those that escape the slash like the others.
            ("a+/b=", "a+\\/b="),
            ("a+/b=&<>", "a\\u002B/b=\\u0026\\u003C\\u003E"),
            ("a+/b=&<>", "a+/b\\u003d\\u0026\\u003c\\u003e"),
            ("a+/b=", "a\\u002b\\u002fb\\u003d"),
            ("a+/b=", "a\\u002B\\u002Fb\\u003D"),
        ] {
            let masked = format!("<{}>", "*".repeat(spelling.len()));
            assert_eq!(
                scrub(token, &[&format!("<{spelling}>")]),
                (masked, true),
                "{spelling}"
            );
        }
    }

    #[test]
    fn a_token_is_found_over_every_border() {
        let text = "a-secret-secret-b secret";
        let masked = "a-******-******-b ******";
        for first in 0..text.len() {
            for second in first..text.len() {
                let chunks = [&text[..first], &text[first..second], &text[second..]];
                assert_eq!(scrub("secret", &chunks).0, masked, "{chunks:?}");
            }
        }
        let bytes: Vec<String> = text.chars().map(String::from).collect();
        let bytes: Vec<&str> = bytes.iter().map(String::as_str).collect();
        assert_eq!(scrub("secret", &bytes).0, masked);
    }

    #[test]
    fn a_false_beginning_is_let_go() {
        assert_eq!(
            scrub("aab", &["a", "a", "aab", "aa"]),
            ("aa***aa".to_owned(), true)
        );
        assert_eq!(
            scrub("secret", &["sec", "ond sec"]),
            ("second sec".to_owned(), false)
        );
    }

    #[test]
    fn the_rest_of_a_token_is_masked_after_a_pause() {
        let mut scrubber = Scrubber::new(&AccessToken::new("secret"));
        let mut text = Vec::new();
        for chunk in ["a se", "cr", "et b", "c s", "ecret"] {
            text.extend(scrubber.push(&Bytes::from_static(chunk.as_bytes())));
            text.extend(scrubber.release());
        }
        assert_eq!(text, b"a secr** bc s*****");
        assert!(!scrubber.is_holding());
    }

    #[test]
    fn a_token_that_comes_slowly_shows_its_beginning_alone() {
        let mut scrubber = Scrubber::new(&AccessToken::new("a-long-secret"));
        let mut text = Vec::new();
        for byte in "<a-long-secret> <a-long-secre".bytes() {
            text.extend(scrubber.push(&Bytes::copy_from_slice(&[byte])));
            text.extend(scrubber.release());
        }
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "<a-long-s*****> <a-long-s****"
        );
        assert!(scrubber.take_found());
    }

    #[test]
    fn a_longer_beginning_is_held_longer() {
        let mut scrubber = Scrubber::new(&AccessToken::new("a-long-secret"));
        scrubber.push(&Bytes::from_static(b"a-long-s"));
        assert_eq!(scrubber.hold_timeout(), HOLD_TIMEOUT);
        scrubber.push(&Bytes::from_static(b"e"));
        assert_eq!(scrubber.hold_timeout(), LONG_HOLD_TIMEOUT);
    }

    #[test]
    fn only_what_could_be_a_beginning_is_held_back() {
        let mut scrubber = Scrubber::new(&AccessToken::new("secret"));
        let event = Bytes::from_static(b"data: 1\n\n");
        assert_eq!(scrubber.push(&event).as_ptr(), event.as_ptr(), "not copied");
        assert_eq!(scrubber.push(&Bytes::from_static(b"a sec")), "a ");
        assert_eq!(scrubber.push(&Bytes::from_static(b"ond")), "second");
    }
}
