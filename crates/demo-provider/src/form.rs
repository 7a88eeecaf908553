//! Request parameters: queries, form bodies and Basic credentials. Parsing accepts any bytes; a
//! repeated parameter is an error when it is read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A decoded query or form body, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Form(Vec<(String, String)>);

/// The named parameter is repeated, which RFC 6749 section 3.1 forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repeated(pub(crate) &'static str);

impl Form {
    pub(crate) fn parse(encoded: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(encoded).into_owned().collect())
    }

    /// The only value of `name`. An empty value counts as none (RFC 6749 section 3.1).
    pub(crate) fn one(&self, name: &'static str) -> Result<Option<&str>, Repeated> {
        let mut values = self.all(name);
        let first = values.next();
        if values.next().is_some() {
            return Err(Repeated(name));
        }
        Ok(first.filter(|value| !value.is_empty()))
    }

    pub(crate) fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }
}

/// A client's id and secret from an `Authorization: Basic` header.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Basic {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Basic {
    /// Both parts are form-encoded before they are joined (RFC 6749 section 2.3.1).
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let (scheme, encoded) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let bytes = STANDARD.decode(encoded.trim()).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (id, secret) = text.split_once(':')?;
        Some(Self {
            id: form_decode(id),
            secret: form_decode(secret),
        })
    }
}

/// The token of an `Authorization: Bearer` header.
pub(crate) fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

/// `form_urlencoded` splits at `&` and `=`, which are literal here, so they are escaped first.
fn form_decode(encoded: &str) -> String {
    let escaped = encoded.replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(escaped.as_bytes())
        .map(|(text, _)| text.into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn form_encode(text: &str) -> String {
        url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
    }

    fn basic_header(id: &str, secret: &str) -> String {
        let joined = format!("{}:{}", form_encode(id), form_encode(secret));
        format!("Basic {}", STANDARD.encode(joined))
    }

    #[test]
    fn secret_with_every_awkward_character_survives_basic() {
        let header = basic_header("demo", "a:b/+ é%&=");
        let basic = Basic::parse(&header).unwrap();
        assert_eq!(
            (basic.id.as_str(), basic.secret.as_str()),
            ("demo", "a:b/+ é%&=")
        );
    }

    #[test]
    fn repeated_parameter_is_refused_and_empty_one_is_absent() {
        let form = Form::parse(b"code=1&code=2&state=&scope=a+b");
        assert_eq!(form.one("code"), Err(Repeated("code")));
        assert_eq!(form.one("state"), Ok(None));
        assert_eq!(form.one("scope"), Ok(Some("a b")));
    }

    proptest! {
        #[test]
        fn form_takes_any_bytes(bytes: Vec<u8>) {
            let form = Form::parse(&bytes);
            let _ = form.one("code");
        }

        #[test]
        fn form_round_trips(pairs in prop::collection::vec(any::<(String, String)>(), 0..8)) {
            let encoded = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&pairs)
                .finish();
            prop_assert_eq!(Form::parse(encoded.as_bytes()).into_pairs(), pairs);
        }

        #[test]
        fn basic_takes_any_text(text: String) {
            let _ = Basic::parse(&text);
            let _ = Basic::parse(&format!("Basic {text}"));
            let _ = Basic::parse(&format!("Basic {}", STANDARD.encode(text)));
        }

        #[test]
        fn basic_round_trips(id: String, secret: String) {
            let basic = Basic::parse(&basic_header(&id, &secret)).unwrap();
            prop_assert_eq!((basic.id, basic.secret), (id, secret));
        }

        #[test]
        fn bearer_takes_any_text(text: String) {
            let _ = bearer(&text);
        }
    }
}
