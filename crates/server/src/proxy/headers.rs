//! Which headers pass. To the host goes what the program says to it, without what is meant for us or
//! could lead elsewhere; back comes what the host says to the program, without what is meant for a
//! browser or another login.

use http::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, HOST, HeaderName,
    IF_RANGE, LOCATION, RANGE, UPGRADE,
};
use http::{HeaderMap, HeaderValue};
use url::Url;
use valetkey_api::core::api_host::ApiHost;

use super::address::Address;
use crate::listeners::KEY_HEADER;

/// Meant for one connection only (RFC 9110, section 7.6.1), beside those that `Connection` names.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "http2-settings",
];

/// Never sent to a host: credentials of others, who asked from where, and what would make it another
/// request for a lenient host.
const NOT_TO_HOST: &[&str] = &[
    "authorization",
    // A proof of the program's own key (RFC 9449).
    "dpop",
    KEY_HEADER,
    "cookie",
    "cookie2",
    "forwarded",
    "via",
    "x-real-ip",
    "client-ip",
    "true-client-ip",
    "origin",
    "referer",
    "expect",
    "x-host",
    "x-rewrite-url",
    // The token could not be found in extended frames (RFC 7692).
    "sec-websocket-extensions",
];
const NOT_TO_HOST_PREFIXES: &[&str] = &["proxy-", "x-forwarded-", "x-original-", "sec-fetch-"];

/// Never sent back: a host has no business with the browser's stores, and no login but ours leads there.
const NOT_BACK: &[&str] = &[
    "set-cookie",
    "set-cookie2",
    "www-authenticate",
    "authentication-info",
    "dpop-nonce",
    "alt-svc",
    "clear-site-data",
    "strict-transport-security",
];
const NOT_BACK_PREFIXES: &[&str] = &["proxy-", "access-control-", "x-valet-key"];

/// How older clients write `Range`; some hosts still read it.
const REQUEST_RANGE: &str = "request-range";

/// Headers by which some hosts take a request for one with another method.
const METHOD_OVERRIDES: &[&str] = &[
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
];

pub(super) fn overrides_method(headers: &HeaderMap) -> bool {
    METHOD_OVERRIDES
        .iter()
        .any(|name| headers.contains_key(*name))
}

/// Whether the program wants a WebSocket (RFC 6455, section 4.1). No other protocol is switched to.
pub(super) fn asks_for_web_socket(headers: &HeaderMap) -> bool {
    let is_upgrade = connection_options(headers).any(|option| option == "upgrade");
    let protocol = headers.get(UPGRADE).and_then(|value| value.to_str().ok());
    is_upgrade && protocol.is_some_and(|name| name.eq_ignore_ascii_case("websocket"))
}

/// The headers of the request to the host, still without the token.
pub(super) fn to_host(sent: &HeaderMap, web_socket: bool) -> HeaderMap {
    let mut headers = without(sent, NOT_TO_HOST, NOT_TO_HOST_PREFIXES);
    headers.remove(HOST);
    headers.remove(CONTENT_LENGTH);
    remove_byte_ranges(&mut headers);
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if web_socket {
        switch_to_web_socket(&mut headers);
    }
    headers
}

/// The headers of the response to the program.
pub(super) fn from_host(received: &HeaderMap, web_socket: bool) -> HeaderMap {
    let mut headers = without(received, NOT_BACK, NOT_BACK_PREFIXES);
    if names_bytes(&headers, ACCEPT_RANGES) {
        headers.remove(ACCEPT_RANGES);
    }
    if web_socket {
        switch_to_web_socket(&mut headers);
    }
    headers
}

/// A token that the host sends back could be read in pieces, each too short to be found, so the host is
/// asked for the whole: no client may count on a range (RFC 9110, section 14.2). Ranges in other units,
/// by which some APIs page, cut no text.
fn remove_byte_ranges(headers: &mut HeaderMap) {
    if names_bytes(headers, RANGE) || headers.contains_key(REQUEST_RANGE) {
        headers.remove(RANGE);
        headers.remove(REQUEST_RANGE);
        headers.remove(IF_RANGE);
    }
}

