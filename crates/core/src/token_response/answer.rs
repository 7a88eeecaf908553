//! An HTTP answer of a provider, as it came, and what its body turns out to be.

use std::fmt;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// An HTTP answer of a provider: what is needed to understand it.
#[derive(Clone, Default)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`, if any.
    pub content_type: Option<String>,
    /// `Retry-After`, if any.
    pub retry_after: Option<String>,
    /// The whole body; it may hold tokens.
    pub body: Zeroizing<Vec<u8>>,
}

/// What a body is.
#[derive(Debug)]
pub(crate) enum Content {
    /// A JSON object, or a form read as one.
    Members(Map<String, Value>),
    /// HTML: an error page, a firewall, a hotel's login page.
    Page,
    /// Nothing.
    Empty,
    /// Anything else; half a JSON object too.
    Garbled,
}

impl Answer {
    /// Whether the status says success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Looks at the body itself: its declared type is wrong too often to be believed.
    pub(crate) fn content(&self) -> Content {
        let Ok(text) = std::str::from_utf8(&self.body) else {
            return Content::Garbled;
        };
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Content::Empty;
        }
        if text.starts_with('<') {
            return Content::Page;
        }
        if text.starts_with('{') {
            return serde_json::from_str(text).map_or(Content::Garbled, Content::Members);
        }
        let declared = self.content_type.as_deref().unwrap_or("text/plain");
        let may_be_form =
            declared.contains("x-www-form-urlencoded") || declared.contains("text/plain");
        if may_be_form && text.contains('=') && !text.contains(char::is_whitespace) {
            let pairs = url::form_urlencoded::parse(text.as_bytes());
            return Content::Members(
                pairs
                    .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
                    .collect(),
            );
        }
        Content::Garbled
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .field("retry_after", &self.retry_after)
            .field("body", &format_args!("[{} bytes]", self.body.len()))
            .finish()
    }
}
