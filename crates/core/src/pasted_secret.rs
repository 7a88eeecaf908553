//! A secret that a person copied from a provider's page and pasted here: an API key, a personal access
//! token, a refresh token. What lies around it is trimmed; what is something else is refused with a word
//! about what it looks like, and is never quoted.

use zeroize::Zeroizing;

use crate::secret::PastedSecret;

/// In characters. Shorter is a part of a key.
const MIN_LENGTH: usize = 8;
/// In bytes. Longer fits into no request header.
const MAX_LENGTH: usize = 8 << 10;

/// Why it was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotASecret {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: &'static str,
}

impl PastedSecret {
    /// The secret alone; `what` it is to be: `API key`.
    pub fn read(&self, what: &str) -> Result<Zeroizing<String>, NotASecret> {
        let text = self.expose().trim();
        let refuse = |message: String, hint| Err(NotASecret { message, hint });
        if text.is_empty() {
            return refuse(format!("the {what} is empty"), "paste it whole");
        }
        if let Some((looks_like, hint)) = something_else(text) {
            return refuse(format!("this is {looks_like}, not the {what} alone"), hint);
        }
        if text.len() > MAX_LENGTH {
            let message = format!("this is too long for the {what} (more than 8 KiB)");
            return refuse(message, "copy nothing but the key itself");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            let message = format!(
                "the {what} holds a space, a line break or another character that no header can carry"
            );
            return refuse(
                message,
                "copy it again, from its first to its last character",
            );
        }
        if text.len() < MIN_LENGTH {
            return refuse(
                format!("this is too short for the {what}"),
                "copy it again, from its first to its last character",
            );
        }
        Ok(Zeroizing::new(text.to_owned()))
    }
}

/// What it looks like, and what to do.
fn something_else(text: &str) -> Option<(&'static str, &'static str)> {
    let starts = |prefix: &str| {
        text.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if starts("authorization:") || starts("x-api-key:") || starts("private-token:") {
        return Some((
            "a whole header line",
            "paste only what stands after the header's name and `Bearer`",
        ));
    }
    if starts("bearer ") || starts("token ") || starts("basic ") {
        return Some((
            "the value of a header",
            "leave out the word in front of the key",
        ));
    }
    if text.starts_with("-----BEGIN") {
        return Some(("a key file", "paste the key that API requests carry"));
    }
    if text.starts_with(['{', '[']) {
        return Some((
            "a JSON file",
            "paste the value of the one field that holds the key",
        ));
    }
    if starts("http://") || starts("https://") {
        return Some((
            "an address",
            "open it in the browser, and paste the key that it shows",
        ));
    }
    if is_assignment(text) {
        return Some((
            "a line of an environment file",
            "paste only what stands after `=`",
        ));
    }
    let quoted = |quote: char| text.len() > 1 && text.starts_with(quote) && text.ends_with(quote);
    if quoted('"') || quoted('\'') || quoted('`') {
        return Some(("a quoted text", "leave out the quotes"));
    }
    None
}

/// `GITHUB_TOKEN=...`; base64 ends with `=` and has small letters before it.
fn is_assignment(text: &str) -> bool {
    let text = text.strip_prefix("export ").unwrap_or(text);
    let Some((name, value)) = text.split_once('=') else {
        return false;
    };
    let is_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    !value.trim_matches('=').is_empty() && name.contains('_') && name.bytes().all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let read = PastedSecret::new(text).read("API key");
        read.map(|secret| secret.to_string())
            .map_err(|refused| format!("{}; {}", refused.message, refused.hint))
    }

    #[test]
    fn spaces_and_line_breaks_around_it_are_no_part_of_it() {
        for text in [
            "ghp_0123456789",
            "  ghp_0123456789\r\n",
            "\tghp_0123456789 \n\n",
        ] {
            assert_eq!(read(text).unwrap(), "ghp_0123456789");
        }
        for other in [
            "c2VjcmV0LXNlY3JldA==",
            "lin_api_A=b=C",
            "{key",
            "sk-proj-0_1-2",
        ] {
            let is_taken = read(other).is_ok();
            assert_eq!(is_taken, !other.starts_with('{'), "{other}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_with_a_word_about_what_it_is() {
        let table = [
            ("", "the API key is empty"),
            (" \n ", "the API key is empty"),
            (
                "Authorization: Bearer ghp_0123456789",
                "a whole header line",
            ),
            ("authorization:ghp_0123456789", "a whole header line"),
            ("X-Api-Key: 0123456789", "a whole header line"),
            ("Bearer ghp_0123456789", "the value of a header"),
            ("https://github.com/settings/tokens", "an address"),
            ("{\"access_token\": \"ghp_0123456789\"}", "a JSON file"),
            ("-----BEGIN PRIVATE KEY-----\nMII", "a key file"),
            (
                "GITHUB_TOKEN=ghp_0123456789",
                "a line of an environment file",
            ),
            (
                "export GITHUB_TOKEN=ghp_0123456789",
                "a line of an environment file",
            ),
            ("\"ghp_0123456789\"", "a quoted text"),
            ("ghp_01234\n56789", "a space, a line break"),
            ("ghp_01234 56789", "a space, a line break"),
            ("ghp_01234\u{0}56789", "a space, a line break"),
            ("ghp_0123456789ä", "a space, a line break"),
            ("ghp_012", "too short"),
        ];
        for (text, why) in table {
            let refused = read(text).unwrap_err();
            assert!(refused.contains(why), "{text:?}: {refused}");
            assert!(!refused.contains("0123456789"), "{refused}");
        }
        assert!(read(&"k".repeat(8 << 10)).is_ok());
        assert!(
            read(&"k".repeat((8 << 10) + 1))
                .unwrap_err()
                .contains("too long")
        );
    }
}