/// Whether a header with range units names bytes, in any spelling that a lenient host could accept.
fn names_bytes(headers: &HeaderMap, name: HeaderName) -> bool {
    let mut values = headers.get_all(name).iter();
    values.any(|value| {
        let value = value.as_bytes().to_ascii_lowercase();
        memchr::memmem::find(&value, b"bytes").is_some()
    })
}

/// Whether a body is encoded, in any of the ways that the headers name.
pub(super) fn is_encoded(received: &HeaderMap) -> bool {
    let is_plain = |coding: &str| {
        let coding = coding.trim();
        coding.is_empty() || coding.eq_ignore_ascii_case("identity")
    };
    let mut values = received.get_all(CONTENT_ENCODING).iter();
    !values.all(|value| {
        let codings = value.to_str();
        codings.is_ok_and(|codings| codings.split(',').all(is_plain))
    })
}

fn switch_to_web_socket(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

fn without(headers: &HeaderMap, names: &[&str], prefixes: &[&str]) -> HeaderMap {
    let options: Vec<String> = connection_options(headers).collect();
    let passes = |name: &HeaderName| {
        let name = name.as_str();
        !HOP_BY_HOP.contains(&name)
            && !names.contains(&name)
            && !prefixes.iter().any(|prefix| name.starts_with(prefix))
            && !options.iter().any(|option| option == name)
    };
    let passing = headers.iter().filter(|(name, _)| passes(name));
    passing
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let values = headers.get_all(CONNECTION).iter();
    let options = values.filter_map(|value| value.to_str().ok());
    let options = options.flat_map(|value| value.split(','));
    options.map(|option| option.trim().to_ascii_lowercase())
}

/// Leads a redirect to one of the connection's hosts through the proxy; others stay as they are, and
/// whoever follows them has no token to take along.
pub(super) fn rewrite_location(
    headers: &mut HeaderMap,
    address: &Address<'_>,
    sent_to: &Url,
    hosts: &[ApiHost],
) {
    let Some(location) = headers.get(LOCATION).and_then(|value| value.to_str().ok()) else {
        return;
    };
    let Ok(target) = sent_to.join(location) else {
        return;
    };
    let Some(host) = ApiHost::of(&target).filter(|host| hosts.contains(host)) else {
        return;
    };
    let is_first = hosts.first() == Some(&host);
    let named = (!is_first || address.host.is_some()).then(|| host.authority());
    let rest = &target[url::Position::BeforePath..];
    let rewritten = format!("{}{rest}", address.prefix(named));
    if let Ok(rewritten) = rewritten.try_into() {
        headers.insert(LOCATION, rewritten);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_what_is_meant_for_the_host_reaches_it() {
        let sent = headers(&[
            ("host", "127.0.0.1:4315"),
            ("authorization", "Bearer vk_x"),
            ("dpop", "a.b.c"),
            ("x-valet-key", "vk_x"),
            ("cookie", "a=b"),
            ("proxy-authorization", "Basic x"),
            ("proxy-connection", "close"),
            ("forwarded", "for=1"),
            ("x-forwarded-host", "evil.test"),
            ("x-forwarded-for", "1"),
            ("x-original-url", "/admin"),
            ("x-rewrite-url", "/admin"),
            ("origin", "http://127.0.0.1:4315"),
            ("sec-fetch-site", "none"),
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("te", "trailers"),
            ("transfer-encoding", "chunked"),
            ("content-length", "3"),
            ("upgrade", "h2c"),
            ("http2-settings", "x"),
            ("expect", "100-continue"),
            ("accept-encoding", "gzip"),
            ("accept", "application/json"),
            ("x-api-version", "2"),
        ]);
        let kept = headers(&[
            ("accept", "application/json"),
            ("x-api-version", "2"),
            ("accept-encoding", "identity"),
        ]);
        assert_eq!(to_host(&sent, false), kept);
    }

    #[test]
    fn nothing_for_browsers_or_logins_comes_back() {
        let received = headers(&[
            ("set-cookie", "a=b"),
            (
                "www-authenticate",
                "Bearer resource_metadata=\"https://h/\"",
            ),
            ("proxy-authenticate", "Basic"),
            ("dpop-nonce", "n"),
            ("access-control-allow-origin", "*"),
            ("x-valet-key-connect-url", "https://evil.test/"),
            ("keep-alive", "timeout=5"),
            ("connection", "x-hop"),
            ("x-hop", "1"),
            ("etag", "x"),
            ("link", "</2>; rel=next"),
        ]);
        let kept = headers(&[("etag", "x"), ("link", "</2>; rel=next")]);
        assert_eq!(from_host(&received, false), kept);
    }

    #[test]
    fn ranges_of_bytes_are_not_asked_for_and_not_offered() {
        let identity = ("accept-encoding", "identity");
        for sent in [
            vec![("range", "bytes=0-9"), ("if-range", "x")],
            vec![("range", "id a..; max=9"), ("range", " Bytes = 0-9")],
            vec![("request-range", "bytes=0-9")],
        ] {
            assert_eq!(to_host(&headers(&sent), false), headers(&[identity]));
        }
        let pages = [("range", "id a..; max=9"), identity];
        assert_eq!(to_host(&headers(&pages), false), headers(&pages));
        let offered = headers(&[("accept-ranges", "bytes")]);
        assert_eq!(from_host(&offered, false), HeaderMap::new());
        let pages = headers(&[("accept-ranges", "id, name")]);
        assert_eq!(from_host(&pages, false), pages);
    }

    #[test]
    fn a_web_socket_is_the_only_other_protocol() {
        let ask = |connection, upgrade| {
            asks_for_web_socket(&headers(&[
                ("connection", connection),
                ("upgrade", upgrade),
            ]))
        };
        assert!(ask("keep-alive, Upgrade", "WebSocket"));
        assert!(!ask("Upgrade", "h2c"));
        assert!(!ask("keep-alive", "websocket"));
    }

    #[test]
    fn redirects_stay_within_the_proxy_or_leave_without_a_token() {
        let hosts = ["api.test", "files.test:8443"].map(|host| ApiHost::parse(host).unwrap());
        let at = |path: &str, location: &'static str| {
            let address = Address::parse(path).unwrap();
            let sent_to = Url::parse("https://api.test/a/b?c").unwrap();
            let mut headers = headers(&[("location", location)]);
            rewrite_location(&mut headers, &address, &sent_to, &hosts);
            headers["location"].to_str().unwrap().to_owned()
        };
        for (location, rewritten) in [
            ("/x?y=1#z", "/proxy/g%2Fw/x?y=1#z"),
            ("d", "/proxy/g%2Fw/a/d"),
            ("https://API.test:443/x", "/proxy/g%2Fw/x"),
            ("//api.test/x", "/proxy/g%2Fw/x"),
            (
                "https://files.test:8443/x",
                "/proxy/g%2Fw/@files.test:8443/x",
            ),
            ("http://api.test/x", "http://api.test/x"),
            ("https://evil.test/x", "https://evil.test/x"),
            ("https://api.test.evil.test/", "https://api.test.evil.test/"),
            ("https://api.test@evil.test/", "https://api.test@evil.test/"),
            ("mailto:a@b", "mailto:a@b"),
        ] {
            assert_eq!(at("/proxy/g%2Fw/a/b", location), rewritten);
        }
        let named = at("/proxy/g/@api.test/a", "/x");
        assert_eq!(named, "/proxy/g/@api.test/x");
    }
}
