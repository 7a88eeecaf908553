//! The path of a proxied request, checked as it was sent. A host may read a path in other ways than we
//! do: what could mean another path than it says is refused, never mended.

/// A path that means the same to everybody: no dot segments, no encoded slashes, nothing encoded twice
/// that would become one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProxyPath<'a>(&'a str);

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPath {
    /// `.`, `..`, also encoded.
    #[error("the path has a `.` or `..` in it")]
    DotSegment,
    /// `%2F`, `%5C`, `\`.
    #[error("the path has an encoded slash or a backslash in it")]
    Slash,
    /// No valid percent-encoding, or a control character.
    #[error("the path is not plain percent-encoded text")]
    Encoding,
}

/// Decoding this often must not change what a path means.
const DECODINGS: usize = 3;

impl<'a> ProxyPath<'a> {
    /// Checks `raw`, which begins with `/` and has no query.
    pub fn check(raw: &'a str) -> Result<Self, BadPath> {
        if !raw.starts_with('/') || !raw.is_ascii() || !has_valid_escapes(raw) {
            return Err(BadPath::Encoding);
        }
        let slashes = raw.matches('/').count();
        let mut text = raw.to_owned();
        for _ in 0..DECODINGS {
            if text.contains('\\') || text.matches('/').count() != slashes {
                return Err(BadPath::Slash);
            }
            if text.chars().any(char::is_control) {
                return Err(BadPath::Encoding);
            }
            if text.split('/').map(without_parameters).any(is_dots) {
                return Err(BadPath::DotSegment);
            }
            let decoded = decode(&text);
            if decoded == text {
                break;
            }
            text = decoded;
        }
        Ok(Self(raw))
    }

    /// As it was sent.
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// Whether both paths may be one resource for a host that is lenient about letter case, encoding,
    /// empty segments and parameters of segments (RFC 3986, section 3.3).
    pub fn may_be(self, other: &str) -> bool {
        lenient(self.0) == lenient(other)
    }
}

fn lenient(path: &str) -> Vec<String> {
    let decoded = decode(path).to_lowercase();
    let segments = decoded.split('/').map(without_parameters);
    let segments = segments
        .map(str::trim)
        .filter(|segment| !segment.is_empty());
    segments.map(str::to_owned).collect()
}

fn without_parameters(segment: &str) -> &str {
    segment.split_once(';').map_or(segment, |(name, _)| name)
}

fn is_dots(segment: &str) -> bool {
    segment == "." || segment == ".."
}

fn has_valid_escapes(text: &str) -> bool {
    let mut escapes = text.split('%').skip(1);
    escapes.all(|rest| {
        let digits = rest.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    })
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_path_passes_as_it_is() {
        for path in [
            "/",
            "/user",
            "/repos/o/r/contents/a%20b.txt",
            "/gmail/v1/users/me/messages",
            "/v1.0/me/drive/root:/a.txt:/content",
            "/a//b/",
            "/...",
            "/.github",
            "/%C3%BC",
            "/100%25",
            "/x;v=1",
        ] {
            assert_eq!(ProxyPath::check(path).map(ProxyPath::as_str), Ok(path));
        }
    }

    #[test]
    fn what_could_be_another_path_is_refused() {
        for (path, why) in [
            ("/../token", BadPath::DotSegment),
            ("/a/..", BadPath::DotSegment),
            ("/./token", BadPath::DotSegment),
            ("/a/%2e%2E/token", BadPath::DotSegment),
            ("/a/.%2e/token", BadPath::DotSegment),
            ("/a/%252e%252e/token", BadPath::DotSegment),
            ("/a/..;x=1/token", BadPath::DotSegment),
            ("/a%2ftoken", BadPath::Slash),
            ("/a%2Ftoken", BadPath::Slash),
            ("/a%252Ftoken", BadPath::Slash),
            ("/a%5Ctoken", BadPath::Slash),
            ("/a\\token", BadPath::Slash),
            ("/a%00", BadPath::Encoding),
            ("/a%0d%0aX: y", BadPath::Encoding),
            ("/a%2", BadPath::Encoding),
            ("/a%zz", BadPath::Encoding),
            ("/\u{fc}", BadPath::Encoding),
            ("token", BadPath::Encoding),
        ] {
            assert_eq!(ProxyPath::check(path), Err(why), "{path}");
        }
    }

    #[test]
    fn a_path_is_known_in_every_spelling() {
        for path in [
            "/token",
            "/token/",
            "//token",
            "/TOKEN",
            "/%74oken",
            "/token;x=1",
            "/token//",
            "/token%20",
        ] {
            assert!(ProxyPath::check(path).unwrap().may_be("/token"), "{path}");
        }
        for path in ["/tokens", "/a/token", "/token/info", "/"] {
            assert!(!ProxyPath::check(path).unwrap().may_be("/token"), "{path}");
        }
    }
}
