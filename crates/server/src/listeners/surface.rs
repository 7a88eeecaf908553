//! What a path belongs to. The guard answers before the router, and each surface has its own ways: the
//! keys that it takes, and the shape of a refusal.

use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use valetkey_api::core::secret::ClientKey;
use zeroize::Zeroizing;

use super::loopback_guard::GuardError;
use crate::proxy;

/// Path of the connect page, before its nonce.
pub(crate) const CONNECT_PATH: &str = "/connect/";
/// Path of the proxy, before the name of a connection.
pub(crate) const PROXY_PATH: &str = "/proxy/";
/// The client key of a tool that sends another `Authorization` of its own.
pub(crate) const KEY_HEADER: &str = "x-valet-key";

/// What is served at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surface<'a> {
    /// The API.
    Api,
    /// The proxy to a connection's hosts.
    Proxy,
    /// The page behind a sign-in link.
    ConnectPage {
        /// The secret in its address.
        nonce: &'a str,
    },
    /// OAuth metadata (RFC 8615), which is never served, also not another host's.
    Metadata,
}

impl<'a> Surface<'a> {
    pub(super) fn of(path: &'a str) -> Self {
        if let Some(nonce) = path.strip_prefix(CONNECT_PATH) {
            return Self::ConnectPage { nonce };
        }
        let proxied = path.strip_prefix(PROXY_PATH);
        if path.starts_with("/.well-known/") || proxied.is_some_and(names_metadata) {
            return Self::Metadata;
        }
        match proxied {
            Some(_) => Self::Proxy,
            None => Self::Api,
        }
    }

    /// The client key in these headers. The API takes `Authorization: Bearer vk_...` (RFC 6750, section
    /// 2.1), sent once. The proxy also takes [`KEY_HEADER`], which then is the only one that counts, and
    /// the password of `Authorization: Basic`.
    pub(super) fn client_key(self, headers: &HeaderMap) -> Option<ClientKey> {
        let basic = match self {
            Self::Api | Self::ConnectPage { .. } | Self::Metadata => false,
            Self::Proxy => true,
        };
        if basic && headers.contains_key(KEY_HEADER) {
            return as_key(once(headers, KEY_HEADER)?.trim());
        }
        let (scheme, value) = once(headers, AUTHORIZATION.as_str())?.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return as_key(value.trim());
        }
        if !basic || !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let decoded = Zeroizing::new(BASE64_STANDARD.decode(value.trim()).ok()?);
        let (_user, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
        as_key(password)
    }
}

impl Surface<'_> {
    /// The guard's refusal, in the shape of the surface.
    pub(super) fn refuse(self, error: GuardError) -> Response {
        match (self, error) {
            (_, GuardError::Target) | (Self::Proxy | Self::Metadata, _) => proxy::refusal(error),
            (Self::Api | Self::ConnectPage { .. }, _) => error.into_response(),
        }
    }
}

/// Whether a part of this path is `.well-known`, however it is encoded.
pub(crate) fn names_metadata(path: &str) -> bool {
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
    let mut segments = decoded.split(['/', '\\']);
    segments.any(|segment| segment.eq_ignore_ascii_case(".well-known"))
}

fn once<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().and_then(text)?;
    values.next().is_none().then_some(value)
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

fn as_key(text: &str) -> Option<ClientKey> {
    text.starts_with("vk_").then(|| ClientKey::new(text))
}
