//! Which addresses a server may send us to.
//!
//! A document on a public server could name a router, a cloud's metadata service or a program on this
//! machine (server-side request forgery). Private addresses are for those whose own URL, typed by the
//! person, is private.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::Host;

use super::shown;
use crate::endpoint_url::EndpointUrl;

/// Where requests may go that a document has named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// To public addresses only.
    Public,
    /// Anywhere: the URL that the person typed is private itself.
    Any,
}

impl Network {
    /// The URL, if a request may go there as far as its text says; else why not. What a name resolves to
    /// is checked when the connection is made.
    pub fn check(self, url: &str) -> Result<EndpointUrl, String> {
        let parsed = EndpointUrl::parse(url)
            .map_err(|_| "it is no https URL (http is allowed on this machine only)".to_owned())?;
        if self == Self::Public && is_named_local(&parsed) {
            return Err(format!(
                "`{}` is a private address, and a public server named it",
                shown(&parsed.host())
            ));
        }
        Ok(parsed)
    }

    /// Whether a connection to this address may be made.
    pub fn allows(self, address: IpAddr) -> bool {
        self == Self::Any || is_public(address)
    }
}

/// Whether the URL itself says that it is private: an address, or a name that is never a public one
/// (RFC 6761, RFC 6762, RFC 8375).
pub fn is_named_local(url: &EndpointUrl) -> bool {
    match url.to_url().host() {
        Some(Host::Ipv4(ip)) => !is_public(ip.into()),
        Some(Host::Ipv6(ip)) => !is_public(ip.into()),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let last = name.rsplit('.').next().unwrap_or_default();
            last == name
                || matches!(last, "localhost" | "local" | "internal")
                || name.ends_with(".home.arpa")
        }
        None => true,
    }
}

/// Whether the address belongs to a host of the public internet (the IANA registries of special-purpose
/// addresses). One that carries an IPv4 address is judged by that.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match embedded(ip) {
            Some(inner) => is_public_v4(inner),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol = (a, b, c) == (192, 0, 0);
    let benchmark = a == 198 && (b == 18 || b == 19);
    !(a == 0
        || a >= 240
        || shared
        || protocol
        || benchmark
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation())
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let first = ip.segments()[0];
    // All that is public so far begins with 001; documentation and benchmarks stand in it, too.
    let documentation = first == 0x2001 && ip.segments()[1] == 0xdb8 || first & 0xfff0 == 0x3ff0;
    let special = first == 0x2001 && ip.segments()[1] < 0x200;
    first & 0xe000 == 0x2000 && !documentation && !special
}

/// The IPv4 address within: mapped, compatible, NAT64 (RFC 6052) or 6to4 (RFC 3056).
fn embedded(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let (high, low) = match ip.segments() {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] if high != 0 => (high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => (high, low),
        _ => return None,
    };
    Some(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_and_special_addresses_are_not_public() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.0.8",
            "198.18.0.1",
            "192.0.2.1",
            "240.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "2001:db8::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "::127.0.0.1",
            "2001::1",
            "64:ff9b:1::1",
            "100::1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn hosts_of_the_internet_are_public() {
        for text in [
            "1.1.1.1",
            "172.32.0.1",
            "192.0.1.1",
            "100.128.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn spellings_of_private_addresses_are_seen_through() {
        for url in [
            "https://127.1/x",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://[::ffff:7f00:1]/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://a.localhost/",
            "https://nas/",
            "https://nas.local/",
            "https://metadata.google.internal/",
            "https://x.home.arpa/",
        ] {
            assert!(Network::Public.check(url).is_err(), "{url}");
            assert!(Network::Any.check(url).is_ok(), "{url}");
        }
        assert!(Network::Public.check("https://mcp.example.com/x").is_ok());
    }
}
