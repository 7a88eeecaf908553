//! Text from outside on its way to a person: names and paths of programs, answers of providers.
//!
//! A file can be named so that it turns the text around it, hides a part of itself or moves the cursor of
//! a terminal. Such characters are shown as escapes, so that different names stay different.

use std::borrow::Cow;

/// Letters of a name that are shown.
pub const MAX_NAME: usize = 64;
/// Letters of a path or command line that are shown.
pub const MAX_LOCATION: usize = 400;

/// `text` with every character escaped that a person cannot see as itself.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unprintable(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// As [`printable`], of at most `max` letters: what is too long loses its middle.
pub fn shortened(text: &str, max: usize) -> String {
    let shown = printable(text);
    let length = shown.chars().count();
    if length <= max {
        return shown.into_owned();
    }
    let kept = max.saturating_sub(1);
    let end = kept / 2;
    let mut short: String = shown.chars().take(kept - end).collect();
    short.push('…');
    short.extend(shown.chars().skip(length - end));
    short
}

/// Control characters, those that turn text around or break lines, and those that cannot be seen.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_escaped() {
        assert_eq!(printable("Zoë 🦀 报告.py"), "Zoë 🦀 报告.py");
        assert_eq!(printable("a\u{202e}yp.b"), r"a\u{202e}yp.b");
        assert_eq!(printable("a\nb\u{1b}[2J\t"), r"a\nb\u{1b}[2J\t");
        assert_eq!(printable("re\u{200b}port"), r"re\u{200b}port");
        assert_ne!(printable("report.py"), printable("report\u{2060}.py"));
    }

    #[test]
    fn what_is_too_long_loses_its_middle() {
        assert_eq!(shortened("report.py", 9), "report.py");
        assert_eq!(shortened("abcdefghij", 7), "abc…hij");
        let long = format!("{}.py", "é".repeat(300));
        let short = shortened(&long, MAX_NAME);
        assert_eq!(short.chars().count(), MAX_NAME);
        assert!(short.ends_with("é.py"), "{short}");
        let hostile = shortened(&"\u{202e}".repeat(100), MAX_NAME);
        assert!(hostile.starts_with(r"\u{202e}") && hostile.chars().count() == MAX_NAME);
    }
}
