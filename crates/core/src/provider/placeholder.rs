//! Values that the person gives to complete a provider's URLs and parameters.

use serde::{Deserialize, Serialize};

use crate::endpoint_url::EndpointUrl;

/// A value that the person gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placeholder {
    /// `tenant`.
    pub name: String,
    /// What it may be.
    #[serde(default)]
    pub kind: PlaceholderKind,
    /// Used if none is given.
    pub default: Option<String>,
    /// What it means.
    pub note: String,
}

/// What the value of a [`Placeholder`] may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceholderKind {
    /// A part of a URL: a host, or one segment of a path.
    #[default]
    Segment,
    /// The beginning of a URL: `https://git.example.com`, without a slash at its end.
    BaseUrl,
    /// Any text; for parameters only. An empty one leaves its parameter out.
    Text,
}

impl Placeholder {
    /// What a value may be instead, if this one cannot be used.
    pub fn refuses(&self, value: &str) -> Option<&'static str> {
        let (fits, words) = match self.kind {
            PlaceholderKind::Segment => {
                let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
                let fits = !value.is_empty() && value.bytes().all(plain) && !value.contains("..");
                (fits, "use letters, digits, `.`, `_` and `-`")
            }
            PlaceholderKind::BaseUrl => {
                let fits = EndpointUrl::parse(value).is_ok()
                    && !value.ends_with('/')
                    && !value.contains(['?', '{', '}']);
                (
                    fits,
                    "write it as `https://login.example.com`, without a slash at its end",
                )
            }
            PlaceholderKind::Text => {
                let plain = |c: char| !c.is_control() && !c.is_whitespace() && c != '{' && c != '}';
                (value.chars().all(plain), "leave spaces and braces out")
            }
        };
        (!fits).then_some(words)
    }
}
