//! Redirect URIs that a native application can serve (RFC 8252, section 7.3), and those it cannot.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// The fixed port for providers that compare redirect URIs exactly.
pub const CALLBACK_PORT: u16 = 4316;
/// The port of the loopback listener, which no callback may take.
pub const API_PORT: u16 = 4315;

/// Loopback host of a redirect URI, as the provider wants it spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum LoopbackHost {
    /// `127.0.0.1`, the rule.
    #[serde(rename = "127.0.0.1")]
    V4,
    /// `[::1]`.
    #[serde(rename = "[::1]")]
    V6,
    /// `localhost`, where a provider insists; served on both addresses.
    #[serde(rename = "localhost")]
    Localhost,
}

impl LoopbackHost {
    /// As written in a URI.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V4 => "127.0.0.1",
            Self::V6 => "[::1]",
            Self::Localhost => "localhost",
        }
    }
}

/// Where the browser comes back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RedirectUri {
    /// Served by our own listener.
    Loopback {
        /// Host as spelled.
        host: LoopbackHost,
        /// None: an ephemeral port, chosen at each sign-in.
        port: Option<u16>,
        /// Path with its leading `/`; empty if the URI has none.
        path: String,
    },
    /// An https page of the person's own: the redirect URL is pasted by hand.
    Web(String),
}

/// Why no listener of ours can serve a redirect URI.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRedirect {
    /// Not a URL.
    #[error("`{0}` is not an absolute URL; use `http://127.0.0.1/callback`")]
    NotAUrl(String),
    /// A custom scheme, or https on loopback, or http elsewhere.
    #[error("`{0}` cannot be served: use http on loopback, such as `http://127.0.0.1/callback`")]
    NotServable(String),
    /// A query, fragment or user.
    #[error("`{0}` has a query, fragment or user; use only scheme, host, port and path")]
    Extra(String),
    /// A port that is not ours to bind.
    #[error("port {0} cannot be used for the callback; use one of 1024-65535, but not {API_PORT}")]
    Port(u16),
}

impl RedirectUri {
    /// The default: `http://127.0.0.1/callback` at an ephemeral port.
    pub fn ephemeral() -> Self {
        Self::Loopback {
            host: LoopbackHost::V4,
            port: None,
            path: "/callback".to_owned(),
        }
    }

    /// Reads a registered redirect URI. Port 0 and `{port}` mean an ephemeral port.
    pub fn parse(text: &str) -> Result<Self, BadRedirect> {
        let shown = || text.chars().take(200).collect::<String>();
        let plain = text.replace(":{port}", "").replace(":PORT", "");
        let url = Url::parse(&plain).map_err(|_| BadRedirect::NotAUrl(shown()))?;
        let host = match url.host() {
            Some(Host::Ipv4(ip)) if ip.octets() == [127, 0, 0, 1] => Some(LoopbackHost::V4),
            Some(Host::Ipv6(ip)) if ip.is_loopback() => Some(LoopbackHost::V6),
            Some(Host::Domain(name)) if name.eq_ignore_ascii_case("localhost") => {
                Some(LoopbackHost::Localhost)
            }
            Some(_) => None,
            None => return Err(BadRedirect::NotServable(shown())),
        };
        let has_user = !url.username().is_empty() || url.password().is_some();
        if url.query().is_some() || url.fragment().is_some() || has_user {
            return Err(BadRedirect::Extra(shown()));
        }
        match (url.scheme(), host) {
            ("http", Some(host)) => {
                let port = explicit_port(&plain).filter(|port| *port != 0);
                if let Some(port) = port
                    && (port < 1024 || port == API_PORT)
                {
                    return Err(BadRedirect::Port(port));
                }
                let path = if has_path(&plain) {
                    url.path().to_owned()
                } else {
                    String::new()
                };
                Ok(Self::Loopback { host, port, path })
            }
            ("https", None) if matches!(url.host(), Some(Host::Domain(_))) => {
                Ok(Self::Web(text.to_owned()))
            }
            _ => Err(BadRedirect::NotServable(shown())),
        }
    }

    /// The URI for a listener at `port`; the same text goes into both requests (RFC 6749, 4.1.3).
    pub fn at_port(&self, port: u16) -> String {
        match self {
            Self::Loopback { host, path, .. } => format!("http://{}:{port}{path}", host.as_str()),
            Self::Web(uri) => uri.clone(),
        }
    }
}

fn authority(text: &str) -> &str {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

/// The port as written: `Url` drops `:80`, which must be refused and not ignored.
fn explicit_port(text: &str) -> Option<u16> {
    let (_, port) = authority(text).rsplit_once(':')?;
    port.parse().ok()
}

fn has_path(text: &str) -> bool {
    text.split_once("://")
        .is_some_and(|(_, rest)| rest.contains('/'))
}

impl fmt::Display for RedirectUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loopback {
                host,
                port: Some(port),
                path,
            } => {
                write!(f, "http://{}:{port}{path}", host.as_str())
            }
            Self::Loopback {
                host,
                port: None,
                path,
            } => {
                write!(f, "http://{}{path}", host.as_str())
            }
            Self::Web(uri) => f.write_str(uri),
        }
    }
}

impl TryFrom<String> for RedirectUri {
    type Error = BadRedirect;

    fn try_from(text: String) -> Result<Self, BadRedirect> {
        Self::parse(&text)
    }
}

impl From<RedirectUri> for String {
    fn from(uri: RedirectUri) -> String {
        uri.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_we_can_serve_reads_and_writes_the_same() {
        for text in [
            "http://127.0.0.1/callback",
            "http://127.0.0.1:4316/callback",
            "http://localhost",
            "http://localhost:5000/",
            "http://[::1]/cb",
            "https://login.example.com/oauth/callback",
        ] {
            assert_eq!(RedirectUri::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_we_cannot_serve_is_refused() {
        for text in [
            "callback",
            "http://192.168.1.5/cb",
            "http://example.com/cb",
            "https://127.0.0.1/cb",
            "https://localhost/cb",
            "myapp://cb",
            "http://127.0.0.1/cb?x=1",
            "http://127.0.0.1/cb#f",
            "http://u@127.0.0.1/cb",
            "http://127.0.0.1:80/cb",
            "http://127.0.0.1:4315/cb",
            "urn:ietf:wg:oauth:2.0:oob",
        ] {
            assert!(RedirectUri::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_ephemeral_port_is_filled_in() {
        let uri = RedirectUri::parse("http://localhost:{port}").unwrap();
        assert_eq!(uri.at_port(5123), "http://localhost:5123");
    }
}
