//! URLs that requests with secrets may go to: https, or http on loopback.
//!
//! The text is kept byte for byte. Parsing checks it and never rewrites it: adding a `/` breaks
//! exact comparisons (issuers, redirect URIs, resources).

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// An https URL, or an http one on loopback, without user, password or fragment.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(try_from = "String", into = "String")]
pub struct EndpointUrl(String);

/// Why a URL is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Not a URL at all.
    #[error("`{0}` is not an absolute URL")]
    NotAUrl(String),
    /// http, but not on this machine.
    #[error("`{0}` is not https (http is allowed on loopback only)")]
    NotHttps(String),
    /// User info or a fragment, which no endpoint has.
    #[error("`{0}` holds a user, password or fragment")]
    Extra(String),
}

impl EndpointUrl {
    /// Checks `text` and keeps it as it is.
    pub fn parse(text: &str) -> Result<Self, BadUrl> {
        let shown = || text.chars().take(200).collect::<String>();
        let url = Url::parse(text).map_err(|_| BadUrl::NotAUrl(shown()))?;
        let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        if url.host().is_none() || text.chars().any(char::is_whitespace) {
            return Err(BadUrl::NotAUrl(shown()));
        }
        if !secure {
            return Err(BadUrl::NotHttps(shown()));
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(BadUrl::Extra(shown()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The URL exactly as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Parsed, for building requests.
    pub fn to_url(&self) -> Url {
        Url::parse(&self.0).expect("checked by parse")
    }

    /// Host (and port, if it is named), for messages.
    pub fn host(&self) -> String {
        let url = self.to_url();
        let host = url.host_str().unwrap_or_default();
        url.port()
            .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }
}

/// Whether the URL's host is `localhost` or a loopback address.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

impl fmt::Display for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl TryFrom<String> for EndpointUrl {
    type Error = BadUrl;

    fn try_from(text: String) -> Result<Self, BadUrl> {
        Self::parse(&text)
    }
}

impl From<EndpointUrl> for String {
    fn from(url: EndpointUrl) -> String {
        url.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_and_loopback_http_pass_unchanged() {
        for text in [
            "https://h",
            "https://h/a?x=1",
            "http://127.0.0.1:9/t",
            "http://[::1]/",
            "http://localhost:1",
        ] {
            assert_eq!(EndpointUrl::parse(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "h",
            "http://example.com",
            "ftp://h",
            "javascript:alert(1)",
            "file:///etc",
            "https://u:p@h/",
            "https://h/#f",
            "http://127.0.0.1.evil.test/",
            "https://h/a b",
        ] {
            assert!(EndpointUrl::parse(text).is_err(), "{text}");
        }
    }
}
