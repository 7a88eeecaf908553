//! Resource indicators (RFC 8707): which service a token is for.
//!
//! The text is compared byte by byte at the provider and at the service, so it is kept and sent exactly
//! as it was given: it never passes through a URL type, which would add a `/` or change letters.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest resource indicator, in bytes.
const MAX_BYTES: usize = 2048;
/// What a URI is made of beside letters and digits (RFC 3986, sections 2.2 and 2.3), without `#`.
const PUNCTUATION: &[u8] = b"-._~:/?[]@!$&'()*+,;=%";

/// An absolute URI without a fragment (RFC 8707, section 2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
pub struct ResourceUri(String);

/// Why a text is no resource indicator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadResource {
    /// It has no scheme, or nothing behind it.
    #[error("a resource is an absolute URI")]
    NotAbsolute,
    /// It has a fragment.
    #[error("a resource has no fragment")]
    Fragment,
    /// It holds what no URI holds.
    #[error("a resource holds no spaces and no characters outside ASCII")]
    Characters,
    /// It is longer than 2,048 bytes.
    #[error("a resource has at most 2048 characters")]
    TooLong,
}

impl ResourceUri {
    /// Checks `text` and keeps it as it is.
    pub fn parse(text: &str) -> Result<Self, BadResource> {
        if text.len() > MAX_BYTES {
            return Err(BadResource::TooLong);
        }
        if text.contains('#') {
            return Err(BadResource::Fragment);
        }
        let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || PUNCTUATION.contains(&byte);
        if !text.bytes().all(is_legal) {
            return Err(BadResource::Characters);
        }
        let (scheme, rest) = text.split_once(':').ok_or(BadResource::NotAbsolute)?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if !is_scheme || rest.trim_start_matches('/').is_empty() {
            return Err(BadResource::NotAbsolute);
        }
        Ok(Self(text.to_owned()))
    }

    /// The URI exactly as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ResourceUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ResourceUri {
    type Error = BadResource;

    fn try_from(text: String) -> Result<Self, BadResource> {
        Self::parse(&text)
    }
}

impl From<ResourceUri> for String {
    fn from(resource: ResourceUri) -> Self {
        resource.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_kept_byte_for_byte() {
        for text in [
            "https://mcp.example.com",
            "https://mcp.example.com/",
            "https://MCP.Example.com:443/a/../b?x=%7e",
            "http://127.0.0.1:9/mcp",
            "urn:example:api",
            "api://6f0b1d7c/",
        ] {
            assert_eq!(ResourceUri::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for (text, error) in [
            ("", BadResource::NotAbsolute),
            ("mcp.example.com", BadResource::NotAbsolute),
            ("/mcp", BadResource::NotAbsolute),
            ("https:", BadResource::NotAbsolute),
            ("https://", BadResource::NotAbsolute),
            ("1https://h", BadResource::NotAbsolute),
            ("https://h/#part", BadResource::Fragment),
            ("https://h/#", BadResource::Fragment),
            ("https://h/a b", BadResource::Characters),
            ("https://h/\u{e9}", BadResource::Characters),
            ("https://h/\n", BadResource::Characters),
        ] {
            assert_eq!(ResourceUri::parse(text), Err(error), "{text}");
        }
        let long = format!("https://h/{}", "a".repeat(2048));
        assert_eq!(ResourceUri::parse(&long), Err(BadResource::TooLong));
    }
}
