//! `/proxy/{connection}/{path}` and `/proxy/{connection}/@{host}/{path}`, read from the path as it was
//! sent: what stands behind the connection belongs to the host.

use percent_encoding::percent_decode_str;
use valetkey_api::core::proxy_path::{BadPath, ProxyPath};

use crate::listeners::{PROXY_PATH, names_metadata};

/// What a proxied request names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address<'a> {
    /// The connection as in the path, still encoded.
    connection: &'a str,
    /// The host, if one is named.
    pub(super) host: Option<&'a str>,
    /// For the host.
    pub(super) path: ProxyPath<'a>,
}

/// Why a path names nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadAddress {
    /// There is no connection in it, or it is not UTF-8.
    NoConnection,
    /// OAuth metadata.
    Metadata,
    Path(BadPath),
}

impl<'a> Address<'a> {
    pub(super) fn parse(path: &'a str) -> Result<Self, BadAddress> {
        let rest = path
            .strip_prefix(PROXY_PATH)
            .ok_or(BadAddress::NoConnection)?;
        let (connection, rest) = split_segment(rest);
        let (host, path) = match rest.strip_prefix("/@") {
            Some(rest) => {
                let (host, rest) = split_segment(rest);
                (Some(host), rest)
            }
            None => (None, rest),
        };
        if connection.is_empty() || host.is_some_and(str::is_empty) {
            return Err(BadAddress::NoConnection);
        }
        let path = if path.is_empty() { "/" } else { path };
        let path = ProxyPath::check(path).map_err(BadAddress::Path)?;
        if names_metadata(path.as_str()) {
            return Err(BadAddress::Metadata);
        }
        Ok(Self {
            connection,
            host,
            path,
        })
    }

    /// Name or id of the connection.
    pub(super) fn connection(&self) -> Result<String, BadAddress> {
        let decoded = percent_decode_str(self.connection).decode_utf8();
        decoded
            .map(Into::into)
            .map_err(|_| BadAddress::NoConnection)
    }

    /// The path of the same connection and this host (None: its first) before a host's path.
    pub(super) fn prefix(&self, host: Option<&str>) -> String {
        let connection = self.connection;
        match host {
            Some(host) => format!("{PROXY_PATH}{connection}/@{host}"),
            None => format!("{PROXY_PATH}{connection}"),
        }
    }
}

fn split_segment(path: &str) -> (&str, &str) {
    path.split_at(path.find('/').unwrap_or(path.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_host_and_path_are_told_apart() {
        for (path, connection, host, rest) in [
            ("/proxy/github/user", "github", None, "/user"),
            ("/proxy/github%2Fwork/user", "github/work", None, "/user"),
            ("/proxy/github", "github", None, "/"),
            ("/proxy/github/", "github", None, "/"),
            ("/proxy/g/@h.test/a/b", "g", Some("h.test"), "/a/b"),
            ("/proxy/g/@h.test:8443", "g", Some("h.test:8443"), "/"),
            ("/proxy/g/a/@b/c", "g", None, "/a/@b/c"),
            ("/proxy/g//a", "g", None, "//a"),
        ] {
            let address = Address::parse(path).unwrap();
            assert_eq!(address.connection().unwrap(), connection, "{path}");
            assert_eq!(
                (address.host, address.path.as_str()),
                (host, rest),
                "{path}"
            );
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (path, why) in [
            ("/proxy/", BadAddress::NoConnection),
            ("/proxy//user", BadAddress::NoConnection),
            ("/proxy/g/@/user", BadAddress::NoConnection),
            ("/proxy/g/.well-known/x", BadAddress::Metadata),
            ("/proxy/g/@h/a/.WELL-known", BadAddress::Metadata),
            ("/proxy/g/%2ewell-known/x", BadAddress::Metadata),
            ("/proxy/g/../h/user", BadAddress::Path(BadPath::DotSegment)),
            ("/proxy/g/a%2fb", BadAddress::Path(BadPath::Slash)),
        ] {
            assert_eq!(Address::parse(path), Err(why), "{path}");
        }
    }
}
