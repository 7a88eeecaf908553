//! A host whose API a connection's token is for: the proxy sends the token there and nowhere else.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::endpoint_url::is_loopback;

/// A host, with its port unless that is the scheme's own. Reached by https; on loopback by http,
/// unless `https://` stands before it.
///
/// Written `api.github.com`, `api.example.com:8443`, `127.0.0.1:4000`, `https://localhost:8443`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ApiHost {
    is_secure: bool,
    on_loopback: bool,
    authority: String,
}

/// Why a text is no [`ApiHost`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHost {
    /// It is not a host alone.
    #[error("`{0}` is not a host such as `api.example.com`")]
    NotAHost(String),
    /// http, but not on this machine.
    #[error("`{0}` would be reached without TLS (http is allowed on loopback only)")]
    NotHttps(String),
}

impl ApiHost {
    /// Reads a host, or an origin.
    pub fn parse(text: &str) -> Result<Self, BadHost> {
        let not_a_host = || BadHost::NotAHost(text.chars().take(200).collect());
        if !text.bytes().all(is_plain) {
            return Err(not_a_host());
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let parse = |scheme: &str| Url::parse(&format!("{scheme}://{rest}")).ok();
        let as_https = parse("https").ok_or_else(not_a_host)?;
        let on_loopback = is_loopback(&as_https);
        let is_secure = match scheme {
            None => !on_loopback,
            Some("https") => true,
            Some("http") if on_loopback => false,
            Some("http") => return Err(BadHost::NotHttps(rest.chars().take(200).collect())),
            Some(_) => return Err(not_a_host()),
        };
        let url = if is_secure {
            as_https
        } else {
            parse("http").ok_or_else(not_a_host)?
        };
        let is_alone = !rest.contains('/');
        let host = is_alone.then(|| Self::of(&url)).flatten();
        host.ok_or_else(not_a_host)
    }

    /// The host that a URL names.
    pub fn of(url: &Url) -> Option<Self> {
        let on_loopback = is_loopback(url);
        let is_secure = match url.scheme() {
            "https" => true,
            "http" if on_loopback => false,
            _ => return None,
        };
        let host = url.host_str()?;
        if host.is_empty() || host.ends_with('.') || !host.bytes().all(is_plain) {
            return None;
        }
        let authority = match url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Some(Self {
            is_secure,
            on_loopback,
            authority,
        })
    }

    /// `api.github.com`, `127.0.0.1:4000`.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// `https://api.github.com`.
    pub fn origin(&self) -> String {
        let scheme = if self.is_secure { "https" } else { "http" };
        format!("{scheme}://{}", self.authority)
    }

    /// Whether TLS protects what is sent there; else it is on loopback.
    pub fn is_secure(&self) -> bool {
        self.is_secure
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b".-_:/[]".contains(&byte)
}

impl fmt::Display for ApiHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What a reader would take for http must say that it is not.
        if self.is_secure == self.on_loopback {
            f.write_str(&self.origin())
        } else {
            f.write_str(&self.authority)
        }
    }
}

impl fmt::Debug for ApiHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())
    }
}

impl TryFrom<String> for ApiHost {
    type Error = BadHost;

    fn try_from(text: String) -> Result<Self, BadHost> {
        Self::parse(&text)
    }
}

impl From<ApiHost> for String {
    fn from(host: ApiHost) -> Self {
        host.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_reached_by_https_and_loopback_by_http() {
        for (text, origin, shown) in [
            ("api.github.com", "https://api.github.com", "api.github.com"),
            (
                "API.GitHub.com:443",
                "https://api.github.com",
                "api.github.com",
            ),
            (
                "api.example.com:8443",
                "https://api.example.com:8443",
                "api.example.com:8443",
            ),
            (
                "https://api.example.com",
                "https://api.example.com",
                "api.example.com",
            ),
            ("127.0.0.1:4000", "http://127.0.0.1:4000", "127.0.0.1:4000"),
            ("localhost", "http://localhost", "localhost"),
            ("[::1]:9", "http://[::1]:9", "[::1]:9"),
            ("127.0.0.1:443", "http://127.0.0.1:443", "127.0.0.1:443"),
            (
                "https://127.0.0.1:8443",
                "https://127.0.0.1:8443",
                "https://127.0.0.1:8443",
            ),
            ("http://localhost:1", "http://localhost:1", "localhost:1"),
        ] {
            let host = ApiHost::parse(text).unwrap();
            assert_eq!(host.origin(), origin, "{text}");
            assert_eq!(host.to_string(), shown, "{text}");
            assert_eq!(ApiHost::parse(&host.to_string()), Ok(host), "{text}");
        }
    }

    #[test]
    fn a_url_names_its_host() {
        for (url, host) in [
            ("https://api.github.com/x?y#z", "api.github.com"),
            ("https://user:word@API.github.com:443/x", "api.github.com"),
            ("https://api.example.com:8443/", "api.example.com:8443"),
            ("http://127.0.0.1:4000/x", "127.0.0.1:4000"),
            ("https://[::1]:9/", "https://[::1]:9"),
        ] {
            let named = ApiHost::of(&Url::parse(url).unwrap());
            assert_eq!(named, Some(ApiHost::parse(host).unwrap()), "{url}");
        }
        for url in [
            "http://api.example.com/",
            "ftp://api.example.com/",
            "https://api.example.com./",
            "https://a~b.example.com/",
            "data:text/plain,x",
            "file:///x",
        ] {
            assert_eq!(ApiHost::of(&Url::parse(url).unwrap()), None, "{url}");
        }
    }

    #[test]
    fn all_else_is_no_host() {
        for text in [
            "",
            "https://",
            "http://api.example.com",
            "ftp://api.example.com",
            "api.example.com/v1",
            "api.example.com/",
            "user@api.example.com",
            "*.googleapis.com",
            "api.example.com.",
            "api.example.com?x",
            "api example.com",
            "api.example.com:99999",
            "127.0.0.1.evil.test:x",
            "bücher.example",
        ] {
            assert!(ApiHost::parse(text).is_err(), "{text}");
        }
    }
}
